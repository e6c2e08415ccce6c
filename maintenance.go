package docket

import (
	"context"
	"time"
)

const (
	maintenanceInterval = time.Minute // between two rounds, at least
	expireStep          = 500         // keys that one statement removes, at most
	purgeInterval       = time.Hour   // between two purges, at least
	purgeStep           = 200         // deleted tasks that one transaction removes, at most
	// purgeShare makes a purge work for one part in so many of the time. In the
	// other parts it yields to requests.
	purgeShare = 5
)

// Removed counts what a round of maintenance removed.
type Removed struct {
	Keys  int // that had expired
	Tasks int // deleted ones whose retention time was over
}

// requestMaintenance asks Run for a round of maintenance.
func (s *Service) requestMaintenance() {
	select {
	case s.maintenance <- struct{}{}:
	default: // a round is requested already
	}
}

// Run removes expired keys and purges deleted tasks, until ctx ends. Only
// requests start a round, so an idle database may sleep. Run returns when no
// round is running. It calls report after each round with what the round
// removed, and with the error that ended it early, if any.
func (s *Service) Run(ctx context.Context, report func(Removed, error)) {
	var purged time.Time // when the last complete purge began
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.maintenance:
		}
		var removed Removed
		var err error
		removed.Keys, err = s.expireKeys(ctx)
		if now := s.time(); err == nil && now.Sub(purged) >= purgeInterval {
			if removed.Tasks, err = s.purge(ctx); err == nil {
				purged = now
			}
		}
		if ctx.Err() == nil {
			report(removed, err)
		}
		if !wait(ctx, maintenanceInterval) {
			return
		}
	}
}

// wait waits for d. It returns false when ctx ends first.
func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// expireKeys removes the keys that have expired, in small steps.
func (s *Service) expireKeys(ctx context.Context) (expired int, err error) {
	for {
		n, err := s.store.ExpireKeys(ctx, s.time(), expireStep)
		expired += n
		if err != nil || n < expireStep {
			return expired, err
		}
	}
}

// purge removes the deleted tasks whose retention time is over, in small steps.
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
