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
	maxGroup = 256  // operations after which a group takes no further write
	maxQueue = 4096 // writes that wait for a group
)

// writer owns the only connection that writes. It commits in groups: it takes the
// writes that wait, runs each in a savepoint of one transaction, commits, and then
// answers them. A group forms while the group before it is flushed to the disk. So a
// write on an idle service waits for no other, and a busy service flushes once for
// many writes.
type writer struct {
	db    *sql.DB
	conn  *sql.Conn
	stmts statements
	queue chan *write

	checkpoints *checkpointer // nil until start

	metrics  writerMetrics
	running  bool // start was called
	stop     chan struct{}
	stopOnce sync.Once
	stopped  chan struct{}
}

// write is a write in the queue. Its state changes once: the writer sets begun, and
// then answers it, or the caller sets abandoned, and then it does not run.
type write struct {
	run    func(*statements) error
	weight int // operations
	state  atomic.Int32
	answer chan error // capacity 1
	err    error      // used by the writer only, until it answers
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

// prepare prepares the statements. The schema must be up to date.
func (w *writer) prepare(ctx context.Context) error {
	return w.stmts.prepare(ctx, w.conn)
}

// do runs a function on the writer's connection and commits. When do returns nil, what
// run wrote is on stable storage. An error of run undoes what run wrote, and nothing
// else. The weight is how many operations run carries out.
func (w *writer) do(ctx context.Context, weight int, run func(*statements) error) error {
	return traced(ctx, "write", func() error { return w.submit(ctx, weight, run) })
}

// submit is do without a trace.
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

// start starts the goroutines that commit and that checkpoint. The statements must be
// prepared.
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
			_ = exec(w.stmts.checkpoint) // after an error the log stays as it was
		}
	}
}

// commit runs the writes of group in one transaction and answers those that were not
// abandoned.
func (w *writer) commit(group []*write) {
	start := time.Now()
	err := w.transact(group)
	w.metrics.commit.Observe(time.Since(start).Seconds())
	w.metrics.groups.Inc()
	for _, op := range group {
		if err != nil {
			op.err = err
			op.state.CompareAndSwap(queued, begun) // answered without having run
		}
		if op.state.Load() == begun {
			w.metrics.writes.Inc()
			op.answer <- op.err
		}
	}
}

// transact returns an error when none of the group's writes took effect, or when that
// is unknown (OutcomeUnknown). Otherwise each write that was begun has its own result
// in err. A write can be abandoned until transact begins it.
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
			// This fails when SQLite has rolled back by itself.
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

// savepoint runs one write so that its failure does not affect the others.
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

// runRecovered turns a panic of run into an error: a defect in one write must not end
// the process and with it all other writes.
func runRecovered(run func(*statements) error, stmts *statements) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("sqlite: panic in a write: %v", r)
		}
	}()
	return run(stmts)
}

// close waits for the writes in the queue, and closes the connection.
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
