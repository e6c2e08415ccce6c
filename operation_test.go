package docket

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestChange(t *testing.T) {
	at := time.Date(2026, 1, 31, 9, 30, 0, 0, time.UTC)
	earlier, later := at.Add(-time.Microsecond), at.Add(time.Microsecond)
	live := Task{Fields: Fields{Title: "title"}, CreatedAt: at, UpdatedAt: at, Version: 7}
	deleted := live
	deleted.DeletedAt = at
	with := func(f func(*Task)) Task {
		t := live
		f(&t)
		return t
	}
	toggled := with(func(t *Task) { t.Completed, t.UpdatedAt = true, later })
	stale := Precondition{Match: Some([]int64{6})}
	for name, test := range map[string]struct {
		before    Task
		operation Operation
		now       time.Time
		after     Task
		kind      Kind
	}{
		"toggle":                     {live, Operation{Action: Toggle}, later, toggled, ""},
		"toggle back":                {toggled, Operation{Action: Toggle}, later, with(func(t *Task) { t.UpdatedAt = later }), ""},
		"toggle by a clock behind":   {live, Operation{Action: Toggle}, earlier, with(func(t *Task) { t.Completed = true }), ""},
		"toggle, stale":              {live, Operation{Action: Toggle, If: stale}, later, live, PreconditionFailed},
		"toggle of a deleted task":   {deleted, Operation{Action: Toggle, If: stale}, later, deleted, NotFound},
		"update":                     {live, Operation{Action: Update, Update: TaskUpdate{Title: Some("new")}}, later, with(func(t *Task) { t.Title, t.UpdatedAt = "new", later }), ""},
		"update of nothing":          {live, Operation{Action: Update, Update: TaskUpdate{Title: Some("title")}}, later, live, ""},
		"update of nothing, stale":   {live, Operation{Action: Update, If: stale}, later, live, PreconditionFailed},
		"delete":                     {live, Operation{Action: Delete}, later, with(func(t *Task) { t.DeletedAt = later }), ""},
		"delete of a deleted task":   {deleted, Operation{Action: Delete}, later, deleted, NotFound},
		"restore":                    {deleted, Operation{Action: Restore}, later, with(func(t *Task) { t.UpdatedAt = later }), ""},
		"restore of a live task":     {live, Operation{Action: Restore, If: stale}, later, live, NotDeleted},
		"restore, stale":             {deleted, Operation{Action: Restore, If: stale}, later, deleted, PreconditionFailed},
		"create, which is no change": {live, Operation{Action: Create}, later, live, Internal},
	} {
		after, differs, err := Write{Now: test.now}.Change(test.before, test.operation)
		if diff := cmp.Diff(test.after, after); diff != "" || differs != (cmp.Diff(test.before, test.after) != "") {
			t.Errorf("%s: differs is %v (-want +got):\n%s", name, differs, diff)
		}
		if (err != nil) != (test.kind != "") || err != nil && KindOf(err) != test.kind {
			t.Errorf("%s: the error is %v, want the kind %q", name, err, test.kind)
		}
	}
}
