package docket

import (
	"context"
	"time"
)

const (
	maintenanceInterval = time.Minute // between two rounds, at least
	expireStep          = 50          // keys that one statement removes, at most
	purgeInterval       = time.Hour   // between two purges, at least
	purgeStep           = 200         // deleted tasks that one transaction removes, at most
	// clockStep bounds how far a purge takes the time that maintenance goes by: a
	// clock that is wrong for a while then removes little, and after a long stop
	// the time catches up within days.
	clockStep = 24 * time.Hour
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

// maintenanceClock is the time that maintenance goes by: the one that the store
// believed when it was last asked, and what has passed since.
type maintenanceClock struct {
	believed time.Time
	read     time.Time // the service's clock then, with its monotonic reading
	purging  bool      // the purge that was due then is not complete
}

// advance moves the clock on, by at most clockStep besides what has passed.
func (s *Service) advance(ctx context.Context, c *maintenanceClock) error {
	read := s.now()
	believed, err := s.store.AdvanceClock(ctx, read.UTC().Truncate(time.Microsecond), clockStep)
	if err == nil {
		*c = maintenanceClock{believed: believed, read: read, purging: true}
	}
	return err
}

func (c *maintenanceClock) now(read time.Time) time.Time { return c.believed.Add(read.Sub(c.read)) }

// Run removes expired keys and purges deleted tasks, until ctx ends. Only
// requests start a round, so an idle database may sleep. Run returns when no
// round is running. It calls report after each round with what the round
// removed, and with the error that ended it early, if any.
func (s *Service) Run(ctx context.Context, report func(Removed, error)) {
	var clock maintenanceClock
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.maintenance:
		}
		removed, err := s.maintain(ctx, &clock)
		if ctx.Err() == nil {
			report(removed, err)
		}
		if !wait(ctx, maintenanceInterval) {
			return
		}
	}
}

// maintain is one round. Every purgeInterval it advances the clock, and purges then and
// in the rounds after it until that is complete.
func (s *Service) maintain(ctx context.Context, clock *maintenanceClock) (removed Removed, err error) {
	if clock.read.IsZero() || s.now().Sub(clock.read) >= purgeInterval {
		if err := s.advance(ctx, clock); err != nil {
			return removed, err
		}
	}
	now := clock.now(s.now()).Truncate(time.Microsecond)
	if removed.Keys, err = s.expireKeys(ctx, now); err != nil || !clock.purging {
		return removed, err
	}
	removed.Tasks, err = s.purge(ctx, now.Add(-s.retention))
	clock.purging = err != nil
	return removed, err
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
func (s *Service) expireKeys(ctx context.Context, now time.Time) (expired int, err error) {
	for {
		n, err := s.store.ExpireKeys(ctx, now, expireStep)
		expired += n
		if err != nil || n < expireStep {
			return expired, err
		}
	}
}

// purge removes the tasks that were deleted before the time before, in small steps.
func (s *Service) purge(ctx context.Context, before time.Time) (purged int, err error) {
	for {
		began := s.now()
		n, err := s.store.Purge(ctx, before, purgeStep)
		purged += n
		if err != nil || n == 0 || !wait(ctx, (purgeShare-1)*s.now().Sub(began)) {
			return purged, err
		}
	}
}
