package sqlite

import (
	"context"
	"database/sql"
	"errors"
)

// readers is a pool of read-only connections, each with its prepared statements.
type readers struct {
	db   *sql.DB
	idle chan *reader
	n    int // readers, in use or not
}

type reader struct {
	conn              *sql.Conn
	begin, end        *sql.Stmt
	get, state        *sql.Stmt
	lists             map[listStatement]*sql.Stmt
	count, countTrash *sql.Stmt
	changes, snapshot *sql.Stmt
	counters          *sql.Stmt
}

// prepare prepares the statements. The schema must be up to date.
func (r *reader) prepare(ctx context.Context) error {
	err := prepareAll(ctx, r.conn, map[**sql.Stmt]string{
		&r.begin: "BEGIN", &r.end: "ROLLBACK", &r.get: getSQL, &r.state: stateSQL, &r.count: countSQL, &r.countTrash: countTrashSQL,
		&r.changes: changesSQL, &r.snapshot: snapshotSQL, &r.counters: countersSQL,
	})
	if err != nil {
		return err
	}
	r.lists = map[listStatement]*sql.Stmt{}
	for l, text := range listSQL {
		if r.lists[l], err = r.conn.PrepareContext(ctx, text); err != nil {
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

func openReaders(ctx context.Context, path string, n int) (*readers, error) {
	db, err := openDB(ctx, path, "rw", n, "query_only(1)")
	if err != nil {
		return nil, err
	}
	pool := &readers{db: db, idle: make(chan *reader, n)}
	for range n {
		conn, err := db.Conn(ctx)
		if err != nil {
			return nil, errors.Join(err, pool.close())
		}
		r := &reader{conn: conn}
		pool.idle <- r
		pool.n++
		if err := r.prepare(ctx); err != nil {
			return nil, errors.Join(err, pool.close())
		}
	}
	return pool, nil
}

// use runs f with a reader that nobody else uses. It waits at most acquireTimeout
// for one.
func (p *readers) use(ctx context.Context, f func(*reader) error) error {
	var r *reader
	select {
	case r = <-p.idle:
	default:
		wait, cancel := context.WithTimeoutCause(ctx, acquireTimeout, errAcquire)
		defer cancel()
		select {
		case r = <-p.idle:
		case <-wait.Done():
			return waitEnded(wait)
		}
	}
	defer func() { p.idle <- r }()
	return translate(traced(ctx, "read", func() error { return f(r) }))
}

// close waits for the readers in use, and closes all.
func (p *readers) close() error {
	var errs []error
	for range p.n {
		errs = append(errs, (<-p.idle).conn.Close())
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
