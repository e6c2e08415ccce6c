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

// Open returns an empty store, and closes it when the test ends.
type Open func(t *testing.T) docket.Store

// Run runs every test of the specification, each on a store from open.
func Run(t *testing.T, open Open) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, f *fixture)
	}{
		{"Create", testCreate},
		{"EveryFieldIsKept", testFields},
		{"CreateKeepsTimesToTheMicrosecond", testTimes},
		{"CreateKeepsText", testText},
		{"CreateFillsTheBounds", testBounds},
		{"CreateRefusesAnIDTwice", testSameID},
		{"GetOfNothing", testAbsent},
		{"ListIsInOrderOfID", testListOrder},
		{"ListOfNothingIsEmpty", testListEmpty},
		{"ListSorts", testListSorts},
		{"ListFilters", testListFilters},
		{"ListsAreThoseOfTheDomain", testListsAreThoseOfTheDomain},
		{"ListSearchesByFolding", testSearch},
		{"ListCounts", testListCounts},
		{"ListTellsTheState", testListState},
		{"PagesMeetEveryTaskOnce", testPages},
		{"UpdateSetsWhatIsGiven", testUpdate},
		{"UpdateOfNothingNewKeepsTheVersion", testUpdateSame},
		{"Toggle", testToggle},
		{"RulesAreThoseOfTheDomain", testRules},
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
		{"ImportOfTheTrash", testImportOfTheTrash},
		{"ImportQuota", testImportQuota},
		{"RestoreUndoesADelete", testRestore},
		{"QuotaBoundsTasks", testQuota},
		{"QuotaHoldsForConcurrentWrites", testConcurrentQuota},
		{"OperationsTogether", testTogether},
		{"OperationErrorsLeaveNothing", testTogetherFails},
		{"KeyedWritesAreReplayed", testReplay},
		{"KeysOfFailedWritesAreFree", testKeyOfFailure},
		{"KeysExpire", testKeysExpire},
		{"ConcurrentWritesOfOneKey", testConcurrentKey},
		{"EndedContextWritesNothing", testEndedContext},
		{"ChangesAreInOrderOfVersion", testChanges},
		{"CountersOfManyOwners", testCounters},
		{"TrashIsListed", testTrash},
		{"PurgeRemovesWhatIsDue", testPurge},
		{"PurgeBesideWrites", testPurgeBesideWrites},
		{"EraseLeavesNothing", testErase},
		{"EraseBesideWrites", testEraseBesideWrites},
		{"PagesEndAtTheirBytes", testPageBytes},
		{"KeptResultsAreBounded", testKeptBound},
		{"TrashIsBounded", testTrashBound},
		{"ClockMovesInSteps", testClock},
		{"RenewBeginsHistoriesAnew", testRenew},
		{"EraseBesideKeyedWrites", testEraseBesideKeys},
		{"APIKeysAreKept", testAPIKeys},
		{"APIKeysKnowTheirUse", testAPIKeyUse},
		{"APIKeysAreBounded", testAPIKeyBound},
		{"APIKeysAreErased", testAPIKeysAndHistory},
		{"Ready", testReady},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, &fixture{T: t, store: open(t), ctx: t.Context(), now: time.Date(2026, 1, 31, 9, 30, 0, 123_456_000, time.UTC)})
		})
	}
}

// fixture is a store under test and a clock. Its methods fail the test when the store
// returns an error, except those that return one.
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
	return docket.Task{ID: newID(), UserID: owner, Fields: docket.Fields{Title: title}, CreatedAt: now, UpdatedAt: now}
}

func (f *fixture) create(owner docket.UserID, title string) docket.Task {
	f.Helper()
	return f.store1(f.draft(owner, title))
}

func (f *fixture) store1(t docket.Task) docket.Task {
	f.Helper()
	stored, err := f.tryCreate(t)
	f.ok(err)
	return stored
}

// tryCreate creates t at the time t.CreatedAt.
func (f *fixture) tryCreate(t docket.Task) (docket.Task, error) { return Create(f.ctx, f.store, t) }

