package sqlite

import (
	"database/sql"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // another program's driver

	"docket"
	"docket/internal/storetest"
)

// external opens the file as another program would.
func external(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("PRAGMA busy_timeout = 60000"); err != nil { // as long as the wiper writes
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestLockedByAnotherProgram(t *testing.T) {
	path := tempPath(t)
	s := open(t, path)
	task := storetest.Put(t, s, "task")
	db := external(t, path)
	if _, err := db.Exec("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	_, err := storetest.Create(t.Context(), s, storetest.Draft("blocked"))
	if docket.KindOf(err) != docket.Unavailable {
		t.Errorf("Create returned %v", err)
	}
	if _, err := s.Get(t.Context(), "alice", task.ID); err != nil {
		t.Errorf("a read beside the lock returned %v", err)
	}
	if _, err := db.Exec("ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	storetest.Put(t, s, "free again")
	if tasks, err := storetest.List(s); err != nil || len(tasks) != 2 {
		t.Errorf("after the lock: %d tasks, %v", len(tasks), err)
	}
}

// pragma changes how the writer, which must be idle, is treated by SQLite.
func pragma(t *testing.T, s *Store, text string) {
	t.Helper()
	s.wiper.close()
	if err := s.writer.conn.Run("PRAGMA " + text); err != nil {
		t.Fatal(err)
	}
}

func TestStorageFull(t *testing.T) {
	s := open(t, tempPath(t))
	kept := storetest.Put(t, s, "kept")
	limit := func(pages string) { pragma(t, s, "max_page_count="+pages) }
	limit("1") // no more than there are
	var full error
	for range 200 {
		large := strings.Repeat("x", docket.MaxDescription)
		d := storetest.Draft("large")
		d.Description = &large
		if _, full = storetest.Create(t.Context(), s, d); full != nil {
			break
		}
	}
	if docket.KindOf(full) != docket.StorageFull {
		t.Fatalf("filling the file returned %v", full)
	}
	if got, err := s.Get(t.Context(), "alice", kept.ID); err != nil || got.Version != kept.Version {
		t.Errorf("a read of a full file returned %v, %v", got, err)
	}
	limit("1000000")
	storetest.Put(t, s, "after")
}

// TestReadOnly has SQLite refuse to write, as it does when the file system has
// become read-only.
func TestReadOnly(t *testing.T) {
	s := open(t, tempPath(t))
	task := storetest.Put(t, s, "task")
	refuse := func(on string) { pragma(t, s, "query_only="+on) }
	refuse("1")
	if _, err := storetest.Create(t.Context(), s, storetest.Draft("refused")); docket.KindOf(err) != docket.Unavailable {
		t.Errorf("a write returned %v", err)
	}
	if got, err := s.Get(t.Context(), "alice", task.ID); err != nil || got.Version != task.Version {
		t.Errorf("a read returned %+v, %v", got, err)
	}
	refuse("0")
	storetest.Put(t, s, "afterwards")
	if tasks, err := storetest.List(s); err != nil || len(tasks) != 2 {
		t.Errorf("there are %d tasks, %v", len(tasks), err)
	}
}
