package sqlite

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"docket"
	"docket/internal/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

func tempPath(t *testing.T) string { return filepath.Join(t.TempDir(), "docket.db") }

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) docket.Store { return open(t, tempPath(t)) })
}

func TestSyncMissesNothing(t *testing.T) { storetest.Sync(t, open(t, tempPath(t))) }

func draft(title string) docket.Task {
	now := time.Now().UTC().Truncate(time.Microsecond)
	return docket.Task{ID: uuid.Must(uuid.NewV7()), UserID: "alice", Fields: docket.Fields{Title: title}, CreatedAt: now, UpdatedAt: now}
}

func put(t *testing.T, s *Store, title string) docket.Task {
	t.Helper()
	task, err := storetest.Create(t.Context(), s, draft(title))
	if err != nil {
		t.Fatal(err)
	}
	return task
}

func list(s *Store) ([]docket.Task, error) {
	page, err := s.List(context.Background(), "alice", docket.ListQuery{Limit: docket.MaxList})
	return page.Tasks, err
}

func TestFileIsItsOwnersOnly(t *testing.T) {
	path := tempPath(t)
	put(t, open(t, path), "task")
	for _, suffix := range []string{"", "-wal", "-shm", ".lock"} {
		info, err := os.Stat(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode != 0o600 {
			t.Errorf("%s has mode %o", info.Name(), mode)
		}
	}
}

func TestEveryConnectionIsDurableAndBounded(t *testing.T) {
	s := open(t, tempPath(t))
	check := func(conn *sql.Conn, pragma, want string) {
		t.Helper()
		var got string
		if err := conn.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %s, %v; want %s", pragma, got, err, want)
		}
	}
	check(s.writer.conn, "synchronous", "2") // FULL
	check(s.writer.conn, "journal_mode", "wal")
	check(s.writer.conn, "busy_timeout", "2000")
	check(s.writer.conn, "query_only", "0")
	for range s.readers.n {
		r := <-s.readers.idle
		defer func() { s.readers.idle <- r }()
		check(r.conn, "query_only", "1")
		check(r.conn, "busy_timeout", "2000")
	}
}

func TestOddPaths(t *testing.T) {
	for _, name := range []string{"a b.db", "what?.db", "100%.db", "x#y.db", "mode=ro&.db", "ü.db", "a'b.db"} {
		path := filepath.Join(t.TempDir(), name)
		put(t, open(t, path), "task")
		if _, err := os.Stat(path); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestOpenTwice(t *testing.T) {
	path := tempPath(t)
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), path); err == nil || !strings.Contains(err.Error(), "in use by another docket process") {
		t.Fatalf("a second Open returned %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	put(t, open(t, path), "task") // the lock was released
}

func TestOpenTwiceByALink(t *testing.T) {
	path := tempPath(t)
	open(t, path)
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), link); err == nil || !strings.Contains(err.Error(), "in use by another docket process") {
		t.Errorf("Open by a link returned %v", err)
	}
}

func TestOpenWhereThereIsNoFolder(t *testing.T) {
	_, err := Open(t.Context(), filepath.Join(t.TempDir(), "none", "docket.db"))
	if err == nil || !strings.Contains(err.Error(), "does not exist") {
		t.Fatalf("Open returned %v", err)
	}
}

func TestOpenOfAnotherKindOfFile(t *testing.T) {
	path := tempPath(t)
	if err := os.WriteFile(path, []byte(strings.Repeat("not a database\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), path); err == nil {
		t.Fatal("Open took a text file for a database")
	}
}
