package docket

import (
	"context"
	"time"
)

const (
	tidyInterval = time.Minute // between two rounds, at least
	tidyStep     = 500         // keys that one statement removes
)

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
// report: how many keys were removed, and why it ended early if it did.
func (s *Service) Run(ctx context.Context, report func(expired int, err error)) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.untidy:
		}
		if n, err := s.expireKeys(ctx); ctx.Err() == nil {
			report(n, err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(tidyInterval):
		}
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
