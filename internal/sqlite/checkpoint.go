package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"sync/atomic"
)

// checkpointOperations is the number of operations between two checkpoints. They write
// up to 50 MB of log.
const checkpointOperations = 4000

const checkpointSQL = "PRAGMA wal_checkpoint(PASSIVE)"

// checkpointer copies the write-ahead log into the file, on a connection of its own.
// Without it SQLite would do so within a commit. SQLite begins the log again at its
// start only when all of it was copied, so after a checkpoint the writer copies what
// was added meanwhile, which is little.
type checkpointer struct {
	db    *sql.DB
	conn  *sql.Conn
	since int           // operations since the last checkpoint; used by the writer only
	due   chan struct{} // capacity 1
	rest  atomic.Bool   // the writer has to copy the rest
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

// wrote counts operations that were committed, and requests a checkpoint when it is due.
func (c *checkpointer) wrote(operations int) {
	if c.since += operations; c.since < checkpointOperations {
		return
	}
	select {
	case c.due <- struct{}{}:
		c.since = 0
	default: // the last one is not done
	}
}

// run checkpoints until stop. After an error the log stays as it was, and the next
// checkpoint copies all of it.
func (c *checkpointer) run() {
	defer close(c.done)
	for range c.due {
		for range 2 { // the second copies what was added during the first
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
