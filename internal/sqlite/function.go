package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"strings"
	"sync"
	"time"

	sqlite "modernc.org/sqlite"
)

// registerFunctions adds the functions of this package to SQL.
var registerFunctions = sync.OnceValue(func() error {
	return errors.Join(
		sqlite.RegisterFunction("contains", &sqlite.FunctionImpl{NArgs: 2, Deterministic: true, VolatileArgs: true, Scalar: contains}),
		sqlite.RegisterFunction("in_time", &sqlite.FunctionImpl{NArgs: 1, Scalar: inTime}),
	)
})

// contains reports whether a text contains another, in time that is linear in the
// first: SQLite's instr compares the second at every place of the first.
func contains(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
	text, _ := args[0].(string) // NULL contains nothing
	part, _ := args[1].(string)
	return strings.Contains(text, part), nil
}

// inTime returns true until the time of an argument from inTimeArg, and then an error.
// The driver interrupts a statement until its first row only. A statement whose next
// row may be far calls this for each row.
func inTime(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
	if end, ok := args[0].(int64); ok && time.Since(begin) >= time.Duration(end) {
		return nil, errDeadline
	}
	return true, nil
}

var begin = time.Now() // of the monotonic time that inTime compares

// inTimeArg returns the argument of in_time for the deadline of ctx.
func inTimeArg(ctx context.Context) any {
	deadline, ok := ctx.Deadline()
	if !ok {
		return nil
	}
	return int64(deadline.Sub(begin))
}
