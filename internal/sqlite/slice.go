package sqlite

import (
	"sync/atomic"
	"time"

	"zombiezen.com/go/sqlite"

	"docket"
	"docket/internal/sqlite/engine"
)

// A pass works in slices and rests between them. Go looks for arrivals on the network
// only every 10 ms while all cores are busy. Decision 0012 has the measurements that chose
// the lengths.
const (
	// The first slice of a pass, and all of them while no short read or write comes: most
	// passes end before it does.
	longSlice = 5 * time.Millisecond
	longRest  = time.Millisecond
	// Beside short reads and writes: a fifth of a core, in slices that are shorter than
	// most of their requests.
	shortSlice = 300 * time.Microsecond
	shortRest  = 1200 * time.Microsecond
	// besideFor is how long after an arrival further ones are expected.
	besideFor = 100 * time.Millisecond
	// maxRests bounds the rests that do not count towards docket.PassTimeout. So a pass
	// holds its snapshot for docket.StatementTimeout at most.
	maxRests = docket.StatementTimeout - docket.PassTimeout
)

// arrivals is when the last short read or write came. A nil one knows of none.
type arrivals struct{ last atomic.Int64 } // after started; 0: none came

// started is a time on the monotonic clock.
var started = time.Now()

func (a *arrivals) note() {
	if a != nil {
		a.last.Store(int64(time.Since(started)))
	}
}

func (a *arrivals) recent() bool {
	if a == nil {
		return false
	}
	last := a.last.Load()
	return last != 0 && time.Since(started)-time.Duration(last) < besideFor
}

// slice is the slice of a pass that is at work.
type slice struct {
	beside *arrivals // that the pass gives way to
	end    time.Time
	rested time.Duration // by the pass, without counting towards its limit
}

func firstSlice(beside *arrivals) slice {
	return slice{beside: beside, end: time.Now().Add(longSlice)}
}

// addInTime adds the function in_time to the SQL of a connection. A pass calls it for
// each row, and ends when it returns false.
func addInTime(c *engine.Conn, f func() bool) error {
	return c.AddFunction("in_time", 0, false, func(sqlite.Context, []sqlite.Value) (sqlite.Value, error) { return truth(f()), nil })
}

// inTime returns false when the connection is interrupted, so that a pass ends soon:
// SQLite forgets an interrupt from the moment before a statement begins. Otherwise it
// rests when the slice has ended, and begins another.
func (r *reader) inTime() bool {
	if r.conn.Interrupted() {
		return false
	}
	begun := time.Now()
	if begun.Before(r.slice.end) {
		return true
	}
	rest, next := longRest, longSlice
	if r.slice.beside.recent() {
		rest, next = shortRest, shortSlice
	}
	time.Sleep(rest)
	now := time.Now()
	if rested := now.Sub(begun); r.slice.rested+rested <= maxRests {
		r.slice.rested += rested
		r.conn.Postpone(rested)
	}
	r.slice.end = now.Add(next)
	return true
}
