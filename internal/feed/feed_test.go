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

// stored stands in for a store: it holds the states of owners.
type stored struct {
	mu      sync.Mutex
	states  map[docket.UserID]docket.State
	queries [][]docket.UserID
	err     error
}

func (s *stored) get(_ context.Context, owners []docket.UserID) (map[docket.UserID]docket.State, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.Sort(owners)
	s.queries = append(s.queries, owners)
	return maps.Clone(s.states), s.err
}

func (s *stored) write(owner docket.UserID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	state := s.states[owner]
	state.Counter++
	s.states[owner] = state
}

// running runs a test with a started Hub in a synctest bubble.
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

// woken reports whether a subscription has been woken, and clears the wake-up.
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
			woken(s) // the first poll
		}
		h.Changed("alice")
		h.Changed("alice") // the first is still pending: one wake-up
		h.Changed("nobody")
		if !woken(alice) || !woken(again) || woken(bob) || woken(alice) {
			t.Error("the wrong subscriptions were woken")
		}
		again.Close()
		h.Changed("alice")
		if !woken(alice) || woken(again) {
			t.Error("a closed subscription was woken, or the open one was not")
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
		if !woken(alice) || !woken(bob) { // changes before the first poll may be new to the stream
			t.Error("the first poll did not wake all subscriptions")
		}
		time.Sleep(3 * Interval)
		if woken(alice) || woken(bob) {
			t.Error("woken without a change")
		}
		stored.write("alice")
		time.Sleep(Interval)
		if !woken(alice) || woken(bob) {
			t.Error("a write of another instance woke the wrong subscriptions")
		}
		stored.mu.Lock()
		stored.states["bob"] = docket.State{Epoch: 2} // an erasure is a change too
		stored.mu.Unlock()
		time.Sleep(Interval)
		if !woken(bob) {
			t.Error("a new epoch did not wake the subscription")
		}
	})
}

// TestNoPollsWithoutSubscriptions checks that an idle hub does not query the store.
func TestNoPollsWithoutSubscriptions(t *testing.T) {
	running(t, func(h *Hub, stored *stored) {
		time.Sleep(time.Hour)
		if len(stored.queries) != 0 {
			t.Errorf("polled %d times", len(stored.queries))
		}
		for range 2 {
			s := h.Subscribe("alice")
			time.Sleep(10*Interval - time.Millisecond)
			s.Close()
			time.Sleep(time.Hour)
		}
		if n := len(stored.queries); n != 20 || !slices.Equal(stored.queries[0], []docket.UserID{"alice"}) {
			t.Errorf("polled %d times: %v", n, stored.queries)
		}
		if got := h.Stats(); got.Streams != 0 || got.Polls != int64(len(stored.queries)) {
			t.Errorf("%+v", got)
		}
	})
}

func TestPollAfterFailure(t *testing.T) {
	running(t, func(h *Hub, stored *stored) {
		s := h.Subscribe("alice")
		defer s.Close()
		woken(s)
		fail := func(err error) {
			stored.mu.Lock()
			stored.err = err
			stored.mu.Unlock()
		}
		fail(errors.New("unreachable"))
		stored.write("alice")
		time.Sleep(3 * Interval)
		if woken(s) || h.Stats().Failures != 3 {
			t.Errorf("a failed poll woke the subscription, or %+v", h.Stats())
		}
		fail(nil)
		time.Sleep(Interval)
		if !woken(s) {
			t.Error("a write during the failure did not wake the subscription")
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
		t.Error("an owner has more than MaxPerOwner subscriptions")
	}
	for i := range MaxTotal - MaxPerOwner {
		all = append(all, h.Subscribe(docket.UserID(fmt.Sprint(i/2))))
	}
	if h.Subscribe("zoe") != nil {
		t.Error("there are more than MaxTotal subscriptions")
	}
	for _, s := range all {
		s.Close()
	}
	if h.Stats().Streams != 0 || len(h.owners) != 0 || h.Subscribe("alice") == nil {
		t.Errorf("after all were closed: %+v", h.Stats())
	}
}

// TestSeenChangesDoNotWakeAgain has one of two subscribers see a local change before
// the poll that finds it.
func TestSeenChangesDoNotWakeAgain(t *testing.T) {
	running(t, func(h *Hub, s *stored) {
		quick, slow := h.Subscribe("alice"), h.Subscribe("alice")
		woken(quick)
		woken(slow)
		s.write("alice")
		h.Changed("alice")
		if !woken(quick) || !woken(slow) {
			t.Fatal("a local change did not wake")
		}
		quick.Saw(0, 1)
		time.Sleep(2 * Interval)
		if woken(quick) || !woken(slow) {
			t.Error("the poll woke the wrong subscriber")
		}
		s.write("alice")
		time.Sleep(2 * Interval)
		if !woken(quick) || !woken(slow) {
			t.Error("a change of another instance did not wake")
		}
	})
}
