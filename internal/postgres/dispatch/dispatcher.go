// Package dispatch sends statements and transactions to a PostgreSQL database: in groups
// with those of other requests or alone, over a pool of connections, within time limits,
// again after an error that allows it. It also knows whether the database can serve. What
// the statements are about is the business of its callers.
//
// The tests of package postgres try it on databases, with the statements of the store.
package dispatch

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
	"docket/internal/postgres/connect"
)

// acquireTimeout bounds the wait for a connection, and that of a write with a key for
// locks.
const acquireTimeout = 2 * time.Second

// Limits are time limits.
type Limits struct {
	Acquire   time.Duration // of the wait for a connection, in the queue of a batcher too
	Statement time.Duration // of one attempt of a statement or a transaction
	Pass      time.Duration // of one that costs a pass over the tasks of a user
}

// Options say how to reach a database, and what to do with its connections.
type Options struct {
	Target      connect.Target
	ExecMode    pgx.QueryExecMode // of connections; it changes when prepared statements are lost
	Conns       int32             // of the pool, besides the one for checks
	Distance    time.Duration     // of a round trip
	Distributed bool              // Citus has distributed the tables, so transactions begin and end in words
	NoBatching  bool              // each statement takes a round trip of its own
	Log         *slog.Logger

	// Meet looks at the server of a new connection, and refuses it with an error.
	Meet func(context.Context, *pgx.Conn) error
	// Inspect tells whether the database can serve. Its verdict is what an operator has
	// to mend, its error one that may pass by itself.
	Inspect func(context.Context, *pgx.Conn) (verdict, err error)
}

// Dispatcher sends statements and transactions to one database, over a pool of
// connections.
type Dispatcher struct {
	Pool   *pgxpool.Pool // of the connections of Run and Batch, which alone take care of retries and limits
	Checks *pgxpool.Pool // of one connection, so that a check does not wait behind requests

	Reads *Batcher // of one task each
	Pages *Batcher // of pages that take little time
	// writes are chosen by user, so the groups of this process never wait for each other.
	writes [writeBatchers]*Batcher
	seed   maphash.Seed

	// Limits may be changed while no statement runs.
	Limits Limits

	noBatching  bool
	distributed bool // Citus has distributed the tables
	log         *slog.Logger
	inspect     func(context.Context, *pgx.Conn) (verdict, err error)

	mode      atomic.Int32  // the pgx.QueryExecMode of new connections
	switching sync.Mutex    // held to change mode and to replace the connections
	replaced  atomic.Bool   // the connections were replaced within replaceInterval
	demoted   atomic.Bool   // a server took no writes, and no other one was met since
	refused   atomic.Bool   // the server has refused a connection within refusalInterval
	freed     chan struct{} // capacity 1: full when a connection may have become free since

	health health
}

// New returns a dispatcher that has not connected yet. It must be closed.
func New(ctx context.Context, o Options) (d *Dispatcher, err error) {
	d = &Dispatcher{
		Reads:      NewBatcher(widthAt(o.Distance, int(o.Conns)), "", Reading),
		Pages:      NewBatcher(pageWidth, pagesFirstSQL, Reading),
		seed:       maphash.MakeSeed(),
		Limits:     Limits{acquireTimeout, docket.StatementTimeout, docket.PassTimeout},
		noBatching: o.NoBatching, distributed: o.Distributed, log: o.Log, inspect: o.Inspect,
		freed: make(chan struct{}, 1),
	}
	for i := range d.writes {
		d.writes[i] = NewBatcher(1, writesFirstSQL, Writing)
		d.writes[i].worded = o.Distributed
	}
	d.mode.Store(int32(o.ExecMode))
	if d.Pool, err = d.newPool(ctx, o, o.Conns); err != nil {
		return nil, err
	}
	if d.Checks, err = d.newPool(ctx, o, 1); err != nil {
		d.Pool.Close()
		return nil, err
	}
	return d, nil
}

// WritesOf returns the batcher for the writes of a user.
func (d *Dispatcher) WritesOf(owner docket.UserID) *Batcher {
	return d.writes[maphash.String(d.seed, string(owner))%writeBatchers]
}

// Batchers returns all batchers, by the names that the metrics give to what they send.
func (d *Dispatcher) Batchers() map[string][]*Batcher {
	return map[string][]*Batcher{"tasks": {d.Reads}, "pages": {d.Pages}, "writes": d.writes[:]}
}

// Close waits for running statements and closes all connections.
func (d *Dispatcher) Close() {
	d.Checks.Close()
	d.Pool.Close()
}
