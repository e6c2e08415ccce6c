package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"docket"
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

// Ready implements docket.Store. It is passive: it reports what the statements of
// requests met, and asks the database only after a failure, so that probes do not
// keep a serverless database awake.
func (s *Store) Ready(ctx context.Context) error {
	for s.troubled.Load() || s.suspected.Load() != s.cleared.Load() {
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

// observe records for Ready what an attempt says about the database. A request
// that succeeds shows that the server works, not that every table and right is
// there: when one was missing, only a check shows that it is back.
func (s *Store) observe(err error) {
	switch {
	case err == nil, errors.Is(err, pgx.ErrNoRows):
		s.troubled.Store(false)
	case ofRequest(err):
	default:
		if aboutSchema(sqlState(err)) || isReadOnly(err) {
			s.suspected.Add(1)
		}
		kind := docket.KindOf(translate(err)) // Internal too: the schema may not be what it was
		s.troubled.Store(kind == docket.Unavailable || kind == docket.OutcomeUnknown || kind == docket.Internal)
	}
}

// rightsSQL names every column of the tables of requests, and returns the rights
// on these tables that the role lacks, and whether the server is read-only.
var rightsSQL = `SELECT
  (SELECT string_agg(p.name || ' on docket.' || t.name, ', ') FROM unnest(ARRAY['owners', 'tasks', 'idempotency_keys', 'api_keys', 'database']) AS t (name),
    unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS p (name)
  WHERE NOT has_table_privilege('docket.' || t.name, p.name)),
  current_setting('transaction_read_only') = 'on'
WHERE NOT EXISTS (SELECT x.user_id, x.epoch, x.counter, x.purged_through, x.live, x.trash, x.kept FROM docket.owners AS x WHERE false)
  AND NOT EXISTS (SELECT t.user_id, ` + columnNames("t.") + ` FROM docket.tasks AS t WHERE false)
  AND NOT EXISTS (SELECT k.user_id, k.key, k.fingerprint, k.result, k.size, k.expires_at FROM docket.idempotency_keys AS k WHERE false)
  AND NOT EXISTS (SELECT k.user_id, ` + apiKeyColumns + ` FROM docket.api_keys AS k WHERE false)
  AND NOT EXISTS (SELECT d.id, d.clock, d.timeline FROM docket.database AS d WHERE false)`

// check returns nil when the server can be written, and this program serves its
// schema and has its rights on it.
func (s *Store) check(ctx context.Context) error {
	before := s.suspected.Load()
	var verdict error
	err := s.run(ctx, checking, func(ctx context.Context, conn *pgx.Conn) (err error) {
		verdict, err = s.inspect(ctx, conn)
		return err
	})
	switch {
	case verdict != nil:
		return unavailable(verdict)
	case err != nil && docket.KindOf(err) != docket.Unavailable:
		return unavailable(err)
	case err != nil:
		return err
	}
	s.cleared.Store(before)
	s.troubled.Store(false)
	return nil
}

// inspect returns as its verdict what an operator has to mend. The error is one
// that may pass by itself.
func (s *Store) inspect(ctx context.Context, conn *pgx.Conn) (verdict, err error) {
	status, err := readStatus(ctx, conn)
	if err != nil {
		return nil, err
	}
	if verdict := status.Check(); verdict != nil {
		return verdict, nil
	}
	var lacking *string
	var readOnly bool
	if err := conn.QueryRow(ctx, rightsSQL, pgx.QueryExecModeExec).Scan(&lacking, &readOnly); err != nil {
		return nil, err
	}
	switch {
	case readOnly:
		return nil, errStandby
	case lacking != nil:
		return fmt.Errorf("the role of DATABASE_URL lacks rights: %s (docs/operations.md has the grants)", *lacking), nil
	}
	return nil, s.meet(ctx, conn)
}
