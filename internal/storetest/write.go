package storetest

import (
	"fmt"
	"slices"
	"testing"

	"docket"
)

func testRestore(t *testing.T, f *fixture) {
	note := "note"
	draft := f.draft("alice", "title")
	draft.Description, draft.Completed = &note, true
	task, other := f.store1(draft), f.create("alice", "other")
	_, err := f.do(f.ctx, "alice", acting(docket.Restore, task.ID), f.tick())
	f.fails(err, docket.NotDeleted)
	f.delete(task)
	_, err = f.do(f.ctx, "bob", acting(docket.Restore, task.ID), f.tick())
	f.fails(err, docket.NotFound)
	_, err = f.do(f.ctx, "alice", acting(docket.Restore, newID()), f.tick())
	f.fails(err, docket.NotFound)

	restored := f.restore(task)
	want := task
	want.UpdatedAt, want.Version = f.now, other.Version+2
	f.equal(restored, want)
	f.equal(f.get("alice", task.ID), want)
	f.equal(f.list("alice"), []docket.Task{want, other})
	f.equal(f.page("alice", docket.ListQuery{Count: true}).Total, 2)
	_, err = f.do(f.ctx, "alice", acting(docket.Restore, task.ID), f.tick())
	f.fails(err, docket.NotDeleted)
	f.delete(restored)
	f.absent("alice", task.ID)
	f.now = f.now.Add(-2 * 60 * 1e9)
	f.equal(f.restore(task).UpdatedAt, want.UpdatedAt) // a clock that steps back
}

// bounded carries out operations on tasks of alice, who may have so many live ones.
func (f *fixture) bounded(most int64, operations ...docket.Operation) error {
	_, err := f.store.Write(f.ctx, "alice", docket.Write{Operations: operations, Now: f.tick(), Epoch: 1, MaxTasks: most})
	return err
}

func testQuota(t *testing.T, f *fixture) {
	create := func() docket.Operation { return creation(f.draft("alice", "task")) }
	first := create()
	f.ok(f.bounded(2, first))
	f.ok(f.bounded(2, create()))
	err := f.bounded(2, create())
	f.fails(err, docket.QuotaExceeded)
	if e, _ := as[*docket.Error](err); e.Limit != 2 {
		t.Errorf("the limit is %d", e.Limit)
	}
	before := f.page("alice", docket.ListQuery{Count: true})
	f.equal(before.Total, 2)
	f.fails(f.bounded(1, create()), docket.QuotaExceeded) // she has more already
	f.ok(f.bounded(1, acting(docket.Toggle, first.ID)))   // and may still change them

	f.ok(f.bounded(2, acting(docket.Delete, first.ID)))
	f.fails(f.bounded(2, create(), create()), docket.QuotaExceeded) // too many together, so neither is made
	f.equal(f.page("alice", docket.ListQuery{Count: true}).Total, 1)
	f.ok(f.bounded(2, create()))
	f.fails(f.bounded(2, acting(docket.Restore, first.ID)), docket.QuotaExceeded)
	_, err = f.do(f.ctx, "alice", acting(docket.Toggle, first.ID), f.tick())
	f.fails(err, docket.NotFound)
	f.ok(f.bounded(3, acting(docket.Restore, first.ID)))
	f.create("bob", "his quota is his own")
}

func testConcurrentQuota(t *testing.T, f *fixture) {
	const writers, most = 12, 5
	drafts := make([]docket.Operation, writers)
	for i := range drafts {
		drafts[i] = creation(f.draft("alice", "task"))
	}
	now := f.tick()
	errs := make([]error, writers)
	together(writers, func(i int) {
		_, errs[i] = f.store.Write(f.ctx, "alice", docket.Write{Operations: drafts[i : i+1], Now: now, Epoch: 1, MaxTasks: most})
	})
	made := 0
	for _, err := range errs {
		if err == nil {
			made++
		} else {
			f.fails(err, docket.QuotaExceeded)
		}
	}
	if made != most || len(f.list("alice")) != most {
		t.Errorf("%d of %d tasks were made, and there are %d", made, most, len(f.list("alice")))
	}
}

// write carries out operations on tasks of alice.
func (f *fixture) write(key *docket.Key, operations ...docket.Operation) (docket.Written, error) {
	return f.store.Write(f.ctx, "alice", docket.Write{Operations: operations, Key: key, Now: f.tick(), Epoch: 1})
}

