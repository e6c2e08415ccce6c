package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// canceller ends a statement whose context has ended by asking the server to
// cancel it. The server then answers, so that the statement's outcome is known
// and the connection lives on. It implements ctxwatch.Handler.
//
// pgx has such a handler, which hangs up on the cancel request as soon as the
// statement has ended. pgbouncer 1.18 may exit when that happens; this one
// waits until the request is done.
type canceller struct {
	conn *pgconn.PgConn
	done chan struct{}
}

// cancelTimeout bounds the request and the server's answer to the statement;
// after it the connection is given up.
const cancelTimeout = time.Second

func (c *canceller) HandleCancel(context.Context) {
	deadline := time.Now().Add(cancelTimeout) //nolint:forbidigo // a connection knows no other clock
	_ = c.conn.Conn().SetDeadline(deadline)   // on a closed connection the statement fails anyway
	c.done = make(chan struct{})
	go func() { //nolint:gosec // the statement's context has ended
		defer close(c.done)
		ctx, cancel := context.WithDeadline(context.Background(), deadline)
		defer cancel()
		_ = c.conn.CancelRequest(ctx) // when it fails, the deadline ends the statement
	}()
}

func (c *canceller) HandleUnwatchAfterCancel() {
	<-c.done
	_ = c.conn.Conn().SetDeadline(time.Time{})
}
