// Package postgres is a docket.Store in a PostgreSQL database, reached directly
// or through a transaction pooler such as pgbouncer.
//
// Every request is normally one statement, hence one round trip; those of
// concurrent requests share one (see batcher). Nothing here relies on the session:
// no SET, no LISTEN, no session lock, no search_path.
//
// A user's row in owners is the lock of all its tasks. Every write takes it before
// it touches a task, so versions are given in the order of commits and two writes
// of a user cannot deadlock.
package postgres

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"docket"
	"docket/internal/migrate"
)

const (
	// acquireTimeout bounds the wait for a connection, and that of a write with a key
	// for locks.
	acquireTimeout = 2 * time.Second
	// DefaultMaxConns is the size of the pool unless Options says otherwise.
	DefaultMaxConns = 20
)

// Options say how to open a database.
type Options struct {
	Target     Target
	Direct     *Target // where migrations run; nil: at Target
	ExecMode   string  // one of ExecModes, or "" to choose by what is found
	MaxConns   int32   // 0: DefaultMaxConns
	NoBatching bool    // each statement takes a round trip of its own
	Migrate    bool    // bring the schema up to date, instead of only checking it
	Log        *slog.Logger
}

// Unpooled returns where migrations run.
func (o Options) Unpooled() Target {
	if o.Direct != nil {
		return *o.Direct
	}
	return o.Target
}

// ExecModes are pgx's query execution modes that are safe here, by name. Of the
// others, describe_exec mixes up the statements of clients behind a pooler, and
// simple_protocol interpolates arguments on the client.
var ExecModes = map[string]pgx.QueryExecMode{
	"cache_statement": pgx.QueryExecModeCacheStatement, // fastest; needs a session, so not behind a pooler
	"cache_describe":  pgx.QueryExecModeCacheDescribe,
	"exec":            pgx.QueryExecModeExec,
}

// Store keeps tasks in PostgreSQL. It implements docket.Store.
type Store struct {
	pool   *pgxpool.Pool
	checks *pgxpool.Pool // of one connection, so that Ready does not wait behind requests
	mode   atomic.Int32  // the pgx.QueryExecMode of new connections
	log    *slog.Logger

	batchers   *batchers
	noBatching bool

	// Set by Open from the constants; tests change them.
	acquireTimeout, statementTimeout, passTimeout time.Duration

	switching sync.Mutex    // held to change mode and to replace the connections
	replaced  atomic.Bool   // the connections were replaced within replaceInterval
	refused   atomic.Bool   // the server has refused a connection within refusalInterval
	freed     chan struct{} // capacity 1: full when a connection may have become free since

	troubled  atomic.Bool  // the last statement shows that the database cannot serve
	suspected atomic.Int64 // statements that show that the schema, a right or the server is not what it should be
	cleared   atomic.Int64 // suspected when the last check that succeeded began
	checking  sync.Mutex   // guards pending
	pending   *pendingCheck

	moved       atomic.Pointer[string] // the warning about another timeline, or nil
	synchronous atomic.Bool            // commits may wait for a standby
	rechecking  atomic.Bool
	background  sync.WaitGroup // of recheck
}

var _ docket.Store = (*Store)(nil)

// Open connects, checks that the database can hold any text, and brings its schema
// up to date or checks it. It waits up to connectTimeout for the database.
func Open(ctx context.Context, o Options) (*Store, error) {
	for _, warning := range o.Target.Warnings {
		o.Log.Warn("the database URL", "warning", warning)
	}
	found, err := probe(ctx, o.Target, o.Log)
	if err != nil {
		return nil, err
	}
	mode := ExecModes[cmp.Or(o.ExecMode, found.way.execMode())]
	if o.Migrate {
		if err := Migrate(ctx, o.Unpooled(), func(m migrate.Migrator) error {
			_, err := m.Up(ctx)
			return err
		}); err != nil {
			return nil, err
		}
	}
	conns := cmp.Or(o.MaxConns, DefaultMaxConns)
	s := &Store{
		log: o.Log, batchers: newBatchers(found.distance, int(conns)), noBatching: o.NoBatching,
		acquireTimeout: acquireTimeout, statementTimeout: docket.StatementTimeout, passTimeout: docket.PassTimeout,
		freed: make(chan struct{}, 1),
	}
	s.mode.Store(int32(mode))
	if s.pool, err = s.newPool(ctx, o.Target, conns); err != nil {
		return nil, err
	}
	if s.checks, err = s.newPool(ctx, o.Target, 1); err != nil {
		s.pool.Close()
		return nil, err
	}
	if err := errors.Join(s.check(ctx), s.recordTimeline(ctx)); err != nil {
		_ = s.Close()
		if e, ok := errors.AsType[*docket.Error](err); ok && e.Err != nil {
			err = e.Err // to an operator, not to a client
		}
		return nil, err
	}
	o.Log.Info("connected to PostgreSQL", "way", found.way.String(), "exec_mode", cmp.Or(o.ExecMode, found.way.execMode()), "round_trip", found.distance.String())
	return s, nil
}

// Close waits for running statements and closes all connections.
func (s *Store) Close() error {
	s.background.Wait()
	s.checks.Close()
	s.pool.Close()
	return nil
}
