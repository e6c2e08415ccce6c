package sqlite

import (
	"bytes"
	"errors"
	"sync/atomic"
	"time"

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
		c.AddFunction("in_time", 0, false, func(sqlite.Context, []sqlite.Value) (sqlite.Value, error) { return truth(inTime(c)), nil }),
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
// for each row.
func inTime(c *engine.Conn) bool {
	if c.Interrupted() {
		return false
	}
	passed := time.Since(begin)
	if last := paused.Load(); passed-time.Duration(last) >= pauseAfter && paused.CompareAndSwap(last, int64(passed)) {
		time.Sleep(pause)
	}
	return true
}

// Passes pause after so much time. Go looks for arrivals on the network only every
// 10 ms while all cores are busy, so the requests of others would wait for a pass.
const (
	pauseAfter = 5 * time.Millisecond
	pause      = time.Millisecond
)

var paused atomic.Int64 // when a pass paused last, after begin

var begin = time.Now()
