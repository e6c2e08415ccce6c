// Package postgres is a docket.Store in a PostgreSQL database, reached directly
// or through a transaction pooler such as pgbouncer.
//
// Every request is normally one statement, hence one round trip; those of concurrent
// requests share one (see package dispatch, which sends all statements). Nothing here
// relies on the session: no SET, no LISTEN, no session lock, no search_path.
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

	"docket"
	"docket/internal/migrate"
	"docket/internal/postgres/connect"
	"docket/internal/postgres/dispatch"
	"docket/internal/postgres/schema"
)

// DefaultMaxConns is the size of the pool unless Options says otherwise.
const DefaultMaxConns = 20

// Options say how to open a database.
type Options struct {
	Target     connect.Target
	Direct     *connect.Target // where migrations run; nil: at Target
	ExecMode   string          // one of ExecModes, or "" to choose by what is found
	MaxConns   int32           // 0: DefaultMaxConns
	NoBatching bool            // each statement takes a round trip of its own
	Migrate    bool            // bring the schema up to date, instead of only checking it
	Log        *slog.Logger
}

// Unpooled returns where migrations run.
func (o Options) Unpooled() connect.Target {
	if o.Direct != nil {
		return *o.Direct
	}
	return o.Target
}

// Store keeps tasks in PostgreSQL. It implements docket.Store.
type Store struct {
	db  *dispatch.Dispatcher
	log *slog.Logger

	distance    time.Duration // of a round trip, at the start
	distributed bool          // Citus has distributed the tables by user
	worker      *worker       // the server of the connections when it is known to be one, or nil

	moved       atomic.Pointer[string] // the warning about another timeline, or nil
	synchronous atomic.Bool            // commits may wait for a standby
	rechecking  atomic.Bool
	background  sync.WaitGroup // of recheck
}

var _ docket.Store = (*Store)(nil)

// Open connects, checks that the database can hold any text, and brings its schema
// up to date or checks it. It waits up to connect.ConnectTimeout for the database. Where Citus
// has distributed the tables, what it returns knows the workers.
func Open(ctx context.Context, o Options) (docket.Store, error) {
	s, mode, err := openStore(ctx, o)
	if err != nil {
		return nil, err
	}
	if s.distributed {
		return newWorkers(ctx, s, o, mode)
	}
	return s, nil
}

// openStore is Open for the server of DATABASE_URL alone.
func openStore(ctx context.Context, o Options) (s *Store, mode pgx.QueryExecMode, err error) {
	for _, warning := range o.Target.Warnings {
		o.Log.Warn("the database URL", "warning", warning)
	}
	found, err := connect.Probe(ctx, o.Target, o.Log)
	if err != nil {
		return nil, 0, err
	}
	mode = connect.ExecModes[cmp.Or(o.ExecMode, found.Way.ExecMode())]
	if o.Migrate {
		if err := schema.Migrate(ctx, o.Unpooled(), func(m migrate.Migrator) error {
			_, err := m.Up(ctx)
			return err
		}); err != nil {
			return nil, 0, err
		}
	}
	if s, err = newStore(ctx, o, storeOptions{target: o.Target, mode: mode, distance: found.Distance, distributed: found.Distributed}); err != nil {
		return nil, 0, err
	}
	if err := errors.Join(s.db.Check(ctx), s.recordTimeline(ctx)); err != nil {
		_ = s.Close()
		if e, ok := errors.AsType[*docket.Error](err); ok && e.Err != nil {
			err = e.Err // to an operator, not to a client
		}
		return nil, 0, err
	}
	o.Log.Info("connected to PostgreSQL", "way", found.Way.String(), "exec_mode", cmp.Or(o.ExecMode, found.Way.ExecMode()), "round_trip", found.Distance.String())
	return s, mode, nil
}

// storeOptions is what differs between the stores of one database.
type storeOptions struct {
	target      connect.Target
	mode        pgx.QueryExecMode
	distance    time.Duration // of a round trip
	conns       int32         // 0: as Options says
	distributed bool
	worker      *worker // the server of target when it is one, or nil
}

// newStore returns a store that has not connected yet.
func newStore(ctx context.Context, o Options, where storeOptions) (s *Store, err error) {
	s = &Store{log: o.Log, distance: where.distance, distributed: where.distributed, worker: where.worker}
	s.db, err = dispatch.New(ctx, dispatch.Options{
		Target: where.target, ExecMode: where.mode, Conns: cmp.Or(where.conns, o.MaxConns, DefaultMaxConns), Distance: where.distance,
		Distributed: where.distributed, NoBatching: o.NoBatching, Log: o.Log, Meet: s.meet, Inspect: s.inspect,
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Close waits for running statements and closes all connections.
func (s *Store) Close() error {
	s.background.Wait()
	s.db.Close()
	return nil
}
