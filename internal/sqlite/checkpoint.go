package sqlite

import (
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"docket/internal/sqlite/engine"
)

const (
	// truncateWait bounds how long writes wait while the log is emptied.
	truncateWait = 20 * time.Millisecond
	// maxLog is the size in pages from which writes wait for every reader that needs
	// the log: passes one after the other would keep it from ever beginning again.
	maxLog = 16384
	// maxBusy is how often the log is found busy before that.
	maxBusy = 20
)

const (
	checkpointSQL = "PRAGMA wal_checkpoint(PASSIVE)"
	truncateSQL   = "PRAGMA wal_checkpoint(TRUNCATE)"
	lengthSQL     = "PRAGMA wal_checkpoint(NOOP)" // the pages of the log, and how many of them were copied
)

// checkpointer copies the write-ahead log into the file, on a connection of its own.
// Without it SQLite would do so within a commit. SQLite begins the log again at its
// start only when all of it was copied, so after a checkpoint the writer copies what
// was added meanwhile, which is little.
type checkpointer struct {
	conn *engine.Conn
	log  *slog.Logger
	pace pace

	copying sync.Mutex
	groups  atomic.Int64  // committed
	dirty   chan struct{} // capacity 1: the log has grown
	full    chan struct{} // capacity 1: a checkpoint is due at once
	rest    chan struct{} // capacity 1: the writer has to copy the rest
	stop    chan struct{}
	done    chan struct{}
}

func openCheckpointer(f engine.File, p pace, log *slog.Logger) (*checkpointer, error) {
	conn, err := f.Open()
	if err != nil {
		return nil, err
	}
	return &checkpointer{
		conn: conn, log: log, pace: p,
		dirty: make(chan struct{}, 1), full: make(chan struct{}, 1), rest: make(chan struct{}, 1),
		stop: make(chan struct{}), done: make(chan struct{}),
	}, nil
}

// grown is told of the pages that the log holds after a group, and how many of them
// were copied.
func (c *checkpointer) grown(pages, copied int) {
	if pages == copied {
		return
	}
	c.groups.Add(1)
	signal(c.dirty)
	if pages-copied >= c.pace.pages {
		signal(c.full)
	}
}

// signal fills a channel of capacity 1.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// run checkpoints when it is due, until close.
func (c *checkpointer) run() {
	defer close(c.done)
	for {
		select {
		case <-c.dirty:
		case <-c.stop:
			return
		}
		if !c.wait() {
			return
		}
		c.copyLog()
		select {
		case <-c.full: // of a group that was committed meanwhile
		default:
		}
		signal(c.rest)
	}
}

// wait waits until a checkpoint is due. It returns false after close.
func (c *checkpointer) wait() bool {
	most, idle := time.NewTimer(c.pace.most), time.NewTicker(c.pace.idle)
	defer most.Stop()
	defer idle.Stop()
	for seen := c.groups.Load(); ; {
		select {
		case <-c.full:
			return true
		case <-most.C:
			return true
		case <-idle.C:
			now := c.groups.Load()
			if now == seen {
				return true
			}
			seen = now
		case <-c.stop:
			return false
		}
	}
}

// copyLog copies the log, as far as readers let it. After an error the log stays as it
// was, and the next checkpoint copies all of it.
func (c *checkpointer) copyLog() {
	c.copying.Lock()
	defer c.copying.Unlock()
	err := engine.Recovered(func() error {
		for range 2 { // the second copies what was added during the first
			if err := c.conn.Run(checkpointSQL); err != nil {
				return err
			}
		}
		return nil
	})
	if engine.Unusable(err) || c.conn.Closed() {
		err = errors.Join(err, c.conn.Replace())
	}
	if err != nil {
		c.log.Warn("the write-ahead log could not be copied into the file; it will be retried", "error", err)
	}
}

func (c *checkpointer) close() error {
	close(c.stop)
	<-c.done
	return c.conn.Close()
}

// emptyLog copies the rest of the log. When something was deleted, which the log may
// hold, or the log is long, it also empties the log; while a reader needs the log, that
// is tried again later, and at last waited for.
func (w *writer) emptyLog() {
	if w.repair() != nil {
		return
	}
	pages, _ := w.logLength()
	if !w.stmts.removed && pages < maxLog {
		w.note(w.conn.Stmt(checkpointSQL).Exec()) // after an error the log stays as it was
		return
	}
	wait := truncateWait
	w.busy++
	if w.busy > maxBusy || pages >= 2*maxLog {
		wait = acquireTimeout
	}
	busy, err := w.truncate(wait)
	w.note(err)
	if err != nil || busy {
		signal(w.checkpoints.dirty)
		return
	}
	w.stmts.removed, w.busy = false, 0
}

// truncate waits for readers for so long at most.
func (w *writer) truncate(patience time.Duration) (busy bool, err error) {
	w.conn.SetBusyTimeout(patience)
	defer w.conn.SetBusyTimeout(acquireTimeout)
	t := w.conn.Stmt(truncateSQL)
	_, err = t.Row(func() { busy = t.FlagAt(0) })
	return busy, err
}

// logLength returns the pages of the log and how many of them were copied, 0 when that
// is unknown.
func (w *writer) logLength() (pages, copied int) {
	if w.broken {
		return 0, 0
	}
	l := w.conn.Stmt(lengthSQL)
	_, err := l.Row(func() { pages, copied = l.IntAt(1), l.IntAt(2) })
	w.note(err)
	return pages, copied
}
