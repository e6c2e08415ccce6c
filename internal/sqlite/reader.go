package sqlite

import (
	"context"
	"errors"
	"time"

	"docket"
	"docket/internal/sqlite/engine"
)

// readers is a pool of read-only connections.
type readers struct {
	idle   chan *reader
	n      int // readers, in use or not
	limit  time.Duration
	shorts *arrivals // what they read is short, and noted there; nil for passes
	beside *arrivals // that passes give way to
	health *health
}

type reader struct {
	conn   *engine.Conn
	broken bool // its connection must be replaced before the next use
	slice  slice
}

// atOnce runs f in one transaction of a reader: everything that f reads is from one
// moment.
func atOnce[T any](ctx context.Context, p *readers, f func(*reader) (T, error)) (result T, err error) {
	err = p.use(ctx, func(r *reader) error {
		if err := r.conn.Stmt("BEGIN").Exec(); err != nil {
			return err
		}
		result, err = f(r)
		return err
	})
	return result, err
}

// openReaders opens n readers. Each use of one lasts at most limit.
func openReaders(f engine.File, n int, limit time.Duration, h *health) (*readers, error) {
	pool := &readers{idle: make(chan *reader, n), limit: limit, health: h}
	for range n {
		r := &reader{}
		f.Setup = func(c *engine.Conn) error { return errors.Join(addFunctions(c), addInTime(c, r.inTime)) }
		var err error
		r.conn, err = f.Open("query_only = 1")
		pool.idle <- r
		pool.n++
		if err != nil {
			return nil, errors.Join(err, pool.close())
		}
	}
	return pool, nil
}

// use runs f with a reader that nobody else uses. It waits at most acquireTimeout for
// one. The statements of f are interrupted when ctx ends, and at the limit of the pool.
func (p *readers) use(ctx context.Context, f func(*reader) error) error {
	return p.useUntil(ctx, ctx, f)
}

// lookUp is use for one row that is found by its key: only the limit of the pool
// interrupts it, not a client that leaves.
func (p *readers) lookUp(ctx context.Context, f func(*reader) error) error {
	return p.useUntil(ctx, context.Background(), f)
}

// useUntil is use with a context of its own that interrupts f.
func (p *readers) useUntil(ctx, until context.Context, f func(*reader) error) error {
	p.shorts.note()
	r, err := p.acquire(ctx)
	if err != nil {
		return err
	}
	defer func() { p.idle <- r }()
	err = traced(ctx, "read", func() error { return p.run(until, r, f) })
	if engine.Panicked(err) {
		r.broken = true
		err = errors.Join(err, r.repair())
	}
	p.health.met(err)
	return translate(err)
}

// run runs f within the limit, and ends the transaction that f began.
func (p *readers) run(ctx context.Context, r *reader, f func(*reader) error) error {
	if err := r.repair(); err != nil {
		return err
	}
	r.conn.SetAlarm(ctx, p.limit)
	r.slice = firstSlice(p.beside)
	err := engine.Recovered(func() error { return f(r) })
	cause := r.conn.ClearAlarm()
	if !engine.Panicked(err) && r.conn.InTransaction() {
		end := r.conn.Stmt("ROLLBACK").Exec()
		r.broken = end != nil
		err = errors.Join(err, end)
	}
	switch { // what f returns after the alarm has rung may be incomplete
	case cause == nil:
		return err
	case errors.Is(cause, engine.ErrDeadline):
		return unavailable(errors.Join(cause, err))
	default:
		return errors.Join(cause, err)
	}
}

func (p *readers) acquire(ctx context.Context) (*reader, error) {
	select {
	case r := <-p.idle:
		return r, nil
	default:
	}
	wait, cancel := context.WithTimeoutCause(ctx, acquireTimeout, errAcquire)
	defer cancel()
	select {
	case r := <-p.idle:
		return r, nil
	case <-wait.Done():
		return nil, waitEnded(wait)
	}
}

// repair gives a broken reader another connection. The transaction of the old one is
// rolled back.
func (r *reader) repair() error {
	if !r.broken {
		return nil
	}
	err := r.conn.Replace()
	r.broken = err != nil
	return err
}

// close waits for the readers in use, and closes all.
func (p *readers) close() error {
	var errs []error
	for range p.n {
		errs = append(errs, (<-p.idle).conn.Close())
	}
	return errors.Join(errs...)
}

// readersFor returns the pool that serves q: a pass must not hold a reader that short
// reads and the results of writes need.
func (s *Store) readersFor(q docket.ListQuery) *readers {
	if q.Pass() {
		return s.passes
	}
	return s.readers
}
