// Package connect finds out what a PostgreSQL URL leads to, and connects there: to a server
// or through which kind of pooler, how far away, with Citus or without, and in which of
// pgx's exec modes statements may be sent.
package connect

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"docket/internal/postgres/pgerror"
)

// Finding is what Probe has found out.
type Finding struct {
	Way      Way
	Distance time.Duration // a round trip

	Distributed bool // Citus has distributed the tables
}

// Probe connects, waiting for up to ConnectTimeout, and checks the settings that Docket
// relies on. It logs a warning about one that loses acknowledged writes. Errors are
// sentences for the operator.
func Probe(ctx context.Context, t Target, log *slog.Logger) (found Finding, err error) {
	conn, err := connect(ctx, t)
	if err != nil {
		return found, fmt.Errorf("cannot reach the database %s: %w", t, err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // nothing is lost with it
	var pid uint32
	var encoding, isolation, durability string
	var standby bool
	err = conn.QueryRow(ctx, `SELECT pg_backend_pid(), current_setting('server_encoding'), current_setting('transaction_isolation'),
  current_setting('synchronous_commit'), pg_is_in_recovery()`, pgx.QueryExecModeExec).Scan(&pid, &encoding, &isolation, &durability, &standby)
	switch {
	case err != nil:
		return found, fmt.Errorf("cannot use the database %s: %w", t, err)
	case encoding != "UTF8":
		return found, fmt.Errorf("the database %s has the encoding %s, which cannot hold every text: make one with ENCODING 'UTF8'", t, encoding)
	case isolation != "read committed":
		return found, fmt.Errorf("the database %s gives %s transactions where Docket relies on read committed: reset default_transaction_isolation of the role and the database", t, isolation)
	case standby:
		return found, fmt.Errorf("the database %s is a standby, which cannot be written: name the primary", t)
	case durability == "off":
		log.Warn("synchronous_commit is off: a crash of the database loses writes that were acknowledged")
	}
	if found.Distributed, err = HasCitus(ctx, conn); err == nil && found.Distributed {
		found.Distributed, err = IsDistributed(ctx, conn)
	}
	if err != nil {
		return found, fmt.Errorf("cannot use the database %s: %w", t, err)
	}
	if found.Distance, err = distance(ctx, conn); err != nil {
		return found, fmt.Errorf("cannot use the database %s: %w", t, err)
	}
	if t.Pooled || pid != conn.PgConn().PID() { // poolers make up process ids
		found.Way, err = explore(ctx, t, conn)
	}
	return found, err
}

// distance returns the shortest of a few round trips.
func distance(ctx context.Context, conn *pgx.Conn) (time.Duration, error) {
	shortest := ConnectTimeout
	for range 3 {
		start := time.Now() //nolint:forbidigo // for a duration
		if err := conn.Ping(ctx); err != nil {
			return 0, err
		}
		shortest = min(shortest, time.Since(start)) //nolint:forbidigo // as above
	}
	return shortest, nil
}

// With connects to t, calls f, and closes the connection. It waits for up to
// ConnectTimeout while the database is starting.
func With(ctx context.Context, t Target, f func(*pgx.Conn) error) (err error) {
	conn, err := connect(ctx, t)
	if err != nil {
		return fmt.Errorf("cannot reach the database %s: %w", t, err)
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	return f(conn)
}

// Pause waits before the attempt after the given one: at random, so that many do
// not come back at once, up to 40 ms and then up to 80 ms. It returns false when
// ctx ends.
func Pause(ctx context.Context, attempt int) bool {
	timer := time.NewTimer(time.Duration(1+rand.IntN(20<<attempt)) * time.Millisecond) //nolint:gosec // no secret
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// connect retries for up to ConnectTimeout while the database is starting.
func connect(ctx context.Context, t Target) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, ConnectTimeout)
	defer cancel()
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		conn, err := pgx.ConnectConfig(ctx, t.Config())
		if err == nil || !pgerror.MayPass(err) {
			return conn, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(wait):
		}
	}
}

// SeemsDead decides whether the pool pings a connection before it is used, which
// costs a round trip. A write on a connection that has died unnoticed would end
// with an unknown outcome.
func SeemsDead(_ context.Context, p pgxpool.ShouldPingParams) bool {
	switch {
	case p.IdleDuration > 30*time.Second:
		return true
	case p.IdleDuration > 100*time.Millisecond:
		return hungUp(p.Conn.PgConn())
	}
	return false
}

// hungUp reports whether an idle connection is known to be closed by the server. It
// sends nothing, and waits for a millisecond.
func hungUp(conn *pgconn.PgConn) bool {
	//nolint:forbidigo // deadlines of connections use the real clock
	if err := conn.Conn().SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
		return true
	}
	_, err := conn.ReceiveMessage(context.Background()) // the end of a context would send a cancel request
	_ = conn.Conn().SetReadDeadline(time.Time{})        // fails only on a broken connection, which is not used again
	return err != nil && !pgconn.Timeout(err)
}
