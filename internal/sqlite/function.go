package sqlite

import (
	"bytes"
	"errors"

	"github.com/go-json-experiment/json"
	"zombiezen.com/go/sqlite"

	"docket"
	"docket/internal/sqlite/engine"
)

// addFunctions adds the functions of this package to the SQL of a connection.
func addFunctions(c *engine.Conn) error {
	return errors.Join(
		c.AddFunction("contains", 2, true, contains),
		c.AddFunction("has_tags", 2, true, hasTags),
		c.AddFunction("size_of_tags", 1, true, sizeOfTags),
		addInTime(c, func() bool { return true }), // readers have another
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
