package storetest

import (
	"testing"

	"docket"
)

func testImport(t *testing.T, f *fixture) {
	there := f.create("alice", "there")
	deleted := f.create("alice", "deleted")
	f.delete(deleted)
	note := "note"
	batch := []docket.Task{f.draft("alice", "first"), there, f.draft("alice", "second"), deleted}
	batch[0].Description, batch[0].Completed = &note, true
	for i, want := range []int{2, 0} {
		if added, err := f.store.Import(f.ctx, "alice", batch, 1); err != nil || added != want {
			t.Fatalf("import %d added %d, %v; want %d", i, added, err, want)
		}
	}
	list := f.list("alice")
	if len(list) != 3 {
		t.Fatalf("the list is %v", list)
	}
	f.equal(list[0], there)
	for i, want := range []docket.Task{batch[0], batch[2]} {
		got := list[i+1]
		if got.Version <= there.Version {
			t.Errorf("the version of an imported task is %d", got.Version)
		}
		want.Version = got.Version
		f.equal(got, want)
	}
	if list[1].Version == list[2].Version {
		t.Errorf("two imported tasks have the version %d", list[1].Version)
	}
	if next := f.create("alice", "next"); next.Version <= max(list[1].Version, list[2].Version) {
		t.Errorf("version %d follows %d and %d", next.Version, list[1].Version, list[2].Version)
	}
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
