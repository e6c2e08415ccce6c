package dispatch

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// idleQueue fails the test when a batcher that nothing uses holds anything.
func idleQueue(t *testing.T, b *Batcher) {
	t.Helper()
	if now := b.Stats(); now.Leads != 0 || now.Queued != 0 || now.Apart != 0 {
		t.Errorf("the batcher is left with %+v", now)
	}
}

// TestWidthNearby has the database be as near as makes no difference.
func TestWidthNearby(t *testing.T) {
	if width := widthAt(time.Millisecond, 20); width != readWidth {
		t.Errorf("1 ms away: %d groups at a time, want %d", width, readWidth)
	}
}

// TestLeavingLosesNoOutcome has a request end when its group has come back and
// has not told it yet: it learns what has happened.
func TestLeavingLosesNoOutcome(t *testing.T) {
	for _, p := range []Policy{Reading, Writing} {
		synctest.Test(t, func(t *testing.T) {
			b := NewBatcher(1, "", p)
			first, second := &Call{Owner: "alice"}, &Call{Owner: "bob"}
			b.add(first)
			ctx, leave := context.WithCancel(t.Context())
			told := make(chan error, 1)
			go func() { told <- (*Dispatcher)(nil).submit(ctx, b, second) }()
			synctest.Wait()
			group := b.take(first)
			leave()
			synctest.Wait()
			b.finish(group, errAlone)
			if err := <-told; !errors.Is(err, errAlone) {
				t.Errorf("it learned %v", err)
			}
			b.remove(first)
			b.remove(second)
			idleQueue(t, b)
		})
	}
}

// TestFullGroup has more calls wait than a group may have.
func TestFullGroup(t *testing.T) {
	b := NewBatcher(1, "", Reading)
	var calls []*Call
	for range 2*maxGroup + 1 {
		c := &Call{}
		calls = append(calls, c)
		b.add(c)
	}
	var sizes []int
	for next := calls[0]; ; {
		group := b.take(next)
		sizes = append(sizes, len(group))
		b.finish(group, nil)
		if len(b.queue) == 0 && b.leads == 0 {
			break
		}
		for _, c := range calls {
			if c.state == leading {
				next = c
			}
		}
	}
	if fmt.Sprint(sizes) != fmt.Sprint([]int{maxGroup, maxGroup, 1}) {
		t.Errorf("%d calls went in groups of %d", len(calls), sizes)
	}
	idleQueue(t, b)
}
