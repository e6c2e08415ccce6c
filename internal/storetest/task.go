package storetest

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"docket"
)

func testCreate(t *testing.T, f *fixture) {
	note := "two litres"
	draft := f.draft("alice", "buy milk")
	draft.Description, draft.Completed = &note, true
	stored := f.store1(draft)

	want := draft
	want.Version, want.CompletedAt = 1, draft.CreatedAt
	f.equal(stored, want)
	f.equal(f.get("alice", stored.ID), stored)
	f.equal(f.list("alice"), []docket.Task{stored})
}

func testTimes(t *testing.T, f *fixture) {
	for _, at := range []time.Time{
		time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(1999, 12, 31, 23, 59, 59, 999_999_000, time.UTC),
		time.Date(2026, 2, 28, 12, 0, 0, 1_000, time.UTC),
		time.Date(2999, 1, 1, 0, 0, 0, 500_000_000, time.UTC),
	} {
		draft := f.draft("alice", "at "+at.String())
		draft.CreatedAt, draft.UpdatedAt = at, at
		stored := f.store1(draft)
		got := f.get("alice", stored.ID)
		f.equal(got, stored)
		if !got.CreatedAt.Equal(at) || got.CreatedAt.Location() != time.UTC || !got.UpdatedAt.Equal(at) {
			t.Errorf("stored %s, got %s and %s", at, got.CreatedAt, got.UpdatedAt)
		}
	}
}

// texts are stored unchanged: not normalised, not trimmed, not escaped.
var texts = []string{
	"plain", "é", "e\u0301", "Straße", "İstanbul", "日本語のタスク", "👩‍👩‍👧‍👦", "\U0001F3F4", "\uFFFF", "\U0010FFFF",
	"<b>&amp;</b>", `"quoted" 'single' \ back`, "%_[]*?", "tab\tline\nfeed\r", "\u200b\u202e\ufeff", "'; DROP TABLE tasks; --", "$1 ?1 :a @b", "\x7f\x01",
}

func testText(t *testing.T, f *fixture) {
	for _, text := range texts {
		draft := f.draft("alice", text)
		draft.Description = &text
		stored := f.store1(draft)
		got := f.get("alice", stored.ID)
		if got.Title != text || *got.Description != text {
			t.Errorf("stored %q, got title %q and description %q", text, got.Title, *got.Description)
		}
	}
	empty := ""
	draft := f.draft("alice", "an empty description is not an absent one")
	draft.Description = &empty
	stored := f.store1(draft)
	f.equal(f.get("alice", stored.ID), stored)
}

func testBounds(t *testing.T, f *fixture) {
	owner := docket.UserID(strings.Repeat("😀", docket.MaxUserID))
	description := strings.Repeat("😀", docket.MaxDescription)
	draft := f.draft(owner, strings.Repeat("😀", docket.MaxTitle))
	draft.Description = &description
	stored := f.store1(draft)
	f.equal(f.get(owner, stored.ID), stored)
}

func testSameID(t *testing.T, f *fixture) {
	stored := f.create("alice", "first")
	again := f.draft("alice", "second")
	again.ID = stored.ID
	for _, state := range []string{"live", "deleted"} {
		known := creation(again)
		known.Fresh = false
		if _, err := f.do(f.ctx, "alice", known, again.CreatedAt); docket.KindOf(err) != docket.PreconditionFailed || !errors.Is(err, docket.AlreadyExists()) {
			t.Errorf("a second task with the id of a %s one: %v", state, err)
		}
		if state == "live" {
			f.equal(f.list("alice"), []docket.Task{stored})
			f.delete(stored)
			stored.Version++
		}
	}
	his := again
	his.UserID = "bob"
	f.equal(f.store1(his).ID, stored.ID) // ids are each user's own

	// The failure left the counter as it was.
	f.equal(f.create("alice", "third").Version, stored.Version+1)
}

func testAbsent(t *testing.T, f *fixture) {
	f.absent("nobody", newID())
	f.create("alice", "another")
	f.absent("alice", newID())
}

func testListOrder(t *testing.T, f *fixture) {
	var drafts, want []docket.Task
	for range 20 {
		drafts = append(drafts, f.draft("alice", "task"))
	}
	for _, i := range []int{7, 3, 19, 0, 11, 5, 1, 18, 2, 9, 4, 17, 6, 8, 16, 10, 12, 15, 13, 14} {
		want = append(want, f.store1(drafts[i]))
	}
	slices.SortFunc(want, func(a, b docket.Task) int { return strings.Compare(a.ID.String(), b.ID.String()) })
	f.equal(f.list("alice"), want)
}

func testListEmpty(t *testing.T, f *fixture) {
	if tasks := f.list("nobody"); tasks == nil || len(tasks) != 0 {
		t.Errorf("list is %#v, want an empty slice that is not nil", tasks)
	}
}