func testTogether(t *testing.T, f *fixture) {
	a, b, c := f.create("alice", "a"), f.create("alice", "b"), f.create("alice", "c")
	f.delete(c)
	first, second := creation(f.draft("alice", "first")), creation(f.draft("alice", "second"))
	rename := updating(a.ID, docket.TaskUpdate{Title: docket.Some("A")})
	rename.If = match(a.Version)
	written, err := f.write(nil, first, rename, acting(docket.Delete, b.ID), acting(docket.Restore, c.ID), acting(docket.Toggle, a.ID),
		updating(a.ID, docket.TaskUpdate{Title: docket.Some("A")}), second)
	f.ok(err)
	wantA, wantC := a, c
	wantA.Title, wantA.UpdatedAt, wantA.Version = "A", f.now, 6
	wantC.UpdatedAt, wantC.Version = f.now, 8
	toggled := wantA
	toggled.Completed, toggled.CompletedAt, toggled.Version = true, f.now, 9
	gone := docket.Task{ID: b.ID, UserID: "alice", Version: 7, DeletedAt: f.now}
	made := docket.Write{Now: f.now}.NewTask("alice", first)
	made.Version = 5
	last := docket.Write{Now: f.now}.NewTask("alice", second)
	last.Version = 10
	f.equal(written, docket.Written{Tasks: []docket.Task{made, wantA, gone, wantC, toggled, toggled, last}})
	f.equal(f.list("alice"), []docket.Task{toggled, wantC, made, last})
	f.equal(f.page("alice", docket.ListQuery{Count: true}).Total, 4)

	// MaxBatch operations, of a user without a history.
	var many []docket.Operation
	for range docket.MaxBatch {
		many = append(many, creation(f.draft("new", "task")))
	}
	written, err = f.store.Write(f.ctx, "new", docket.Write{Operations: many, Now: f.now, Epoch: 1})
	f.ok(err)
	f.equal(f.list("new"), written.Tasks)
}

// testTogetherFails puts each kind of failure at each place among operations that would
// succeed, with a key and without. None of them takes effect.
func testTogetherFails(t *testing.T, f *fixture) {
	task, gone, his := f.create("alice", "task"), f.create("alice", "gone"), f.create("bob", "his")
	f.delete(gone)
	stale, staleRestore := acting(docket.Delete, task.ID), acting(docket.Restore, gone.ID)
	stale.If, staleRestore.If = match(task.Version+7), match(gone.Version)
	failures := []struct {
		operation docket.Operation
		kind      docket.Kind
	}{
		{acting(docket.Toggle, newID()), docket.NotFound},
		{acting(docket.Delete, his.ID), docket.NotFound},
		{updating(gone.ID, docket.TaskUpdate{}), docket.NotFound},
		{acting(docket.Restore, his.ID), docket.NotFound},
		{acting(docket.Restore, task.ID), docket.NotDeleted},
		{stale, docket.PreconditionFailed},
		{staleRestore, docket.PreconditionFailed},
	}
	before := f.page("alice", docket.ListQuery{Count: true})
	for i, failure := range failures {
		for at := range 4 {
			for _, key := range []*docket.Key{nil, {Text: fmt.Sprint("key ", i, at)}} {
				operations := []docket.Operation{creation(f.draft("alice", "new")), acting(docket.Toggle, task.ID), updating(task.ID, docket.TaskUpdate{Title: docket.Some("x")})}
				_, err := f.write(key, slices.Insert(operations, at, failure.operation)...)
				f.fails(err, failure.kind)
				if failed, ok := as[*docket.OperationError](err); !ok || failed.Index != at || failed.Err.Kind != failure.kind {
					t.Errorf("the operation at %d failed, and the error is %v", at, err)
				}
				f.equal(f.page("alice", docket.ListQuery{Count: true}), before)
			}
		}
	}
	// One that fails because of a constraint of the database.
	again := creation(task)
	if _, err := f.write(&docket.Key{Text: "again"}, creation(f.draft("alice", "new")), again); err == nil {
		t.Error("a task was made twice")
	}
	f.equal(f.page("alice", docket.ListQuery{Count: true}), before)
	f.restore(gone)
}
