package docket

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// MaxImport is the most tasks that one call of Import takes.
const MaxImport = 1000

const (
	// StatementTimeout bounds each statement of a request.
	StatementTimeout = 5 * time.Second
	// PassTimeout bounds the work of a List that costs a pass over its owner's tasks. Where
	// it rests for the requests of others, StatementTimeout bounds work and rests together.
	PassTimeout = 2 * time.Second
)

// Store keeps tasks durably. Package storetest is the full specification; what
// follows is what a caller must know.
//
// Every method but Counters, Purge, ExpireKeys, Ready and Close acts on the tasks
// and keys of one owner and cannot see those of another. Only Changes, a List of
// the trash and a Restore see deleted tasks.
//
// A write has reached stable storage when its method returns nil. For each task
// that it changes, a write adds one to the owner's counter, in the same
// transaction, and gives the task the result as Version. A task that does not
// change keeps Version and UpdatedAt.
//
// A Precondition is checked in the same transaction that makes the change.
//
// Besides the kinds that its comment names, each method returns Unavailable when
// the store cannot serve within its acquire timeout, and Internal for every error
// that it does not know. Each write also returns StorageFull and OutcomeUnknown.
// When ctx ends before a write has begun, nothing is written and the error wraps
// ctx's. A write that has begun runs to its end. A statement that reaches its
// deadline (StatementTimeout, PassTimeout) is Unavailable, and has written nothing.
//
// A panic in a method costs that call alone: it is Internal, and no connection,
// reader or batcher is lost.
type Store interface {
	APIKeyStore

	// Get returns a task. The error is of kind NotFound when there is none.
	Get(ctx context.Context, owner UserID, id uuid.UUID) (Task, error)

	// List returns a page of tasks, and the owner's state at the same moment. In the
	// order of creation a page costs the same wherever it begins, however much is in
	// the trash. Every other order and every filter costs one pass over the owner's
	// live tasks, or over the trash. A page also ends at MaxPageBytes: see Room.
	List(ctx context.Context, owner UserID, q ListQuery) (Page, error)

	// Write carries out the operations of w, in order and in one transaction: a
	// Create makes w.NewTask, every other action does what w.Change says. When one
	// operation fails, none takes effect, and the error has an *OperationError in
	// its chain, of a kind that w.Change returns or QuotaExceeded. The owner's first
	// task begins the owner's history, with w.Epoch as its epoch.
	//
	// With a key, the result is kept in the same transaction. A repetition gets
	// that result, before tasks and preconditions are looked at, or an error:
	// Invalid when its fingerprint differs, KeyInFlight when the first attempt does
	// not end within the acquire timeout. A write that fails leaves its key free. What
	// is kept under an owner's keys is at most MaxKeptBytes: one more is KeptFull.
	//
	// With w.MaxTasks, an owner's trash holds that many tasks: a Delete that would
	// exceed it purges the one deleted first, as Purge does.
	Write(ctx context.Context, owner UserID, w Write) (Written, error)

	// Import adds the tasks that i.Choose chooses, in one transaction. It sets their
	// Versions, in their order, and nothing else. The error is of kind QuotaExceeded. A
	// dry run writes nothing, and takes no lock for longer than a read does.
	Import(ctx context.Context, owner UserID, i Import) (Imported, error)

	// Changes returns the owner's tasks, deleted ones included, whose versions are in
	// a range, and the owner's state at the same moment. It costs the same wherever
	// the range begins. It also ends at MaxPageBytes: see Room.
	Changes(ctx context.Context, owner UserID, r ChangeRange) (ChangePage, error)

	// Counters returns the states of those owners who have a history.
	Counters(ctx context.Context, owners []UserID) (map[UserID]State, error)

	// Erase is one step of removing everything about an owner, in one transaction:
	// it gives the owner another epoch, and removes the owner's API keys, up to limit
	// tasks, deleted ones included, and up to limit idempotency keys. When nothing is left it removes the owner and
	// returns true. The owner's next task begins another history.
	Erase(ctx context.Context, owner UserID, epoch int64, limit int) (done bool, err error)

	// Purge removes up to limit tasks, of any owner, that were deleted before the
	// time before, the earliest first. In the same transaction it raises the
	// PurgedThrough of their owners to the highest version removed. It returns how
	// many tasks it removed: none while another process purges.
	Purge(ctx context.Context, before time.Time, limit int) (int, error)

	// ExpireKeys removes up to limit keys, of any owner, that have expired at now, and
	// returns how many it removed. Until then a key replays its write.
	ExpireKeys(ctx context.Context, now time.Time, limit int) (int, error)

	// AdvanceClock moves the time that maintenance goes by towards now, by most at
	// most, and back to now when it is ahead. It returns that time; now itself the
	// first time. So a clock that is wrong for a while removes little.
	AdvanceClock(ctx context.Context, now time.Time, most time.Duration) (time.Time, error)

	// Renew begins another history for every owner, for a database whose latest
	// writes may have been lost: each gets an epoch and a number to raise its counter
	// by from renewal. It returns how many owners there are.
	Renew(ctx context.Context, renewal func() (epoch, raise int64)) (owners int, err error)

	// Ready returns nil when the store can serve: it is reachable, and this program
	// serves its schema. After a request has failed for another reason, it returns nil
	// again only when a request has succeeded, or a check of the schema and of the
	// rights on it. It does not wait behind requests.
	Ready(ctx context.Context) error

	// Warnings returns sentences for the operator about a store that serves: that its
	// history may have been lost, for example.
	Warnings() []string

	// Close waits for the writes that have begun, and releases everything. No other
	// method may be called afterwards.
	Close() error
}
