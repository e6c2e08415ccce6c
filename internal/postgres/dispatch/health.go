package dispatch

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5"

	"docket"
	"docket/internal/postgres/pgerror"
)

// health is what the statements that were run show about the database.
type health struct {
	troubled  atomic.Bool  // the last statement shows that the database cannot serve
	suspected atomic.Int64 // statements that show that the schema, a right or the server is not what it should be
	cleared   atomic.Int64 // suspected when the last check that succeeded began
	checking  sync.Mutex   // guards pending
	pending   *pendingCheck
}

// pendingCheck is a check in progress, whose result all concurrent callers of
// Ready share.
type pendingCheck struct {
	done chan struct{} // closed when the others are written
	err  error
	left bool // the caller that ran the check has left, so that err may be due to that
}

// errCheck is the error of a check that panicked.
var errCheck = errors.New("postgres: the check of the database panicked")

// Troubled reports whether the last statement shows that the database cannot serve.
func (d *Dispatcher) Troubled() bool { return d.health.troubled.Load() }

// Ready returns nil when the database can serve, else an error of kind Unavailable. It is
// passive: it reports what the statements of requests met, and asks the database only
// after a failure, so that probes do not keep a serverless database awake.
func (d *Dispatcher) Ready(ctx context.Context) error {
	for d.health.inDoubt() {
		c, first := d.health.join()
		if first {
			return d.runCheck(ctx, c)
		}
		select {
		case <-c.done:
			if !c.left {
				return c.err
			}
		case <-ctx.Done():
			return pgerror.Unavailable(ctx.Err())
		}
	}
	return nil
}

// inDoubt reports whether a check has to tell if the database can serve.
func (h *health) inDoubt() bool {
	return h.troubled.Load() || h.suspected.Load() != h.cleared.Load()
}

// join returns the check in progress, or a new one that the first caller has to run.
func (h *health) join() (c *pendingCheck, first bool) {
	h.checking.Lock()
	defer h.checking.Unlock()
	if first = h.pending == nil; first {
		h.pending = &pendingCheck{done: make(chan struct{}), err: pgerror.Unavailable(errCheck)}
	}
	return h.pending, first
}

func (d *Dispatcher) runCheck(ctx context.Context, c *pendingCheck) error {
	defer func() {
		d.health.checking.Lock()
		defer d.health.checking.Unlock()
		d.health.pending = nil
		close(c.done)
	}()
	err := d.Check(ctx)
	c.err, c.left = err, ctx.Err() != nil
	return err
}

// observe records what an attempt says about the database. A request that succeeds
// shows that the server works, not that every table and right is there: when one was
// missing, only a check shows that it is back.
func (h *health) observe(err error) {
	switch {
	case err == nil, errors.Is(err, pgx.ErrNoRows):
		h.troubled.Store(false)
	case pgerror.OfRequest(err):
	default:
		if pgerror.AboutSchema(pgerror.Code(err)) || pgerror.IsReadOnly(err) {
			h.suspected.Add(1)
		}
		kind := docket.KindOf(pgerror.Translate(err)) // Internal too: the schema may not be what it was
		h.troubled.Store(kind == docket.Unavailable || kind == docket.OutcomeUnknown || kind == docket.Internal)
	}
}

// Check asks the database whether it can serve, as Options.Inspect tells. The error is of
// kind Unavailable.
func (d *Dispatcher) Check(ctx context.Context) error {
	before := d.health.suspected.Load()
	var verdict error
	err := d.Run(ctx, Checking, func(ctx context.Context, conn *pgx.Conn) (err error) {
		verdict, err = d.inspect(ctx, conn)
		return err
	})
	switch {
	case verdict != nil:
		return pgerror.Unavailable(verdict)
	case err != nil && docket.KindOf(err) != docket.Unavailable:
		return pgerror.Unavailable(err)
	case err != nil:
		return err
	}
	d.health.cleared.Store(before)
	d.health.troubled.Store(false)
	return nil
}
