package sqlite

import (
	"context"
	"errors"

	"zombiezen.com/go/sqlite"

	"docket"
	"docket/internal/sqlite/engine"
)

// code returns the primary SQLite result code in err, ResultOK when it has none.
func code(err error) sqlite.ResultCode { return engine.Code(err).ToPrimary() }

// violatesPrimaryKey reports whether err is that of an INSERT whose key is in the table.
func violatesPrimaryKey(err error) bool { return engine.Code(err) == sqlite.ResultConstraintPrimaryKey }

// translate gives an error of the driver its docket kind. An error that is not listed
// stays as it is: internal.
func translate(err error) error {
	if _, ok := errors.AsType[*docket.Error](err); ok || err == nil {
		return err
	}
	switch code(err) {
	case sqlite.ResultFull:
		return &docket.Error{Kind: docket.StorageFull, Detail: "There is no space left for this write. Nothing was written.", Err: err}
	case sqlite.ResultBusy, sqlite.ResultLocked, sqlite.ResultReadOnly, sqlite.ResultIOErr, sqlite.ResultCantOpen,
		sqlite.ResultProtocol, sqlite.ResultNoMem:
		return unavailable(err)
	}
	return err
}

// translateCommit is translate for the error of a COMMIT. After an I/O error, or a
// panic, it is unknown what the log holds.
func translateCommit(err error) error {
	if code(err) == sqlite.ResultIOErr || engine.Unusable(err) {
		return outcomeUnknown(err)
	}
	return translate(err)
}

func outcomeUnknown(err error) error {
	return &docket.Error{
		Kind:   docket.OutcomeUnknown,
		Detail: "The disk failed while the write was being committed. Read the task to see whether it was or, if the request had an Idempotency-Key, send it again with the same key.",
		Err:    err,
	}
}

// spoilsGroup reports whether err, the error of one write, may have ended the
// transaction of the group: SQLite rolls back by itself after such an error.
func spoilsGroup(err error) bool {
	switch code(err) {
	case sqlite.ResultOK, sqlite.ResultConstraint, sqlite.ResultTooBig, sqlite.ResultMismatch:
		return false // no error of SQLite, or one that undoes its statement only
	}
	return true
}

func unavailable(err error) error {
	return &docket.Error{Kind: docket.Unavailable, Detail: "The database cannot serve right now. Nothing was written. Try again shortly.", Err: err}
}

var errAcquire = errors.New("sqlite: no connection became free in time")

// waitEnded returns the error of a wait that ended with ctx: the caller's cause, or
// Unavailable after the acquire timeout.
func waitEnded(ctx context.Context) error {
	if err := context.Cause(ctx); !errors.Is(err, errAcquire) {
		return err
	}
	return unavailable(errAcquire)
}
