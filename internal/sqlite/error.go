package sqlite

import (
	"context"
	"errors"

	driver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"docket"
)

// code is the primary SQLite result code in err, or 0.
func code(err error) int {
	if e, ok := errors.AsType[*driver.Error](err); ok {
		return e.Code() & 0xff
	}
	return 0
}

// translate gives an error of the driver its docket kind. Those that are not
// listed stay as they are: internal.
func translate(err error) error {
	if _, ok := errors.AsType[*docket.Error](err); ok || err == nil {
		return err
	}
	switch code(err) {
	case sqlite3.SQLITE_FULL:
		return &docket.Error{Kind: docket.StorageFull, Detail: "There is no space left for this write. Nothing was written.", Err: err}
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN:
		return unavailable(err)
	}
	return err
}

// translateCommit is translate for the error of a COMMIT. When that met a
// failing disk, what the log holds after a crash is not known.
func translateCommit(err error) error {
	if code(err) == sqlite3.SQLITE_IOERR {
		return &docket.Error{
			Kind:   docket.OutcomeUnknown,
			Detail: "The disk failed while the write was being committed. Read the task to see whether it was or, if the request had an Idempotency-Key, send it again with the same key.",
			Err:    err,
		}
	}
	return translate(err)
}

// spoilsGroup says whether err, of one write, may have ended the transaction
// of the whole group: SQLite rolls back by itself when it meets such an error.
func spoilsGroup(err error) bool {
	switch code(err) {
	case 0, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH:
		return false // not of SQLite, or of one statement only
	}
	return true
}

func unavailable(err error) error {
	return &docket.Error{Kind: docket.Unavailable, Detail: "The database cannot serve right now. Nothing was written. Try again shortly.", Err: err}
}

var errAcquire = errors.New("sqlite: no connection became free in time")

// waitEnded is the error of a wait that ended with ctx: the caller's own
// reason, or the store's acquire timeout.
func waitEnded(ctx context.Context) error {
	if err := context.Cause(ctx); !errors.Is(err, errAcquire) {
		return err
	}
	return unavailable(errAcquire)
}
