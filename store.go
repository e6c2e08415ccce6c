package docket

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// MaxImport is the most tasks that one call of Import takes.
const MaxImport = 1000

// Store keeps tasks durably. Package storetest is its specification in full;
// what follows is what a caller must know.
//
// Every method but Ready and Close acts on the tasks of one owner and cannot
// see another's. A deleted task is absent to all of them.
//
// A write has reached stable storage when its method returns nil. Each write
// that changes a task adds one to its owner's counter, in the same
// transaction, and stamps the task with the result as Version; a write that
// changes nothing keeps Version and UpdatedAt.
//
// A Precondition is looked at in the same moment as the change is made.
//
// Besides the kinds that a method names, each returns Unavailable when the
// store cannot serve within its acquire timeout, and Internal when it fails in
// a way it does not know; each write also returns StorageFull and
// OutcomeUnknown. When ctx ends before a write has begun, nothing is written
// and the error wraps ctx's; once begun, a write runs to its end.
type Store interface {
	// Create stores t, whose ID is new, and returns it with its Version. The
	// owner's first task makes the owner, with epoch as the mark that tells
	// this history from any before it.
	Create(ctx context.Context, t Task, epoch int64) (Task, error)

	// Get returns a task. NotFound.
	Get(ctx context.Context, owner UserID, id uuid.UUID) (Task, error)

	// List returns a page of tasks, and the owner's state at the same moment.
	// In the order of creation it costs the same wherever it begins; otherwise
	// one pass over the owner's tasks.
	List(ctx context.Context, owner UserID, q ListQuery) (Page, error)

	// Update applies u, which has no faults, to a task and returns the result.
	// When something changed, UpdatedAt is now, or stays when it was later: it
	// never goes back while Version goes on. NotFound, PreconditionFailed.
	Update(ctx context.Context, owner UserID, id uuid.UUID, u TaskUpdate, p Precondition, now time.Time) (Task, error)

	// Toggle flips whether a task is completed and returns the result. NotFound,
	// PreconditionFailed.
	Toggle(ctx context.Context, owner UserID, id uuid.UUID, p Precondition, now time.Time) (Task, error)

	// Delete marks a task as deleted at now. NotFound, also for a second delete;
	// PreconditionFailed.
	Delete(ctx context.Context, owner UserID, id uuid.UUID, p Precondition, now time.Time) error

	// Import adds those tasks of owner that the store does not have, nor has
	// deleted, by their ids, in one transaction, and returns how many it added.
	// They keep everything but their Version. There are at most MaxImport.
	Import(ctx context.Context, owner UserID, tasks []Task, epoch int64) (added int, err error)

	// Ready returns nil when the store can serve: reachable, and its schema
	// one that this program knows.
	Ready(ctx context.Context) error

	// Close waits for the writes that have begun and releases everything. The
	// store is of no use afterwards.
	Close() error
}
