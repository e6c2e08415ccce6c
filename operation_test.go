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
	toggled := with(func(t *Task) { t.Completed, t.UpdatedAt, t.CompletedAt = true, later, later })
	much := later.Add(time.Hour)
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
		"toggle by a clock behind":   {live, Operation{Action: Toggle}, earlier, with(func(t *Task) { t.Completed, t.CompletedAt = true, at }), ""},
		"completed again":            {toggled, Operation{Action: Update, Update: TaskUpdate{Completed: Some(true)}}, much, toggled, ""},
		"an edit of a completed one": {toggled, Operation{Action: Update, Update: TaskUpdate{Priority: Some(High)}}, much, with(func(t *Task) { t.Completed, t.Priority, t.UpdatedAt, t.CompletedAt = true, High, much, later }), ""},
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

// TestResultsOfEarlierVersions reads the bytes that stores kept under idempotency
// keys before results had a version.
func TestResultsOfEarlierVersions(t *testing.T) {
	at := time.Date(2026, 1, 31, 9, 30, 0, 123_456_000, time.UTC)
	for text, task := range map[string]Task{
		`{"ID":"019a4e6f-1b2c-7d3e-8f40-516273849a5b","UserID":"auth0|62c","Title":"Buy \"milk\"","Description":"Two <&> é","Completed":true,"CreatedAt":"2026-01-31T09:30:00.123456Z","UpdatedAt":"2026-01-31T09:30:01.123Z","Version":9007199254740993}`: {
			ID: uuid.MustParse("019a4e6f-1b2c-7d3e-8f40-516273849a5b"), UserID: "auth0|62c",
			Fields:    Fields{Title: `Buy "milk"`, Description: new("Two <&> é"), Completed: true},
			CreatedAt: at, UpdatedAt: at.Add(time.Second - 456*time.Microsecond), CompletedAt: at.Add(time.Second - 456*time.Microsecond), Version: 1<<53 + 1,
		},
		`{"ID":"019a4e6f-1b2c-7d3e-8f40-516273849a5c","UserID":"bob","Title":"gone","Description":null,"Completed":false,"CreatedAt":"2026-01-31T09:30:00.123456Z","UpdatedAt":"2026-01-31T09:30:00.123456Z","Version":7,"DeletedAt":"2026-01-31T10:30:00.123456Z"}`: {
			ID: uuid.MustParse("019a4e6f-1b2c-7d3e-8f40-516273849a5c"), UserID: "bob", Fields: Fields{Title: "gone"},
			CreatedAt: at, UpdatedAt: at, Version: 7, DeletedAt: at.Add(time.Hour),
		},
		`{"ID":"00000000-0000-0000-0000-000000000000","UserID":"","Title":"","Description":null,"Completed":false,"CreatedAt":"0001-01-01T00:00:00Z","UpdatedAt":"0001-01-01T00:00:00Z","Version":0}`: {}, // of a delete
	} {
		text = "[" + text + "]"
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

// TestKeptResult holds the format of version 1 against its bytes: a renamed field
// of Task must not change them.
func TestKeptResult(t *testing.T) {
	at := time.Date(2026, 1, 31, 9, 30, 0, 123_456_000, time.UTC)
	task := Task{
		ID: uuid.MustParse("019a4e6f-1b2c-7d3e-8f40-516273849a5b"), UserID: "bob", Fields: Fields{
			Title: "Buy milk", Description: new("bob"), Completed: true,
			Priority: Low, DueDate: "2026-02-01", Tags: []string{"bob", "dairy"}, Metadata: `{"a":1.0}`,
		},
		CreatedAt: at, UpdatedAt: at.Add(time.Second), CompletedAt: at, Version: 7,
	}
	gone := Task{ID: task.ID, UserID: "bob", Fields: Fields{Title: "Buy milk"}, CreatedAt: at, UpdatedAt: at}
	gone.Version, gone.DeletedAt = 8, at.Add(time.Hour)
	const text = `{"v":1,"texts":["bob","Buy milk","{\"a\":1.0}","dairy"],"tasks":[` +
		`{"id":"019a4e6f-1b2c-7d3e-8f40-516273849a5b","user":0,"title":1,"description":0,"completed":true,"priority":-1,"due":"2026-02-01","tags":[0,3],"metadata":2,"created":1769851800123456,"updated":1769851801123456,"completed_at":1769851800123456,"version":7},` +
		`{"id":"019a4e6f-1b2c-7d3e-8f40-516273849a5b","user":0,"title":1,"created":1769851800123456,"updated":1769851800123456,"version":8,"deleted":1769855400123456}]}`
	if got, err := EncodeResult([]Task{task, gone}); err != nil || string(got) != text {
		t.Errorf("kept is %s, %v", got, err)
	}
	got, err := DecodeResult([]byte(text))
	if diff := cmp.Diff([]Task{task, gone}, got); err != nil || diff != "" {
		t.Errorf("read with %v (-want +got):\n%s", err, diff)
	}
	for _, bad := range []string{`{"v":2,"tasks":[]}`, `{"tasks":[]}`, `{"v":1,"tasks":[{"user":1}]}`, `{"v":1,"texts":["a"],"tasks":[{"description":-1}]}`} {
		if _, err := DecodeResult([]byte(bad)); err == nil {
			t.Errorf("%s was read", bad)
		}
	}
}

// TestRoom fills pages to each of their bounds.
func TestRoom(t *testing.T) {
	small, large := Task{}, Task{Fields: Fields{Description: new(strings.Repeat("x", MaxPageBytes))}}
	half := Task{Fields: Fields{Description: new(strings.Repeat("x", MaxPageBytes/2-480))}}
	short := Task{UserID: "ab", Fields: Fields{Title: "\x01\n", Description: new(strings.Repeat("\"", MaxPageBytes/4-245))}}
	for name, test := range map[string]struct {
		limit int
		tasks []Task
		taken int
	}{
		"limit": {2, []Task{small, small, small}, 2}, "bytes": {9, []Task{half, half, half}, 2},
		"bytes of escapes":      {9, []Task{short, short, short}, 2},
		"one that is too large": {9, []Task{large, small}, 1}, "a large one behind": {9, []Task{small, large}, 1},
	} {
		room, taken := NewRoom(test.limit), 0
		for i := range test.tasks {
			if !room.Take(&test.tasks[i]) {
				break
			}
			taken++
		}
		if taken != test.taken {
			t.Errorf("%s: %d tasks are taken", name, taken)
		}
	}
}
