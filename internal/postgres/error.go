package postgres

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"docket"
)

// SQLSTATE codes that decide something here.
const (
	lockNotAvailable     = "55P03"
	readOnly             = "25006"
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	undefinedStatement   = "26000"
	duplicateStatement   = "42P05"
	protocolViolation    = "08P01"
	diskFull             = "53100"
	queryCanceled        = "57014"
	cannotConnectNow     = "57P03"
	tooManyConnections   = "53300"
	idleInTransaction    = "25P03" // the session was ended
	transactionTimeout   = "25P04"
	noSuchSchema         = "3F000"
	uniqueViolation      = "23505"
	internalError        = "XX000"
)

// certainty is what an error leaves certain about a statement or transaction.
type certainty int

const (
	notSent    certainty = iota // the server has not had it
	rolledBack                  // the server has refused or undone it, or had no statement that commits
	unknown                     // it may have been committed
)

// errAcquire is the cause of a wait for a connection that took too long.
var errAcquire = errors.New("postgres: no connection became free in time")

// classify returns what err leaves certain. Only an error that afterSend has marked
// is unknown.
func classify(err error) certainty {
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok || pgconn.SafeToRetry(err) || errors.Is(err, errAcquire) {
		return notSent
	}
	sent, ok := errors.AsType[*sentError](err)
	if !ok {
		return rolledBack
	}
	e, answered := errors.AsType[*pgconn.PgError](err)
	switch {
	case !answered, sent.spans: // the connection broke, or one of several servers has refused
		return unknown
	case sent.completed && isFatal(e): // after the commit, perhaps
		return unknown
	case e.Code[:2] == "08": // a pooler lost the server, and does not know either
		return unknown
	}
	return rolledBack
}

// errUnreplicated is the error of a commit that its server has made alone: its wait
// for a synchronous standby was cancelled, which the server reports as a success with
// a warning. A failover to the standby may lose it.
var errUnreplicated = errors.New("postgres: the commit may not have reached the standby")

// warned is a key of a connection's custom data. It is set between a notice of a
// cancelled wait for a standby and the end of its round trip.
const warned = "docket: warned of an unreplicated commit"

// heed is the handler of a connection's notices.
func heed(conn *pgconn.PgConn, n *pgconn.Notice) {
	if n.Routine == "SyncRepWaitForLSN" { // the texts depend on the server's language
		conn.CustomData()[warned] = true
	}
}

// replicated returns err, the result of a round trip on conn, or errUnreplicated in
// place of nil.
func replicated(conn *pgx.Conn, err error) error {
	data := conn.PgConn().CustomData()
	if data[warned] == nil {
		return err
	}
	delete(data, warned)
	if err == nil {
		return &sentError{err: errUnreplicated, completed: true}
	}
	return err
}

// sentError is an error that came after a statement that commits had been sent.
type sentError struct {
	err       error
	completed bool // the server had reported the statement as run
	spans     bool // it is of a COMMIT that may span servers
}

func (e *sentError) Error() string { return e.err.Error() }
func (e *sentError) Unwrap() error { return e.err }

// afterSend marks err as that of a statement that commits, sent but perhaps not
// received. An error that does not come from the statement stays as it is.
func afterSend(err error, completed bool) error {
	if err == nil || errors.Is(err, pgx.ErrNoRows) || isBadResult(err) {
		return err
	}
	return &sentError{err: err, completed: completed}
}

// spanning marks the error of a COMMIT that may span servers: when one has refused,
// others may have committed.
func spanning(err error) error {
	if err == nil {
		return nil
	}
	return &sentError{err: err, completed: true, spans: true}
}

// callError is an error that a call has made of the result of its statement, which
// the server has carried out: a value that cannot be scanned, or a panic.
type callError struct{ err error }

func (e *callError) Error() string { return "postgres: reading a result: " + e.err.Error() }
func (e *callError) Unwrap() error { return e.err }

// badResult returns the error of a call that could not make use of what its statement
// returned. The database is not in trouble, and nothing is tried again.
func badResult(err error) error { return &callError{err} }

