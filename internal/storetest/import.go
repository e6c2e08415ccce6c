package storetest

import (
	"testing"

	"docket"
)

func testImport(t *testing.T, f *fixture) {
	there := f.create("alice", "there")
	deleted := f.create("alice", "deleted")
	f.delete(deleted) // the third change
	note := "note"
	first, second := f.draft("alice", "first"), f.draft("alice", "second")
	first.Description, first.Completed, first.CompletedAt = &note, true, first.UpdatedAt
	again := first
	again.Title = "first, again"
	for i, want := range []int{2, 0} {
		if added, err := f.store.Import(f.ctx, "alice", []docket.Task{first, there, again, second, deleted}, 1); err != nil || added != want {
			t.Fatalf("import %d added %d, %v; want %d", i, added, err, want)
		}
	}
	first.Version, second.Version = 4, 5
	page := f.page("alice", docket.ListQuery{Count: true})
	f.equal(page, docket.Page{Tasks: []docket.Task{there, first, second}, State: docket.State{Epoch: 1, Counter: 5}, Total: 3})
	f.equal(f.page("alice", docket.ListQuery{Search: "NOTE"}).Tasks, []docket.Task{first})
	f.equal(f.create("alice", "next").Version, int64(6))
}

func testImportOfANewOwner(t *testing.T, f *fixture) {
	task := f.draft("new", "task")
	if added, err := f.store.Import(f.ctx, "new", []docket.Task{task}, 1); err != nil || added != 1 {
		t.Fatalf("added %d, %v", added, err)
	}
	task.Version = 1
	f.equal(f.list("new"), []docket.Task{task})
	f.absent("alice", task.ID)
}
