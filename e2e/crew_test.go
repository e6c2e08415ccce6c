package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"
)

const (
	crewPatience = 10 * time.Second // for an answer; a longer wait is a hang
	crewRecovery = 30 * time.Second // until all succeed again; a pooler may look for its server only every 15 s
	crewFaults   = 20               // shown of those found
)

// crew is writers at work on one server, and what they meet. Every answer that
// they get is a success or an honest 503; what else they meet is a fault, which
// finish reports.
type crew struct {
	server  *server
	writers []*writer
	client  client

	working sync.WaitGroup
	ctx     context.Context
	cancel  context.CancelFunc

	mu     sync.Mutex
	active int       // so many of the writers go on; the others finish what they do
	back   time.Time // requests that begin later must succeed; not yet, if zero
	now    tally
	total  tally
	served []int // how often each writer succeeded
	faults []string
}

// newCrew returns a crew that does nothing yet, and nothing after the test.
func newCrew(t testing.TB, s *server, writers, users int) *crew {
	w := &crew{server: s, writers: newWriters(writers, users), client: newClient(t, s.URL, writers), served: make([]int, writers)}
	w.now, w.total = newTally(), newTally()
	w.ctx, w.cancel = context.WithCancel(context.Background())
	t.Cleanup(func() {
		w.cancel()
		w.rest()
	})
	return w
}

// work has every writer send one request after the other. The crew rests.
func (w *crew) work() {
	w.keep(len(w.writers))
	w.each(func(i int) {
		for w.ctx.Err() == nil && i < w.activeWriters() {
			w.step(i)
		}
	})
}

// keep lets the writers but so many finish and rest.
func (w *crew) keep(writers int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.active = writers
}

func (w *crew) activeWriters() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.active
}

// rest returns when no request is under way.
func (w *crew) rest() {
	w.keep(0)
	w.working.Wait()
}

// once has every writer send one request, all at the same time, and returns
// when all are answered. The crew rests.
func (w *crew) once() {
	w.each(w.step)
	w.working.Wait()
}

func (w *crew) each(f func(i int)) {
	for i := range w.writers {
		w.working.Go(func() { f(i) })
	}
}

// step has a writer send one request: mostly a write, which is judged at the
// end, or else a read.
func (w *crew) step(i int) {
	ctx, cancel := context.WithTimeout(w.ctx, crewPatience)
	defer cancel()
	var result outcome
	var err error
	what, begun := "write", time.Now()
	if rand.N(4) == 0 {
		what = "read"
		result, err = w.writers[i].read(ctx, w.client)
	} else {
		_, result, err = w.writers[i].write(ctx, w.client)
	}
	ended := time.Now()

	w.mu.Lock()
	defer w.mu.Unlock()
	w.now.add(what, result, begun, ended)
	w.total.add(what, result, begun, ended)
	late := !w.back.IsZero() && begun.After(w.back)
	switch {
	case result == succeeded:
		w.served[i]++
	case err != nil:
		w.faults = append(w.faults, fmt.Sprintf("writer %d, after %s: %v", i, ended.Sub(begun), err))
	case late:
		w.faults = append(w.faults, fmt.Sprintf("writer %d: %s of a %s that began %s after the service should have been back", i, result, what, begun.Sub(w.back)))
	}
}

// untilServed waits until every active writer has succeeded with a request that
// it began after this call.
func (w *crew) untilServed(t testing.TB) {
	t.Helper()
	served := func() []int {
		w.mu.Lock()
		defer w.mu.Unlock()
		return slices.Clone(w.served[:w.active])
	}
	before := served()
	eventually(t, crewRecovery, "every client is served", func() bool {
		for i, n := range served() {
			if n < before[i]+2 { // the first may have begun before
				return false
			}
		}
		return true
	})
}

// expectFrom makes it a fault when a request that begins later does not succeed.
func (w *crew) expectFrom(moment time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.back = moment
}

// count begins to count anew, and returns what was counted.
func (w *crew) count() tally {
	w.mu.Lock()
	defer w.mu.Unlock()
	before := w.now
	w.now = newTally()
	before.gap = max(before.gap, w.now.last.Sub(before.last))
	return before
}

// finish lets the crew rest, holds what the server has against what the
// writers were told, and stops the server.
func (w *crew) finish(t *testing.T) {
	t.Helper()
	w.rest()
	done := func() (writes int) {
		for _, m := range w.writers {
			writes += m.done
		}
		return writes
	}
	acknowledged := done()
	verify(t, w.server, w.writers)
	verifyNumbers(t, w.server, w.writers)
	w.server.Stop(t)
	t.Logf("in all: %s; %d writes acknowledged, and %d of those of unknown outcome were done", w.total, acknowledged, done()-acknowledged)
	for _, fault := range w.faults[:min(len(w.faults), crewFaults)] {
		t.Error(fault)
	}
	if more := len(w.faults) - crewFaults; more > 0 {
		t.Errorf("and %d more faults", more)
	}
}

// tally counts answers.
type tally struct {
	counts  map[string]int // by what was asked and what came of it
	slowest time.Duration  // of the answers
	last    time.Time      // when a request succeeded
	gap     time.Duration  // the longest time in which none did
}

func newTally() tally { return tally{counts: map[string]int{}, last: time.Now()} }

func (c *tally) add(what string, result outcome, begun, ended time.Time) {
	c.counts[what+" "+string(result)]++
	c.slowest = max(c.slowest, ended.Sub(begun))
	if result == succeeded {
		c.gap = max(c.gap, ended.Sub(c.last))
		c.last = ended
	}
}

// succeeded is how many requests did.
func (c tally) succeeded() int {
	return c.counts["read "+string(succeeded)] + c.counts["write "+string(succeeded)]
}

// failed is how many did not.
func (c tally) failed() int {
	n := -c.succeeded()
	for _, count := range c.counts {
		n += count
	}
	return n
}

func (c tally) String() string {
	return fmt.Sprintf("%v, longest gap %s, slowest answer %s", c.counts, c.gap.Round(time.Millisecond), c.slowest.Round(time.Millisecond))
}