// isBadResult reports whether err is one of badResult.
func isBadResult(err error) bool {
	_, ok := errors.AsType[*callError](err)
	return ok
}

// sqlState is the code of the server's error in err, or "".
func sqlState(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// isReadOnly reports whether the server of a connection takes no writes, as the old
// primary does after a failover.
func isReadOnly(err error) bool {
	return sqlState(err) == readOnly || errors.Is(err, errStandby)
}

// errStandby is the error of a connection to a server that takes no writes.
var errStandby error = standbyError{}

type standbyError struct{}

func (standbyError) Error() string { return "postgres: the server is a standby or read-only" }

// SafeToRetry tells pgconn.SafeToRetry that nothing was sent.
func (standbyError) SafeToRetry() bool { return true }

func isFatal(e *pgconn.PgError) bool {
	return e.SeverityUnlocalized == "FATAL" || e.SeverityUnlocalized == "PANIC"
}

// mayPass reports whether an error before anything was sent may pass by itself
// within seconds. A failure to connect does when nobody listens yet or the server
// is not ready.
func mayPass(err error) bool {
	if _, ok := errors.AsType[*pgconn.ConnectError](err); !ok {
		return true
	}
	e, answered := errors.AsType[*pgconn.PgError](err)
	return !answered || e.Code == cannotConnectNow || e.Code[:2] == "08" || e.Code[:2] == "53"
}

// translate gives an error its docket kind, by SQLSTATE. What is not listed stays
// as it is: internal.
func translate(err error) error {
	if _, ok := errors.AsType[*docket.Error](err); ok || err == nil || isBadResult(err) {
		return err
	}
	left, code := classify(err), sqlState(err)
	switch {
	case left == unknown:
		return &docket.Error{
			Kind: docket.OutcomeUnknown, Err: err,
			Detail: "The connection to the database was lost while the write may have been taking effect. Read the task to see whether it did or, if the request had an Idempotency-Key, send it again with the same key.",
		}
	case errors.Is(err, context.Canceled):
		return err
	case left == notSent, code == "": // the connection, or a time limit
		return unavailable(err)
	case code == diskFull:
		return &docket.Error{Kind: docket.StorageFull, Detail: "There is no space left for this write. Nothing was written.", Err: err}
	case code == readOnly, code == lockNotAvailable, code == serializationFailure, code == deadlockDetected,
		code == idleInTransaction, code == transactionTimeout, code[:2] == "08", code[:2] == "53", code[:2] == "57", code[:2] == "58": // connection, resources, operator, system
		return unavailable(err)
	case aboutData(code):
		return &discreetError{err, code}
	}
	return err
}

// ofRequest reports whether err is that of one request and says nothing about the
// state of the database. A server that answers that it canceled a statement works.
func ofRequest(err error) bool {
	switch code := sqlState(err); code {
	case lockNotAvailable, serializationFailure, deadlockDetected, queryCanceled:
		return true
	default:
		return aboutData(code) || isBadResult(err) || errors.Is(err, context.Canceled)
	}
}

// aboutSchema reports whether errors of a code mean that the schema, or a right on
// it, is not what this program needs.
func aboutSchema(code string) bool {
	return strings.HasPrefix(code, "42") && code != duplicateStatement || code == noSuchSchema
}

// aboutData reports whether errors of a code are about the values of a statement,
// or come from a function or a trigger. Their texts may quote the values.
func aboutData(code string) bool {
	return code != "" && slices.Contains([]string{"21", "22", "23", "38", "39", "P0"}, code[:2])
}

// discreetError hides the text of a server's error, so that what users wrote does
// not reach the log. The code is left.
type discreetError struct {
	err  error
	code string
}

func (e *discreetError) Error() string {
	return "postgres: SQLSTATE " + e.code + " (the text is not shown, because it may hold data)"
}

func (e *discreetError) Unwrap() error { return e.err }

func unavailable(err error) error {
	return &docket.Error{Kind: docket.Unavailable, Detail: "The database cannot serve right now. Nothing was written. Try again shortly.", Err: err}
}
