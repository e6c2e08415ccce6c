package dispatch

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5"

	"docket"
)

// Batcher sends the single-row statements of concurrent requests to the
// database in groups, one round trip and one transaction for each. A group forms
// only while earlier ones are in flight, so an idle batcher adds no wait.
//
// This is group commit (DeWitt et al., "Implementation techniques for main memory
// database systems", 1984) without a goroutine of its own. A call that finds a
// lead free takes it: its goroutine sends the next group. The lead then goes to
// the head of the queue.
type Batcher struct {
	width  int // how many leads there are, hence groups in flight at a time
	bound  Bound
	policy Policy
	worded bool // see wordedBegin

	// abandoned is the error of every call of a group whose leader has panicked
	// after it began to send.
	abandoned error

	groups, calls atomic.Int64 // sent so far

	mu    sync.Mutex
	leads int                   // taken, at most width
	queue []*Call               // in order of arrival; empty while a lead is free
	apart map[docket.UserID]int // how many calls of an owner go alone, if any
}

// NewBatcher returns a batcher that has up to width groups in flight, each bounded by l.
// A call that goes alone is run as p says.
func NewBatcher(width int, l Bound, p Policy) *Batcher {
	b := &Batcher{width: width, bound: l, policy: p, apart: map[docket.UserID]int{}}
	b.abandoned = b.verdict(b.sent(errAbandoned, false))
	return b
}

// maxGroup bounds the calls of a group.
const maxGroup = 64

// state is where a call is in its life: queued or leading first, then inFlight,
// then detached. A call whose request ends early goes from the first to the last.
type state int

const (
	queued   state = iota // waits in the queue
	leading               // has a lead, and waits for a connection
	inFlight              // belongs to a group; the leader's goroutine writes to it
	detached              // belongs to its own goroutine alone
)

// Call is one statement of one request.
type Call struct {
	Owner docket.UserID
	SQL   string
	Args  []any
	// Read takes in what the statement returns. It is called anew for each attempt,
	// on the goroutine of the group's leader.
	Read func(pgx.Rows) error
	// Outcome returns the request's error after err of the statement, which is nil
	// or pgx.ErrNoRows, or any other when the call goes alone.
	Outcome func(err error) error
	Part    Part    // what can be carried out together with the parts of other calls, or nil
	members []*Call // of which this call is made; nil unless merge has made it

	state state         // guarded by the batcher
	apart bool          // counted in the batcher's apart; written as err is
	lead  chan struct{} // closed when the call leaves the queue with a lead
	end   chan struct{} // closed when its group has ended
	err   error         // of the statement; written before end is closed
}

// Part is what a call does, where one statement can do that for several calls.
type Part interface {
	// MergesWith reports whether one statement can carry out both. They are of one owner.
	MergesWith(Part) bool
	// Merge returns the call that carries out all parts, which begin with this one. Its
	// Read gives each part its result, or returns ErrApart.
	Merge(parts []Part) *Call
}

// Stats is what a batcher has done so far, and what it holds now.
type Stats struct {
	Groups, Calls int64 // sent
	Width         int   // how many leads there are
	Leads         int   // taken
	Queued        int   // calls that wait in the queue
	Apart         int   // calls that go alone because an earlier one of their owner does
}

// Stats returns both as of one moment.
func (b *Batcher) Stats() Stats {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := Stats{Groups: b.groups.Load(), Calls: b.calls.Load(), Width: b.width, Leads: b.leads, Queued: len(b.queue)}
	for _, calls := range b.apart {
		s.Apart += calls
	}
	return s
}

// add queues c, or gives it a lead when one is free. It leaves c detached while
// calls of the same owner go alone. Every call that was added must be removed.
func (b *Batcher) add(c *Call) state {
	b.mu.Lock()
	defer b.mu.Unlock()
	c.lead, c.end, c.err = nil, nil, nil // it may have been in a group before
	switch {
	case b.apart[c.Owner] > 0:
		b.separate(c)
		c.state = detached
	case b.leads < b.width:
		b.leads++
		c.state = leading
	default:
		c.state, c.lead, c.end = queued, make(chan struct{}), make(chan struct{})
		b.queue = append(b.queue, c)
	}
	return c.state
}

// withdraw detaches a call whose request has ended. It returns false when that is
// too late: a group has taken the call, and its end tells what has happened.
func (b *Batcher) withdraw(c *Call) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if c.state != queued && c.state != leading {
		return false
	}
	b.detach(c)
	return true
}

// remove releases whatever c still holds. Its goroutine calls it last, a panic
// or not; no group has c then.
func (b *Batcher) remove(c *Call) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.detach(c)
	if !c.apart {
		return
	}
	c.apart = false
	b.apart[c.Owner]--
	if b.apart[c.Owner] == 0 {
		delete(b.apart, c.Owner)
	}
}

// take makes a group of c, which leads, and the first calls of the queue.
func (b *Batcher) take(c *Call) []*Call {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := min(len(b.queue), maxGroup-1)
	group := append(append(make([]*Call, 0, n+1), c), b.queue[:n]...)
	b.queue = slices.Delete(b.queue, 0, n)
	for _, c := range group {
		c.state = inFlight
	}
	return group
}

// finish ends a group and passes its lead on. The error is that of every call
// unless it is nil. After errAlone the owners' later calls go alone too until
// these have ended, so that one that waits for long holds up the others only once.
func (b *Batcher) finish(group []*Call, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range group {
		c.state = detached
		if err != nil {
			c.err = err
		}
		if errors.Is(err, errAlone) {
			b.separate(c)
		}
		if c.end != nil {
			close(c.end)
		}
	}
	b.pass()
}

// separate counts c as one that goes alone. The lock is held, as below.
func (b *Batcher) separate(c *Call) {
	c.apart = true
	b.apart[c.Owner]++
}

// detach takes c out of the queue, or passes its lead on.
func (b *Batcher) detach(c *Call) {
	switch c.state {
	case queued:
		b.queue = slices.DeleteFunc(b.queue, func(q *Call) bool { return q == c })
	case leading:
		b.pass()
	}
	c.state = detached
}

// pass gives a lead to the head of the queue, or back.
func (b *Batcher) pass() {
	if len(b.queue) == 0 {
		b.leads--
		return
	}
	c := b.queue[0]
	b.queue = slices.Delete(b.queue, 0, 1)
	c.state = leading
	close(c.lead)
}
