package docket

import (
	"context"
	"time"
)

const (
	tidyInterval  = time.Minute // between two rounds, at least
	tidyStep      = 500         // keys that one statement removes
	purgeInterval = time.Hour   // between two purges, at least
	purgeStep     = 200         // deleted tasks that one transaction removes
	// purgeShare is the part of the time that a purge is at work: it yields to
	// requests.
	purgeShare = 5
)

// Tidied is what a round of housekeeping removed.
type Tidied struct {
	Expired int // keys
	Purged  int // deleted tasks
}

// tidy asks Run for a round of housekeeping.
func (s *Service) tidy() {
	select {
	case s.untidy <- struct{}{}:
	default:
	}
}

// Run does the housekeeping that requests give rise to, until ctx ends. While
// no requests come it does nothing, so that an idle database may sleep. It
// returns when nothing of it is under way. What came of each round goes to
// report: what was removed, and why it ended early if it did.
func (s *Service) Run(ctx context.Context, report func(Tidied, error)) {
	var purged time.Time // when the last purge began
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.untidy:
		}
		var done Tidied
		var err error
		done.Expired, err = s.expireKeys(ctx)
		if now := s.time(); err == nil && now.Sub(purged) >= purgeInterval {
			if done.Purged, err = s.purge(ctx); err == nil {
				purged = now
			}
		}
		if ctx.Err() == nil {
			report(done, err)
		}
		if !wait(ctx, tidyInterval) {
			return
		}
	}
}

// wait returns false when ctx ends before the time is over.
func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// expireKeys removes the keys that are of no use any more, in small steps.
func (s *Service) expireKeys(ctx context.Context) (expired int, err error) {
	for {
		n, err := s.store.ExpireKeys(ctx, s.time(), tidyStep)
		expired += n
		if err != nil || n < tidyStep {
			return expired, err
		}
	}
}

// purge removes the deleted tasks that have been kept for as long as they are
// to be, in small steps.
func (s *Service) purge(ctx context.Context) (purged int, err error) {
	for before := s.time().Add(-s.retention); ; {
		began := s.now()
		n, err := s.store.Purge(ctx, before, purgeStep)
		purged += n
		if err != nil || n == 0 || !wait(ctx, (purgeShare-1)*s.now().Sub(began)) {
			return purged, err
		}
	}
}
