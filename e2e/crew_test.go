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

const crewFaults = 20 // the most faults that are printed

// crew is a group of writers that send requests to one server. Each answer must
// be a success or an honest 503. finish reports everything else as a fault.
type crew struct {
	server  *server
	writers []*writer
	client  client

	working sync.WaitGroup
	ctx     context.Context
	cancel  context.CancelFunc

	mu       sync.Mutex
	active   int // how many of the writers continue; the others finish their request
	now      tally
	total    tally
	served   []int // successes of each writer
	answered []int // answers of each writer
	faults   []string
}

// newCrew returns a crew that sends nothing yet, and nothing after the test.
func newCrew(t testing.TB, s *server, writers, users int) *crew {
	w := &crew{server: s, writers: newWriters(writers, users), client: newClient(t, s.URL, writers)}
	w.served, w.answered = make([]int, writers), make([]int, writers)
	w.now, w.total = newTally(), newTally()
	w.ctx, w.cancel = context.WithCancel(context.Background())
	t.Cleanup(func() {
		w.cancel()
		w.rest()
	})
	return w
}

// work makes every writer send one request after the other, until keep or rest.
// No request may be in flight.
func (w *crew) work() {
	w.keep(len(w.writers))
	w.each(func(i int) {
		for w.ctx.Err() == nil && i < w.activeWriters() {
			w.step(i)
		}
	})
}

// keep makes all writers but this many stop after their current request.
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

// rest makes all writers stop, and returns when no request is in flight.
func (w *crew) rest() {
	w.keep(0)
	w.working.Wait()
}

// once makes every writer send one request, all at the same time, and returns
// when all are answered. No other request may be in flight.
func (w *crew) once() {
	w.each(w.step)
	w.working.Wait()
}

func (w *crew) each(f func(i int)) {
	for i := range w.writers {
		w.working.Go(func() { f(i) })
	}
}

// step makes a writer send one request: in three of four cases a write.
func (w *crew) step(i int) {
	ctx, cancel := context.WithTimeout(w.ctx, patience) // a longer wait is a hang
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
	w.answered[i]++
	if result == succeeded {
		w.served[i]++
	} else if err != nil {
		w.faults = append(w.faults, fmt.Sprintf("writer %d, after %s: %v", i, ended.Sub(begun), err))
	}
}

// untilServed waits until every active writer has succeeded with a request that
// it began after this call.
func (w *crew) untilServed(t testing.TB) {
	t.Helper()
	w.untilMore(t, "every client is served", 2, &w.served) // the first may have begun before
}

// untilAnswered waits until every active writer has this many more answers to
// requests that it began after this call.
func (w *crew) untilAnswered(t testing.TB, more int) {
	t.Helper()
	w.untilMore(t, "every client is answered", more+1, &w.answered)
}

func (w *crew) untilMore(t testing.TB, what string, more int, counts *[]int) {
	t.Helper()
	read := func() []int {
		w.mu.Lock()
		defer w.mu.Unlock()
		return slices.Clone((*counts)[:w.active])
	}
	before := read()
	eventually(t, what, func() bool {
		for i, n := range read() {
			if n < before[i]+more {
				return false
			}
		}
		return true
	})
}

// untilRefused waits until a request that was answered after this call was not a
// success: the fault has reached a client.
func (w *crew) untilRefused(t testing.TB) {
	t.Helper()
	failed := func() int {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.total.failed()
	}
	before := failed()
	eventually(t, "a client notices the fault", func() bool { return failed() > before })
}

// untilCalm waits until every active writer is served and no request fails in the
// meantime.
func (w *crew) untilCalm(t testing.TB) {
	t.Helper()
	eventually(t, "no request fails any more", func() bool {
		w.count()
		w.untilServed(t)
		return w.count().failed() == 0
	})
}

// count returns the tally since the last call, and starts a new one.
func (w *crew) count() tally {
	w.mu.Lock()
	defer w.mu.Unlock()
	before := w.now
	w.now = newTally()
	before.gap = max(before.gap, w.now.last.Sub(before.last))
	return before
}

// finish stops the writers, compares the stored tasks with the answers that the
// writers got, and stops the server.
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
	t.Logf("in total: %s; %d writes acknowledged, and %d writes of unknown outcome done", w.total, acknowledged, done()-acknowledged)
	for _, fault := range w.faults[:min(len(w.faults), crewFaults)] {
		t.Error(fault)
	}
	if more := len(w.faults) - crewFaults; more > 0 {
		t.Errorf("and %d more faults", more)
	}
}

// tally counts answers.
type tally struct {
	counts  map[string]int // by "read" or "write" and the outcome
	slowest time.Duration  // of the answers
	last    time.Time      // the end of the last success
	gap     time.Duration  // the longest time without a success
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

// succeeded returns how many requests succeeded.
func (c tally) succeeded() int {
	return c.counts["read "+string(succeeded)] + c.counts["write "+string(succeeded)]
}

// failed returns how many requests did not succeed.
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
