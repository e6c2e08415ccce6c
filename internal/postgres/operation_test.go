package postgres

import (
	"context"
	"testing"

	"docket"
	"docket/internal/pgtest"
)

// TestWaitingWritesSeeTheNewestTask has each statement wait for another transaction that
// changes the owner and the task. The statement's snapshot is older than that change.
func TestWaitingWritesSeeTheNewestTask(t *testing.T) {
	title := docket.TaskUpdate{Title: docket.Some("new")}
	first, changed := docket.Precondition{Match: docket.Some([]int64{1})}, docket.Precondition{Match: docket.Some([]int64{9})}
	for name, test := range map[string]struct {
		operation docket.Operation
		other     string // what the other transaction sets in the task
		kind      docket.Kind
		version   int64
	}{
		"update of nothing":      {docket.Operation{Action: docket.Update, Update: title}, "title = 'new'", "", 9},
		"update":                 {docket.Operation{Action: docket.Update, Update: title}, "title = 'other'", "", 10},
		"stale update":           {docket.Operation{Action: docket.Update, Update: title, If: first}, "title = 'other'", docket.PreconditionFailed, 0},
		"update of a deleted":    {docket.Operation{Action: docket.Update, Update: title}, "deleted_at = now()", docket.NotFound, 0},
		"toggle":                 {docket.Operation{Action: docket.Toggle}, "completed = true", "", 10},
		"conditional toggle":     {docket.Operation{Action: docket.Toggle, If: changed}, "completed = true", "", 10},
		"stale toggle":           {docket.Operation{Action: docket.Toggle, If: first}, "completed = true", docket.PreconditionFailed, 0},
		"stale delete":           {docket.Operation{Action: docket.Delete, If: first}, "title = 'other'", docket.PreconditionFailed, 0},
		"restore of a live":      {docket.Operation{Action: docket.Restore}, "title = 'other'", docket.NotDeleted, 0},
		"restore of too many":    {docket.Operation{Action: docket.Restore}, "deleted_at = now()", docket.QuotaExceeded, 0},
		"create of one too many": {docket.Operation{Action: docket.Create}, "title = 'other'", docket.QuotaExceeded, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := pgtest.Shared(t).Database(t)
			s := open(t, url)
			task := put(t, s, "title")
			other := lock(t, url, "UPDATE docket.owners SET counter = 9, live = 5; UPDATE docket.tasks SET version = 9, "+test.other)
			if test.operation.ID = task.ID; test.operation.Action == docket.Create {
				test.operation.ID, test.operation.New.Title = draft("").ID, "more"
			}
			var written docket.Written
			result := make(chan error, 1)
			go func() {
				var err error
				written, err = s.Write(context.Background(), "alice", docket.Write{Operations: []docket.Operation{test.operation}, Now: task.CreatedAt, MaxTasks: 5})
				result <- err
			}()
			waitForLock(t, url)
			if err := other.Commit(t.Context()); err != nil {
				t.Fatal(err)
			}
			err := <-result
			if (err != nil) != (test.kind != "") || err != nil && docket.KindOf(err) != test.kind {
				t.Fatalf("the error is %v, want the kind %q", err, test.kind)
			}
			if err == nil && written.Tasks[0].Version != test.version {
				t.Errorf("the task is %+v, want version %d", written.Tasks[0], test.version)
			}
			if err == nil && test.operation.Action == docket.Toggle && written.Tasks[0].Completed {
				t.Error("the toggle did not see what the other transaction set")
			}
		})
	}
}
