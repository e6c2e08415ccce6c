package storetest

import (
	"testing"

	"docket"
)

func testImport(_ *testing.T, f *fixture) {
	there := f.create("alice", "there")
	deleted := f.create("alice", "deleted")
	f.delete(deleted) // the third change
	note := "note"
	first, second := f.draft("alice", "first"), f.draft("alice", "second")
	first.Description, first.Completed, first.CompletedAt = &note, true, first.UpdatedAt
	again := first
	again.Title = "first, again"
	tasks := []docket.Task{first, there, again, second, deleted}
	for _, step := range []struct {
		dry  bool
		want docket.Imported
	}{
		{true, docket.Imported{Added: 2, Unchanged: 3}},
		{false, docket.Imported{Added: 2, Unchanged: 3}},
		{true, docket.Imported{Unchanged: 5}},
		{false, docket.Imported{Unchanged: 5}},
	} {
		f.equal(f.imports("alice", docket.Import{Tasks: tasks, DryRun: step.dry}), step.want)
	}
	first.Version, second.Version = 4, 5
	page := f.page("alice", docket.ListQuery{Count: true})
	f.equal(page, docket.Page{Tasks: []docket.Task{there, first, second}, State: docket.State{Epoch: 1, Counter: 5}, Total: 3})
	f.equal(f.page("alice", docket.ListQuery{Search: "NOTE"}).Tasks, []docket.Task{first})
	f.equal(f.create("alice", "next").Version, int64(6))
}

func testImportOfANewOwner(_ *testing.T, f *fixture) {
	task := f.draft("new", "task")
	dry := docket.Import{Tasks: []docket.Task{task}, DryRun: true}
	f.equal(f.imports("new", dry), docket.Imported{Added: 1})
	f.equal(f.page("new", docket.ListQuery{}).State, docket.State{})
	f.equal(f.imports("new", docket.Import{Tasks: dry.Tasks}), docket.Imported{Added: 1})
	task.Version = 1
	f.equal(f.list("new"), []docket.Task{task})
	f.absent("alice", task.ID)
}

// imports is Import, which must succeed.
func (f *fixture) imports(owner docket.UserID, i docket.Import) docket.Imported {
	f.Helper()
	i.Epoch = 1
	done, err := f.store.Import(f.ctx, owner, i)
	f.ok(err)
	return done
}

// testImportOfTheTrash imports deleted tasks, with tasks and by themselves.
func testImportOfTheTrash(_ *testing.T, f *fixture) {
	live, gone, alone := f.draft("alice", "live"), f.draft("alice", "gone"), f.draft("alice", "alone")
	gone.DeletedAt, alone.DeletedAt = f.tick(), f.tick()
	f.equal(f.imports("alice", docket.Import{Tasks: []docket.Task{gone, live}}), docket.Imported{Added: 2, Deleted: 1})
	f.equal(f.imports("alice", docket.Import{Tasks: []docket.Task{alone}}), docket.Imported{Added: 1, Deleted: 1})
	gone.Version, live.Version, alone.Version = 1, 2, 3
	f.equal(f.list("alice"), []docket.Task{live})
	f.equal(f.page("alice", docket.ListQuery{Deleted: true, Count: true}),
		docket.Page{Tasks: []docket.Task{gone, alone}, State: docket.State{Epoch: 1, Counter: 3}, Total: 2})
	f.equal(f.imports("alice", docket.Import{Tasks: []docket.Task{gone, live, alone}}), docket.Imported{Unchanged: 3})

	restored := f.restore(gone)
	f.equal(restored.Version, int64(4))
	f.equal(f.page("alice", docket.ListQuery{Count: true}).Total, 2)
}

// testImportQuota imports against a bound of three tasks, and as many in the trash.
func testImportQuota(_ *testing.T, f *fixture) {
	there := f.create("alice", "there")
	tasks := func(n, deleted int) (list []docket.Task) {
		for i := range n {
			task := f.draft("alice", "imported")
			if i < deleted {
				task.DeletedAt = f.tick()
			}
			list = append(list, task)
		}
		return list
	}
	fails := func(i docket.Import) {
		f.Helper()
		i.MaxTasks = 3
		_, err := f.store.Import(f.ctx, "alice", i)
		f.fails(err, docket.QuotaExceeded)
		f.equal(f.list("alice"), []docket.Task{there})
	}
	two, three := tasks(2, 0), tasks(3, 0)
	fails(docket.Import{Tasks: three})
	fails(docket.Import{Tasks: three, DryRun: true})
	fails(docket.Import{Tasks: two, DryRun: true, Before: docket.Imported{Added: 1}})
	f.equal(f.imports("alice", docket.Import{Tasks: two, MaxTasks: 3, DryRun: true, Before: docket.Imported{Added: 1, Deleted: 1}}), docket.Imported{Added: 2})

	four := tasks(4, 4)
	f.equal(f.imports("alice", docket.Import{Tasks: four, MaxTasks: 3, DryRun: true, Before: docket.Imported{Added: 2, Deleted: 2}}), docket.Imported{Added: 1, Deleted: 1, NoRoom: []int{1, 2, 3}})
	f.equal(f.imports("alice", docket.Import{Tasks: four, MaxTasks: 3}), docket.Imported{Added: 3, Deleted: 3, NoRoom: []int{3}})
	f.equal(f.imports("alice", docket.Import{Tasks: append(two, there), MaxTasks: 3}), docket.Imported{Added: 2, Unchanged: 1})
	f.equal(f.imports("alice", docket.Import{Tasks: two, MaxTasks: 1}), docket.Imported{Unchanged: 2}) // there are too many already
}
