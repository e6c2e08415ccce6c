package postgres

import (
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"

	"docket"
)

// SQLSTATE codes that decide something here.
const (
	lockNotAvailable     = "55P03"
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	undefinedStatement   = "26000"
	duplicateStatement   = "42P05"
	diskFull             = "53100"
	queryCanceled        = "57014"
	cannotConnectNow     = "57P03"
)

// unsettled is the error of a statement whose transaction may have been
// committed: the connection died after the statement was sent, or after it
// ran and before the commit was confirmed.
type unsettled struct{ err error }

func (u *unsettled) Error() string { return u.err.Error() }
func (u *unsettled) Unwrap() error { return u.err }

// sqlState is the code of the server's error in err, or "".
func sqlState(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// settle marks the error of a statement as unsettled unless it shows that
// nothing was committed. completed says that the server had reported the
// statement as run.
func settle(err error, completed bool) error {
	if err == nil || pgconn.SafeToRetry(err) {
		return err
	}
	e, answered := errors.AsType[*pgconn.PgError](err)
	switch {
	case !answered: // the connection broke
		return &unsettled{err}
	case completed && isFatal(e): // after the commit, perhaps
		return &unsettled{err}
	case e.Code[:2] == "08": // a pooler lost the server, and does not know either
		return &unsettled{err}
	}
	return err
}

func isFatal(e *pgconn.PgError) bool {
	return e.SeverityUnlocalized == "FATAL" || e.SeverityUnlocalized == "PANIC"
}

// startingUp reports whether a failure to connect may pass by itself within
// seconds: nobody listens yet, or the server is not ready.
func startingUp(err error) bool {
	e, answered := errors.AsType[*pgconn.PgError](err)
	return !answered || e.Code == cannotConnectNow || e.Code[:2] == "08" || e.Code[:2] == "53"
}

// translate gives an error its docket kind. Those that are not listed stay as
// they are: internal.
func translate(err error) error {
	if _, ok := errors.AsType[*docket.Error](err); ok || err == nil {
		return err
	}
	if _, ok := errors.AsType[*unsettled](err); ok {
		return &docket.Error{
			Kind: docket.OutcomeUnknown, Err: err,
			Detail: "The connection to the database was lost while the write may have been taking effect. Read the task to see whether it did or, if the request had an Idempotency-Key, send it again with the same key.",
		}
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return unavailable(err)
	}
	code := sqlState(err)
	switch {
	case code == diskFull:
		return &docket.Error{Kind: docket.StorageFull, Detail: "There is no space left for this write. Nothing was written.", Err: err}
	case code == "":
		if errors.Is(err, context.Canceled) {
			return err
		}
		return unavailable(err) // the connection, or a time limit
	case code == "25006", code == lockNotAvailable, code == serializationFailure, code == deadlockDetected, // read-only after a failover; locks
		code[:2] == "08", code[:2] == "53", code[:2] == "57", code[:2] == "58": // connection, resources, operator, system
		return unavailable(err)
	}
	return discreet(err)
}

// discreet hides the text of a server's error that may hold what users wrote,
// so that it does not reach the log; the code is left. Errors about data quote
// it, and those of functions and triggers say what their authors liked.
func discreet(err error) error {
	switch code := sqlState(err); {
	case code == "", !slices.Contains([]string{"21", "22", "23", "38", "39", "P0"}, code[:2]):
		return err
	default:
		return &discreetError{err, code}
	}
}

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
