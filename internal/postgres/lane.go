package postgres

import (
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5"

	"docket"
)

// A lane carries the single-row statements of concurrent requests to the
// database in groups, one round trip and one transaction for each. A group forms
// only while earlier ones are on their way, so an idle lane adds no wait. It is
// group commit as in DeWitt et al., "Implementation techniques for main memory
// database systems" (1984), with a leader that changes: the request that finds
// the lane free takes the group, then hands on to the first that waits.
type lane struct {
	width  int    // groups on their way at a time
	first  string // the statement that begins a group, or ""
	writes bool

	groups, calls atomic.Int64 // that have set out so far

	mu      sync.Mutex
	leaders int
	waiting []*call
	apart   map[docket.UserID]int // calls that go alone, of each owner
}

func newLane(width int, first string, writes bool) *lane {
	return &lane{width: width, first: first, writes: writes, apart: map[docket.UserID]int{}}
}

// maxGroup bounds a group.
const maxGroup = 64

// place is where a call is in its lane.
type place int

const (
	waits  place = iota
	leads        // it takes the next group
	rides        // it is in a group
	absent       // it is in no lane
)

// call is one statement in a lane.
type call struct {
	owner docket.UserID
	sql   string
	args  []any
	read  func(pgx.Rows) error // takes in what the statement returns, afresh each time
	// outcome is what the request makes of the statement's error: none, or
	// pgx.ErrNoRows.
	outcome func(error) error

	place place         // guarded by the lane
	turn  chan struct{} // receives once place is leads, or err is set
	err   error
}

// enter puts c into the lane, at its head when a place is free. It returns false
// when calls of the owner go alone for now.
func (l *lane) enter(c *call) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.apart[c.owner] > 0:
		l.apart[c.owner]++
		c.place = absent
		return false
	case l.leaders < l.width:
		l.leaders++
		c.place = leads
		c.turn <- struct{}{}
	default:
		l.waiting = append(l.waiting, c)
	}
	return true
}

// leave takes back a call that was entered. It returns false when the call is on
// its way, or was, and its turn will tell what came of it.
func (l *lane) leave(c *call) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch c.place {
	case waits:
		for i, w := range l.waiting {
			if w == c {
				l.waiting = append(l.waiting[:i], l.waiting[i+1:]...)
				break
			}
		}
	case leads:
		l.hand()
	case rides, absent:
		return false
	}
	c.place = absent
	return true
}

// group returns the calls that c, which leads, takes with it, and c.
func (l *lane) group(c *call) []*call {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := min(len(l.waiting), maxGroup-1)
	group := append(append(make([]*call, 0, n+1), c), l.waiting[:n]...)
	l.waiting = append(l.waiting[:0], l.waiting[n:]...)
	for _, c := range group {
		c.place = rides
	}
	return group
}

// pass ends the leadership of a group that has come back. When it has to be
// carried again one by one, the calls of its owners go alone until they have
// ended, so that one that waits for long does not hold up the others twice.
func (l *lane) pass(group []*call, again bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range group {
		if c.place = absent; again {
			l.apart[c.owner]++
		}
	}
	l.hand()
}

// hand gives the leadership to the first that waits, if there is one.
func (l *lane) hand() {
	if len(l.waiting) == 0 {
		l.leaders--
		return
	}
	c := l.waiting[0]
	l.waiting = append(l.waiting[:0], l.waiting[1:]...)
	c.place = leads
	c.turn <- struct{}{}
}

// led reports whether c, whose turn has come, leads the next group.
func (l *lane) led(c *call) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return c.place == leads
}

// arrived ends what pass or enter began for a call that went alone.
func (l *lane) arrived(owner docket.UserID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.apart[owner]--
	if l.apart[owner] == 0 {
		delete(l.apart, owner)
	}
}
