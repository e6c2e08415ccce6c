package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"time"

	"docket"
)

// readers is a pool of read-only connections, each with its prepared statements.
type readers struct {
	db     *sql.DB
	idle   chan *reader
	n      int // readers, in use or not
	limit  time.Duration
	health *health
}

type reader struct {
	conn              *sql.Conn
	broken            bool // its connection must be replaced before the next use
	begin, end        *sql.Stmt
	get, state        *sql.Stmt
	lists, sizes      map[listStatement]*sql.Stmt
	count, countTrash *sql.Stmt
	changes, snapshot *sql.Stmt
	counters, result  *sql.Stmt
}

// prepare prepares the statements. The schema must be up to date.
func (r *reader) prepare(ctx context.Context) error {
	err := prepareAll(ctx, r.conn, map[**sql.Stmt]string{
		&r.begin: "BEGIN", &r.end: "ROLLBACK", &r.get: getSQL, &r.state: stateSQL, &r.count: countSQL, &r.countTrash: countTrashSQL,
		&r.changes: changesSQL, &r.snapshot: snapshotSQL, &r.counters: countersSQL, &r.result: resultSQL,
	})
	if err != nil {
		return err
	}
	r.lists, r.sizes = map[listStatement]*sql.Stmt{}, map[listStatement]*sql.Stmt{}
	for l, text := range listSQL {
		if r.lists[l], err = r.conn.PrepareContext(ctx, text); err != nil {
			return err
		}
	}
	for l, text := range sizesSQL {
		if r.sizes[l], err = r.conn.PrepareContext(ctx, text); err != nil {
			return err
		}
	}
	return nil
}

// atOnce runs f in one transaction: everything that f reads is from one moment.
func (r *reader) atOnce(f func() error) error {
	if err := exec(r.begin); err != nil {
		return err
	}
	return errors.Join(f(), exec(r.end))
}

// openReaders opens n readers. Each use of one lasts at most limit.
func openReaders(ctx context.Context, f file, n int, limit time.Duration, h *health) (*readers, error) {
	db, err := f.open(ctx, "rw", n, "query_only(1)")
	if err != nil {
		return nil, err
	}
	pool := &readers{db: db, idle: make(chan *reader, n), limit: limit, health: h}
	for range n {
		r := &reader{}
		if err := pool.connect(ctx, r); err != nil {
			return nil, errors.Join(err, pool.close())
		}
		pool.idle <- r
		pool.n++
	}
	return pool, nil
}

// connect gives r a connection and its statements.
func (p *readers) connect(ctx context.Context, r *reader) error {
	conn, err := p.db.Conn(ctx)
	if err != nil {
		return err
	}
	r.conn = conn
	if err := r.prepare(ctx); err != nil {
		return errors.Join(err, conn.Close())
	}
	return nil
}

// use runs f with a reader that nobody else uses. It waits at most acquireTimeout
// for one. The context of f ends with the limit of the pool.
func (p *readers) use(ctx context.Context, f func(context.Context, *reader) error) error {
	r, err := p.acquire(ctx)
	if err != nil {
		return err
	}
	defer func() { p.idle <- r }()
	err = traced(ctx, "read", func() error { return p.run(ctx, r, f) })
	if _, ok := errors.AsType[*panicked](err); ok {
		r.broken = true
		err = errors.Join(err, p.repair(r))
	}
	p.health.met(err)
	return translate(err)
}

// run runs f within the limit.
func (p *readers) run(ctx context.Context, r *reader, f func(context.Context, *reader) error) error {
	if err := p.repair(r); err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, p.limit)
	defer cancel()
	err := recovered(func() error { return f(limited, r) })
	if deadline, _ := limited.Deadline(); err != nil && ctx.Err() == nil && !time.Now().Before(deadline) {
		return unavailable(errors.Join(errDeadline, err))
	}
	return err
}

var errDeadline = errors.New("sqlite: the statement reached its deadline")

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
func (p *readers) repair(r *reader) error {
	if !r.broken {
		return nil
	}
	discard(r.conn)
	err := p.connect(context.Background(), r)
	r.broken = err != nil
	return err
}

// discard closes a connection and does not keep it for another use.
func discard(conn *sql.Conn) {
	_ = conn.Raw(func(any) error { return driver.ErrBadConn })
	_ = conn.Close() // it is closed by now
}

// close waits for the readers in use, and closes all.
func (p *readers) close() error {
	var errs []error
	for range p.n {
		if r := <-p.idle; !r.broken {
			errs = append(errs, r.conn.Close())
		}
	}
	return errors.Join(append(errs, p.db.Close())...)
}

// prepareAll prepares each statement on conn.
func prepareAll(ctx context.Context, conn *sql.Conn, texts map[**sql.Stmt]string) error {
	for stmt, text := range texts {
		prepared, err := conn.PrepareContext(ctx, text)
		if err != nil {
			return err
		}
		*stmt = prepared
	}
	return nil
}

// readersFor returns the pool that serves q: a pass must not hold a reader that short
// reads and the results of writes need.
func (s *Store) readersFor(q docket.ListQuery) *readers {
	if q.Pass() {
		return s.passes
	}
	return s.readers
}
