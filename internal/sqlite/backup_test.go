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

func TestBackup(t *testing.T) {
	path := tempPath(t)
	s := open(t, path)
	task := storetest.Put(t, s, "task")
	target := filepath.Join(t.TempDir(), "copy.db")
	if err := Backup(t.Context(), path, target); err != nil {
		t.Fatal(err)
	}
	storetest.Put(t, s, "later")

	info, err := os.Stat(target)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the copy: %v, %v", info, err)
	}
	if left, _ := filepath.Glob(target + "*.tmp"); left != nil {
		t.Errorf("left behind: %v", left)
	}
	if err := Backup(t.Context(), path, target); err == nil || !strings.Contains(err.Error(), "exists") {
		t.Errorf("a second backup to the same name returned %v", err)
	}
	if log, _ := filepath.Glob(target + "-*"); log != nil {
		t.Errorf("beside the copy: %v", log)
	}
	copied := open(t, target)
	mark := func(s *Store) int64 {
		states, err := s.Counters(t.Context(), []docket.UserID{"alice"})
		if err != nil {
			t.Fatal(err)
		}
		return states["alice"].Epoch
	}
	if there, here := mark(copied), mark(s); there == here || there <= 0 {
		t.Errorf("the epoch %d became %d in the copy", here, there)
	}
	if tasks, err := storetest.List(copied); err != nil || len(tasks) != 1 || tasks[0].ID != task.ID {
		t.Errorf("the copy holds %v, %v", tasks, err)
	}
}

func TestBackupOfNothing(t *testing.T) {
	target := filepath.Join(t.TempDir(), "copy.db")
	if err := Backup(t.Context(), tempPath(t), target); err == nil {
		t.Fatal("a file that does not exist was backed up")
	}
	if _, err := os.Stat(target); err == nil {
		t.Error("the failure left a file behind")
	}
}

// TestEpochsOfBackups serves two copies of one backup: neither is the history of
// the other, nor of the source, which keeps its own.
func TestEpochsOfBackups(t *testing.T) {
	path, backup, other := tempPath(t), tempPath(t), tempPath(t)
	epoch := func(path string) int64 {
		t.Helper()
		s, err := Open(t.Context(), path, noLog)
		if err != nil {
			t.Fatal(err)
		}
		if path != backup && path != other {
			storetest.Put(t, s, "task")
		}
		states, err := s.Counters(t.Context(), []docket.UserID{"alice"})
		if err := errors.Join(err, s.Close()); err != nil {
			t.Fatal(err)
		}
		return states["alice"].Epoch
	}
	source := epoch(path)
	if err := Backup(t.Context(), path, backup); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(backup)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(other, data, 0o600); err != nil {
		t.Fatal(err)
	}
	first, again, second := epoch(backup), epoch(backup), epoch(other)
	if source != epoch(path) || first != again || first == source || second == source || second == first {
		t.Errorf("epochs: source %d, then %d; a copy %d, then %d; another copy %d", source, epoch(path), first, again, second)
	}
}

// TestLeftoversOfBackups has one backup that was killed and one that runs.
func TestLeftoversOfBackups(t *testing.T) {
	path := tempPath(t)
	storetest.Put(t, open(t, path), "task")
	dir := t.TempDir()
	killed, _, err := workFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(killed, "docket.db"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(killed, workLock), filepath.Join(killed, "x")); err != nil { // its lock is held
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(killed, workLock), nil, 0o600); err != nil { // as after its process has ended
		t.Fatal(err)
	}
	runs, done, err := workFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	if err := Backup(t.Context(), path, filepath.Join(dir, "copy.db")); err != nil {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, workPattern)); err != nil || len(left) != 1 || left[0] != runs {
		t.Errorf("there are %v, %v", left, err)
	}
}
