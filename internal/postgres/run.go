package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
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
		if ctx.Err() == nil && !p.checking { // else the client has left, which says nothing about the database
			s.note(err)
		}
		if err == nil || n == maxAttempts || !p.allows(err) && !s.shardMoved(err) || !pause(acquire, n) {
			return s.translate(err)
		}
	}
}

func (s *Store) attempt(acquire, ctx context.Context, p policy, f work) (err error) {
	acquire, cancelAcquire := context.WithTimeoutCause(acquire, s.acquireTimeout, errAcquire)
	defer cancelAcquire()
	conn, err := s.acquire(acquire, p)
	if err != nil {
		return acquireError(acquire, err)
	}
	defer func() { s.release(conn, err) }()
	ctx, cancel := context.WithTimeout(ctx, s.timeout(p))
	defer cancel()
	if p.write && s.troubled.Load() {
		// A pooler that has lost its server answers a write as if the server might
		// have run it. A ping writes nothing.
		if err := conn.Ping(ctx); err != nil {
			return err
		}
	}
	return replicated(conn.Conn(), f(ctx, conn.Conn()))
}

// acquireError is the error of a wait for a connection that ended with err.
func acquireError(acquire context.Context, err error) error {
	if errors.Is(context.Cause(acquire), errAcquire) {
		return unavailable(errors.Join(errAcquire, err))
	}
	return err
}

// timeout returns the time limit of one attempt.
func (s *Store) timeout(p policy) time.Duration {
	if p.pass {
		return s.passTimeout
	}
	return s.statementTimeout
}

// note draws the consequences of the result of an attempt for later ones.
func (s *Store) note(err error) {
	switch {
	case sqlState(err) == undefinedStatement, sqlState(err) == duplicateStatement:
		s.avoidPrepared()
	case isReadOnly(err):
		s.replaceConnections()
	}
	s.observe(err)
}