func testUpdate(t *testing.T, f *fixture) {
	note, other := "note", "other"
	task := f.create("alice", "title")
	for _, step := range []struct {
		update docket.TaskUpdate
		apply  func(*docket.Task)
	}{
		{docket.TaskUpdate{Title: docket.Some("new title")}, func(t *docket.Task) { t.Title = "new title" }},
		{docket.TaskUpdate{Description: docket.Some(&note)}, func(t *docket.Task) { t.Description = &note }},
		{docket.TaskUpdate{Completed: docket.Some(true)}, func(t *docket.Task) { t.Completed = true }},
		{docket.TaskUpdate{Description: docket.Some(&other), Completed: docket.Some(false)}, func(t *docket.Task) { t.Description, t.Completed = &other, false }},
		{docket.TaskUpdate{Description: docket.Some[*string](nil)}, func(t *docket.Task) { t.Description = nil }},
		{docket.TaskUpdate{Title: docket.Some("last"), Description: docket.Some(&note), Completed: docket.Some(true)}, func(t *docket.Task) { t.Title, t.Description, t.Completed = "last", &note, true }},
	} {
		want := task
		step.apply(&want)
		task = f.update(task, step.update)
		want.UpdatedAt, want.Version = f.now, want.Version+1
		want.CompletedAt = map[bool]time.Time{true: f.now}[want.Completed]
		f.equal(task, want)
		f.equal(f.get("alice", task.ID), task)
	}
}

func testUpdateSame(t *testing.T, f *fixture) {
	note := "note"
	draft := f.draft("alice", "title")
	draft.Description, draft.Completed = &note, true
	task := f.store1(draft)
	bare := f.create("alice", "without a description")

	same := strings.Clone(note)
	for _, u := range []docket.TaskUpdate{
		{},
		{Title: docket.Some("title")},
		{Description: docket.Some(&same)},
		{Completed: docket.Some(true)},
		{Title: docket.Some("title"), Description: docket.Some(&same), Completed: docket.Some(true)},
	} {
		f.equal(f.update(task, u), task)
	}
	f.equal(f.update(bare, docket.TaskUpdate{Description: docket.Some[*string](nil)}), bare)
	f.equal(f.list("alice"), []docket.Task{task, bare})
	if next := f.create("alice", "next"); next.Version != bare.Version+1 {
		t.Errorf("version %d follows %d: an update that changed nothing counted", next.Version, bare.Version)
	}
}

func testToggle(t *testing.T, f *fixture) {
	task := f.create("alice", "task")
	for range 3 {
		want := task
		want.Completed = !task.Completed
		task = f.toggle(task)
		want.UpdatedAt, want.Version = f.now, want.Version+1
		want.CompletedAt = map[bool]time.Time{true: f.now}[want.Completed]
		f.equal(task, want)
		f.equal(f.get("alice", task.ID), task)
	}
}

func testClockBack(t *testing.T, f *fixture) {
	task := f.toggle(f.create("alice", "task"))
	f.now = f.now.Add(-time.Hour)
	toggled := f.toggle(task)
	updated := f.update(toggled, docket.TaskUpdate{Title: docket.Some("new")})
	f.equal([]time.Time{toggled.UpdatedAt, updated.UpdatedAt}, []time.Time{task.UpdatedAt, task.UpdatedAt})
	f.equal([]int64{toggled.Version, updated.Version}, []int64{task.Version + 1, task.Version + 2})
}

func testDelete(t *testing.T, f *fixture) {
	first, gone, last := f.create("alice", "first"), f.create("alice", "gone"), f.create("alice", "last")
	f.delete(gone)
	f.absent("alice", gone.ID)
	f.equal(f.list("alice"), []docket.Task{first, last})

	if next := f.create("alice", "next"); next.Version != last.Version+2 {
		t.Errorf("version %d follows %d and a delete, want %d", next.Version, last.Version, last.Version+2)
	}
}

func testOwners(t *testing.T, f *fixture) {
	hers, his := f.create("alice", "hers"), f.create("bob", "his")
	f.absent("bob", hers.ID)
	f.absent("alice", his.ID)
	f.equal(f.list("alice"), []docket.Task{hers})
	f.equal(f.list("bob"), []docket.Task{his})

	// Two owners may have tasks with the same id.
	twin := f.draft("bob", "twin")
	twin.ID = hers.ID
	twin = f.store1(twin)
	f.delete(twin)
	f.equal(f.list("alice"), []docket.Task{hers})
}

func testOwnerBytes(t *testing.T, f *fixture) {
	owners := []docket.UserID{"alice", "Alice", "alice ", " alice", "alicé", "alice\u0301", "al%", "al_ce", "auth0|62c", "a/b", "a%2Fb", "1", "01", "null", "😀"}
	created := map[docket.UserID]docket.Task{}
	for _, owner := range owners {
		created[owner] = f.create(owner, "mine")
	}
	for _, owner := range owners {
		f.equal(f.list(owner), []docket.Task{created[owner]})
	}
}
