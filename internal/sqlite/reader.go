package sqlite

import (
	"context"
	"database/sql"
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
	conn              *connection
	broken            bool // its connection must be replaced before the next use
	begin, end        *sql.Stmt
	get, state        *sql.Stmt
	lists             map[string]*sql.Stmt // by text: see list
	count, countTrash *sql.Stmt
	changes, snapshot *sql.Stmt
	counters, result  *sql.Stmt
	apiKeys           *sql.Stmt
	findAPIKey        *sql.Stmt
}

// prepare prepares the statements but those of lists. The schema must be up to date.
func (r *reader) prepare(ctx context.Context) error {
	err := r.conn.prepareAll(ctx, map[**sql.Stmt]string{
		&r.begin: "BEGIN", &r.end: "ROLLBACK", &r.get: getSQL, &r.state: stateSQL, &r.count: countSQL, &r.countTrash: countTrashSQL,
		&r.changes: changesSQL, &r.snapshot: snapshotSQL, &r.counters: countersSQL, &r.result: resultSQL,
		&r.apiKeys: apiKeysSQL, &r.findAPIKey: findAPIKeySQL,
	})
	r.lists = map[string]*sql.Stmt{}
	return err
}

// list runs a statement of listSQL or sizesSQL. There are many, and most are rarely
// used, so each is prepared when it is used first.
func (r *reader) list(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	stmt, prepared := r.lists[text]
	if !prepared {
		if err := r.conn.prepareAll(ctx, map[**sql.Stmt]string{&stmt: text}); err != nil {
			return nil, err
		}
		r.lists[text] = stmt
	}
	return stmt.QueryContext(ctx, args...)
}

// atOnce runs f in one transaction of a reader: everything that f reads is from one
// moment.
func atOnce[T any](ctx context.Context, p *readers, f func(context.Context, *reader) (T, error)) (result T, err error) {
	err = p.use(ctx, func(ctx context.Context, r *reader) error {
		if err := exec(r.begin); err != nil {
			return err
		}
		result, err = f(ctx, r)
		end := exec(r.end)
		r.broken = r.broken || end != nil
		return errors.Join(err, end)
	})
	return result, err
}

// openReaders opens n readers. Each use of one lasts at most limit.
func openReaders(ctx context.Context, f file, n int, limit time.Duration, h *health) (*readers, error) {
	db, err := f.open(ctx, "rw", n, "query_only(1)")
	if err != nil {
		return nil, err
	}
	pool := &readers{db: db, idle: make(chan *reader, n), limit: limit, health: h}
	for range n {
		r := &reader{conn: &connection{db: db}}
		err := pool.connect(ctx, r)
		pool.idle <- r
		pool.n++
		if err != nil {
			return nil, errors.Join(err, pool.close())
		}
	}
	return pool, nil
}

// connect gives r another connection and its statements.
func (p *readers) connect(ctx context.Context, r *reader) error {
	if err := r.conn.replace(ctx); err != nil {
		return err
	}
	return r.prepare(ctx)
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
	err := p.connect(context.Background(), r)
	r.broken = err != nil
	return err
}

// close waits for the readers in use, and closes all.
func (p *readers) close() error {
	var errs []error
	for range p.n {
		errs = append(errs, (<-p.idle).conn.end())
	}
	return errors.Join(append(errs, p.db.Close())...)
}

// readersFor returns the pool that serves q: a pass must not hold a reader that short
// reads and the results of writes need.
func (s *Store) readersFor(q docket.ListQuery) *readers {
	if q.Pass() {
		return s.passes
	}
	return s.readers
}
