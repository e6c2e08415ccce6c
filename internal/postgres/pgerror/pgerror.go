// Package pgerror says what an error of PostgreSQL, of a pooler or of a connection means:
// whether something was committed, whether it may pass, and which docket.Kind it has. It
// goes by SQLSTATE and by the types of errors, never by their texts.
package pgerror

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
	LockNotAvailable     = "55P03"
	ReadOnly             = "25006"
	SerializationFailure = "40001"
	DeadlockDetected     = "40P01"
	UndefinedStatement   = "26000"
	DuplicateStatement   = "42P05"
	ProtocolViolation    = "08P01"
	DiskFull             = "53100"
	QueryCanceled        = "57014"
	CannotConnectNow     = "57P03"
	TooManyConnections   = "53300"
	idleInTransaction    = "25P03" // the session was ended
	transactionTimeout   = "25P04"
	noSuchSchema         = "3F000"
	UniqueViolation      = "23505"
	InternalError        = "XX000"
)

// Certainty is what an error leaves certain about a statement or transaction.
type Certainty int

// The certainties.
const (
	NotSent    Certainty = iota // the server has not had it
	RolledBack                  // the server has refused or undone it, or had no statement that commits
	Unknown                     // it may have been committed
)

// ErrAcquire is the cause of a wait for a connection that took too long.
var ErrAcquire = errors.New("postgres: no connection became free in time")

// Classify returns what err leaves certain. Only an error that AfterSend or
// Spanning has marked is Unknown.
func Classify(err error) Certainty {
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok || pgconn.SafeToRetry(err) || errors.Is(err, ErrAcquire) {
		return NotSent
	}
	sent, ok := errors.AsType[*sentError](err)
	if !ok {
		return RolledBack
	}
	e, answered := errors.AsType[*pgconn.PgError](err)
	switch {
	case !answered, sent.spans: // the connection broke, or one of several servers has refused
		return Unknown
	case sent.completed && IsFatal(e): // after the commit, perhaps
		return Unknown
	case class(e.Code) == "08": // a pooler lost the server, and does not know either
		return Unknown
	}
	return RolledBack
}

// ErrUnreplicated is the error of a commit that its server has made alone: its wait
// for a synchronous standby was cancelled, which the server reports as a success with
// a warning. A failover to the standby may lose it.
var ErrUnreplicated = errors.New("postgres: the commit may not have reached the standby")

// warned is a key of a connection's custom data. It is set between a notice of a
// cancelled wait for a standby and the end of its round trip.
const warned = "docket: warned of an unreplicated commit"

// Heed is the handler of a connection's notices: it remembers what Replicated asks for.
func Heed(conn *pgconn.PgConn, n *pgconn.Notice) {
	if n.Routine == "SyncRepWaitForLSN" { // the texts depend on the server's language
		conn.CustomData()[warned] = true
	}
}

