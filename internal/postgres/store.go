// Package postgres is a docket.Store in a PostgreSQL database, reached directly
// or through a transaction pooler such as pgbouncer.
//
// Every request is normally one statement, hence one round trip; those of
// concurrent requests share one (see lane). Nothing here relies on the session: no SET, no LISTEN, no session lock, no search_path.
//
// The row in owners is the one lock of a user's tasks. Every write takes it
// before it touches a task, so versions are given in the order of commits and
// two writes of a user cannot deadlock.
package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"docket"
	"docket/internal/migrate"
)

const (
	// acquireTimeout bounds the wait for a connection.
	acquireTimeout = 2 * time.Second
	// statementTimeout bounds a statement, on the server.
	statementTimeout = 5 * time.Second
	// DefaultMaxConns is the size of the pool unless Options says otherwise.
	DefaultMaxConns = 20
)

// Options are how to open a database.
type Options struct {
	Target   Target
	Direct   *Target // where migrations run, instead of Target; nil: there
	ExecMode string  // one of ExecModes, or "" to choose by what is found
	MaxConns int32   // 0: DefaultMaxConns
	NoLanes  bool    // each statement travels alone
	Migrate  bool    // bring the schema up to date, instead of only checking it
	Log      *slog.Logger
}

// Unpooled is where to migrate: Direct, or Target without it.
func (o Options) Unpooled() Target {
	if o.Direct != nil {
		return *o.Direct
	}
	return o.Target
}

// ExecModes are the ways of pgx to run a statement that are sound here, by
// name. The others are not: describe_exec mixes up clients behind a pooler,
// and simple_protocol interpolates arguments on the client.
var ExecModes = map[string]pgx.QueryExecMode{
	"cache_statement": pgx.QueryExecModeCacheStatement, // fastest; needs a session, so not behind a pooler
	"cache_describe":  pgx.QueryExecModeCacheDescribe,
	"exec":            pgx.QueryExecModeExec,
}

// Store keeps tasks in PostgreSQL. It implements docket.Store.
type Store struct {
	pool *pgxpool.Pool
	mode atomic.Int32 // a pgx.QueryExecMode, of the connections that are made from now on
	log  *slog.Logger

	lanes       *lanes
	alwaysAlone bool

	leaving sync.Mutex // held to change mode and the connections

	troubled atomic.Bool // the last statement met a database that cannot serve
	probing  atomic.Bool // somebody is finding out whether it still cannot
}

var _ docket.Store = (*Store)(nil)

// Open connects, checks that the database can hold our text, and brings its
// schema up to date or checks it. It waits up to 15 s for the database.
func Open(ctx context.Context, o Options) (*Store, error) {
	for _, warning := range o.Target.Warnings {
		o.Log.Warn("the database URL", "warning", warning)
	}
	found, err := probe(ctx, o.Target, o.Log)
	if err != nil {
		return nil, err
	}
	mode, known := ExecModes[o.ExecMode]
	if !known {
		mode = found.mode
	}
	if o.Migrate {
		if err := Migrate(ctx, o.Unpooled(), func(m migrate.Migrator) error {
			_, err := m.Up(ctx)
			return err
		}); err != nil {
			return nil, err
		}
	}
	config, err := pgxpool.ParseConfig("")
	if err != nil {
		return nil, err
	}
	config.ConnConfig = o.Target.config.Copy()
	config.ConnConfig.Tracer = tracer{}
	config.MaxConns = cmp.Or(o.MaxConns, DefaultMaxConns)
	config.MaxConnLifetime, config.MaxConnLifetimeJitter = time.Hour, 10*time.Minute
	config.MaxConnIdleTime = 5 * time.Minute
	config.ShouldPing = seemsDead
	s := &Store{log: o.Log, lanes: newLanes(found.distance, int(config.MaxConns)), alwaysAlone: o.NoLanes}
	s.mode.Store(int32(mode))
	config.BeforeConnect = func(_ context.Context, c *pgx.ConnConfig) error {
		c.DefaultQueryExecMode = pgx.QueryExecMode(s.mode.Load())
		return nil
	}
	if s.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return nil, err
	}
	if err := s.check(ctx); err != nil {
		s.pool.Close()
		if e, ok := errors.AsType[*docket.Error](err); ok && e.Err != nil {
			err = e.Err // to an operator, not to a client
		}
		return nil, err
	}
	o.Log.Debug("connected", "exec_mode", mode.String(), "round_trip", found.distance.String())
	return s, nil
}