// do is Do on the store under test.
func (f *fixture) do(ctx context.Context, owner docket.UserID, o docket.Operation, now time.Time) (docket.Task, error) {
	return Do(ctx, f.store, owner, o, now)
}

// Do carries out one operation, without a key.
func Do(ctx context.Context, s docket.Store, owner docket.UserID, o docket.Operation, now time.Time) (docket.Task, error) {
	written, err := s.Write(ctx, owner, docket.Write{Operations: []docket.Operation{o}, Now: now, Epoch: 1})
	if err != nil {
		return docket.Task{}, err
	}
	return written.Tasks[0], nil
}

// Create creates t at the time t.CreatedAt, and returns it with its version.
func Create(ctx context.Context, s docket.Store, t docket.Task) (docket.Task, error) {
	return Do(ctx, s, t.UserID, creation(t), t.CreatedAt)
}

// Draft returns a new task of alice with a title.
func Draft(title string) docket.Task {
	now := time.Now().UTC().Truncate(time.Microsecond)
	return docket.Task{ID: uuid.Must(uuid.NewV7()), UserID: "alice", Fields: docket.Fields{Title: title}, CreatedAt: now, UpdatedAt: now}
}

// Put stores a new task of alice.
func Put(t *testing.T, s docket.Store, title string) docket.Task {
	t.Helper()
	task, err := Create(context.WithoutCancel(t.Context()), s, Draft(title))
	if err != nil {
		t.Fatal(err)
	}
	return task
}

// List returns alice's tasks.
func List(s docket.Store) ([]docket.Task, error) {
	page, err := s.List(context.Background(), "alice", docket.ListQuery{Limit: docket.MaxList})
	return page.Tasks, err
}

func creation(t docket.Task) docket.Operation {
	return docket.Operation{Action: docket.Create, ID: t.ID, Fresh: true, New: docket.NewTask{Fields: t.Fields}}
}

func updating(id uuid.UUID, u docket.TaskUpdate) docket.Operation {
	return docket.Operation{Action: docket.Update, ID: id, Update: u}
}

func acting(action docket.Action, id uuid.UUID) docket.Operation {
	return docket.Operation{Action: action, ID: id}
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
	updated, err := f.do(f.ctx, t.UserID, updating(t.ID, u), f.tick())
	f.ok(err)
	return updated
}

func (f *fixture) toggle(t docket.Task) docket.Task {
	f.Helper()
	toggled, err := f.do(f.ctx, t.UserID, acting(docket.Toggle, t.ID), f.tick())
	f.ok(err)
	return toggled
}

func (f *fixture) delete(t docket.Task) {
	f.Helper()
	_, err := f.do(f.ctx, t.UserID, acting(docket.Delete, t.ID), f.tick())
	f.ok(err)
}

func (f *fixture) restore(t docket.Task) docket.Task {
	f.Helper()
	restored, err := f.do(f.ctx, t.UserID, acting(docket.Restore, t.ID), f.tick())
	f.ok(err)
	return restored
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

// fails checks the kind of err. An error without a kind is internal.
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
	for _, o := range []docket.Operation{
		updating(id, docket.TaskUpdate{Title: docket.Some("x")}), updating(id, docket.TaskUpdate{}), acting(docket.Toggle, id), acting(docket.Delete, id),
	} {
		_, err := f.do(f.ctx, owner, o, f.tick())
		f.fails(err, docket.NotFound)
	}
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
	key := &docket.Key{Text: "key"}
	for _, w := range []docket.Write{
		{Operations: []docket.Operation{creation(f.draft("alice", "late"))}},
		{Operations: []docket.Operation{acting(docket.Toggle, kept.ID)}},
		{Operations: []docket.Operation{acting(docket.Delete, kept.ID)}, Key: key},
		{Operations: []docket.Operation{acting(docket.Toggle, kept.ID), acting(docket.Delete, kept.ID)}},
	} {
		if _, err := f.store.Write(ended, "alice", w); !errors.Is(err, context.Canceled) {
			f.Fatalf("Write returned %v, want the context's error", err)
		}
	}
	f.equal(f.list("alice"), []docket.Task{kept})
}
