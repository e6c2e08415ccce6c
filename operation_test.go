package docket

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
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

// TestResultsOfOtherVersions reads and writes the bytes that stores have kept under
// idempotency keys since the first version: other versions may read ours.
func TestResultsOfOtherVersions(t *testing.T) {
	at := time.Date(2026, 1, 31, 9, 30, 0, 123_456_000, time.UTC)
	for text, task := range map[string]Task{
		`{"ID":"019a4e6f-1b2c-7d3e-8f40-516273849a5b","UserID":"auth0|62c","Title":"Buy \"milk\"","Description":"Two <&> é","Completed":true,"CreatedAt":"2026-01-31T09:30:00.123456Z","UpdatedAt":"2026-01-31T09:30:01.123Z","Version":9007199254740993}`: {
			ID: uuid.MustParse("019a4e6f-1b2c-7d3e-8f40-516273849a5b"), UserID: "auth0|62c",
			Fields:    Fields{Title: `Buy "milk"`, Description: new("Two <&> é"), Completed: true},
			CreatedAt: at, UpdatedAt: at.Add(time.Second - 456*time.Microsecond), Version: 1<<53 + 1,
		},
		`{"ID":"019a4e6f-1b2c-7d3e-8f40-516273849a5c","UserID":"bob","Title":"gone","Description":null,"Completed":false,"CreatedAt":"2026-01-31T09:30:00.123456Z","UpdatedAt":"2026-01-31T09:30:00.123456Z","Version":7,"DeletedAt":"2026-01-31T10:30:00.123456Z"}`: {
			ID: uuid.MustParse("019a4e6f-1b2c-7d3e-8f40-516273849a5c"), UserID: "bob", Fields: Fields{Title: "gone"},
			CreatedAt: at, UpdatedAt: at, Version: 7, DeletedAt: at.Add(time.Hour),
		},
		`{"ID":"00000000-0000-0000-0000-000000000000","UserID":"","Title":"","Description":null,"Completed":false,"CreatedAt":"0001-01-01T00:00:00Z","UpdatedAt":"0001-01-01T00:00:00Z","Version":0}`: {}, // of a delete
	} {
		text = "[" + text + "]"
		if got, err := EncodeResult([]Task{task}); err != nil || string(got) != text {
			t.Errorf("%+v is kept as\n%s, %v, want\n%s", task, got, err, text)
		}
		got, err := DecodeResult([]byte(text))
		if diff := cmp.Diff([]Task{task}, got); err != nil || diff != "" {
			t.Errorf("%s is read with %v (-want +got):\n%s", text, err, diff)
		}
		// What a later version adds is ignored.
		if got, err := DecodeResult([]byte(strings.Replace(text, "{", `{"Later":1,`, 1))); err != nil || len(got) != 1 {
			t.Errorf("with a field of a later version: %v, %v", got, err)
		}
	}
}
