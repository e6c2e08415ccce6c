package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"sync/atomic"
)

// checkpointOperations is after how many operations the write-ahead log is
// folded into the file: up to 50 MB of it.
const checkpointOperations = 4000

const checkpointSQL = "PRAGMA wal_checkpoint(PASSIVE)"

// checkpointer folds the write-ahead log into the file beside the writer, which
// SQLite would else make do it within a commit. Only when nothing is left of the
// log does it begin again at its start, so the writer folds what was added
// meanwhile, which is little.
type checkpointer struct {
	db    *sql.DB
	conn  *sql.Conn
	since int           // operations, counted by the writer
	due   chan struct{} // of capacity 1
	rest  atomic.Bool   // the writer has its part to do
	done  chan struct{}
}

func openCheckpointer(ctx context.Context, path string) (*checkpointer, error) {
	db, err := openDB(ctx, path, "rw", 1)
	if err != nil {
		return nil, err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &checkpointer{db: db, conn: conn, due: make(chan struct{}, 1), done: make(chan struct{})}, nil
}

// wrote counts operations that the writer has committed.
func (c *checkpointer) wrote(operations int) {
	if c.since += operations; c.since < checkpointOperations {
		return
	}
	select {
	case c.due <- struct{}{}:
		c.since = 0
	default: // it is still at the last one
	}
}

// run works until stop. What fails leaves the log as it was, and the next time
// has all of it.
func (c *checkpointer) run() {
	defer close(c.done)
	for range c.due {
		for range 2 { // the second time what was added during the first
			if _, err := c.conn.ExecContext(context.Background(), checkpointSQL); err != nil {
				break
			}
		}
		c.rest.Store(true)
	}
}

func (c *checkpointer) stop() error {
	close(c.due)
	<-c.done
	return errors.Join(c.conn.Close(), c.db.Close())
}
