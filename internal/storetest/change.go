package storetest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"docket"
)

// changes reads the changes of owner in a range.
func (f *fixture) changes(owner docket.UserID, r docket.ChangeRange) docket.ChangePage {
	f.Helper()
	if r.Limit == 0 {
		r.Limit = docket.MaxChanges
	}
	page, err := f.store.Changes(f.ctx, owner, r)
	f.ok(err)
	return page
}

// deleted returns t as it is after it was deleted, now, at a version.
func (f *fixture) deleted(t docket.Task, version int64) docket.Task {
	t.DeletedAt, t.Version = f.now, version
	return t
}

func testChanges(t *testing.T, f *fixture) {
	a, b, c := f.create("alice", "a"), f.create("alice", "b"), f.create("alice", "c")
	a = f.toggle(a)
	f.delete(b)
	b = f.deleted(b, 5)
	f.create("bob", "his")
	for _, test := range []struct {
		in   docket.ChangeRange
		want []docket.Task
		more bool
	}{
		{docket.ChangeRange{}, []docket.Task{c, a, b}, false},
		{docket.ChangeRange{Limit: 2}, []docket.Task{c, a}, true},
		{docket.ChangeRange{Limit: 3}, []docket.Task{c, a, b}, false},
		{docket.ChangeRange{After: 3}, []docket.Task{a, b}, false},
		{docket.ChangeRange{After: 3, Limit: 1}, []docket.Task{a}, true},
		{docket.ChangeRange{After: 5}, []docket.Task{}, false},
		{docket.ChangeRange{After: 99}, []docket.Task{}, false},
		{docket.ChangeRange{Through: 4}, []docket.Task{c, a}, false},
		{docket.ChangeRange{Through: 4, Limit: 1}, []docket.Task{c}, true},
		{docket.ChangeRange{After: 3, Through: 4}, []docket.Task{a}, false},
		{docket.ChangeRange{Live: true}, []docket.Task{c, a}, false},
		{docket.ChangeRange{Live: true, Limit: 2}, []docket.Task{c, a}, false},
		{docket.ChangeRange{Live: true, After: 3, Through: 5, Limit: 1}, []docket.Task{a}, false},
	} {
		page := f.changes("alice", test.in)
		f.equal(page, docket.ChangePage{Tasks: test.want, State: docket.State{Epoch: 1, Counter: 5}, More: test.more})
	}
	b = f.restore(b)
	f.equal(f.changes("alice", docket.ChangeRange{After: 4}).Tasks, []docket.Task{b})
	f.equal(f.changes("nobody", docket.ChangeRange{}), docket.ChangePage{Tasks: []docket.Task{}})
}

func testCounters(t *testing.T, f *fixture) {
	f.toggle(f.create("alice", "a"))
	f.create(`bob "<\' ☃`, "b")
	got, err := f.store.Counters(f.ctx, []docket.UserID{"alice", "nobody", `bob "<\' ☃`, "alice"})
	f.ok(err)
	f.equal(got, map[docket.UserID]docket.State{"alice": {Epoch: 1, Counter: 2}, `bob "<\' ☃`: {Epoch: 1, Counter: 1}})
	got, err = f.store.Counters(f.ctx, nil)
	f.ok(err)
	f.equal(got, map[docket.UserID]docket.State{})
}

