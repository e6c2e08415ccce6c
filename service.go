package docket

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Service holds the rules of the product. It is safe for concurrent use.
//
// The owner is a parameter of every method: there is no way to reach a task
// without naming its owner. Methods return the errors of the Store method that
// they call, and Invalid where they take input.
type Service struct {
	store Store
	now   func() time.Time
	rand  io.Reader
	ids   idGenerator
	quota int64 // 0: none

	retention time.Duration
	changed   func(UserID)
	keysEnded func(UserID)

	maintenance chan struct{} // capacity 1: full while a round is requested
}

// Option changes how NewService builds a Service.
type Option func(*Service)

// WithClock sets the service's clock, instead of time.Now.
func WithClock(now func() time.Time) Option { return func(s *Service) { s.now = now } }

// WithRandom sets the source of the random bits in ids and epochs, instead of
// crypto/rand. Reading from r must not fail.
func WithRandom(r io.Reader) Option { return func(s *Service) { s.rand = r } }

// WithMaxTasks bounds how many live tasks each user may have. A user who has more
// already keeps them. 0 is no bound.
func WithMaxTasks(n int64) Option { return func(s *Service) { s.quota = n } }

// DefaultRetention is how long a deleted task is kept without WithRetention.
const DefaultRetention = 30 * 24 * time.Hour

// WithRetention keeps deleted tasks for d, which must be positive. For that time
// a deleted task can be restored, and a sync token stays valid.
func WithRetention(d time.Duration) Option { return func(s *Service) { s.retention = d } }

// WithChanged calls f after each write of this service that was committed, and
// after each whose outcome is unknown. Calls are concurrent. f must not block.
func WithChanged(f func(owner UserID)) Option { return func(s *Service) { s.changed = f } }

// WithKeysEnded calls f after each revocation of an API key and each erasure of this
// service that was committed, and after each whose outcome is unknown, before the
// method returns. Calls are concurrent. f must not block.
func WithKeysEnded(f func(owner UserID)) Option { return func(s *Service) { s.keysEnded = f } }

// NewService returns a Service that keeps its tasks in store.
func NewService(store Store, options ...Option) *Service {
	s := &Service{
		store: store, now: time.Now, rand: rand.Reader, retention: DefaultRetention, changed: func(UserID) {}, keysEnded: func(UserID) {},
		maintenance: make(chan struct{}, 1),
	}
	for _, option := range options {
		option(s)
	}
	return s
}

// Do carries out one operation and returns its task. Its errors are of kind
// Invalid and the kinds that Store.Write names.
func (s *Service) Do(ctx context.Context, owner UserID, o Operation, key *Key) (t Task, replayed bool, err error) {
	if faults := o.normalize(); len(faults) > 0 {
		return Task{}, false, InvalidInput(faults...)
	}
	written, err := s.writeOne(ctx, owner, o, key)
	if failed, ok := errors.AsType[*OperationError](err); ok {
		err = failed.Err
	}
	if err != nil {
		return Task{}, false, err
	}
	return written.Tasks[0], written.Replayed, nil
}

// maxMerges is how often a merge is tried again after another write of its task.
const maxMerges = 10

var errContended = &Error{Kind: Unavailable, Detail: "Other requests change this task all the time. Nothing was written. Send the request again."}

// writeOne carries out one operation. A store sets metadata as a whole, so a patch of
// it is applied to the task as it was read, on condition that it is still at that
// version.
func (s *Service) writeOne(ctx context.Context, owner UserID, o Operation, key *Key) (Written, error) {
	patch, demanded := o.Update.MetadataPatch, o.If
	if o.Action != Update || patch == "" {
		return s.write(ctx, owner, []Operation{o}, key)
	}
	for range maxMerges {
		t, err := s.store.Get(ctx, owner, o.ID)
		if err != nil && KindOf(err) != NotFound {
			return Written{}, err
		}
		merges, faults := err == nil && demanded.Holds(t.Version), []Fault(nil)
		o.If.Match = Some([]int64{}) // without a merge no version will do, but the key may have a result
		if merges {
			var merged Metadata
			merged, faults = t.Metadata.Merge(patch)
			switch {
			case len(faults) == 0:
				o.Update.Metadata, o.If.Match = Some(merged), Some([]int64{t.Version})
			case key == nil:
				return Written{}, InvalidInput(faults...)
			}
		}
		written, err := s.write(ctx, owner, []Operation{o}, key)
		switch {
		case !merges, KindOf(err) != PreconditionFailed:
			return written, err
		case len(faults) > 0:
			return Written{}, InvalidInput(faults...)
		}
	}
	return Written{}, errContended
}

