package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"docket/internal/pgtest"
)

// TestRestoreOfPostgres follows docs/operations.md: it dumps the schema while a
// server runs, restores it into another database, and serves from there. The role
// that restores owns only that database.
func TestRestoreOfPostgres(t *testing.T) {
	t.Parallel()
	source := pgtest.Shared(t).Database(t)
	s := newServer(t, t.TempDir(), source)
	s.Start(t)
	c := newClient(t, s.URL, 1)
	for i, title := range []string{"One", "Zwei – ü", "三 😀"} {
		if a, err := c.do(t.Context(), http.MethodPost, tasksPath("u"), `{"title": "`+title+`"}`, fmt.Sprint("Idempotency-Key: ", i)); err != nil || a.Status != http.StatusCreated {
			t.Fatalf("%d %s, %v", a.Status, a.Body, err)
		}
	}
	var old struct{ Next string }
	if a, err := c.do(t.Context(), http.MethodGet, "/api/u/changes", ""); err != nil || a.decodeLoosely(&old) != nil {
		t.Fatalf("%d %s, %v", a.Status, a.Body, err)
	}
	var before []task
	c.get(t, tasksPath("u"), &before)
	dump := run(t, pgDump(t, source), "--schema=docket", "--no-owner", "--format=custom", "--dbname="+source)
	if a, err := c.do(t.Context(), http.MethodPost, tasksPath("u"), `{"title": "After the dump"}`); err != nil || a.Status != http.StatusCreated {
		t.Fatalf("%d, %v", a.Status, err)
	}
	s.Stop(t)

	target := pgtest.Shared(t).Database(t)
	restore := exec.CommandContext(t.Context(), filepath.Join(filepath.Dir(pgDump(t, target)), "pg_restore"), "--no-owner", "--exit-on-error", "--dbname="+target)
	restore.Stdin = bytes.NewReader(dump)
	if out, err := restore.CombinedOutput(); err != nil {
		t.Fatalf("pg_restore: %v\n%s", err, out)
	}
	docket(t, []string{"DATABASE_URL=" + target}, "renew")
	restored := newServer(t, t.TempDir(), target)
	restored.Start(t)
	c = newClient(t, restored.URL, 1)
	var after []task
	c.get(t, tasksPath("u"), &after)
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("the tasks differ (- before, + restored):\n%s", diff)
	}
	if a, err := c.do(t.Context(), http.MethodGet, "/api/u/changes?since="+old.Next, ""); err != nil || a.Status != http.StatusGone {
		t.Errorf("a token of the source is answered with %d %s, %v", a.Status, a.Body, err)
	}
	a, err := c.do(t.Context(), http.MethodPost, tasksPath("u"), `{"title": "One"}`, "Idempotency-Key: 0")
	if err != nil || a.Status != http.StatusCreated || a.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("a repetition is answered with %d %s, %v", a.Status, a.Body, err)
	}
	restored.Stop(t)
}

// run returns what a command prints, which must succeed.
func run(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, &errs)
	}
	return out
}
