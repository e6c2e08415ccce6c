package sqlite

import (
	"bytes"
	"context"
	"database/sql/driver"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	sqlite "modernc.org/sqlite"

	"docket"
)

// registerFunctions adds the functions of this package to SQL.
var registerFunctions = sync.OnceValue(func() error {
	return errors.Join(
		sqlite.RegisterFunction("contains", &sqlite.FunctionImpl{NArgs: 2, Deterministic: true, VolatileArgs: true, Scalar: contains}),
		sqlite.RegisterFunction("has_tags", &sqlite.FunctionImpl{NArgs: 2, Deterministic: true, VolatileArgs: true, Scalar: hasTags}),
		sqlite.RegisterFunction("size_of_tags", &sqlite.FunctionImpl{NArgs: 1, Deterministic: true, Scalar: sizeOfTags}),
		sqlite.RegisterFunction("in_time", &sqlite.FunctionImpl{NArgs: 1, Scalar: inTime}),
	)
})

// contains reports whether a text contains another, in time that is linear in the
// first: SQLite's instr compares the second at every place of the first.
func contains(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
	part, _ := args[1].(string)
	switch text := args[0].(type) {
	case string:
		return strings.Contains(text, part), nil
	case []byte:
		return bytes.Contains(text, []byte(part)), nil
	}
	return false, nil // NULL contains nothing
}

// hasTags reports whether a list of tags holds all of another. Both are from foldedTags.
func hasTags(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
	tags, _ := args[0].([]byte)
	wanted, _ := args[1].([]byte)
	for len(wanted) > 1 {
		n := bytes.IndexByte(wanted[1:], tagEnd) + 1
		if !bytes.Contains(tags, wanted[:n+1]) {
			return false, nil
		}
		wanted = wanted[n:]
	}
	return true, nil
}

// sizeOfTags returns what the column tags adds to docket.Task.Size.
func sizeOfTags(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
	var t docket.Task
	err := (*tagList)(&t.Tags).Scan(args[0])
	return t.Size() - bareSize, err
}

// inTime returns true until the time of an argument from inTimeArg, and then an error.
// The driver interrupts a statement until its first row only. A statement whose next
// row may be far calls this for each row.
func inTime(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
	passed := time.Since(begin)
	if end, ok := args[0].(int64); ok && passed >= time.Duration(end) {
		return nil, errDeadline
	}
	if last := paused.Load(); passed-time.Duration(last) >= pauseAfter && paused.CompareAndSwap(last, int64(passed)) {
		time.Sleep(pause)
	}
	return true, nil
}

// Passes pause after so much time. Go looks for arrivals on the network only every
// 10 ms while all cores are busy, so the requests of others would wait for a pass.
const (
	pauseAfter = 5 * time.Millisecond
	pause      = time.Millisecond
)

var paused atomic.Int64 // when a pass paused last, after begin

var begin = time.Now() // of the monotonic time that inTime compares

// inTimeArg returns the argument of in_time for the deadline of ctx.
func inTimeArg(ctx context.Context) any {
	deadline, ok := ctx.Deadline()
	if !ok {
		return nil
	}
	return int64(deadline.Sub(begin))
}
