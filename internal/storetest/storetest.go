// Package storetest is the specification of docket.Store: the tests that every
// implementation passes.
package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"docket"
)

// Open returns an empty store that is closed when the test ends.
type Open func(t *testing.T) docket.Store

// Run tests the stores that open returns against the whole specification.
func Run(t *testing.T, open Open) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, f *fixture)
	}{
		{"Create", testCreate},
		{"CreateKeepsTimesToTheMicrosecond", testTimes},
		{"CreateKeepsText", testText},
		{"CreateFillsTheBounds", testBounds},
		{"CreateRefusesAnIDTwice", testSameID},
		{"GetOfNothing", testAbsent},
		{"ListIsInOrderOfID", testListOrder},
		{"ListOfNothingIsEmpty", testListEmpty},
		{"ListSorts", testListSorts},
		{"ListFilters", testListFilters},
		{"ListSearchesByFolding", testSearch},
		{"ListCounts", testListCounts},
		{"ListTellsTheState", testListState},
		{"PagesMeetEveryTaskOnce", testPages},
		{"UpdateSetsWhatIsGiven", testUpdate},
		{"UpdateOfNothingNewKeepsTheVersion", testUpdateSame},
		{"Toggle", testToggle},
		{"ClockThatStepsBack", testClockBack},
		{"Preconditions", testPreconditions},
		{"NoUpdateIsLost", testLostUpdates},
		{"DeleteHidesTheTask", testDelete},
		{"OwnersAreApart", testOwners},
		{"OwnersAreComparedByteForByte", testOwnerBytes},
		{"VersionsAreTheOwnersCounter", testVersions},
		{"ConcurrentWritesOfOneOwner", testConcurrentVersions},
		{"ConcurrentTogglesOfOneTask", testConcurrentToggles},
		{"ConcurrentFirstTasksOfOneOwner", testConcurrentFirst},
		{"ImportAddsWhatIsMissing", testImport},
		{"ImportOfANewOwner", testImportOfANewOwner},
		{"EndedContextWritesNothing", testEndedContext},
		{"Ready", testReady},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, &fixture{T: t, store: open(t), ctx: t.Context(), now: time.Date(2026, 1, 31, 9, 30, 0, 123_456_000, time.UTC)})
		})
	}
}

// fixture is a store under test, with a clock of its own. Its methods fail the
// test when the store returns an error.
type fixture struct {
	*testing.T
	store docket.Store
	ctx   context.Context
	now   time.Time
}

// tick advances the clock by a microsecond, the smallest step that tasks record.
func (f *fixture) tick() time.Time {
	f.now = f.now.Add(time.Microsecond)
	return f.now
}

func newID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

// draft returns a task that has not been stored.
func (f *fixture) draft(owner docket.UserID, title string) docket.Task {
	now := f.tick()
	return docket.Task{ID: newID(), UserID: owner, Title: title, CreatedAt: now, UpdatedAt: now}
}

func (f *fixture) create(owner docket.UserID, title string) docket.Task {
	f.Helper()
	return f.store1(f.draft(owner, title))
}

func (f *fixture) store1(t docket.Task) docket.Task {
	f.Helper()
	stored, err := f.store.Create(f.ctx, t, 1)
	f.ok(err)
	return stored
}

func (f *fixture) get(owner docket.UserID, id uuid.UUID) docket.Task {
	f.Helper()
	t, err := f.store.Get(f.ctx, owner, id)
	f.ok(err)
	return t
}

func (f *fixture) list(owner docket.UserID) []docket.Task {
	f.Helper()
	page, err := f.store.List(f.ctx, owner, docket.ListQuery{Limit: docket.MaxList})
	f.ok(err)
	return page.Tasks
}

func (f *fixture) update(t docket.Task, u docket.TaskUpdate) docket.Task {
	f.Helper()
	updated, err := f.store.Update(f.ctx, t.UserID, t.ID, u, docket.Precondition{}, f.tick())
	f.ok(err)
	return updated
}

func (f *fixture) toggle(t docket.Task) docket.Task {
	f.Helper()
	toggled, err := f.store.Toggle(f.ctx, t.UserID, t.ID, docket.Precondition{}, f.tick())
	f.ok(err)
	return toggled
}

func (f *fixture) delete(t docket.Task) {
	f.Helper()
	f.ok(f.store.Delete(f.ctx, t.UserID, t.ID, docket.Precondition{}, f.tick()))
}

func (f *fixture) ok(err error) {
	f.Helper()
	if err != nil {
		f.Fatalf("unexpected error: %v", err)
	}
}

func (f *fixture) equal(got, want any) {
	f.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		f.Fatalf("differs (-want +got):\n%s", diff)
	}
}

// fails checks that err is of the kind, which it must say itself: an error
// without a kind is internal.
func (f *fixture) fails(err error, kind docket.Kind) {
	f.Helper()
	if err == nil || docket.KindOf(err) != kind {
		f.Fatalf("error is %v, of kind %s; want kind %s", err, docket.KindOf(err), kind)
	}
}

// absent checks that no method of the store knows the task.
func (f *fixture) absent(owner docket.UserID, id uuid.UUID) {
	f.Helper()
	_, err := f.store.Get(f.ctx, owner, id)
	f.fails(err, docket.NotFound)
	_, err = f.store.Update(f.ctx, owner, id, docket.TaskUpdate{Title: docket.Some("x")}, docket.Precondition{}, f.tick())
	f.fails(err, docket.NotFound)
	_, err = f.store.Update(f.ctx, owner, id, docket.TaskUpdate{}, docket.Precondition{}, f.tick())
	f.fails(err, docket.NotFound)
	_, err = f.store.Toggle(f.ctx, owner, id, docket.Precondition{}, f.tick())
	f.fails(err, docket.NotFound)
	f.fails(f.store.Delete(f.ctx, owner, id, docket.Precondition{}, f.tick()), docket.NotFound)
	for _, t := range f.list(owner) {
		if t.ID == id {
			f.Fatalf("task %s is listed", id)
		}
	}
}

func testReady(t *testing.T, f *fixture) { f.ok(f.store.Ready(f.ctx)) }

func testEndedContext(t *testing.T, f *fixture) {
	kept := f.create("alice", "kept")
	ended, end := context.WithCancel(f.ctx)
	end()
	if _, err := f.store.Create(ended, f.draft("alice", "late"), 1); !errors.Is(err, context.Canceled) {
		f.Fatalf("Create returned %v, want the context's error", err)
	}
	if _, err := f.store.Toggle(ended, kept.UserID, kept.ID, docket.Precondition{}, f.tick()); !errors.Is(err, context.Canceled) {
		f.Fatalf("Toggle returned %v, want the context's error", err)
	}
	if err := f.store.Delete(ended, kept.UserID, kept.ID, docket.Precondition{}, f.tick()); !errors.Is(err, context.Canceled) {
		f.Fatalf("Delete returned %v, want the context's error", err)
	}
	f.equal(f.list("alice"), []docket.Task{kept})
}