// Batch carries out 1 to MaxBatch operations, all or none. Its errors are of kind
// Invalid and the kinds that Store.Write names. When one operation failed, the
// error has one fault, which points at that operation.
func (s *Service) Batch(ctx context.Context, owner UserID, operations []Operation, key *Key) (Written, error) {
	if n := len(operations); n < 1 || n > MaxBatch {
		return Written{}, InvalidInput(bodyFault("/operations", "out_of_range", fmt.Sprintf("A batch has from 1 to %d operations, not %d.", MaxBatch, n)))
	}
	operations = slices.Clone(operations)
	var faults []Fault
	for i := range operations {
		for _, f := range operations[i].normalize() {
			f.Name = fmt.Sprintf("/operations/%d/task%s", i, f.Name)
			faults = append(faults, f)
		}
	}
	if len(faults) > 0 {
		return Written{}, InvalidInput(faults...)
	}
	written, err := s.write(ctx, owner, operations, key)
	if failed, ok := errors.AsType[*OperationError](err); ok {
		err = batchError(failed)
	}
	return written, err
}

// batchError returns the error of a batch in which one operation failed.
func batchError(failed *OperationError) *Error {
	e, member := *failed.Err, "id"
	if e.Kind == PreconditionFailed && failed.Err != errExists {
		member = "if_version"
	}
	e.Faults = []Fault{bodyFault(fmt.Sprintf("/operations/%d/%s", failed.Index, member), strings.ReplaceAll(string(e.Kind), "-", "_"), e.Detail)}
	e.Detail = fmt.Sprintf("Nothing was changed, because of operations[%d]: %s", failed.Index, e.Detail)
	return &e
}

// write passes operations without faults to the store. It sets the ids of new
// tasks in operations.
func (s *Service) write(ctx context.Context, owner UserID, operations []Operation, key *Key) (Written, error) {
	w := Write{Operations: operations, Key: key, Now: s.Time(), MaxTasks: s.quota}
	for i := range operations {
		if o := operations[i]; o.Action == Create && o.ID == uuid.Nil {
			operations[i].Fresh = true
			operations[i].ID = s.ids.next(w.Now, s.random())
		}
	}
	if slices.ContainsFunc(operations, func(o Operation) bool { return o.Action == Create }) {
		w.Epoch = s.epoch()
	}
	written, err := s.store.Write(ctx, owner, w)
	if !written.Replayed {
		s.wrote(owner, err)
	}
	s.requestMaintenance()
	return written, err
}

// Task returns one of owner's tasks. The error is of kind NotFound when there is
// none.
func (s *Service) Task(ctx context.Context, owner UserID, id uuid.UUID) (Task, error) {
	return s.store.Get(ctx, owner, id)
}

// Tasks returns a page of owner's tasks. The error is of kind Invalid when q has
// faults.
func (s *Service) Tasks(ctx context.Context, owner UserID, q ListQuery) (Page, error) {
	if faults := q.Check(); len(faults) > 0 {
		return Page{}, InvalidInput(faults...)
	}
	return s.store.List(ctx, owner, q)
}

// Renew begins another history for every user, after a restore that may have lost
// the latest writes: earlier sync tokens and entity tags are refused, and no
// version is given twice. It returns how many users there are.
func (s *Service) Renew(ctx context.Context) (users int, err error) {
	return s.store.Renew(ctx, s.renewal)
}

// renewal returns what a history is renewed by: an epoch, and what to raise the
// counter by, from 2^32 to 2^40, more than any history can have lost.
func (s *Service) renewal() (epoch, raise int64) {
	return s.epoch(), 1<<32 + int64(s.random()%(1<<40-1<<32))
}

// Ready returns nil when the service can serve.
func (s *Service) Ready(ctx context.Context) error { return s.store.Ready(ctx) }

// Warnings returns sentences for the operator about a service that is ready.
func (s *Service) Warnings() []string { return s.store.Warnings() }

// Time returns the present as tasks record it: UTC, whole microseconds, no
// monotonic reading. So the task that a write returns equals the one that a later
// read returns.
func (s *Service) Time() time.Time { return toMicroseconds(s.now()) }

// toMicroseconds returns t in UTC and whole microseconds, without a monotonic reading.
func toMicroseconds(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// epoch returns the epoch of an owner's history that begins now.
func (s *Service) epoch() int64 { return int64(s.random() >> 1) }

func (s *Service) random() uint64 { return randomFrom(s.rand) }

func randomFrom(r io.Reader) uint64 {
	var b [8]byte
	readRandom(r, b[:])
	return binary.BigEndian.Uint64(b[:])
}

// readRandom fills b from a source that must not fail.
func readRandom(r io.Reader, b []byte) {
	if _, err := io.ReadFull(r, b); err != nil {
		panic("docket: the source of randomness failed: " + err.Error())
	}
}
