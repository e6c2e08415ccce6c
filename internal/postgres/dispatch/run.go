package dispatch

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"docket/internal/postgres/connect"
	"docket/internal/postgres/pgerror"
)

// Work is one statement or one transaction on a connection.
type Work = func(context.Context, *pgx.Conn) error

// Run runs f on a connection of the pool, as the policy says: within the time limits, and
// again after an error that allows it, so f may be called several times. An error of f
// gets its docket kind; one of a statement that commits must have been marked by
// pgerror.AfterSend or AfterCommit.
func (d *Dispatcher) Run(ctx context.Context, p Policy, f Work) error {
	return d.repeat(ctx, ctx, p, f)
}

// repeat is Run with a context of its own for the waits, for a connection and
// between attempts.
func (d *Dispatcher) repeat(acquire, ctx context.Context, p Policy, f Work) error {
	if p.write {
		ctx = context.WithoutCancel(ctx)
	}
	for n := 1; ; n++ {
		err := d.attempt(acquire, ctx, p, f)
		if ctx.Err() == nil && !p.checking { // else the client has left, which says nothing about the database
			d.note(err)
		}
		if err == nil || n == maxAttempts || !p.allows(err) && !d.shardMoved(err) || !connect.Pause(acquire, n) {
			return d.translate(err)
		}
	}
}

func (d *Dispatcher) attempt(acquire, ctx context.Context, p Policy, f Work) (err error) {
	acquire, cancelAcquire := context.WithTimeoutCause(acquire, d.Limits.Acquire, pgerror.ErrAcquire)
	defer cancelAcquire()
	conn, err := d.acquire(acquire, p)
	if err != nil {
		return acquireError(acquire, err)
	}
	defer func() { d.release(conn, err) }()
	ctx, cancel := context.WithTimeout(ctx, d.timeout(p))
	defer cancel()
	if p.write && d.Troubled() {
		// A pooler that has lost its server answers a write as if the server might
		// have run it. A ping writes nothing.
		if err := conn.Ping(ctx); err != nil {
			return err
		}
	}
	return pgerror.Replicated(conn.Conn(), f(ctx, conn.Conn()))
}

// acquireError is the error of a wait for a connection that ended with err.
func acquireError(acquire context.Context, err error) error {
	if errors.Is(context.Cause(acquire), pgerror.ErrAcquire) {
		return pgerror.Unavailable(errors.Join(pgerror.ErrAcquire, err))
	}
	return err
}

// timeout returns the time limit of one attempt.
func (d *Dispatcher) timeout(p Policy) time.Duration {
	if p.pass {
		return d.Limits.Pass
	}
	return d.Limits.Statement
}

// note draws the consequences of the result of an attempt for later ones.
func (d *Dispatcher) note(err error) {
	switch {
	case pgerror.Code(err) == pgerror.UndefinedStatement, pgerror.Code(err) == pgerror.DuplicateStatement:
		d.avoidPrepared()
	case pgerror.IsReadOnly(err):
		d.replaceConnections()
	}
	d.health.observe(err)
}
