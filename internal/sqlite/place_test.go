package sqlite

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"docket"
	"docket/internal/storetest"
)

// openLogged opens the file at path.
func openLogged(t *testing.T, path string) (*Store, *storetest.Log) {
	t.Helper()
	log := &storetest.Log{}
	s, err := Open(t.Context(), path, log.Logger())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s, log
}

// TestFileThatIsReplaced removes or replaces the file, or its log, while it is served.
func TestFileThatIsReplaced(t *testing.T) {
	move := func(t *testing.T, from, to string) {
		t.Helper()
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	for name, replace := range map[string]func(t *testing.T, path string) (undo func()){
		"removed": func(t *testing.T, path string) func() {
			move(t, path, path+".away")
			return func() { move(t, path+".away", path) }
		},
		"replaced": func(t *testing.T, path string) func() {
			data, err := os.ReadFile(path + "-wal")
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path+".other", data, 0o600); err != nil {
				t.Fatal(err)
			}
			move(t, path, path+".away")
			move(t, path+".other", path)
			return func() { move(t, path+".away", path) }
		},
		"log removed": func(t *testing.T, path string) func() {
			move(t, path+"-wal", path+".away")
			return func() { move(t, path+".away", path+"-wal") }
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := tempPath(t)
			s, log := openLogged(t, path)
			kept := storetest.Put(t, s, "kept")
			undo := replace(t, path)
			for range 2 {
				_, err := storetest.Create(t.Context(), s, storetest.Draft("lost"))
				if e, ok := errors.AsType[*docket.Error](err); !ok || e.Kind != docket.Unavailable || !strings.Contains(e.Detail, "removed or replaced") {
					t.Fatalf("a write returned %v", err)
				}
			}
			if err := s.Ready(t.Context()); docket.KindOf(err) != docket.Unavailable {
				t.Errorf("Ready returned %v", err)
			}
			if n := log.Count("level=ERROR"); n != 1 {
				t.Errorf("the log has %d errors:\n%s", n, log)
			}
			undo()
			if err := s.Ready(t.Context()); err != nil {
				t.Errorf("when the file was back, Ready returned %v", err)
			}
			storetest.Put(t, s, "afterwards")
			if tasks, err := storetest.List(s); err != nil || len(tasks) != 2 || tasks[0].ID != kept.ID {
				t.Errorf("there are %v, %v", tasks, err)
			}
		})
	}
}

// TestSecondServerByAHardLink opens a file that is served by another of its names, in
// another folder.
func TestSecondServerByAHardLink(t *testing.T) {
	path := tempPath(t)
	s, err := Open(t.Context(), path, noLog)
	if err != nil {
		t.Fatal(err)
	}
	storetest.Put(t, s, "task")
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Link(path, link); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), link, noLog); err == nil || !strings.Contains(err.Error(), "in use by another docket process") {
		t.Errorf("Open by a hard link returned %v", err)
	}
	if err := Migrate(t.Context(), link, nil); err == nil || !strings.Contains(err.Error(), "in use by another docket process") {
		t.Errorf("Migrate by a hard link returned %v", err)
	}
	// Nothing was taken from the first.
	storetest.Put(t, s, "afterwards")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if tasks, err := storetest.List(open(t, link)); err != nil || len(tasks) != 2 {
		t.Errorf("after the first has stopped there are %d tasks, %v", len(tasks), err)
	}
}
