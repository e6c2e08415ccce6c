// Package feed knows who is listening, and wakes them when there may be
// something new.
//
// It carries no changes. A stream that is woken asks the store what has changed
// since its token, so what it sends is what any reader of changes would get, in
// the same order, and a wake-up too many costs one question.
package feed

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"docket"
)

const (
	// Interval is the time between two looks at what other instances have written.
	Interval = 500 * time.Millisecond
	// MaxPerOwner bounds the subscriptions of one owner.
	MaxPerOwner = 32
	// MaxTotal bounds the subscriptions of all.
	MaxTotal = 4096

	pollTimeout = 5 * time.Second
)

// Hub wakes the subscriptions of owners. It is safe for concurrent use.
type Hub struct {
	states func(context.Context, []docket.UserID) (map[docket.UserID]docket.State, error)

	polls, failures atomic.Int64
	begun           chan struct{} // of capacity 1: full once somebody has come to listen

	mu     sync.Mutex
	owners map[docket.UserID]*audience
	total  int
}

// audience is who listens to one owner.
type audience struct {
	members map[*Subscription]struct{}
	seen    docket.State
	looked  bool // seen is the owner's state at the last look
}

// New returns a Hub that asks states where the histories of owners stand. Those
// that have none are absent from its answer.
func New(states func(context.Context, []docket.UserID) (map[docket.UserID]docket.State, error)) *Hub {
	return &Hub{states: states, begun: make(chan struct{}, 1), owners: map[docket.UserID]*audience{}}
}

// Subscription is one stream's place in the audience of an owner.
type Subscription struct {
	// Wake receives when there may be something new since it last received.
	Wake <-chan struct{}

	wake  chan struct{}
	hub   *Hub
	owner docket.UserID
}

// Subscribe begins to listen to an owner, until Close. It returns nil when the
// owner, or all together, have as many subscriptions as there may be.
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
	case h.begun <- struct{}{}:
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

// Changed wakes who listens to an owner whose tasks this process has changed.
func (h *Hub) Changed(owner docket.UserID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.owners[owner].wake()
}

func (a *audience) wake() {
	if a == nil {
		return
	}
	for s := range a.members {
		select {
		case s.wake <- struct{}{}:
		default: // it has been woken and not looked yet
		}
	}
}

// Run looks, every Interval, for what other instances have written, in one
// question about all owners that somebody listens to. While nobody listens it
// asks nothing. It returns when ctx ends.
func (h *Hub) Run(ctx context.Context) {
	timer := time.NewTimer(Interval)
	defer timer.Stop()
	for {
		owners := h.listenedTo()
		if len(owners) == 0 {
			select {
			case <-ctx.Done():
				return
			case <-h.begun:
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

func (h *Hub) listenedTo() []docket.UserID {
	h.mu.Lock()
	defer h.mu.Unlock()
	owners := make([]docket.UserID, 0, len(h.owners))
	for owner := range h.owners {
		owners = append(owners, owner)
	}
	return owners
}

// poll wakes the audience of each owner whose state is not what it was. When the
// question fails the next one has it all.
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
		if a == nil || a.looked && a.seen == states[owner] {
			continue
		}
		a.seen, a.looked = states[owner], true
		a.wake()
	}
}

// Stats are what a Hub has done, and does.
type Stats struct {
	Streams         int   // subscriptions there are
	Polls, Failures int64 // questions so far, and those that failed
}

// Stats returns the figures of the present.
func (h *Hub) Stats() Stats {
	h.mu.Lock()
	defer h.mu.Unlock()
	return Stats{Streams: h.total, Polls: h.polls.Load(), Failures: h.failures.Load()}
}
