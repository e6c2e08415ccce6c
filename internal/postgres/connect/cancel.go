package connect

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// canceller asks the server to cancel a statement whose context has ended. The
// server then answers, so the outcome of the statement is known and the connection
// stays usable. It implements ctxwatch.Handler.
//
// The handler of pgx closes the connection of the cancel request as soon as the
// statement has ended, which can make pgbouncer 1.18 exit. This one waits until
// the server has taken the request.
type canceller struct {
	conn *pgconn.PgConn
	done chan struct{}
}

// CancelTimeout bounds the request and the server's answer to the statement, and whatever
// else is done to bring a connection to its end. After it the connection is closed.
const CancelTimeout = time.Second

func (c *canceller) HandleCancel(context.Context) {
	deadline := time.Now().Add(CancelTimeout) //nolint:forbidigo // deadlines of connections use the real clock
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