// Replicated returns err, the result of a round trip on conn, or an error of
// ErrUnreplicated in place of nil. Heed must be the handler of the connection's notices.
func Replicated(conn *pgx.Conn, err error) error {
	data := conn.PgConn().CustomData()
	if data[warned] == nil {
		return err
	}
	delete(data, warned)
	if err == nil {
		return &sentError{err: ErrUnreplicated, completed: true}
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

// AfterSend marks err as that of a statement that commits, sent but perhaps not
// received. An error that does not come from the statement stays as it is.
func AfterSend(err error, completed bool) error {
	if err == nil || errors.Is(err, pgx.ErrNoRows) || IsBadResult(err) {
		return err
	}
	return &sentError{err: err, completed: completed}
}

// Spanning marks the error of a COMMIT that may span servers: when one has refused,
// others may have committed.
func Spanning(err error) error {
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

// BadResult returns the error of a call that could not make use of what its statement
// returned. The database is not in trouble, and nothing is tried again.
func BadResult(err error) error { return &callError{err} }

// IsBadResult reports whether err is one of BadResult.
func IsBadResult(err error) bool {
	_, ok := errors.AsType[*callError](err)
	return ok
}

// Code is the SQLSTATE of the server's error in err, or "".
func Code(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// IsReadOnly reports whether the server of a connection takes no writes, as the old
// primary does after a failover.
func IsReadOnly(err error) bool {
	return Code(err) == ReadOnly || errors.Is(err, ErrStandby)
}

// ErrStandby is the error of a connection to a server that takes no writes.
var ErrStandby error = standbyError{}

type standbyError struct{}

func (standbyError) Error() string { return "postgres: the server is a standby or read-only" }

// SafeToRetry tells pgconn.SafeToRetry that nothing was sent.
func (standbyError) SafeToRetry() bool { return true }

// IsFatal reports whether the server has ended the session with e.
func IsFatal(e *pgconn.PgError) bool {
	return e.SeverityUnlocalized == "FATAL" || e.SeverityUnlocalized == "PANIC"
}

// MayPass reports whether an error before anything was sent may pass by itself
// within seconds. A failure to connect does when nobody listens yet or the server
// is not ready.
func MayPass(err error) bool {
	if _, ok := errors.AsType[*pgconn.ConnectError](err); !ok {
		return true
	}
	e, answered := errors.AsType[*pgconn.PgError](err)
	return !answered || e.Code == CannotConnectNow || class(e.Code) == "08" || class(e.Code) == "53"
}

// Translate gives an error its docket kind, by SQLSTATE. What is not listed stays
// as it is: internal.
func Translate(err error) error {
	if _, ok := errors.AsType[*docket.Error](err); ok || err == nil || IsBadResult(err) {
		return err
	}
	left, code := Classify(err), Code(err)
	switch {
	case left == Unknown:
		return &docket.Error{
			Kind: docket.OutcomeUnknown, Err: err,
			Detail: "The connection to the database was lost while the write may have been taking effect. Read the task to see whether it did or, if the request had an Idempotency-Key, send it again with the same key.",
		}
	case errors.Is(err, context.Canceled):
		return err
	case left == NotSent, code == "": // the connection, or a time limit
		return Unavailable(err)
	case code == DiskFull:
		return &docket.Error{Kind: docket.StorageFull, Detail: "There is no space left for this write. Nothing was written.", Err: err}
	case code == ReadOnly, code == LockNotAvailable, code == SerializationFailure, code == DeadlockDetected,
		code == idleInTransaction, code == transactionTimeout, slices.Contains([]string{"08", "53", "57", "58"}, class(code)): // connection, resources, operator, system
		return Unavailable(err)
	case aboutData(code):
		return &discreetError{err, code}
	}
	return err
}

// OfRequest reports whether err is that of one request and says nothing about the
// state of the database. A server that answers that it canceled a statement works.
func OfRequest(err error) bool {
	switch code := Code(err); code {
	case LockNotAvailable, SerializationFailure, DeadlockDetected, QueryCanceled:
		return true
	default:
		return aboutData(code) || IsBadResult(err) || errors.Is(err, context.Canceled)
	}
}

// AboutSchema reports whether errors of a code mean that the schema, or a right on
// it, is not what this program needs.
func AboutSchema(code string) bool {
	return strings.HasPrefix(code, "42") && code != DuplicateStatement || code == noSuchSchema
}

// aboutData reports whether errors of a code are about the values of a statement,
// or come from a function or a trigger. Their texts may quote the values.
func aboutData(code string) bool {
	return slices.Contains([]string{"21", "22", "23", "38", "39", "P0"}, class(code))
}

// class returns the class of a code, its first two characters.
func class(code string) string { return code[:min(2, len(code))] }

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

// Unavailable returns an error of the kind docket.Unavailable because of err. It says that
// nothing was written.
func Unavailable(err error) error {
	return &docket.Error{Kind: docket.Unavailable, Detail: "The database cannot serve right now. Nothing was written. Try again shortly.", Err: err}
}
