package dispatch

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"docket/internal/postgres/connect"
	"docket/internal/postgres/pgerror"
)

const (
	// replaceInterval is the least time between two replacements of all connections.
	replaceInterval = time.Second
	// refusalInterval is how long no connection is opened after the server has
	// refused one because it has too many.
	refusalInterval = time.Second
	// freedInterval bounds the wait for a connection to become free before the pool
	// is asked again.
	freedInterval = 20 * time.Millisecond
)

func (d *Dispatcher) newPool(ctx context.Context, o Options, conns int32) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig("")
	if err != nil {
		return nil, err
	}
	config.ConnConfig = o.Target.Config()
	if config.ConnConfig.ConnectTimeout == connect.ConnectTimeout {
		config.ConnConfig.ConnectTimeout = connect.ReconnectTimeout
	}
	config.ConnConfig.Tracer = tracer{}
	config.MaxConns = conns
	config.MaxConnLifetime, config.MaxConnLifetimeJitter = time.Hour, 10*time.Minute
	config.MaxConnIdleTime = 5 * time.Minute
	config.ShouldPing = connect.SeemsDead
	config.BeforeConnect = func(_ context.Context, c *pgx.ConnConfig) error {
		if d.refused.Load() {
			return errRefused
		}
		c.DefaultQueryExecMode = pgx.QueryExecMode(d.mode.Load())
		return nil
	}
	config.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		if err := o.Meet(ctx, conn); err != nil {
			return err
		}
		d.met(conn.PgConn())
		return nil
	}
	return pgxpool.NewWithConfig(ctx, config)
}

// errRefused is the error of a connection that is not attempted.
var errRefused = &pgconn.PgError{Severity: "FATAL", SeverityUnlocalized: "FATAL", Code: pgerror.TooManyConnections, Message: "the server has too many connections, as it said a moment ago"}

// acquire takes a connection from the pool. When the server refuses to open one
// more, it waits for one of those that there are.
func (d *Dispatcher) acquire(ctx context.Context, p Policy) (*pgxpool.Conn, error) {
	pool := d.Pool
	if p.checking {
		pool = d.Checks
	}
	for {
		conn, err := pool.Acquire(ctx)
		if pgerror.Code(err) != pgerror.TooManyConnections {
			return conn, err
		}
		if !errors.Is(err, errRefused) && d.refused.CompareAndSwap(false, true) {
			time.AfterFunc(refusalInterval, func() { d.refused.Store(false) })
		}
		pool = d.Pool
		select {
		case <-d.freed:
		case <-time.After(freedInterval):
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), err)
		}
	}
}

// release gives a connection back to the pool after err. The pool closes one that
// is still in use, as after a panic. One to a server that is read-only is closed
// here: a new one finds the new primary.
func (d *Dispatcher) release(conn *pgxpool.Conn, err error) {
	defer func() {
		conn.Release()
		select {
		case d.freed <- struct{}{}:
		default:
		}
	}()
	if !pgerror.IsReadOnly(err) {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), connect.CancelTimeout)
	defer cancel()
	_ = conn.Conn().Close(ctx) // it fails when the connection is broken already
}

// met replaces the other connections when a server that takes writes is met after one
// that did not: those to the old primary still read, and show the past of what is about
// to be written. A server before PostgreSQL 14 does not say which it is.
func (d *Dispatcher) met(conn *pgconn.PgConn) {
	writable := conn.ParameterStatus("in_hot_standby") == "off" && conn.ParameterStatus("default_transaction_read_only") == "off"
	if writable && d.demoted.CompareAndSwap(true, false) {
		d.Pool.Reset()
	}
}

// replaceConnections makes the pool open new connections: after a failover all of
// them may lead to the old primary. While no server can be written, that happens
// once in each replaceInterval.
func (d *Dispatcher) replaceConnections() {
	d.demoted.Store(true)
	if d.replaced.CompareAndSwap(false, true) {
		time.AfterFunc(replaceInterval, func() { d.replaced.Store(false) })
		d.Pool.Reset()
	}
}

// avoidPrepared stops the use of prepared statements, because an undetected pooler
// sends statements to sessions that have not prepared them. When it returns, the
// pool gives out no connection that uses them.
func (d *Dispatcher) avoidPrepared() {
	d.switching.Lock()
	defer d.switching.Unlock()
	if d.mode.CompareAndSwap(int32(pgx.QueryExecModeCacheStatement), int32(pgx.QueryExecModeCacheDescribe)) {
		d.Pool.Reset()
		d.log.Warn("a prepared statement was lost, as happens behind a transaction pooler; prepared statements are off from now on: set DATABASE_EXEC_MODE=cache_describe to start without them")
	}
}
