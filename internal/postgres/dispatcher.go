package postgres

import (
	"context"
	"hash/maphash"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"docket"
)

// acquireTimeout bounds the wait for a connection, and that of a write with a key for
// locks.
const acquireTimeout = 2 * time.Second

// limits are time limits.
type limits struct {
	acquire   time.Duration // of the wait for a connection, in the queue of a batcher too
	statement time.Duration // of one attempt of a statement or a transaction
	pass      time.Duration // of one that costs a pass over the tasks of a user
}

// dispatchOptions say how to reach a database, and what to do with its connections.
type dispatchOptions struct {
	Target      Target
	ExecMode    pgx.QueryExecMode // of connections; it changes when prepared statements are lost
	Conns       int32             // of the pool, besides the one for checks
	Distance    time.Duration     // of a round trip
	Distributed bool              // Citus has distributed the tables
	NoBatching  bool              // each statement takes a round trip of its own
	Log         *slog.Logger

	// Meet looks at the server of a new connection, and refuses it with an error.
	Meet func(context.Context, *pgx.Conn) error
	// Inspect tells whether the database can serve. Its verdict is what an operator has
	// to mend, its error one that may pass by itself.
	Inspect func(context.Context, *pgx.Conn) (verdict, err error)
}

// dispatcher sends statements and transactions to one database, over a pool of
// connections.
type dispatcher struct {
	pool   *pgxpool.Pool
	checks *pgxpool.Pool // of one connection, so that a check does not wait behind requests

	reads *batcher // of one task each
	pages *batcher // of pages that take little time
	// writes are chosen by user, so the groups of this process never wait for each other.
	writes [writeBatchers]*batcher
	seed   maphash.Seed

	// limits may be changed while no statement runs.
	limits limits

	noBatching  bool
	distributed bool // Citus has distributed the tables
	log         *slog.Logger
	inspect     func(context.Context, *pgx.Conn) (verdict, err error)

	mode      atomic.Int32  // the pgx.QueryExecMode of new connections
	switching sync.Mutex    // held to change mode and to replace the connections
	replaced  atomic.Bool   // the connections were replaced within replaceInterval
	refused   atomic.Bool   // the server has refused a connection within refusalInterval
	freed     chan struct{} // capacity 1: full when a connection may have become free since

	health health
}

// newDispatcher returns a dispatcher that has not connected yet.
func newDispatcher(ctx context.Context, o dispatchOptions) (d *dispatcher, err error) {
	d = &dispatcher{
		reads:      newBatcher(widthAt(o.Distance, int(o.Conns)), "", reading),
		pages:      newBatcher(pageWidth, pagesFirstSQL, reading),
		seed:       maphash.MakeSeed(),
		limits:     limits{acquireTimeout, docket.StatementTimeout, docket.PassTimeout},
		noBatching: o.NoBatching, distributed: o.Distributed, log: o.Log, inspect: o.Inspect,
		freed: make(chan struct{}, 1),
	}
	for i := range d.writes {
		d.writes[i] = newBatcher(1, writesFirstSQL, writing)
		d.writes[i].worded = o.Distributed
	}
	d.mode.Store(int32(o.ExecMode))
	if d.pool, err = d.newPool(ctx, o, o.Conns); err != nil {
		return nil, err
	}
	if d.checks, err = d.newPool(ctx, o, 1); err != nil {
		d.pool.Close()
		return nil, err
	}
	return d, nil
}

// writesOf returns the batcher for the writes of a user.
func (d *dispatcher) writesOf(owner docket.UserID) *batcher {
	return d.writes[maphash.String(d.seed, string(owner))%writeBatchers]
}

// batchers returns all batchers, by what their statements do.
func (d *dispatcher) batchers() map[string][]*batcher {
	return map[string][]*batcher{"tasks": {d.reads}, "pages": {d.pages}, "writes": d.writes[:]}
}

// close waits for running statements and closes all connections.
func (d *dispatcher) close() {
	d.checks.Close()
	d.pool.Close()
}
