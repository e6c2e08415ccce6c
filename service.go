package docket

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"io"
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
}

// Option changes how NewService builds a Service.
type Option func(*Service)

// WithClock makes now the service's clock, instead of time.Now.
func WithClock(now func() time.Time) Option { return func(s *Service) { s.now = now } }

// WithRandom makes r the source of the random bits of ids and epochs, instead
// of crypto/rand. Reading from it must not fail.
func WithRandom(r io.Reader) Option { return func(s *Service) { s.rand = r } }

// NewService returns a Service that keeps its tasks in store.
func NewService(store Store, options ...Option) *Service {
	s := &Service{store: store, now: time.Now, rand: rand.Reader}
	for _, option := range options {
		option(s)
	}
	return s
}

// CreateTask makes a task of owner's and returns it. Invalid.
func (s *Service) CreateTask(ctx context.Context, owner UserID, t NewTask) (Task, error) {
	if faults := t.Normalize(); len(faults) > 0 {
		return Task{}, InvalidInput(faults...)
	}
	now := s.time()
	return s.store.Create(ctx, Task{
		ID:          s.ids.next(now, s.random()),
		UserID:      owner,
		Title:       t.Title,
		Description: t.Description,
		Completed:   t.Completed,
		CreatedAt:   now,
		UpdatedAt:   now,
	}, s.epoch())
}

// ImportTasks adds those of owner's tasks that are not there, nor were deleted,
// and returns how many it added. They come from ImportedTask, at most MaxImport.
func (s *Service) ImportTasks(ctx context.Context, owner UserID, tasks []Task) (added int, err error) {
	return s.store.Import(ctx, owner, tasks, s.epoch())
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

// UpdateTask sets the fields that u names and returns the task. Invalid,
// NotFound, PreconditionFailed.
func (s *Service) UpdateTask(ctx context.Context, owner UserID, id uuid.UUID, u TaskUpdate, p Precondition) (Task, error) {
	if faults := u.Normalize(); len(faults) > 0 {
		return Task{}, InvalidInput(faults...)
	}
	return s.store.Update(ctx, owner, id, u, p, s.time())
}

// CompleteTask sets whether a task is completed, or flips it when completed is
// absent, and returns the task. NotFound, PreconditionFailed.
func (s *Service) CompleteTask(ctx context.Context, owner UserID, id uuid.UUID, completed Optional[bool], p Precondition) (Task, error) {
	if completed.Set {
		return s.store.Update(ctx, owner, id, TaskUpdate{Completed: completed}, p, s.time())
	}
	return s.store.Toggle(ctx, owner, id, p, s.time())
}

// DeleteTask deletes a task. NotFound, PreconditionFailed.
func (s *Service) DeleteTask(ctx context.Context, owner UserID, id uuid.UUID, p Precondition) error {
	return s.store.Delete(ctx, owner, id, p, s.time())
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
