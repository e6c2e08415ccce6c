package engine

import (
	"context"
	"errors"
	"sync"
	"time"

	"zombiezen.com/go/sqlite"
)

// ErrDeadline is why statements were interrupted that ran until the limit of SetAlarm.
var ErrDeadline = errors.New("sqlite: the statement reached its deadline")

// alarm interrupts the statements of a connection, also between two of their rows.
type alarm struct {
	conn *sqlite.Conn

	mu    sync.Mutex
	use   int           // of the connection; each sets the alarm anew
	rung  chan struct{} // closed when it rings; SQLite watches it
	cause error         // why it has rung
	stop  func()

	timer    *time.Timer // nil without a limit
	deadline time.Time   // when the timer rings
}

// watch has the alarm interrupt conn.
func (a *alarm) watch(conn *sqlite.Conn) {
	a.conn, a.rung, a.cause = conn, make(chan struct{}), nil
	conn.SetInterrupt(a.rung)
}

// set has the alarm ring when ctx ends, or after so long unless limit is 0.
func (a *alarm) set(ctx context.Context, limit time.Duration) {
	use := a.use
	left := context.AfterFunc(ctx, func() { a.ring(use, context.Cause(ctx)) })
	a.stop, a.timer = func() { left() }, nil
	if limit > 0 {
		a.deadline = time.Now().Add(limit)
		a.timer = time.AfterFunc(limit, func() { a.ring(use, ErrDeadline) })
		a.stop = func() { left(); a.timer.Stop() }
	}
}

// postpone moves the limit by d. The goroutine that uses the connection calls it.
func (a *alarm) postpone(d time.Duration) {
	if a.timer != nil {
		a.deadline = a.deadline.Add(d)
		a.timer.Reset(time.Until(a.deadline))
	}
}

// ring interrupts unless the use for which the alarm was set is over.
func (a *alarm) ring(use int, cause error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.use == use && a.cause == nil {
		a.cause = cause
		close(a.rung)
	}
}

// ringing reports whether the alarm has rung.
func (a *alarm) ringing() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.cause != nil
}

// clear ends the use of the connection, and returns why it was interrupted.
func (a *alarm) clear() (cause error) {
	a.stop()
	a.mu.Lock()
	a.use++
	cause = a.cause
	a.mu.Unlock()
	if cause != nil {
		a.watch(a.conn)
	}
	return cause
}