func testTrash(t *testing.T, f *fixture) {
	a, b, c := f.create("alice", "apple"), f.toggle(f.create("alice", "bread")), f.create("alice", "cheese")
	for _, task := range []*docket.Task{&c, &a, &b} {
		f.delete(*task)
		*task = f.deleted(*task, f.page("alice", docket.ListQuery{}).State.Counter)
	}
	f.create("alice", "alive")
	for i, test := range []struct {
		in    docket.ListQuery
		want  []docket.Task
		total int
	}{
		{docket.ListQuery{}, []docket.Task{a, b, c}, 0},
		{docket.ListQuery{Count: true, Limit: 1}, []docket.Task{a}, 3},
		{docket.ListQuery{Completed: docket.Some(true), Count: true}, []docket.Task{b}, 1},
		{docket.ListQuery{Search: "EA", Count: true}, []docket.Task{b}, 1},
		{docket.ListQuery{Sort: docket.Sort{Descending: true}}, []docket.Task{c, b, a}, 0},
		{docket.ListQuery{Sort: docket.Sort{Key: docket.ByTitle, Descending: true}, Limit: 2}, []docket.Task{c, b}, 0},
		{docket.ListQuery{Sort: docket.Sort{Key: docket.ByUpdate}, After: &docket.Position{ID: a.ID, UpdatedAt: a.UpdatedAt}}, []docket.Task{b, c}, 0},
		{docket.ListQuery{After: &docket.Position{ID: a.ID}, Limit: 1}, []docket.Task{b}, 0},
	} {
		test.in.Deleted = true
		page := f.page("alice", test.in)
		if page.Total != test.total {
			t.Errorf("%d: counted %d, want %d", i, page.Total, test.total)
		}
		f.equal(page.Tasks, test.want)
	}
	f.restore(b)
	f.equal(f.page("alice", docket.ListQuery{Deleted: true}).Tasks, []docket.Task{a, c})
	known := f.page("alice", docket.ListQuery{}).State
	if page := f.page("alice", docket.ListQuery{Deleted: true, Known: &known}); !page.Unchanged {
		t.Error("the trash has changed")
	}
}

func (f *fixture) purge(before time.Time, limit int) int {
	f.Helper()
	n, err := f.store.Purge(f.ctx, before, limit)
	f.ok(err)
	return n
}

func testPurge(t *testing.T, f *fixture) {
	var made []docket.Task
	for i := range 6 {
		task := f.create(docket.UserID([]string{"alice", "bob"}[i%2]), fmt.Sprint(i))
		f.delete(task)
		made = append(made, f.deleted(task, int64(2*(i/2)+2)))
	}
	kept := f.create("alice", "kept")
	back := f.restore(made[0])
	before := made[4].DeletedAt // 1, 2 and 3 are due: alice has 2, bob has 1 and 3
	if n := f.purge(before, 2); n != 2 {
		t.Fatalf("purged %d, want 2", n)
	}
	f.equal(f.changes("alice", docket.ChangeRange{}), docket.ChangePage{Tasks: []docket.Task{made[4], kept, back}, State: docket.State{Epoch: 1, Counter: 8, PurgedThrough: 4}})
	f.equal(f.changes("bob", docket.ChangeRange{}), docket.ChangePage{Tasks: []docket.Task{made[3], made[5]}, State: docket.State{Epoch: 1, Counter: 6, PurgedThrough: 2}})
	if n := f.purge(before, 2); n != 1 {
		t.Fatalf("purged %d, want 1", n)
	}
	f.equal(f.changes("bob", docket.ChangeRange{}), docket.ChangePage{Tasks: []docket.Task{made[5]}, State: docket.State{Epoch: 1, Counter: 6, PurgedThrough: 4}})
	if n := f.purge(before, 2); n != 0 {
		t.Fatalf("purged %d, want none", n)
	}
	_, err := f.do(f.ctx, "bob", acting(docket.Restore, made[1].ID), f.tick())
	f.fails(err, docket.NotFound)
	f.equal(f.page("alice", docket.ListQuery{Count: true}).Total, 2)
	if n := f.purge(f.tick(), 10); n != 2 {
		t.Fatalf("purged %d, want 2", n)
	}
	f.equal(f.list("alice"), []docket.Task{back, kept})
}

