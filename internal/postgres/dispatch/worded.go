package dispatch

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"docket/internal/postgres/connect"
	"docket/internal/postgres/pgerror"
)

// wordedBegin are the first statements of a group of writes where Citus has
// distributed the tables. Without BEGIN and COMMIT it would commit each statement of a
// round trip by itself, so that a group that fails in part would be repeated in whole,
// and a worker may carry out a single one after it was cancelled. Without the second
// statement the third would not reach the workers.
var wordedBegin = []string{"BEGIN", "SET LOCAL citus.propagate_set_commands = 'local'", "SET LOCAL lock_timeout = '200ms'"}

// concludeWorded reads the answer to COMMIT, the last of results, and returns the error
// of the transaction. completed says that the server had completed the statements before
// it. When it has refused one of them nothing is committed, even if a worker was lost.
func concludeWorded(conn *pgx.Conn, results pgx.BatchResults, completed bool) error {
	if !completed {
		err := results.Close()
		rollBack(conn)
		if e, answered := errors.AsType[*pgconn.PgError](err); answered && !pgerror.IsFatal(e) {
			return err
		}
		return pgerror.AfterSend(err, false)
	}
	_, err := results.Exec()
	return pgerror.Spanning(errors.Join(err, results.Close()))
}

// rollBack ends the transaction of a connection. When that fails, the pool closes the
// connection, which rolls back too.
func rollBack(conn *pgx.Conn) {
	if conn.IsClosed() || conn.PgConn().TxStatus() == 'I' {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), connect.CancelTimeout)
	defer cancel()
	_, _ = conn.Exec(ctx, "ROLLBACK")
}

// AfterCommit marks the error of a COMMIT that a transaction has sent as a statement: after
// it the transaction may have been committed.
func (d *Dispatcher) AfterCommit(err error) error {
	if d.distributed {
		return pgerror.Spanning(err)
	}
	return pgerror.AfterSend(err, true)
}

// shardMoved reports whether nothing was committed because, as Citus' internal errors
// mostly mean, the shard of a statement has moved to another server meanwhile.
func (d *Dispatcher) shardMoved(err error) bool {
	return d.distributed && pgerror.Code(err) == pgerror.InternalError && pgerror.Classify(err) != pgerror.Unknown
}

// translate is pgerror.Translate for an error of this database.
func (d *Dispatcher) translate(err error) error {
	if d.shardMoved(err) {
		return pgerror.Unavailable(err)
	}
	return pgerror.Translate(err)
}
