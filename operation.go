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
	Create  Action = iota // makes it, from New
	Update                // sets the fields that Update names
	Toggle                // flips whether it is completed
	Delete                // moves it to the trash
	Restore               // takes it out of the trash
)

// Operation is one change of one task.
type Operation struct {
	Action Action
	ID     uuid.UUID // of the task; the Service chooses that of a new one
	New    NewTask
	Update TaskUpdate
	If     Precondition // not of a create
}

// normalize readies the operation's texts and returns their faults.
func (o *Operation) normalize() []Fault {
	switch o.Action {
	case Create:
		return o.New.Normalize()
	case Update:
		return o.Update.Normalize()
	default:
		return nil
	}
}

// Write is what one request asks for: all of its operations, in order, or none.
type Write struct {
	Operations []Operation // 1 to MaxBatch, without faults
	Key        *Key        // nil when sending the request again means doing it again
	Now        time.Time   // UTC, whole microseconds
	Epoch      int64       // the mark of the owner's history, should this write begin it
	MaxTasks   int64       // that the owner may have, deleted ones aside, for one more to be made or restored; 0: any number
}

// TaskLimit is MaxTasks as the bound of a comparison.
func (w Write) TaskLimit() int64 {
	if w.MaxTasks == 0 {
		return math.MaxInt64
	}
	return w.MaxTasks
}

// NewTask returns the task that an operation of the write creates, but for its Version.
func (w Write) NewTask(owner UserID, o Operation) Task {
	return Task{
		ID: o.ID, UserID: owner,
		Title: o.New.Title, Description: o.New.Description, Completed: o.New.Completed,
		CreatedAt: w.Now, UpdatedAt: w.Now,
	}
}

// Written is what became of a write.
type Written struct {
	// Tasks has for each operation the task as it left it; after a delete, the
	// zero Task.
	Tasks []Task
	// Replayed says that an earlier write with the same key did it, and that
	// Tasks are as they were then.
	Replayed bool
}

// OperationError is the error of the operation at Index of a write, because
// of which none of them was carried out.
type OperationError struct {
	Index int
	Err   *Error // what it would be if the operation had been the only one
}

func (e *OperationError) Error() string { return fmt.Sprintf("operation %d: %v", e.Index, e.Err) }
func (e *OperationError) Unwrap() error { return e.Err }

// FailOperation returns err, of the operation at index, as a *OperationError
// when it has a kind, and as it is otherwise.
func FailOperation(index int, err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		return &OperationError{Index: index, Err: e}
	}
	return err
}

var errNotDeleted = &Error{Kind: NotDeleted, Detail: "The task is not deleted, so there is nothing to restore."}

// TooManyTasks returns the error of kind QuotaExceeded.
func TooManyTasks(limit int64) error {
	return &Error{Kind: QuotaExceeded, Limit: limit, Detail: fmt.Sprintf("This user has %d tasks, as many as there may be. Delete some first.", limit)}
}

// TaskNotDeleted returns the error of kind NotDeleted.
func TaskNotDeleted() error { return errNotDeleted }