// testPurgeBesideWrites purges while several writers create, delete and restore tasks
// of several owners. No live task is lost.
func testPurgeBesideWrites(t *testing.T, f *fixture) {
	const owners, rounds = 4, 15
	start := f.now
	var writers, purgers sync.WaitGroup
	done := make(chan struct{})
	for range 2 {
		purgers.Go(func() {
			for {
				if _, err := f.store.Purge(f.ctx, start.Add(time.Hour), 3); err != nil {
					t.Errorf("Purge: %v", err)
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	live := make([]int, owners)
	for i := range owners {
		writers.Go(func() {
			owner := docket.UserID(fmt.Sprint("owner ", i))
			for range rounds {
				task, err := Create(f.ctx, f.store, docket.Task{ID: newID(), UserID: owner, Fields: docket.Fields{Title: "x"}, CreatedAt: start, UpdatedAt: start})
				if err == nil {
					_, err = Do(f.ctx, f.store, owner, acting(docket.Delete, task.ID), start)
				}
				if err != nil {
					t.Errorf("writing: %v", err)
					return
				}
				switch _, err := Do(f.ctx, f.store, owner, acting(docket.Restore, task.ID), start); {
				case err == nil:
					live[i]++
				case docket.KindOf(err) != docket.NotFound:
					t.Errorf("Restore: %v", err)
				}
			}
		})
	}
	writers.Wait()
	close(done)
	purgers.Wait()
	for i, n := range live {
		page := f.page(docket.UserID(fmt.Sprint("owner ", i)), docket.ListQuery{Count: true})
		if len(page.Tasks) != n || page.Total != n {
			t.Errorf("owner %d restored %d tasks and has %d, counted as %d", i, n, len(page.Tasks), page.Total)
		}
	}
}

func testErase(t *testing.T, f *fixture) {
	for i := range 5 {
		if task := f.create("alice", "hers"); i%2 == 0 {
			f.delete(task)
		}
	}
	key := &docket.Key{Text: "key"}
	_, err := f.store.Write(f.ctx, "alice", docket.Write{Operations: []docket.Operation{creation(f.draft("alice", "keyed"))}, Key: key, Now: f.tick(), Epoch: 1})
	f.ok(err)
	his := f.create("bob", "his")
	last := f.page("alice", docket.ListQuery{})
	steps := 0
	for done := false; !done; steps++ {
		done, err = f.store.Erase(f.ctx, "alice", int64(100+steps), 2)
		f.ok(err)
		page := f.page("alice", docket.ListQuery{Known: &last.State, Count: true})
		if page.Unchanged || page.State.Epoch == last.State.Epoch || page.Total != len(page.Tasks) || !done && page.State.Epoch != int64(100+steps) {
			t.Fatalf("after step %d the list is %+v, done: %v", steps, page, done)
		}
		last = page
	}
	if steps != 4 { // 6 tasks by 2, and one step that finds nothing left
		t.Errorf("took %d steps", steps)
	}
	f.equal(f.changes("alice", docket.ChangeRange{}), docket.ChangePage{Tasks: []docket.Task{}})
	f.equal(f.list("bob"), []docket.Task{his})
	done, err := f.store.Erase(f.ctx, "alice", 1, 2)
	f.ok(err)
	if !done {
		t.Error("erasing nobody is not done")
	}
	written, err := f.store.Write(f.ctx, "alice", docket.Write{Operations: []docket.Operation{creation(f.draft("alice", "new"))}, Key: key, Now: f.tick(), Epoch: 7})
	f.ok(err)
	if written.Replayed {
		t.Error("an erased key was replayed")
	}
	f.equal(f.changes("alice", docket.ChangeRange{}).State, docket.State{Epoch: 7, Counter: 1})
}

// testEraseBesideWrites erases while others write. The tasks that are left are counted
// correctly and belong to one history.
func testEraseBesideWrites(t *testing.T, f *fixture) {
	var writers sync.WaitGroup
	now := f.now
	for range 4 {
		writers.Go(func() {
			for i := range 20 {
				task, err := Create(f.ctx, f.store, docket.Task{ID: newID(), UserID: "alice", Fields: docket.Fields{Title: "x"}, CreatedAt: now, UpdatedAt: now})
				if err == nil && i%3 == 0 {
					_, err = Do(f.ctx, f.store, "alice", acting(docket.Delete, task.ID), now)
				} else if err == nil {
					_, err = Do(f.ctx, f.store, "alice", acting(docket.Toggle, task.ID), now)
				}
				if err != nil && docket.KindOf(err) != docket.NotFound {
					t.Errorf("writing: %v", err)
				}
			}
		})
	}
	writers.Go(func() {
		for i := range 20 {
			if _, err := f.store.Erase(f.ctx, "alice", int64(100+i), 3); err != nil {
				t.Errorf("Erase: %v", err)
			}
		}
	})
	writers.Wait()
	page := f.page("alice", docket.ListQuery{Count: true})
	if page.Total != len(page.Tasks) {
		t.Errorf("%d tasks are counted as %d", len(page.Tasks), page.Total)
	}
	for _, task := range f.changes("alice", docket.ChangeRange{}).Tasks {
		if task.Version > page.State.Counter {
			t.Errorf("a task has version %d and its owner counts to %d", task.Version, page.State.Counter)
		}
	}
}
