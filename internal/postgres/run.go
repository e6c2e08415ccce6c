package postgres

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"docket"
)

// maxAttempts is how often one request's statement is tried.
const maxAttempts = 3

var errAcquire = errors.New("postgres: no connection became free in time")

// write runs f, which is one statement or one transaction, on a connection.
// From then on the client's leaving does not stop it. It is tried again only
// when it is certain that nothing was committed.
func (s *Store) write(ctx context.Context, f func(context.Context, *pgx.Conn) error) error {
	return s.writeWhile(ctx, ctx, safeToRepeat, f)
}

// writeWhile is write with another rule for when to try again, and with a
// context of its own for the wait for a connection.
func (s *Store) writeWhile(acquire, ctx context.Context, again func(error) bool, f func(context.Context, *pgx.Conn) error) error {
	return s.run(acquire, context.WithoutCancel(ctx), again, func(ctx context.Context, conn *pgx.Conn) error {
		if s.troubled.Load() {
			// A pooler that has lost its server answers a write as if the server might
			// have run it. Ask first, with something that writes nothing.
			if err := conn.Ping(ctx); err != nil {
				return err
			}
		}
		return f(ctx, conn)
	})
}

// read is write for a statement that changes nothing: it may be tried again
// after any trouble with the connection, and stops when the client leaves.
func (s *Store) read(ctx context.Context, f func(context.Context, *pgx.Conn) error) error {
	return s.readWithin(ctx, ctx, f)
}

// readWithin is read with a context of its own for the wait for a connection.
func (s *Store) readWithin(acquire, ctx context.Context, f func(context.Context, *pgx.Conn) error) error {
	again := func(err error) bool {
		return safeToRepeat(err) || sqlState(err) != queryCanceled && !errors.Is(err, errAcquire) && !pgconn.Timeout(err) && docket.KindOf(translate(err)) == docket.Unavailable
	}
	return s.run(acquire, ctx, again, func(ctx context.Context, conn *pgx.Conn) error {
		err := f(ctx, conn)
		if u, ok := errors.AsType[*unsettled](err); ok {
			return u.err // there was nothing to commit
		}
		return err
	})
}

func (s *Store) run(acquire, statement context.Context, again func(error) bool, f func(context.Context, *pgx.Conn) error) error {
	for attempt := 1; ; attempt++ {
		err := s.attempt(acquire, statement, f)
		if statement.Err() == nil { // else the client has left, which says nothing of the database
			s.note(err)
		}
		if err == nil || attempt == maxAttempts || !again(err) || !pause(acquire, attempt) {
			return translate(err)
		}
	}
}

func (s *Store) attempt(acquire, statement context.Context, f func(context.Context, *pgx.Conn) error) error {
	acquire, cancelAcquire := context.WithTimeoutCause(acquire, acquireTimeout, errAcquire)
	defer cancelAcquire()
	conn, err := s.pool.Acquire(acquire)
	if err != nil {
		return acquireError(acquire, err)
	}
	defer conn.Release()
	ctx, cancel := context.WithTimeout(statement, statementTimeout)
	defer cancel()
	return f(ctx, conn.Conn())
}

// safeToRepeat reports whether err shows that nothing was committed and that
// another attempt may fare better. One whose time is up has had its turn.
func safeToRepeat(err error) bool {
	if pgconn.Timeout(err) {
		return false
	}
	if _, ok := errors.AsType[*unsettled](err); ok {
		return false
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return startingUp(err)
	}
	switch sqlState(err) {
	case serializationFailure, deadlockDetected, undefinedStatement, duplicateStatement, cannotConnectNow:
		return true
	}
	return pgconn.SafeToRetry(err)
}

// pause waits before the next attempt, for longer each time and never as long
// as others do. It returns false when the client has left.
func pause(ctx context.Context, attempt int) bool {
	timer := time.NewTimer(time.Duration(1+rand.IntN(20<<attempt)) * time.Millisecond) //nolint:gosec // no secret
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// note draws the conclusions from what a statement came to.
func (s *Store) note(err error) {
	if code := sqlState(err); code == undefinedStatement || code == duplicateStatement {
		s.leaveSession()
	}
	s.observe(err)
}

// leaveSession stops the use of prepared statements: a pooler that nothing
// told of hands our statements to sessions that do not have them. When it
// returns, no connection that uses them is given out.
func (s *Store) leaveSession() {
	s.leaving.Lock()
	defer s.leaving.Unlock()
	if s.mode.CompareAndSwap(int32(pgx.QueryExecModeCacheStatement), int32(pgx.QueryExecModeCacheDescribe)) {
		s.pool.Reset()
		s.log.Warn("prepared statements got lost, as they do behind a transaction pooler: going on without them; set DATABASE_EXEC_MODE=cache_describe to start that way")
	}
}

// observe notes for Ready what a statement met.
func (s *Store) observe(err error) {
	switch {
	case err == nil, errors.Is(err, pgx.ErrNoRows):
		s.troubled.Store(false)
	case errors.Is(err, context.Canceled):
	default:
		kind := docket.KindOf(translate(err)) // Internal too: the schema may not be what it was
		s.troubled.Store(kind == docket.Unavailable || kind == docket.OutcomeUnknown || kind == docket.Internal)
	}
}

// one runs the statement of a call by itself. It returns pgx.ErrNoRows when
// there was no row where one was looked for. An error is unsettled when the
// statement may have been committed all the same.
func one(ctx context.Context, conn *pgx.Conn, c *call) error {
	rows, err := conn.Query(ctx, c.sql, c.args...)
	if err != nil {
		return settle(err, false)
	}
	err = c.read(rows)
	if errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	return settle(err, rows.CommandTag().String() != "")
}

// scanOne scans the only row there may be and closes rows. It returns
// pgx.ErrNoRows when there is none.
func scanOne(rows pgx.Rows, dest ...any) error {
	found := rows.Next()
	var scanned error
	if found {
		scanned = rows.Scan(dest...)
	}
	rows.Close()
	switch err := rows.Err(); {
	case err != nil:
		return err
	case !found:
		return pgx.ErrNoRows
	}
	return scanned
}
