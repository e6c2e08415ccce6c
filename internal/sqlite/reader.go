package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"docket"
)

// readers is a pool of connections that only read, each with its statements.
type readers struct {
	db   *sql.DB
	idle chan *reader
	n    int // readers, idle or in use
}

type reader struct {
	conn              *sql.Conn
	begin, end        *sql.Stmt
	get, state        *sql.Stmt
	live, trash       lists
	changes, snapshot *sql.Stmt
	counters          *sql.Stmt
}

// lists are the statements that list tasks of one kind.
type lists struct {
	count *sql.Stmt
	list  map[docket.Sort]*sql.Stmt
}

// prepare readies the statements of the migrated schema.
func (r *reader) prepare(ctx context.Context) error {
	err := prepareAll(ctx, r.conn, map[**sql.Stmt]string{
		&r.begin: "BEGIN", &r.end: "ROLLBACK", &r.get: getSQL, &r.state: stateSQL, &r.changes: changesSQL, &r.snapshot: snapshotSQL, &r.counters: countersSQL,
	})
	return errors.Join(err, r.live.prepare(ctx, r.conn, func(sql string) string { return sql }), r.trash.prepare(ctx, r.conn, ofTrash))
}

// prepare readies the statements, each adjusted.
func (l *lists) prepare(ctx context.Context, conn *sql.Conn, adjust func(string) string) error {
	err := prepareAll(ctx, conn, map[**sql.Stmt]string{&l.count: adjust(countSQL)})
	l.list = map[docket.Sort]*sql.Stmt{}
	for order, text := range listSQL {
		var stmt *sql.Stmt
		err = errors.Join(err, prepareAll(ctx, conn, map[**sql.Stmt]string{&stmt: adjust(text)}))
		l.list[order] = stmt
	}
	return err
}

// atOnce runs f so that all that it reads is of one moment.
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

// use lends f a reader, waiting at most acquireTimeout for one to be free.
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

// close waits for the readers that are in use and closes all.
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
