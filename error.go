package docket

import (
	"errors"
	"fmt"
)

// Kind says what went wrong in a way that a caller can act on. Its text is the
// last part of the problem type that HTTP clients see: /problems/<kind>.
type Kind string

const (
	// Internal is every error that says nothing else of itself: a defect, or a
	// surprise of the database. Its text is never shown to a client.
	Internal Kind = "internal-error"
	// Invalid is input that was understood and breaks a rule; Faults lists each.
	Invalid Kind = "invalid-input"
	// NotFound is a task that does not exist, was deleted, or is another user's.
	// The three cannot be told apart.
	NotFound Kind = "task-not-found"
	// PreconditionFailed is a task that is not at a version that the request
	// demands. Nothing was written.
	PreconditionFailed Kind = "precondition-failed"
	// NotDeleted is a restore of a task that is not in the trash.
	NotDeleted Kind = "task-not-deleted"
	// SyncTokenExpired is a token that the history cannot be read from any more: of
	// another history, or from before a deletion that has been purged.
	SyncTokenExpired Kind = "sync-token-expired" //nolint:gosec // no secret
	// QuotaExceeded is a write that would give its owner more tasks than there
	// may be; Limit says how many. Nothing was written.
	QuotaExceeded Kind = "task-quota-exceeded"
	// KeyInFlight is a repetition of a write whose first attempt has not ended.
	// Nothing was written by the repetition.
	KeyInFlight Kind = "idempotency-key-in-flight"
	// Unavailable is a store that cannot serve now. Nothing was written.
	Unavailable Kind = "unavailable"
	// OutcomeUnknown is a write that may or may not have been committed.
	OutcomeUnknown Kind = "write-outcome-unknown"
	// StorageFull is a write that found no space. Nothing was written.
	StorageFull Kind = "storage-full"
)

// Error is an error that a client may see.
type Error struct {
	Kind   Kind
	Detail string  // a plain sentence, safe to show
	Faults []Fault // of kind Invalid: all faults found, at least one
	Limit  int64   // of kind QuotaExceeded: the most tasks that there may be
	Err    error   // the cause, for the log only; may be nil
}

func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %v", e.Kind, e.Err)
	}
	return fmt.Sprintf("%s: %s", e.Kind, e.Detail)
}

func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of the first *Error in err's chain, and Internal
// when there is none.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}

// Location is the part of a request that a fault is in.
type Location uint8

// The parts of a request that can have faults.
const (
	InBody      Location = iota // Name is an RFC 6901 JSON pointer; "" is the whole body
	InParameter                 // Name is a path or query parameter
	InHeader                    // Name is a header field
)

// Fault is one thing wrong with the input.
type Fault struct {
	In     Location
	Name   string
	Code   string // stable, for programs: "too_long"
	Detail string // a sentence that names the fault and the mend, for people
}

// MaxFaults is the most faults that are looked for in one input, and told.
const MaxFaults = 100

// InvalidInput returns the error of kind Invalid with these faults, of which
// there is at least one.
func InvalidInput(faults ...Fault) *Error {
	detail := faults[0].Detail
	if n := len(faults) - 1; n >= MaxFaults-1 {
		detail += fmt.Sprintf(" There are at least %d more faults; see errors.", MaxFaults-1)
	} else if n == 1 {
		detail += " There is 1 more fault; see errors."
	} else if n > 1 {
		detail += fmt.Sprintf(" There are %d more faults; see errors.", n)
	}
	return &Error{Kind: Invalid, Detail: detail, Faults: faults}
}

var errNoTask = &Error{Kind: NotFound, Detail: "This user has no such task."}

// NoSuchTask returns the error of kind NotFound. It is the same for a task
// that is absent, deleted or another user's.
func NoSuchTask() error { return errNoTask }
