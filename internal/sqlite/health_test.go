package sqlite

import (
	"context"
	"strings"
	"sync"
	"testing"

	"docket"
	"docket/internal/storetest"
)

// TestReady breaks the schema and mends it. Readiness fails after the request that
// meets it, and comes back without one.
func TestReady(t *testing.T) {
	path := tempPath(t)
	s := open(t, path)
	s.wiper.close() // only the test makes requests
	task := storetest.Put(t, s, "task")
	db := external(t, path)
	run := func(text string) {
		t.Helper()
		// A transaction that began as a read could not go on behind a write of the store.
		if _, err := db.Exec("PRAGMA busy_timeout = 60000; BEGIN IMMEDIATE; " + text + "; COMMIT"); err != nil {
			t.Fatal(err)
		}
	}
	for name, step := range map[string]struct{ damage, mend, says string }{
		"a table renamed":  {"ALTER TABLE tasks RENAME TO others", "ALTER TABLE others RENAME TO tasks", "no such table"},
		"a column renamed": {"ALTER TABLE tasks RENAME COLUMN title TO others", "ALTER TABLE tasks RENAME COLUMN others TO title", "no such column"},
		"a newer schema": {
			"ALTER TABLE tasks RENAME TO others; INSERT INTO schema_migrations VALUES (99, 'later', 99, 0)",
			"ALTER TABLE others RENAME TO tasks; DELETE FROM schema_migrations WHERE version = 99", "upgrade docket",
		},
	} {
		run(step.damage)
		if err := s.Ready(t.Context()); err != nil {
			t.Errorf("%s: before a request, Ready returned %v", name, err)
		}
		if _, err := s.Get(t.Context(), "alice", task.ID); err == nil {
			t.Fatalf("%s: a read returned no error", name)
		}
		var checks sync.WaitGroup
		for range 4 {
			checks.Go(func() {
				if err := s.Ready(t.Context()); docket.KindOf(err) != docket.Unavailable || !strings.Contains(err.Error(), step.says) {
					t.Errorf("%s: Ready returned %v", name, err)
				}
			})
		}
		checks.Wait()
		run(step.mend)
		for range 4 {
			checks.Go(func() {
				if err := s.Ready(t.Context()); err != nil {
					t.Errorf("%s: mended, Ready returned %v", name, err)
				}
			})
		}
		checks.Wait()
		if s.health.troubled.Load() {
			t.Errorf("%s: a check that succeeded left the mark", name)
		}
	}
	// Another statement that succeeds says nothing about those that fail.
	run("ALTER TABLE tasks RENAME TO others")
	if _, err := s.Get(t.Context(), "alice", task.ID); err == nil {
		t.Fatal("a read returned no error")
	}
	if _, err := s.Counters(t.Context(), []docket.UserID{"alice"}); err != nil {
		t.Fatal(err)
	}
	if err := s.Ready(t.Context()); docket.KindOf(err) != docket.Unavailable {
		t.Errorf("while reads fail and others do not, Ready returned %v", err)
	}
	run("ALTER TABLE others RENAME TO tasks")
}

// TestReadyOfARow has requests fail for a reason of their own.
func TestReadyOfARow(t *testing.T) {
	path := tempPath(t)
	s := open(t, path)
	storetest.Put(t, s, "task")
	if _, err := storetest.Create(t.Context(), s, storetest.Draft("")); docket.KindOf(err) != docket.Internal {
		t.Errorf("making a task that the table refuses returned %v", err)
	}
	if _, err := external(t, path).Exec("PRAGMA ignore_check_constraints = 1; UPDATE tasks SET id = x'00'"); err != nil {
		t.Fatal(err)
	}
	if _, err := storetest.List(s); docket.KindOf(err) != docket.Internal {
		t.Errorf("reading a damaged row returned %v", err)
	}
	if s.health.troubled.Load() {
		t.Error("the errors of two rows mark the store")
	}
}

// TestReadyDoesNotWait checks while all readers are in use and the writer does not
// end.
func TestReadyDoesNotWait(t *testing.T) {
	s := open(t, tempPath(t))
	defer hold(t, s.readers)()
	defer hold(t, s.passes)()
	release := block(s)
	s.health.troubled.Store(true)
	if err := s.Ready(context.Background()); err != nil {
		t.Error(err)
	}
	if err := release(); err != nil {
		t.Error(err)
	}
}
