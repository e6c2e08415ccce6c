// Package feed wakes event streams when their owner's tasks may have changed.
//
// A wake-up carries no data. A stream that is woken asks the store for the
// changes since its sync token, so it sends the same items, in the same order,
// as GET /changes returns. A spurious wake-up costs one query.
package feed

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"docket"
)

const (
	// Interval is the time between two polls for changes made by other instances.
	Interval = 500 * time.Millisecond
	// MaxPerOwner is the maximum number of subscriptions to one owner.
	MaxPerOwner = 32
	// MaxTotal is the maximum number of subscriptions in all.
	MaxTotal = 4096

	pollTimeout = 5 * time.Second
)

// Hub wakes the subscriptions of owners. It is safe for concurrent use.
type Hub struct {
	states func(context.Context, []docket.UserID) (map[docket.UserID]docket.State, error)

	polls, failures atomic.Int64
	subscribed      chan struct{} // capacity 1: wakes Run from its wait for a first subscription

	mu     sync.Mutex
	owners map[docket.UserID]*audience
	total  int
}

// audience is the set of subscriptions to one owner.
type audience struct {
	members map[*Subscription]struct{}
	seen    docket.State // the owner's state at the last poll
	polled  bool         // seen is valid
}

// New returns a Hub that calls states for the current states of owners. Owners
// without a state are absent from its result.
func New(states func(context.Context, []docket.UserID) (map[docket.UserID]docket.State, error)) *Hub {
	return &Hub{states: states, subscribed: make(chan struct{}, 1), owners: map[docket.UserID]*audience{}}
}

// Subscription is one stream's subscription to an owner.
type Subscription struct {
	// Wake receives a value when the owner's tasks may have changed since the
	// last value was received.
	Wake <-chan struct{}

	wake  chan struct{}
	hub   *Hub
	owner docket.UserID
	saw   *place // nil before Saw was called; guarded by the hub
}

// place is where an owner's history stands.
type place struct{ epoch, counter int64 }

// Subscribe subscribes to an owner until Close. It returns nil when MaxPerOwner
// or MaxTotal is reached.
func (h *Hub) Subscribe(owner docket.UserID) *Subscription {
	h.mu.Lock()
	defer h.mu.Unlock()
	a := h.owners[owner]
	if h.total >= MaxTotal || a != nil && len(a.members) >= MaxPerOwner {
		return nil
	}
	if a == nil {
		a = &audience{members: map[*Subscription]struct{}{}}
		h.owners[owner] = a
	}
	s := &Subscription{wake: make(chan struct{}, 1), hub: h, owner: owner}
	s.Wake = s.wake
	a.members[s] = struct{}{}
	h.total++
	select {
	case h.subscribed <- struct{}{}:
	default:
	}
	return s
}

// Close ends the subscription.
func (s *Subscription) Close() {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	a := s.hub.owners[s.owner]
	delete(a.members, s)
	s.hub.total--
	if len(a.members) == 0 {
		delete(s.hub.owners, s.owner)
	}
}

// Saw says that the subscriber has seen everything up to a place in the owner's
// history, so that a poll which finds that place does not wake it.
func (s *Subscription) Saw(epoch, counter int64) {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	s.saw = &place{epoch, counter}
}

// Changed wakes the subscriptions to an owner whose tasks this process has changed.
func (h *Hub) Changed(owner docket.UserID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if a := h.owners[owner]; a != nil {
		for s := range a.members {
			s.signal()
		}
	}
}

func (s *Subscription) signal() {
	select {
	case s.wake <- struct{}{}:
	default: // an earlier wake-up is still pending
	}
}

// Run polls every Interval for changes made by other instances, with one query
// for all owners that have subscriptions. Without subscriptions it does not
// query. It returns when ctx ends.
func (h *Hub) Run(ctx context.Context) {
	timer := time.NewTimer(Interval)
	defer timer.Stop()
	for {
		owners := h.subscribedOwners()
		if len(owners) == 0 {
			select {
			case <-ctx.Done():
				return
			case <-h.subscribed:
			}
			continue
		}
		h.poll(ctx, owners)
		timer.Reset(Interval)
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
	}
}

func (h *Hub) subscribedOwners() []docket.UserID {
	h.mu.Lock()
	defer h.mu.Unlock()
	owners := make([]docket.UserID, 0, len(h.owners))
	for owner := range h.owners {
		owners = append(owners, owner)
	}
	return owners
}

// poll wakes the subscriptions to each owner whose state has changed since the
// last poll. After a failure the next poll finds the same changes.
func (h *Hub) poll(ctx context.Context, owners []docket.UserID) {
	ctx, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()
	h.polls.Add(1)
	states, err := h.states(ctx, owners)
	if err != nil {
		h.failures.Add(1)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, owner := range owners {
		a := h.owners[owner]
		if a == nil || a.polled && a.seen == states[owner] {
			continue
		}
		a.seen, a.polled = states[owner], true
		for s := range a.members {
			if s.saw == nil || *s.saw != (place{a.seen.Epoch, a.seen.Counter}) {
				s.signal()
			}
		}
	}
}

// Stats are figures about a Hub.
type Stats struct {
	Streams         int   // current subscriptions
	Polls, Failures int64 // polls since the start, and failed polls
}

// Stats returns the current figures.
func (h *Hub) Stats() Stats {
	h.mu.Lock()
	defer h.mu.Unlock()
	return Stats{Streams: h.total, Polls: h.polls.Load(), Failures: h.failures.Load()}
}
