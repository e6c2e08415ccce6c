package docket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
)

// recorder is a Store that remembers the last create; its other methods are nil.
type recorder struct {
	Store
	task  Task
	epoch int64
}

func (r *recorder) Create(_ context.Context, t Task, epoch int64) (Task, error) {
	r.task, r.epoch = t, epoch
	return t, nil
}

func TestCreateTaskIsDeterminedByItsSources(t *testing.T) {
	store := &recorder{}
	zone := time.FixedZone("", 3600)
	s := NewService(store,
		WithClock(func() time.Time { return time.Date(2026, 1, 31, 10, 30, 0, 123_456_789, zone) }),
		WithRandom(bytes.NewReader(bytes.Repeat([]byte{0xff}, 16))))
	task, err := s.CreateTask(t.Context(), "alice", NewTask{Title: " title "})
	if err != nil {
		t.Fatal(err)
	}
	want := time.Date(2026, 1, 31, 9, 30, 0, 123_456_000, time.UTC)
	if task.CreatedAt != want || task.UpdatedAt != want {
		t.Errorf("created at %v and %v, want %v", task.CreatedAt, task.UpdatedAt, want)
	}
	if task.Title != "title" || task.UserID != "alice" {
		t.Errorf("stored %+v", task)
	}
	if got := task.ID.String(); got != "019c1363-4a3b-774b-bfff-ffffffffffff" {
		t.Errorf("id is %s", got)
	}
	if store.epoch != 1<<63-1 {
		t.Errorf("epoch is %d", store.epoch)
	}
}

func TestServiceRefusesInvalidInput(t *testing.T) {
	s := NewService(&recorder{}) // a call of the store would panic or be recorded
	_, err := s.CreateTask(t.Context(), "alice", NewTask{})
	checkFaults(t, err, Fault{In: InBody, Name: "/title", Code: "too_short"})
	_, err = s.UpdateTask(t.Context(), "alice", uuid.Nil, TaskUpdate{Title: Some(" ")}, Precondition{})
	checkFaults(t, err, Fault{In: InBody, Name: "/title", Code: "too_short"})
}

func TestIDsIncrease(t *testing.T) {
	var g idGenerator
	base := time.Date(2026, 1, 31, 9, 30, 0, 0, time.UTC)
	last := uuid.Nil
	for i, now := range []time.Time{base, base, base.Add(time.Microsecond), base.Add(time.Millisecond), base.Add(-time.Hour), base.Add(-time.Hour), base.Add(time.Second)} {
		id := g.next(now, uint64(i))
		if id.Version() != 7 || id.Variant() != uuid.RFC4122 {
			t.Errorf("%s is of version %d and variant %s", id, id.Version(), id.Variant())
		}
		if bytes.Compare(id[:], last[:]) <= 0 {
			t.Errorf("%s follows %s", id, last)
		}
		last = id
	}
	if sec, nsec := last.Time().UnixTime(); !time.Unix(sec, nsec).Equal(base.Add(time.Second)) {
		t.Errorf("%s is of %v", last, time.Unix(sec, nsec))
	}
}

func TestIDsAreUniqueAmongGoroutines(t *testing.T) {
	var g idGenerator
	now := time.Now()
	var mu sync.Mutex
	seen := map[uuid.UUID]bool{}
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range 1000 {
				id := g.next(now, 0)
				mu.Lock()
				seen[id] = true
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	if len(seen) != 8000 {
		t.Errorf("%d ids of 8000 are different", len(seen))
	}
}

func TestRandomnessThatFails(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("an id was made without randomness")
		}
	}()
	_, _ = NewService(&recorder{}, WithRandom(bytes.NewReader(nil))).CreateTask(t.Context(), "alice", NewTask{Title: "x"})
}

func TestKindOf(t *testing.T) {
	for _, test := range []struct {
		err  error
		kind Kind
	}{
		{io.EOF, Internal},
		{NoSuchTask(), NotFound},
		{fmt.Errorf("wrapped: %w", NoSuchTask()), NotFound},
		{errors.Join(io.EOF, &Error{Kind: Unavailable, Err: io.EOF}), Unavailable},
	} {
		if got := KindOf(test.err); got != test.kind {
			t.Errorf("KindOf(%v) = %s, want %s", test.err, got, test.kind)
		}
	}
	if err := (&Error{Kind: Unavailable, Err: io.EOF}); !errors.Is(err, io.EOF) || err.Error() != "unavailable: EOF" {
		t.Errorf("error is %v", err)
	}
}
