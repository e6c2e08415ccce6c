package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
)

// work is one statement or one transaction on a connection.
type work = func(context.Context, *pgx.Conn) error

// run runs f as the policy says. Its error has a docket kind.
func (d *dispatcher) run(ctx context.Context, p policy, f work) error {
	return d.repeat(ctx, ctx, p, f)
}

// repeat is run with a context of its own for the waits, for a connection and
// between attempts.
func (d *dispatcher) repeat(acquire, ctx context.Context, p policy, f work) error {
	if p.write {
		ctx = context.WithoutCancel(ctx)
	}
	for n := 1; ; n++ {
		err := d.attempt(acquire, ctx, p, f)
		if ctx.Err() == nil && !p.checking { // else the client has left, which says nothing about the database
			d.note(err)
		}
		if err == nil || n == maxAttempts || !p.allows(err) && !d.shardMoved(err) || !pause(acquire, n) {
			return d.translate(err)
		}
	}
}

func (d *dispatcher) attempt(acquire, ctx context.Context, p policy, f work) (err error) {
	acquire, cancelAcquire := context.WithTimeoutCause(acquire, d.limits.acquire, errAcquire)
	defer cancelAcquire()
	conn, err := d.acquire(acquire, p)
	if err != nil {
		return acquireError(acquire, err)
	}
	defer func() { d.release(conn, err) }()
	ctx, cancel := context.WithTimeout(ctx, d.timeout(p))
	defer cancel()
	if p.write && d.isTroubled() {
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
func (d *dispatcher) timeout(p policy) time.Duration {
	if p.pass {
		return d.limits.pass
	}
	return d.limits.statement
}

// note draws the consequences of the result of an attempt for later ones.
func (d *dispatcher) note(err error) {
	switch {
	case sqlState(err) == undefinedStatement, sqlState(err) == duplicateStatement:
		d.avoidPrepared()
	case isReadOnly(err):
		d.replaceConnections()
	}
	d.health.observe(err)
}
