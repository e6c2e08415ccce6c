package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
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

func (d *dispatcher) newPool(ctx context.Context, o dispatchOptions, conns int32) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig("")
	if err != nil {
		return nil, err
	}
	config.ConnConfig = o.Target.Config()
	if config.ConnConfig.ConnectTimeout == connectTimeout {
		config.ConnConfig.ConnectTimeout = reconnectTimeout
	}
	config.ConnConfig.Tracer = tracer{}
	config.MaxConns = conns
	config.MaxConnLifetime, config.MaxConnLifetimeJitter = time.Hour, 10*time.Minute
	config.MaxConnIdleTime = 5 * time.Minute
	config.ShouldPing = seemsDead
	config.BeforeConnect = func(_ context.Context, c *pgx.ConnConfig) error {
		if d.refused.Load() {
			return errRefused
		}
		c.DefaultQueryExecMode = pgx.QueryExecMode(d.mode.Load())
		return nil
	}
	config.AfterConnect = o.Meet
	return pgxpool.NewWithConfig(ctx, config)
}

// errRefused is the error of a connection that is not attempted.
var errRefused = &pgconn.PgError{Severity: "FATAL", SeverityUnlocalized: "FATAL", Code: tooManyConnections, Message: "the server has too many connections, as it said a moment ago"}

// acquire takes a connection from the pool. When the server refuses to open one
// more, it waits for one of those that there are.
func (d *dispatcher) acquire(ctx context.Context, p policy) (*pgxpool.Conn, error) {
	pool := d.pool
	if p.checking {
		pool = d.checks
	}
	for {
		conn, err := pool.Acquire(ctx)
		if sqlState(err) != tooManyConnections {
			return conn, err
		}
		if !errors.Is(err, errRefused) && d.refused.CompareAndSwap(false, true) {
			time.AfterFunc(refusalInterval, func() { d.refused.Store(false) })
		}
		pool = d.pool
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
func (d *dispatcher) release(conn *pgxpool.Conn, err error) {
	defer func() {
		conn.Release()
		select {
		case d.freed <- struct{}{}:
		default:
		}
	}()
	if !isReadOnly(err) {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), cancelTimeout)
	defer cancel()
	_ = conn.Conn().Close(ctx) // it fails when the connection is broken already
}

// replaceConnections makes the pool open new connections: after a failover all of
// them may lead to the old primary. While no server can be written, that happens
// once in each replaceInterval.
func (d *dispatcher) replaceConnections() {
	if d.replaced.CompareAndSwap(false, true) {
		time.AfterFunc(replaceInterval, func() { d.replaced.Store(false) })
		d.pool.Reset()
	}
}

// avoidPrepared stops the use of prepared statements, because an undetected pooler
// sends statements to sessions that have not prepared them. When it returns, the
// pool gives out no connection that uses them.
func (d *dispatcher) avoidPrepared() {
	d.switching.Lock()
	defer d.switching.Unlock()
	if d.mode.CompareAndSwap(int32(pgx.QueryExecModeCacheStatement), int32(pgx.QueryExecModeCacheDescribe)) {
		d.pool.Reset()
		d.log.Warn("a prepared statement was lost, as happens behind a transaction pooler; prepared statements are off from now on: set DATABASE_EXEC_MODE=cache_describe to start without them")
	}
}
