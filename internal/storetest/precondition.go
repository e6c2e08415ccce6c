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
	operations := map[string]docket.Operation{
		"update":         {Action: docket.Update, Update: docket.TaskUpdate{Title: docket.Some("new"), Description: docket.Some(&note)}},
		"update nothing": {Action: docket.Update},
		"toggle":         {Action: docket.Toggle},
		"delete":         {Action: docket.Delete},
		"restore":        {Action: docket.Restore},
	}
	for name, o := range operations {
		call := func(task docket.Task, p docket.Precondition) error {
			o.ID, o.If = task.ID, p
			_, err := f.do(f.ctx, "alice", o, f.tick())
			return err
		}
		task := f.toggle(f.create("alice", name))
		if o.Action == docket.Restore {
			f.delete(task)
			task.Version++
		}
		before := f.page("alice", docket.ListQuery{}).State
		for _, p := range []docket.Precondition{
			match(task.Version - 1), match(), match(0, -1, task.Version+1), noneMatch(task.Version), noneMatch(1, task.Version),
			{Match: docket.Some([]int64{task.Version}), NoneMatch: docket.Some([]int64{task.Version})},
		} {
			f.fails(call(task, p), docket.PreconditionFailed)
		}
		if o.Action != docket.Restore {
			f.equal(f.get("alice", task.ID), task)
		}
		f.equal(f.page("alice", docket.ListQuery{}).State, before)
		f.fails(call(docket.Task{ID: newID()}, match(task.Version)), docket.NotFound)
		f.ok(call(task, docket.Precondition{Match: docket.Some([]int64{7000, task.Version}), NoneMatch: docket.Some([]int64{7000})}))
		if name == "delete" {
			f.fails(call(task, match(task.Version)), docket.NotFound)
		} else if o.Action == docket.Restore {
			f.fails(call(task, match(task.Version)), docket.NotDeleted)
		} else if got := f.get("alice", task.ID); name != "update nothing" {
			f.equal(got.Version, before.Counter+1)
			f.fails(call(task, match(task.Version)), docket.PreconditionFailed)
		}
	}
}

// testLostUpdates has writers read a title, append a character and write it back with
// the version that they read as precondition. The title grows by as many characters as
// writes succeed.
func testLostUpdates(t *testing.T, f *fixture) {
	const writers, each = 8, 15
	task := f.create("alice", "0")
	errs := make([]error, writers)
	together(writers, func(i int) {
		for done := 0; done < each; {
			read, err := f.store.Get(f.ctx, "alice", task.ID)
			if err == nil {
				update := updating(task.ID, docket.TaskUpdate{Title: docket.Some(read.Title + "x")})
				update.If = match(read.Version)
				_, err = f.do(f.ctx, "alice", update, time.Now())
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
