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
// Every method but Counters, Purge, ExpireKeys, Ready and Close acts on the tasks of one
// owner and cannot see another's. A deleted task is absent to all of them but
// Changes, a List of the trash, and a Restore.
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
	// Get returns a task. NotFound.
	Get(ctx context.Context, owner UserID, id uuid.UUID) (Task, error)

	// List returns a page of tasks, and the owner's state at the same moment.
	// In the order of creation it costs the same wherever it begins; otherwise
	// one pass over the owner's tasks.
	List(ctx context.Context, owner UserID, q ListQuery) (Page, error)

	// Write carries out the operations of w, in order and in one transaction.
	// When one of them cannot be, none is, and the error has a *OperationError
	// in its chain: of kind NotFound when there is no such task (a deleted one is
	// there for Restore alone), NotDeleted when a Restore meets one that is not
	// deleted, PreconditionFailed, QuotaExceeded. The owner's first task makes the owner, with
	// w.Epoch as the mark that tells this history from any before it.
	//
	// A change that changes nothing counts as carried out. Otherwise UpdatedAt
	// becomes w.Now, or stays when it was later: it never goes back while Version
	// goes on; a Delete leaves it.
	//
	// With a key, the result is kept in the same transaction. A repetition gets
	// it before anything else is looked at, or an error: Invalid with another
	// fingerprint; KeyInFlight when the first attempt does not end within the
	// acquire timeout. A write that fails leaves no trace of its key.
	Write(ctx context.Context, owner UserID, w Write) (Written, error)

	// Import adds those tasks of owner that the store does not have, nor has
	// deleted, by their ids, in one transaction, and returns how many it added.
	// They keep everything but their Version. There are at most MaxImport.
	Import(ctx context.Context, owner UserID, tasks []Task, epoch int64) (added int, err error)

	// Changes returns the tasks of the owner, deleted ones too, whose versions are in
	// a range, and the owner's state at the same moment. It costs the same wherever
	// the range begins.
	Changes(ctx context.Context, owner UserID, r ChangeRange) (ChangePage, error)

	// Counters returns the states of those owners who have a history.
	Counters(ctx context.Context, owners []UserID) (map[UserID]State, error)

	// Erase takes one step of removing everything of an owner, in one transaction:
	// it gives the owner another epoch and removes up to limit tasks, deleted ones
	// too, and up to limit keys. When nothing is left it removes the owner, and
	// is done. The owner's next task makes it anew.
	Erase(ctx context.Context, owner UserID, epoch int64, limit int) (done bool, err error)

	// Purge removes up to limit tasks, of any owner, that were deleted before that
	// time and still are, those deleted first before others, and in the same
	// transaction raises their owners' PurgedThrough to the highest version
	// removed. It returns how many it removed: none while another process purges.
	Purge(ctx context.Context, before time.Time, limit int) (int, error)

	// ExpireKeys forgets up to limit keys, of any owner, that were last of use
	// before now, and returns how many it forgot.
	ExpireKeys(ctx context.Context, now time.Time, limit int) (int, error)

	// Ready returns nil when the store can serve: reachable, and its schema
	// one that this program knows.
	Ready(ctx context.Context) error

	// Close waits for the writes that have begun and releases everything. The
	// store is of no use afterwards.
	Close() error
}
