package docket

import (
	"errors"
	"fmt"
)

// Kind classifies an error so that a caller can act on it. Its text is the last
// part of the problem type that HTTP clients see: /problems/<kind>.
type Kind string

const (
	// Internal is every error without another kind: a defect, or an unexpected
	// error of the database. Its text is never shown to a client.
	Internal Kind = "internal-error"
	// Invalid is input that was understood and breaks rules; Faults lists each.
	Invalid Kind = "invalid-input"
	// NotFound is a task that does not exist, was deleted, or belongs to another
	// user. The three cannot be told apart.
	NotFound Kind = "task-not-found"
	// APIKeyNotFound is an API key that its owner does not have.
	APIKeyNotFound Kind = "key-not-found"
	// PreconditionFailed is a task whose version does not meet the request's
	// precondition. Nothing was written.
	PreconditionFailed Kind = "precondition-failed"
	// NotDeleted is a restore of a task that is not in the trash.
	NotDeleted Kind = "task-not-deleted"
	// SyncTokenExpired is a token from which the history cannot be read any more: it
	// belongs to another history, or is older than a deletion that was purged.
	SyncTokenExpired Kind = "sync-token-expired" //nolint:gosec // no secret
	// QuotaExceeded is a write that would give its owner more live tasks than Limit.
	// Nothing was written.
	QuotaExceeded Kind = "task-quota-exceeded"
	// KeptFull is a write that finds no room for what is kept of its owner besides
	// tasks: a result under an idempotency key, or an API key. Limit says how much there
	// may be. Nothing was written.
	KeptFull Kind = "quota-exceeded"
	// KeyInFlight is a repetition of a write whose first attempt has not ended. The
	// repetition wrote nothing.
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
	Faults []Fault // of an Invalid error: all faults found, at least one
	Limit  int64   // of a QuotaExceeded error: the most live tasks; of KeptFull: the most bytes, or API keys
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

// Location is the part of a request that has a fault.
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
	Detail string // a sentence for people: what is wrong, and how to correct it
}

// MaxFaults is the most faults that are looked for, and reported, in one input.
const MaxFaults = 100

// InvalidInput returns the error of kind Invalid with these faults, at least one.
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

// NoSuchTask returns the error of kind NotFound. It is the same for a task that is
// absent, deleted or another user's.
func NoSuchTask() error { return errNoTask }
