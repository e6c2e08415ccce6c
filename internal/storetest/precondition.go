package storetest

import (
	"testing"
	"time"

	"docket"
)

func match(versions ...int64) docket.Precondition {
	return docket.Precondition{Match: docket.Some(versions)}
}

func noneMatch(versions ...int64) docket.Precondition {
	return docket.Precondition{NoneMatch: docket.Some(versions)}
}

func testPreconditions(t *testing.T, f *fixture) {
	note := "note"
	calls := map[string]func(task docket.Task, p docket.Precondition) error{
		"update": func(task docket.Task, p docket.Precondition) error {
			_, err := f.store.Update(f.ctx, "alice", task.ID, docket.TaskUpdate{Title: docket.Some("new"), Description: docket.Some(&note)}, p, f.tick())
			return err
		},
		"update nothing": func(task docket.Task, p docket.Precondition) error {
			_, err := f.store.Update(f.ctx, "alice", task.ID, docket.TaskUpdate{}, p, f.tick())
			return err
		},
		"toggle": func(task docket.Task, p docket.Precondition) error {
			_, err := f.store.Toggle(f.ctx, "alice", task.ID, p, f.tick())
			return err
		},
		"delete": func(task docket.Task, p docket.Precondition) error {
			return f.store.Delete(f.ctx, "alice", task.ID, p, f.tick())
		},
	}
	for name, call := range calls {
		task := f.toggle(f.create("alice", name))
		before := f.page("alice", docket.ListQuery{}).State
		for _, p := range []docket.Precondition{
			match(task.Version - 1), match(), match(0, -1, task.Version+1), noneMatch(task.Version), noneMatch(1, task.Version),
			{Match: docket.Some([]int64{task.Version}), NoneMatch: docket.Some([]int64{task.Version})},
		} {
			f.fails(call(task, p), docket.PreconditionFailed)
		}
		f.equal(f.get("alice", task.ID), task)
		f.equal(f.page("alice", docket.ListQuery{}).State, before)
		f.fails(call(docket.Task{ID: newID()}, match(task.Version)), docket.NotFound)
		f.ok(call(task, docket.Precondition{Match: docket.Some([]int64{7000, task.Version}), NoneMatch: docket.Some([]int64{7000})}))
		if name == "delete" {
			f.fails(call(task, match(task.Version)), docket.NotFound)
		} else if got := f.get("alice", task.ID); name != "update nothing" {
			f.equal(got.Version, before.Counter+1)
			f.fails(call(task, match(task.Version)), docket.PreconditionFailed)
		}
	}
}

// testLostUpdates has writers read a number in a title, add one and write it
// back at the version that they read: as many writes succeed as it grows.
func testLostUpdates(t *testing.T, f *fixture) {
	const writers, each = 8, 15
	task := f.create("alice", "0")
	errs := make([]error, writers)
	together(writers, func(i int) {
		for done := 0; done < each; {
			read, err := f.store.Get(f.ctx, "alice", task.ID)
			if err == nil {
				update := docket.TaskUpdate{Title: docket.Some(read.Title + "x")}
				_, err = f.store.Update(f.ctx, "alice", task.ID, update, match(read.Version), time.Now())
			}
			switch {
			case err == nil:
				done++
			case docket.KindOf(err) != docket.PreconditionFailed:
				errs[i] = err
				return
			}
		}
	})
	for _, err := range errs {
		f.ok(err)
	}
	if got := f.get("alice", task.ID); len(got.Title) != 1+writers*each {
		t.Errorf("%d writes succeeded, and the title grew by %d", writers*each, len(got.Title)-1)
	}
}
