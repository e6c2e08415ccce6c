package sqlite

import (
	"bytes"
	"errors"

	"github.com/go-json-experiment/json"
	"zombiezen.com/go/sqlite"

	"docket"
)

// scalar is the code of a function in SQL. Its arguments are valid until it returns. The
// library loses an error that it returns.
type scalar = func(sqlite.Context, []sqlite.Value) (sqlite.Value, error)

// registerFunctions adds the functions of this package to the SQL of the connection.
func (c *connection) registerFunctions() error {
	add := func(name string, args int, deterministic bool, f scalar) error {
		return c.conn.CreateFunction(name, &sqlite.FunctionImpl{NArgs: args, Deterministic: deterministic, Scalar: f})
	}
	return errors.Join(
		add("contains", 2, true, contains),
		add("has_tags", 2, true, hasTags),
		add("size_of_tags", 1, true, sizeOfTags),
		add("in_time", 0, false, func(sqlite.Context, []sqlite.Value) (sqlite.Value, error) { return truth(c.inTime()), nil }),
	)
}

func truth(b bool) sqlite.Value {
	if b {
		return sqlite.IntegerValue(1)
	}
	return sqlite.IntegerValue(0)
}

// contains reports whether a text contains another, in time that is linear in the
// first: SQLite's instr compares the second at every place of the first. NULL contains
// nothing.
func contains(_ sqlite.Context, args []sqlite.Value) (sqlite.Value, error) {
	return truth(args[0].Type() != sqlite.TypeNull && bytes.Contains(args[0].Blob(), args[1].Blob())), nil
}

// hasTags reports whether a list of tags holds all of another. Both are from foldedTags.
func hasTags(_ sqlite.Context, args []sqlite.Value) (sqlite.Value, error) {
	tags, wanted := args[0].Blob(), args[1].Blob()
	for len(wanted) > 1 {
		n := bytes.IndexByte(wanted[1:], tagEnd) + 1
		if !bytes.Contains(tags, wanted[:n+1]) {
			return truth(false), nil
		}
		wanted = wanted[n:]
	}
	return truth(true), nil
}

// sizeOfTags returns what the column tags adds to docket.Task.Size.
func sizeOfTags(_ sqlite.Context, args []sqlite.Value) (sqlite.Value, error) {
	var t docket.Task
	_ = json.Unmarshal(args[0].Blob(), &t.Tags) // reading the task will tell
	return sqlite.IntegerValue(t.Size() - bareSize), nil
}

// inTime returns false when the connection is interrupted, so that a pass ends soon:
// SQLite forgets an interrupt from the moment before a statement begins. A pass calls it
// for each row, and it rests there.
func (c *connection) inTime() bool {
	if c.alarm.ringing() {
		return false
	}
	c.endSlice()
	return true
}
