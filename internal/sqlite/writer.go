package sqlite

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"docket/internal/sqlite/engine"
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
	conn  *engine.Conn
	stmts statements
	queue chan *write

	place       *place
	health      *health
	log         *slog.Logger
	checkpoints *checkpointer // nil until start
	broken      bool          // SQLite panicked: the connection must be replaced
	busy        int           // times that the log was not emptied, because of readers

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

	// Used by the writer only, until it answers.
	err      error
	spent    bool // it has failed, and does not run again with its group
	answered bool
}

const (
	queued int32 = iota
	begun
	abandoned
)

func openWriter(f engine.File, log *slog.Logger) (*writer, error) {
	conn, err := f.Open("wal_autocheckpoint = 0", "cache_size = -8000")
	if err != nil {
		return nil, err
	}
	return &writer{
		conn: conn, stmts: statements{Conn: conn}, log: log,
		queue:   make(chan *write, maxQueue),
		metrics: newWriterMetrics(),
		stop:    make(chan struct{}),
		stopped: make(chan struct{}),
	}, nil
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
		w.health.met(err)
		return translate(err)
	case <-ctx.Done():
		if op.state.CompareAndSwap(queued, abandoned) {
			return waitEnded(ctx)
		}
		err := <-op.answer
		w.health.met(err)
		return translate(err)
	}
}

// start starts the goroutines that commit and that checkpoint. The schema must be up to
// date.
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
		select {
		case op := <-w.queue:
			group = append(group, op)
		case <-w.checkpoints.rest:
			w.guarded(nil, w.emptyLog)
			continue
		case <-w.stop:
			select {
			case op := <-w.queue:
				group = append(group, op)
			default:
				return
			}
		}
		group = w.fill(group)
		w.guarded(group, func() { w.commit(group) })
	}
}

// fill adds to group the writes that wait.
func (w *writer) fill(group []*write) []*write {
	for weight := group[0].weight; weight < maxGroup; {
		select {
		case op := <-w.queue:
			group = append(group, op)
			weight += op.weight
		default:
			return group
		}
	}
	return group
}

// guarded runs f. When it panics, the writes of group that have no answer get one,
// and the writer goes on with another connection.
func (w *writer) guarded(group []*write, f func()) {
	err := engine.Recovered(func() error { f(); return nil })
	if err == nil {
		return
	}
	w.broken = true
	w.log.Error("the writer panicked", "error", err)
	for _, op := range group {
		if !op.answered {
			op.err = outcomeUnknown(err)
			w.answer(op)
		}
	}
}

// answer answers a write that was not abandoned.
func (w *writer) answer(op *write) {
	op.answered = true
	if op.state.CompareAndSwap(queued, begun) || op.state.Load() == begun {
		w.metrics.writes.Inc()
		op.answer <- op.err
	}
}

// commit runs the writes of group in one transaction and answers those that were not
// abandoned. A write on which SQLite panics is taken out, and the others run
// again.
func (w *writer) commit(group []*write) {
	start := time.Now()
	err := errAgain
	for errors.Is(err, errAgain) {
		if err = w.repair(); err == nil {
			err = w.transact(group)
		}
	}
	pages, copied := w.logLength()
	w.metrics.commit.Observe(time.Since(start).Seconds())
	w.metrics.groups.Inc()
	for _, op := range group {
		if err != nil && !op.spent {
			op.err = err
		}
		w.answer(op)
	}
	w.checkpoints.grown(pages, copied)
	select {
	case <-w.checkpoints.rest:
		w.emptyLog()
	default:
	}
}

// repair replaces the connection after a panic of SQLite.
func (w *writer) repair() error {
	if !w.broken {
		return nil
	}
	err := w.conn.Replace()
	if err != nil {
		return unavailable(err)
	}
	w.broken = false
	return nil
}

// errAgain is the error of a transaction that is to be run again.
var errAgain = errors.New("sqlite: the group runs again")

// transact returns an error when none of the group's writes took effect, or when that
// is unknown (OutcomeUnknown). Otherwise each write that was begun has its own result
// in err. A write can be abandoned until transact begins it.
func (w *writer) transact(group []*write) (err error) {
	defer func() { w.note(err) }()
	if err := w.conn.Stmt("BEGIN IMMEDIATE").Exec(); err != nil {
		return err
	}
	for _, op := range group {
		if op.spent || !op.state.CompareAndSwap(queued, begun) && op.state.Load() != begun {
			continue
		}
		op.err = w.savepoint(op.run)
		if engine.Unusable(op.err) {
			w.note(op.err)
			op.spent = true
			return errAgain
		}
		if op.err != nil && spoilsGroup(op.err) {
			w.rollback()
			return op.err
		}
	}
	if err := w.place.check(); err != nil {
		w.rollback()
		return err
	}
	if err := w.conn.Stmt("COMMIT").Exec(); err != nil {
		w.rollback()
		return translateCommit(err)
	}
	return nil
}

// rollback fails when SQLite has rolled back by itself.
func (w *writer) rollback() { w.note(w.conn.Stmt("ROLLBACK").Exec()) }

// note has the connection replaced when err is a panic of SQLite.
func (w *writer) note(err error) { w.broken = w.broken || engine.Unusable(err) }

// savepoint runs one write so that its failure does not affect the others.
func (w *writer) savepoint(run func(*statements) error) (err error) {
	if err := w.conn.Stmt("SAVEPOINT one").Exec(); err != nil {
		return err
	}
	if err := engine.Recovered(func() error { return run(&w.stmts) }); err != nil {
		if spoilsGroup(err) || engine.Unusable(err) {
			return err
		}
		if undo := w.conn.Stmt("ROLLBACK TO one").Exec(); undo != nil {
			return undo
		}
		if release := w.conn.Stmt("RELEASE one").Exec(); release != nil {
			return release
		}
		return err
	}
	return w.conn.Stmt("RELEASE one").Exec()
}

// close waits for the writes in the queue, and closes the connection.
func (w *writer) close() error {
	w.stopOnce.Do(func() { close(w.stop) })
	var err error
	if w.running {
		<-w.stopped
		err = w.checkpoints.close()
	}
	if w.broken {
		return errors.Join(err, w.conn.Close())
	}
	return errors.Join(err, w.conn.Run("PRAGMA optimize"), w.conn.Run(truncateSQL), w.conn.Close())
}
