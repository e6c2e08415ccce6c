package feed

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"docket"
)

// stored is a stand-in for a store: where the histories stand.
type stored struct {
	mu     sync.Mutex
	states map[docket.UserID]docket.State
	asked  [][]docket.UserID
	err    error
}

func (s *stored) get(_ context.Context, owners []docket.UserID) (map[docket.UserID]docket.State, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.Sort(owners)
	s.asked = append(s.asked, owners)
	return maps.Clone(s.states), s.err
}

func (s *stored) write(owner docket.UserID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	state := s.states[owner]
	state.Counter++
	s.states[owner] = state
}

// running starts a Hub in a bubble with a clock of its own.
func running(t *testing.T, test func(h *Hub, s *stored)) {
	synctest.Test(t, func(t *testing.T) {
		s := &stored{states: map[docket.UserID]docket.State{}}
		h := New(s.get)
		ctx, stop := context.WithCancel(t.Context())
		var worker sync.WaitGroup
		worker.Go(func() { h.Run(ctx) })
		test(h, s)
		stop()
		worker.Wait()
	})
}

// woken reports whether a subscription was woken by now.
func woken(s *Subscription) bool {
	synctest.Wait()
	select {
	case <-s.Wake:
		return true
	default:
		return false
	}
}

func TestLocalWritesWakeAtOnce(t *testing.T) {
	running(t, func(h *Hub, _ *stored) {
		alice, again, bob := h.Subscribe("alice"), h.Subscribe("alice"), h.Subscribe("bob")
		for _, s := range []*Subscription{alice, again, bob} {
			woken(s) // the first look
		}
		h.Changed("alice")
		h.Changed("alice") // not yet looked at: one wake-up
		h.Changed("nobody")
		if !woken(alice) || !woken(again) || woken(bob) || woken(alice) {
			t.Error("the wrong ones were woken")
		}
		again.Close()
		h.Changed("alice")
		if !woken(alice) || woken(again) {
			t.Error("one that had left was woken, or the other was not")
		}
		alice.Close()
		bob.Close()
	})
}

func TestForeignWritesWakeWithinTheInterval(t *testing.T) {
	running(t, func(h *Hub, stored *stored) {
		stored.write("alice")
		alice, bob := h.Subscribe("alice"), h.Subscribe("bob")
		defer alice.Close()
		defer bob.Close()
		if !woken(alice) || !woken(bob) { // what was written before the first look may be new
			t.Error("the first look woke nobody")
		}
		time.Sleep(3 * Interval)
		if woken(alice) || woken(bob) {
			t.Error("woken for nothing")
		}
		stored.write("alice")
		time.Sleep(Interval)
		if !woken(alice) || woken(bob) {
			t.Error("a write of another instance woke the wrong ones")
		}
		stored.mu.Lock()
		stored.states["bob"] = docket.State{Epoch: 2} // an erasure is a change too
		stored.mu.Unlock()
		time.Sleep(Interval)
		if !woken(bob) {
			t.Error("another epoch woke nobody")
		}
	})
}

// TestNobodyListens shows that the store is left alone then.
func TestNobodyListens(t *testing.T) {
	running(t, func(h *Hub, stored *stored) {
		time.Sleep(time.Hour)
		if len(stored.asked) != 0 {
			t.Errorf("asked %d times", len(stored.asked))
		}
		for range 2 {
			s := h.Subscribe("alice")
			time.Sleep(10*Interval - time.Millisecond)
			s.Close()
			time.Sleep(time.Hour)
		}
		if n := len(stored.asked); n < 20 || n > 21 || !slices.Equal(stored.asked[0], []docket.UserID{"alice"}) {
			t.Errorf("asked %d times: %v", n, stored.asked)
		}
		if got := h.Stats(); got.Streams != 0 || got.Polls != int64(len(stored.asked)) {
			t.Errorf("%+v", got)
		}
	})
}

func TestFailuresAreMadeUpFor(t *testing.T) {
	running(t, func(h *Hub, stored *stored) {
		s := h.Subscribe("alice")
		defer s.Close()
		woken(s)
		fail := func(err error) {
			stored.mu.Lock()
			stored.err = err
			stored.mu.Unlock()
		}
		fail(errors.New("away"))
		stored.write("alice")
		time.Sleep(3 * Interval)
		if woken(s) || h.Stats().Failures != 3 {
			t.Errorf("woken by a failure, or %+v", h.Stats())
		}
		fail(nil)
		time.Sleep(Interval)
		if !woken(s) {
			t.Error("a write during the failure woke nobody")
		}
	})
}

func TestSubscriptionsAreBounded(t *testing.T) {
	h := New(nil)
	var all []*Subscription
	for range MaxPerOwner {
		all = append(all, h.Subscribe("alice"))
	}
	if h.Subscribe("alice") != nil {
		t.Error("one too many of an owner")
	}
	for i := range MaxTotal - MaxPerOwner {
		all = append(all, h.Subscribe(docket.UserID(fmt.Sprint(i/2))))
	}
	if h.Subscribe("zoe") != nil {
		t.Error("one too many in all")
	}
	for _, s := range all {
		s.Close()
	}
	if h.Stats().Streams != 0 || len(h.owners) != 0 || h.Subscribe("alice") == nil {
		t.Errorf("after all have left: %+v", h.Stats())
	}
}
