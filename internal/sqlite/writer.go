package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

const (
	maxGroup = 256  // operations in one transaction, about
	maxQueue = 4096 // writes waiting for one
)

// writer owns the only connection that writes. It takes the writes that are
// waiting, runs each in a savepoint of one transaction, commits, and only then
// answers them. A group forms while the one before it is being flushed, so an
// idle service answers as fast as without groups and a busy one flushes once
// for many writes.
type writer struct {
	db    *sql.DB
	conn  *sql.Conn
	stmts statements
	queue chan *write

	checkpoints *checkpointer // of a writer that was started

	metrics  writerMetrics
	running  bool // run has been started
	stop     chan struct{}
	stopOnce sync.Once
	stopped  chan struct{}
}

// write is one waiting write. Its state goes from queued to either begun (by
// the writer: it will be answered) or abandoned (by its caller: it will not run).
type write struct {
	run    func(*statements) error
	weight int // operations
	state  atomic.Int32
	answer chan error // of capacity 1
	err    error      // the writer's, until it answers
}

const (
	queued int32 = iota
	begun
	abandoned
)

func openWriter(ctx context.Context, path string) (*writer, error) {
	db, err := openDB(ctx, path, "rw", 1, "wal_autocheckpoint(0)")
	if err != nil {
		return nil, err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &writer{
		db: db, conn: conn,
		queue:   make(chan *write, maxQueue),
		metrics: newWriterMetrics(),
		stop:    make(chan struct{}),
		stopped: make(chan struct{}),
	}, nil
}

// prepare readies the statements of the migrated schema.
func (w *writer) prepare(ctx context.Context) error {
	return w.stmts.prepare(ctx, w.conn)
}

// do has run executed and committed. When it returns nil, what run wrote is on
// stable storage. An error of run undoes what it wrote, and that alone. The
// weight is how many operations run has.
func (w *writer) do(ctx context.Context, weight int, run func(*statements) error) error {
	return traced(ctx, "write", func() error { return w.submit(ctx, weight, run) })
}

// submit is do without its trace.
func (w *writer) submit(ctx context.Context, weight int, run func(*statements) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, acquireTimeout, errAcquire)
	defer cancel()
	op := &write{run: run, weight: weight, answer: make(chan error, 1)}
	select {
	case w.queue <- op:
	case <-ctx.Done():
		return waitEnded(ctx)
	case <-w.stop:
		return unavailable(errors.New("sqlite: the store is closing"))
	}
	select {
	case err := <-op.answer:
		return translate(err)
	case <-ctx.Done():
		if op.state.CompareAndSwap(queued, abandoned) {
			return waitEnded(ctx)
		}
		return translate(<-op.answer)
	}
}

// start begins to commit what is waiting. The statements are prepared.
func (w *writer) start(c *checkpointer) {
	w.running, w.checkpoints = true, c
	go c.run()
	go w.run()
}

// run commits groups until the writer is closed and its queue is empty.
func (w *writer) run() {
	defer close(w.stopped)
	group := make([]*write, 0, maxGroup)
	for {
		group = group[:0]
		weight := 0
		add := func(op *write) {
			group = append(group, op)
			weight += op.weight
		}
		select {
		case op := <-w.queue:
			add(op)
		case <-w.stop:
			select {
			case op := <-w.queue:
				add(op)
			default:
				return
			}
		}
	fill:
		for weight < maxGroup {
			select {
			case op := <-w.queue:
				add(op)
			default:
				break fill
			}
		}
		w.commit(group)
		w.checkpoints.wrote(weight)
		if w.checkpoints.rest.CompareAndSwap(true, false) {
			_ = exec(w.stmts.checkpoint) // when it fails the log stays as it was
		}
	}
}

// commit runs the writes of group in one transaction and answers those that
// nobody has abandoned.
func (w *writer) commit(group []*write) {
	start := time.Now()
	err := w.transact(group)
	w.metrics.commit.Observe(time.Since(start).Seconds())
	w.metrics.groups.Inc()
	for _, op := range group {
		if err != nil {
			op.err = err
			op.state.CompareAndSwap(queued, begun) // it will not be run
		}
		if op.state.Load() == begun {
			w.metrics.writes.Inc()
			op.answer <- op.err
		}
	}
}

// transact returns an error when none of the group's writes took effect (or,
// of kind OutcomeUnknown, may not have); otherwise each that was begun has its
// own in err. Until its turn comes a write can be abandoned.
func (w *writer) transact(group []*write) error {
	if err := exec(w.stmts.begin); err != nil {
		return err
	}
	for _, op := range group {
		if !op.state.CompareAndSwap(queued, begun) {
			continue
		}
		op.err = w.savepoint(op.run)
		if op.err != nil && spoilsGroup(op.err) {
			// The rollback fails when SQLite has rolled back already.
			_ = exec(w.stmts.rollback)
			return op.err
		}
	}
	if err := exec(w.stmts.commit); err != nil {
		_ = exec(w.stmts.rollback) // as above
		return translateCommit(err)
	}
	return nil
}

// savepoint runs one write so that its failure leaves the others as they are.
func (w *writer) savepoint(run func(*statements) error) (err error) {
	if err := exec(w.stmts.savepoint); err != nil {
		return err
	}
	if err := runRecovered(run, &w.stmts); err != nil {
		if spoilsGroup(err) {
			return err
		}
		if undo := exec(w.stmts.undo); undo != nil {
			return undo
		}
		if release := exec(w.stmts.release); release != nil {
			return release
		}
		return err
	}
	return exec(w.stmts.release)
}

// runRecovered turns a panic of run into an error, so that one bad write does
// not take the process, and all other writes, with it.
func runRecovered(run func(*statements) error, stmts *statements) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("sqlite: panic in a write: %v", r)
		}
	}()
	return run(stmts)
}

// close lets the writes that are queued finish and closes the connection.
func (w *writer) close() error {
	w.stopOnce.Do(func() { close(w.stop) })
	var err error
	if w.running {
		<-w.stopped
		err = w.checkpoints.stop()
	}
	ctx := context.Background()
	_, optimize := w.conn.ExecContext(ctx, "PRAGMA optimize")
	_, checkpoint := w.conn.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	return errors.Join(err, optimize, checkpoint, w.conn.Close(), w.db.Close())
}
