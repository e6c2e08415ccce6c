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
// without naming whose it is. Methods return the errors of the Store that they
// call, and Invalid where they take input.
type Service struct {
	store Store
	now   func() time.Time
	rand  io.Reader
	ids   idGenerator
	quota int64 // 0: none

	retention time.Duration
	changed   func(UserID)

	untidy chan struct{} // of capacity 1: full while tidying is due
}

// Option changes how NewService builds a Service.
type Option func(*Service)

// WithClock makes now the service's clock, instead of time.Now.
func WithClock(now func() time.Time) Option { return func(s *Service) { s.now = now } }

// WithRandom makes r the source of the random bits of ids and epochs, instead
// of crypto/rand. Reading from it must not fail.
func WithRandom(r io.Reader) Option { return func(s *Service) { s.rand = r } }

// WithMaxTasks bounds how many tasks each user may have, deleted ones aside.
// Those of users who have more already stay; 0 is no bound.
func WithMaxTasks(n int64) Option { return func(s *Service) { s.quota = n } }

// DefaultRetention is how long a deleted task is kept unless WithRetention says otherwise.
const DefaultRetention = 30 * 24 * time.Hour

// WithRetention keeps deleted tasks for d, which is positive: so long they can be
// restored, and every sync token is good for.
func WithRetention(d time.Duration) Option { return func(s *Service) { s.retention = d } }

// WithChanged has f called after each write of this service that was committed
// or, its outcome being unknown, may have been. Calls are concurrent, and f must
// not block.
func WithChanged(f func(owner UserID)) Option { return func(s *Service) { s.changed = f } }

// NewService returns a Service that keeps its tasks in store.
func NewService(store Store, options ...Option) *Service {
	s := &Service{
		store: store, now: time.Now, rand: rand.Reader, retention: DefaultRetention, changed: func(UserID) {},
		untidy: make(chan struct{}, 1),
	}
	for _, option := range options {
		option(s)
	}
	return s
}

// Do carries out one operation and returns its task. NotFound, and the kinds
// that Store.Write names.
func (s *Service) Do(ctx context.Context, owner UserID, o Operation, key *Key) (t Task, replayed bool, err error) {
	if faults := o.normalize(); len(faults) > 0 {
		return Task{}, false, InvalidInput(faults...)
	}
	written, err := s.write(ctx, owner, []Operation{o}, key)
	if failed, ok := errors.AsType[*OperationError](err); ok {
		err = failed.Err
	}
	if err != nil {
		return Task{}, false, err
	}
	return written.Tasks[0], written.Replayed, nil
}

// Batch carries out 1 to MaxBatch operations, all or none. An error that is of
// one operation says so in its one fault. Invalid, and the kinds that
// Store.Write names.
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

// batchError says of an operation's error which one it was.
func batchError(failed *OperationError) *Error {
	e, member := *failed.Err, "id"
	if e.Kind == PreconditionFailed {
		member = "if_version"
	}
	e.Faults = []Fault{bodyFault(fmt.Sprintf("/operations/%d/%s", failed.Index, member), strings.ReplaceAll(string(e.Kind), "-", "_"), e.Detail)}
	e.Detail = fmt.Sprintf("Nothing was changed, because of operations[%d]: %s", failed.Index, e.Detail)
	return &e
}

// write hands operations, whose faults have been looked for, to the store.
func (s *Service) write(ctx context.Context, owner UserID, operations []Operation, key *Key) (Written, error) {
	w := Write{Operations: operations, Key: key, Now: s.time(), MaxTasks: s.quota}
	for i := range operations {
		if operations[i].Action == Create {
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
	s.tidy()
	return written, err
}

// ImportTasks adds those of owner's tasks that are not there, nor were deleted,
// and returns how many it added. They come from ImportedTask, at most MaxImport.
func (s *Service) ImportTasks(ctx context.Context, owner UserID, tasks []Task) (added int, err error) {
	added, err = s.store.Import(ctx, owner, tasks, s.epoch())
	s.wrote(owner, err)
	return added, err
}

// Task returns one of owner's tasks. NotFound.
func (s *Service) Task(ctx context.Context, owner UserID, id uuid.UUID) (Task, error) {
	return s.store.Get(ctx, owner, id)
}

// Tasks returns a page of owner's tasks. Invalid.
func (s *Service) Tasks(ctx context.Context, owner UserID, q ListQuery) (Page, error) {
	if faults := q.Check(); len(faults) > 0 {
		return Page{}, InvalidInput(faults...)
	}
	return s.store.List(ctx, owner, q)
}

// Ready returns nil when the service can serve.
func (s *Service) Ready(ctx context.Context) error { return s.store.Ready(ctx) }

// time is the present as tasks record it: UTC, whole microseconds, no
// monotonic reading, so that an answer equals every later reading of it.
func (s *Service) time() time.Time { return s.now().UTC().Truncate(time.Microsecond) }

// epoch is the mark of an owner's history, should it begin now.
func (s *Service) epoch() int64 { return int64(s.random() >> 1) }

func (s *Service) random() uint64 {
	var b [8]byte
	if _, err := io.ReadFull(s.rand, b[:]); err != nil {
		panic("docket: the source of randomness failed: " + err.Error())
	}
	return binary.BigEndian.Uint64(b[:])
}
