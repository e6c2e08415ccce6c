package docket

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/google/uuid"
)

// MaxBatch is the most operations that one write carries out.
const MaxBatch = 100

// Action is what an operation does to its task.
type Action uint8

// The actions.
const (
	Create  Action = iota // makes the task from New
	Update                // sets the fields that Update names
	Toggle                // completes the task, or reopens it when it is completed
	Delete                // moves the task to the trash
	Restore               // takes the task out of the trash
)

// Operation is one change of one task.
type Operation struct {
	Action Action
	ID     uuid.UUID // the task's; of a new task uuid.Nil, for which the Service chooses one, or a UUIDv7
	Fresh  bool      // of a Create: the Service has just made ID, so no task has it
	New    NewTask
	Update TaskUpdate
	If     Precondition // ignored by Create
}

// normalize trims the operation's texts and returns their faults.
func (o *Operation) normalize() []Fault {
	switch o.Action {
	case Create:
		faults := o.New.Normalize()
		if o.ID != uuid.Nil && !ValidNewID(o.ID) {
			faults = append(faults, bodyFault("/id", "not_uuid_v7", "The id of a new task must be a UUID of version 7 (RFC 9562)."))
		}
		return faults
	case Update:
		return o.Update.Normalize()
	default:
		return nil
	}
}

// ValidNewID reports whether a client may give a new task this id.
func ValidNewID(id uuid.UUID) bool { return id.Version() == 7 && id.Variant() == uuid.RFC4122 }

// Write is what one request asks for: all of its operations, in order, or none.
type Write struct {
	Operations []Operation // 1 to MaxBatch, without faults
	Key        *Key        // nil: a repetition of the request is another write
	Now        time.Time   // UTC, whole microseconds
	Epoch      int64       // the epoch of the owner's history, if this write begins it
	// MaxTasks bounds the owner's live tasks, and the trash: a Create or a Restore
	// fails when there are that many live ones already, and a Delete purges the task
	// that was deleted first when that many are deleted. 0 is no bound.
	MaxTasks int64
}

// TaskLimit returns MaxTasks as the bound of a comparison.
func (w Write) TaskLimit() int64 {
	if w.MaxTasks == 0 {
		return math.MaxInt64
	}
	return w.MaxTasks
}

// NewTask returns the task that o, a Create, makes, without its Version.
func (w Write) NewTask(owner UserID, o Operation) Task {
	t := Task{ID: o.ID, UserID: owner, Fields: o.New.Fields, CreatedAt: w.Now, UpdatedAt: w.Now}
	t.followCompleted(w.Now)
	return t
}

// Change returns what o, which is no Create, makes of t, and whether it differs
// from t. A task that differs needs another Version. The error is of kind
// NotFound, NotDeleted or PreconditionFailed.
//
// It is the rule that every Store follows. A store that states it in another
// language has a test against this function.
func (w Write) Change(t Task, o Operation) (after Task, differs bool, err error) {
	deleted, completed := !t.DeletedAt.IsZero(), t.Completed
	switch {
	case deleted && o.Action != Restore:
		return t, false, errNoTask
	case !deleted && o.Action == Restore:
		return t, false, errNotDeleted
	case !o.If.Holds(t.Version):
		return t, false, errStale
	}
	switch o.Action {
	case Update:
		if !o.Update.Apply(&t.Fields) {
			return t, false, nil
		}
	case Toggle:
		t.Completed = !t.Completed
	case Delete:
		t.DeletedAt = w.Now
		return t, true, nil
	case Restore:
		t.DeletedAt = time.Time{}
	default:
		return t, false, fmt.Errorf("docket: action %d changes no task", o.Action)
	}
	if t.UpdatedAt.Before(w.Now) { // another write may have read the clock later and come first
		t.UpdatedAt = w.Now
	}
	if t.Completed != completed {
		t.CompletedAt = time.Time{}
		t.followCompleted(t.UpdatedAt)
	}
	return t, true, nil
}

// Written is what a write did.
type Written struct {
	// Tasks holds for each operation the task as the operation left it; its Tombstone
	// after a delete.
	Tasks []Task
	// Replayed says that an earlier write with the same key did it, and that
	// Tasks are as they were then.
	Replayed bool
}

// OperationError is the error of the operation at Index of a write. None of the
// write's operations took effect.
type OperationError struct {
	Index int
	Err   *Error // the same as if the operation had been the only one
}

func (e *OperationError) Error() string { return fmt.Sprintf("operation %d: %v", e.Index, e.Err) }
func (e *OperationError) Unwrap() error { return e.Err }

// FailOperation returns err, the error of the operation at index, as an
// *OperationError when it has a kind, and unchanged when it has none.
func FailOperation(index int, err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		return &OperationError{Index: index, Err: e}
	}
	return err
}

var errExists = &Error{Kind: PreconditionFailed, Detail: "The user has a task with this id, or has deleted one that can be restored. Nothing was written."}

// AlreadyExists returns the error of a Create whose id the owner has given before. It
// is of kind PreconditionFailed.
func AlreadyExists() error { return errExists }

var errNotDeleted = &Error{Kind: NotDeleted, Detail: "The task is not deleted, so there is nothing to restore."}

// TooManyTasks returns the error of kind QuotaExceeded.
func TooManyTasks(limit int64) error {
	return &Error{Kind: QuotaExceeded, Limit: limit, Detail: fmt.Sprintf("This user has %d tasks, as many as there may be. Delete some first.", limit)}
}

// TaskNotDeleted returns the error of kind NotDeleted.
func TaskNotDeleted() error { return errNotDeleted }
