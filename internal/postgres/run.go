package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"docket"
)

// work is one statement or one transaction on a connection.
type work = func(context.Context, *pgx.Conn) error

// errAcquire is the cause of a wait for a connection that took acquireTimeout.
var errAcquire = errors.New("postgres: no connection became free in time")

// run runs f as the policy says. Its error has a docket kind.
func (s *Store) run(ctx context.Context, p policy, f work) error {
	return s.repeat(ctx, ctx, p, f)
}

// repeat is run with a context of its own for the waits, for a connection and
// between attempts.
func (s *Store) repeat(acquire, ctx context.Context, p policy, f work) error {
	if p.write {
		ctx = context.WithoutCancel(ctx)
	}
	for n := 1; ; n++ {
		err := s.attempt(acquire, ctx, p, f)
		if ctx.Err() == nil { // else the client has left, which says nothing about the database
			s.note(err)
		}
		if err == nil || n == maxAttempts || !p.allows(err) || !pause(acquire, n) {
			return translate(err)
		}
	}
}

func (s *Store) attempt(acquire, ctx context.Context, p policy, f work) (err error) {
	acquire, cancelAcquire := context.WithTimeoutCause(acquire, s.acquireTimeout, errAcquire)
	defer cancelAcquire()
	conn, err := s.pool.Acquire(acquire)
	if err != nil {
		return acquireError(acquire, err)
	}
	defer func() { release(conn, err) }()
	ctx, cancel := context.WithTimeout(ctx, s.statementTimeout)
	defer cancel()
	if p.write && s.troubled.Load() {
		// A pooler that has lost its server answers a write as if the server might
		// have run it. A ping writes nothing.
		if err := conn.Ping(ctx); err != nil {
			return err
		}
	}
	return f(ctx, conn.Conn())
}

// acquireError is the error of a wait for a connection that ended with err.
func acquireError(acquire context.Context, err error) error {
	if errors.Is(context.Cause(acquire), errAcquire) {
		return unavailable(errors.Join(errAcquire, err))
	}
	return err
}

// release gives a connection back to the pool after err. The pool closes one that
// is still in use, as after a panic. One to a server that is read-only, as the
// old primary is after a failover, is closed here: a new one finds the new primary.
func release(conn *pgxpool.Conn, err error) {
	defer conn.Release()
	if sqlState(err) != readOnly {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), cancelTimeout)
	defer cancel()
	_ = conn.Conn().Close(ctx) // it fails when the connection is broken already
}

// note records what the result of an attempt says about the database.
func (s *Store) note(err error) {
	if code := sqlState(err); code == undefinedStatement || code == duplicateStatement {
		s.avoidPrepared()
	}
	s.observe(err)
}

// avoidPrepared stops the use of prepared statements, because an undetected pooler
// sends statements to sessions that have not prepared them. When it returns, the
// pool gives out no connection that uses them.
func (s *Store) avoidPrepared() {
	s.switching.Lock()
	defer s.switching.Unlock()
	if s.mode.CompareAndSwap(int32(pgx.QueryExecModeCacheStatement), int32(pgx.QueryExecModeCacheDescribe)) {
		s.pool.Reset()
		s.log.Warn("a prepared statement was lost, as happens behind a transaction pooler; prepared statements are off from now on: set DATABASE_EXEC_MODE=cache_describe to start without them")
	}
}

// observe records for Ready whether the database can serve.
func (s *Store) observe(err error) {
	switch {
	case err == nil, errors.Is(err, pgx.ErrNoRows):
		s.troubled.Store(false)
	case ofRequest(err):
	default:
		kind := docket.KindOf(translate(err)) // Internal too: the schema may not be what it was
		s.troubled.Store(kind == docket.Unavailable || kind == docket.OutcomeUnknown || kind == docket.Internal)
	}
}
