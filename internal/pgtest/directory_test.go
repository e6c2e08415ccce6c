package pgtest

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gofrs/flock"
)

func TestFind(t *testing.T) {
	root := t.TempDir()
	for _, path := range []string{"9/bin/initdb", "9/bin/postgres", "15/bin/initdb", "15/bin/postgres", "16/bin/initdb", "path/initdb", "path/postgres"} {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", "/nonexistent")
	pattern := filepath.Join(root, "*/bin")
	if dir, err := find(pattern, "initdb", "postgres"); err != nil || dir != filepath.Join(root, "15/bin") {
		t.Errorf("the newest complete one: %s, %v", dir, err)
	}
	if _, err := find(pattern, "initdb", "postgres", "pgbouncer"); !errors.Is(err, errMissing) {
		t.Errorf("without pgbouncer: %v", err)
	}
	t.Setenv("PATH", filepath.Join(root, "16/bin")) // lacks postgres
	if dir, err := find(pattern, "initdb", "postgres"); err != nil || dir != filepath.Join(root, "15/bin") {
		t.Errorf("with an incomplete one in PATH: %s, %v", dir, err)
	}
	t.Setenv("PATH", filepath.Join(root, "path"))
	if dir, err := find(pattern, "initdb", "postgres"); err != nil || dir != filepath.Join(root, "path") {
		t.Errorf("with one in PATH: %s, %v", dir, err)
	}
}

func TestReaches(t *testing.T) {
	other := &account{uid: 54321, gid: 54321}
	private := t.TempDir()
	if err := os.Chmod(private, 0o700); err != nil {
		t.Fatal(err)
	}
	inside := filepath.Join(private, "inside")
	if err := os.Mkdir(inside, 0o755); err != nil {
		t.Fatal(err)
	}
	if reaches(other, inside) {
		t.Error("another user may enter a private directory")
	}
	if !reaches(nil, inside) {
		t.Error("we may not enter our own directory")
	}
	if !reaches(other, "/") {
		t.Error("another user may not enter /")
	}
	if reaches(other, filepath.Join(private, "absent")) {
		t.Error("another user may enter a directory that does not exist")
	}
}

func TestSweepRemovesUnlockedDirectories(t *testing.T) {
	base := t.TempDir()
	mkdir := func(name string) string {
		path := filepath.Join(base, name)
		if err := os.MkdirAll(filepath.Join(path, "data"), 0o700); err != nil {
			t.Fatal(err)
		}
		return path
	}
	exists := func(path string) bool {
		_, err := os.Stat(path)
		return err == nil
	}
	held, left, other := mkdir(directoryPrefix+"held"), mkdir(directoryPrefix+"left"), mkdir("other")
	lock := flock.New(filepath.Join(held, lockName))
	if ok, err := lock.TryLock(); !ok || err != nil {
		t.Fatal(ok, err)
	}
	t.Cleanup(func() { _ = lock.Close() })

	sweep(base, time.Hour)
	if !exists(left) {
		t.Error("a young directory was removed")
	}
	sweep(base, 0)
	if exists(left) || !exists(held) || !exists(other) {
		t.Errorf("left %v, held %v, other %v", exists(left), exists(held), exists(other))
	}
}
