package sqlite

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"docket"
	"docket/internal/sqlite/engine"
	"docket/internal/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// noLog is for stores whose log does not matter.
var noLog = slog.New(slog.DiscardHandler)

func open(t *testing.T, path string) *Store {
	t.Helper()
	return openAt(t, path, usualPace)
}

func openAt(t *testing.T, path string, p pace) *Store {
	t.Helper()
	s, err := openFile(t.Context(), fileAt(path), noLog, p)
	if err != nil {
		t.Fatal(err)
	}
	storetest.Close(t, s)
	return s
}

// beside returns another connection to the file of s: only the writer may use its own.
func beside(t testing.TB, s *Store) *engine.Conn {
	t.Helper()
	conn, err := s.file.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// textOf returns the text that a query returns.
func textOf(t *testing.T, conn *engine.Conn, query string) (text string) {
	t.Helper()
	_, err := conn.Once(query, func(s *engine.Stmt) error {
		_, err := s.Row(func() { text = s.TextAt(0) })
		return err
	})
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return text
}

func tempPath(t *testing.T) string { return filepath.Join(t.TempDir(), "docket.db") }

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) docket.Store { return openPatient(t) })
}

func TestSyncMissesNothing(t *testing.T) { storetest.Sync(t, openPatient(t)) }

// openPatient opens a new file for tests in which no read may reach its deadline,
// however busy the machine is.
func openPatient(t *testing.T) *Store {
	t.Helper()
	s := open(t, tempPath(t))
	s.readers.limit, s.passes.limit = time.Hour, time.Hour
	return s
}

func TestFileIsItsOwnersOnly(t *testing.T) {
	path := tempPath(t)
	storetest.Put(t, open(t, path), "task")
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
	s.wiper.close() // the writer rests
	check := func(conn *engine.Conn, pragma, want string) {
		t.Helper()
		if got := textOf(t, conn, "PRAGMA "+pragma); got != want {
			t.Errorf("%s is %s, want %s", pragma, got, want)
		}
	}
	check(s.writer.conn, "synchronous", "2") // FULL
	check(s.writer.conn, "journal_mode", "wal")
	check(s.writer.conn, "busy_timeout", "2000")
	check(s.writer.conn, "query_only", "0")
	check(s.writer.conn, "secure_delete", "1")
	for _, pool := range []*readers{s.readers, s.passes} {
		for range pool.n {
			r := <-pool.idle
			defer func() { pool.idle <- r }()
			check(r.conn, "query_only", "1")
			check(r.conn, "busy_timeout", "2000")
		}
	}
}

func TestOddPaths(t *testing.T) {
	for _, name := range []string{"a b.db", "what?.db", "100%.db", "x#y.db", "mode=ro&.db", "ü.db", "a'b.db"} {
		path := filepath.Join(t.TempDir(), name)
		storetest.Put(t, open(t, path), "task")
		if _, err := os.Stat(path); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestOpenTwice(t *testing.T) {
	path := tempPath(t)
	s, err := Open(t.Context(), path, noLog)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), path, noLog); err == nil || !strings.Contains(err.Error(), "in use by another docket process") {
		t.Fatalf("a second Open returned %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	storetest.Put(t, open(t, path), "task") // the lock was released
}

func TestOpenTwiceByALink(t *testing.T) {
	path := tempPath(t)
	open(t, path)
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), link, noLog); err == nil || !strings.Contains(err.Error(), "in use by another docket process") {
		t.Errorf("Open by a link returned %v", err)
	}
}

func TestOpenWhereThereIsNoFolder(t *testing.T) {
	_, err := Open(t.Context(), filepath.Join(t.TempDir(), "none", "docket.db"), noLog)
	if err == nil || !strings.Contains(err.Error(), "does not exist") {
		t.Fatalf("Open returned %v", err)
	}
}

func TestOpenOfAnotherKindOfFile(t *testing.T) {
	path := tempPath(t)
	if err := os.WriteFile(path, []byte(strings.Repeat("not a database\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), path, noLog); err == nil {
		t.Fatal("Open took a text file for a database")
	}
}
