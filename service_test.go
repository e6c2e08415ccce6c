package docket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

// recorder is a Store that remembers the last write; its other methods are nil.
type recorder struct {
	Store
	write Write
	err   error // to fail with
}

func (r *recorder) Write(_ context.Context, owner UserID, w Write) (Written, error) {
	r.write = w
	if r.err != nil {
		return Written{}, r.err
	}
	written := Written{}
	for _, o := range w.Operations {
		written.Tasks = append(written.Tasks, w.NewTask(owner, o))
	}
	return written, nil
}

func create(title string) Operation {
	return Operation{Action: Create, New: NewTask{Fields{Title: title}}}
}

func TestCreateTaskIsDeterminedByItsSources(t *testing.T) {
	store := &recorder{}
	zone := time.FixedZone("", 3600)
	s := NewService(store,
		WithClock(func() time.Time { return time.Date(2026, 1, 31, 10, 30, 0, 123_456_789, zone) }),
		WithRandom(bytes.NewReader(bytes.Repeat([]byte{0xff}, 16))))
	task, _, err := s.Do(t.Context(), "alice", create(" title "), nil)
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
	if store.write.Epoch != 1<<63-1 {
		t.Errorf("epoch is %d", store.write.Epoch)
	}
}

func TestServiceRefusesInvalidInput(t *testing.T) {
	s := NewService(&recorder{}) // a call of the store would panic or be recorded
	_, _, err := s.Do(t.Context(), "alice", create(""), nil)
	checkFaults(t, err, Fault{In: InBody, Name: "/title", Code: "too_short"})
	blank := Operation{Action: Update, Update: TaskUpdate{Title: Some(" ")}}
	_, _, err = s.Do(t.Context(), "alice", blank, nil)
	checkFaults(t, err, Fault{In: InBody, Name: "/title", Code: "too_short"})
	_, err = s.Batch(t.Context(), "alice", []Operation{create("x"), create(""), blank}, nil)
	checkFaults(t, err, Fault{In: InBody, Name: "/operations/1/task/title", Code: "too_short"}, Fault{In: InBody, Name: "/operations/2/task/title", Code: "too_short"})
	for _, n := range []int{0, MaxBatch + 1} {
		_, err = s.Batch(t.Context(), "alice", make([]Operation, n), nil)
		checkFaults(t, err, Fault{In: InBody, Name: "/operations", Code: "out_of_range"})
	}
}

func TestBatchSaysWhichOperationFailed(t *testing.T) {
	for _, test := range []struct {
		err           error
		pointer, code string
	}{
		{NoSuchTask(), "/operations/1/id", "task_not_found"},
		{TaskNotDeleted(), "/operations/1/id", "task_not_deleted"},
		{Stale(), "/operations/1/if_version", "precondition_failed"},
	} {
		store := &recorder{err: FailOperation(1, test.err)}
		_, err := NewService(store).Batch(t.Context(), "alice", []Operation{create("a"), {Action: Delete}}, nil)
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Kind != KindOf(test.err) || len(e.Faults) != 1 || e.Faults[0].Name != test.pointer || e.Faults[0].Code != test.code {
			t.Errorf("%v became %+v", test.err, err)
		}
		if _, _, err := NewService(store).Do(t.Context(), "alice", create("a"), nil); err != test.err {
			t.Errorf("of one operation, %v became %v", test.err, err)
		}
	}
	if _, err := NewService(&recorder{err: FailOperation(1, io.EOF)}).Batch(t.Context(), "alice", []Operation{create("a")}, nil); KindOf(err) != Internal || !errors.Is(err, io.EOF) {
		t.Errorf("an unknown error became %v", err)
	}
}

// expiring is a Store with a number of keys that have expired.
type expiring struct {
	recorder
	keys  int
	calls chan int
}

func (e *expiring) ExpireKeys(_ context.Context, _ time.Time, limit int) (int, error) {
	n := min(limit, e.keys)
	e.keys -= n
	e.calls <- n
	return n, nil
}

func (e *expiring) Purge(context.Context, time.Time, int) (int, error) { return 0, nil }

// TestKeysExpireOnTraffic shows that a write, and nothing else, starts the removal of
// expired keys, in steps.
func TestKeysExpireOnTraffic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &expiring{keys: 2*expireStep + 1, calls: make(chan int, 10)}
		s := NewService(store)
		ctx, stop := context.WithCancel(t.Context())
		stopped := make(chan struct{})
		go func() {
			defer close(stopped)
			s.Run(ctx, func(_ Removed, err error) {
				if err != nil {
					t.Error(err)
				}
			})
		}()
		do := func() []int {
			if _, _, err := s.Do(t.Context(), "alice", create("x"), nil); err != nil {
				t.Error(err)
			}
			synctest.Wait()
			var calls []int
			for len(store.calls) > 0 {
				calls = append(calls, <-store.calls)
			}
			return calls
		}
		synctest.Wait()
		for i, want := range [][]int{{expireStep, expireStep, 1}, nil} { // the second is so soon after
			if calls := do(); !slices.Equal(calls, want) {
				t.Errorf("write %d: removed %v, want %v", i, calls, want)
			}
		}
		time.Sleep(maintenanceInterval) // of the bubble's clock
		synctest.Wait()
		if n := len(store.calls); n != 1 {
			t.Errorf("a minute later %d statements ran, want 1", n)
		}
		time.Sleep(100 * maintenanceInterval)
		if n := len(store.calls); n != 1 {
			t.Errorf("without traffic %d statements ran", n-1)
		}
		stop()
		<-stopped
	})
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
	if _, _, err := NewService(&recorder{}, WithRandom(bytes.NewReader(nil))).Do(t.Context(), "alice", create("x"), nil); err != nil {
		t.Error(err)
	}
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

func TestResultsAreKeptShort(t *testing.T) {
	note := strings.Repeat("é\u2028<", 1000)
	at := time.Date(2026, 1, 31, 9, 30, 0, 123_456_000, time.UTC)
	task := Task{ID: uuid.Must(uuid.NewV7()), UserID: "alice", Fields: Fields{Title: "title", Description: &note, Completed: true}, CreatedAt: at, UpdatedAt: at, Version: 1<<53 + 1}
	for _, tasks := range [][]Task{{}, {{}}, {task}, slices.Repeat([]Task{task, {}}, MaxBatch/2)} {
		result, err := EncodeResult(tasks)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := DecodeResult(result); err != nil || cmp.Diff(tasks, got) != "" {
			t.Errorf("%d tasks became %d, %v", len(tasks), len(got), err)
		}
		if len(result) > 10_000 {
			t.Errorf("%d tasks take %d bytes", len(tasks), len(result))
		}
	}
	for _, bad := range []string{"", "{", "[", "\x1f\x8b", "[{}]x"} {
		if got, err := DecodeResult([]byte(bad)); err == nil {
			t.Errorf("%q was read as %v", bad, got)
		}
	}
}