// finding is what a probe found.
type finding struct {
	mode     pgx.QueryExecMode // cache_statement on a session of our own, cache_describe behind a pooler
	distance time.Duration     // a round trip
}

// probe connects once, and looks at what is there.
func probe(ctx context.Context, t Target, log *slog.Logger) (found finding, err error) {
	conn, err := connect(ctx, t)
	if err != nil {
		return found, fmt.Errorf("cannot reach the database %s: %w", t, err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // it has told what it knows
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
	found.mode = pgx.QueryExecModeCacheStatement
	if t.Pooled || pid != conn.PgConn().PID() { // poolers hand out process ids of their own
		found.mode = pgx.QueryExecModeCacheDescribe
	}
	if found.distance, err = distance(ctx, conn); err != nil {
		return found, fmt.Errorf("cannot use the database %s: %w", t, err)
	}
	return found, nil
}

// distance is the shortest of a few round trips.
func distance(ctx context.Context, conn *pgx.Conn) (time.Duration, error) {
	shortest := connectTimeout
	for range 3 {
		start := time.Now() //nolint:forbidigo // a time span, not a time
		if err := conn.Ping(ctx); err != nil {
			return 0, err
		}
		shortest = min(shortest, time.Since(start)) //nolint:forbidigo // likewise
	}
	return shortest, nil
}

// connect tries for connectTimeout, for the database may be starting too.
func connect(ctx context.Context, t Target) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		conn, err := pgx.ConnectConfig(ctx, t.config.Copy())
		if err == nil || !startingUp(err) {
			return conn, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(wait):
		}
	}
}

// seemsDead decides whether a connection from the pool is asked for a sign of
// life before it is used, which costs a round trip. Without one, a write on a
// connection that has died would end with an unknown outcome.
func seemsDead(_ context.Context, p pgxpool.ShouldPingParams) bool {
	switch {
	case p.IdleDuration > 30*time.Second:
		return true
	case p.IdleDuration > 100*time.Millisecond:
		return hungUp(p.Conn.PgConn())
	}
	return false
}

// hungUp reports whether the server has closed an idle connection, as far as
// this side has heard. It looks for a millisecond, and sends nothing.
func hungUp(conn *pgconn.PgConn) bool {
	//nolint:forbidigo // a connection knows no other clock
	if err := conn.Conn().SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
		return true
	}
	_, err := conn.ReceiveMessage(context.Background()) // no context of its own: its end would cancel a statement
	_ = conn.Conn().SetReadDeadline(time.Time{})        // fails on a connection that is not used again
	return err != nil && !pgconn.Timeout(err)
}

// Close waits for the statements that run and closes all connections.
func (s *Store) Close() error {
	s.pool.Close()
	return nil
}

// Ready implements docket.Store. It is passive: it reports what the last
// statement met, and asks the database only when that was a failure, so that
// probes do not keep a serverless database awake.
func (s *Store) Ready(ctx context.Context) error {
	if !s.troubled.Load() {
		return nil
	}
	if !s.probing.CompareAndSwap(false, true) {
		return unavailable(errors.New("postgres: the database could not be reached"))
	}
	defer s.probing.Store(false)
	return s.check(ctx)
}

// check reads the schema's state and returns nil when this program serves it.
func (s *Store) check(ctx context.Context) error {
	var status migrate.Status
	err := s.read(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
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
