package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"docket/internal/migrate"
)

// pendingCheck is a check in progress, whose result all concurrent callers of
// Ready share.
type pendingCheck struct {
	done chan struct{} // closed when the others are written
	err  error
	left bool // the caller that ran the check has left, so that err may be due to that
}

// errCheck is the error of a check that panicked.
var errCheck = errors.New("postgres: the check of the database panicked")

// Ready implements docket.Store. It is passive: it reports what the last
// statement met, and asks the database only when that was a failure, so that
// probes do not keep a serverless database awake.
func (s *Store) Ready(ctx context.Context) error {
	for s.troubled.Load() {
		c, first := s.joinCheck()
		if first {
			return s.runCheck(ctx, c)
		}
		select {
		case <-c.done:
			if !c.left {
				return c.err
			}
		case <-ctx.Done():
			return unavailable(ctx.Err())
		}
	}
	return nil
}

// joinCheck returns the check in progress, or a new one that the first caller has
// to run.
func (s *Store) joinCheck() (c *pendingCheck, first bool) {
	s.checking.Lock()
	defer s.checking.Unlock()
	if first = s.pending == nil; first {
		s.pending = &pendingCheck{done: make(chan struct{}), err: unavailable(errCheck)}
	}
	return s.pending, first
}

func (s *Store) runCheck(ctx context.Context, c *pendingCheck) error {
	defer func() {
		s.checking.Lock()
		defer s.checking.Unlock()
		s.pending = nil
		close(c.done)
	}()
	err := s.check(ctx)
	c.err, c.left = err, ctx.Err() != nil
	return err
}

// check reads the schema's state and returns nil when this program serves it.
func (s *Store) check(ctx context.Context) error {
	var status migrate.Status
	err := s.run(ctx, reading, func(ctx context.Context, conn *pgx.Conn) (err error) {
		status, err = readStatus(ctx, conn)
		return err
	})
	if err != nil {
		return err
	}
	if err := status.Check(); err != nil {
		return unavailable(err)
	}
	return nil
}
