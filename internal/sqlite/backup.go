package sqlite

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"

	"docket/internal/sqlite/engine"
)

// Backup copies the database at path, which may be in use, to target: a consistent
// snapshot, complete and on stable storage when Backup returns nil. It never
// overwrites a file. Only the owner of the copy may read it. When the copy is opened
// for serving, the histories of all users are renewed. So no sync token from the time
// after the backup is valid for the copy.
//
// It also removes what backups into the same folder left that were killed.
func Backup(ctx context.Context, path, target string) (err error) {
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("there is no database to back up: %w", err)
	}
	if _, err := os.Stat(filepath.Dir(target)); err != nil {
		return fmt.Errorf("the folder of the backup cannot be used: %w", err)
	}
	if _, err := os.Lstat(target); err == nil {
		return fmt.Errorf("%s exists: name a new file", target)
	}
	removeLeftovers(filepath.Dir(target))
	folder, done, err := workFolder(filepath.Dir(target))
	if err != nil {
		return fmt.Errorf("cannot write the backup: %w", err)
	}
	defer func() { err = errors.Join(err, done()) }()
	temp := filepath.Join(folder, "docket.db")
	if err := copyInto(ctx, path, temp); err != nil {
		return err
	}
	// A link fails where a rename would silently replace a file made meanwhile.
	if err := os.Link(temp, target); err != nil {
		return fmt.Errorf("cannot name the backup: %w", err)
	}
	return syncDir(filepath.Dir(target))
}

// userVersionOffset is the offset of the user version in the file (section 1.3 of
// SQLite's "Database File Format").
const userVersionOffset = 60

// copyInto copies the database at path into a new file, which only its owner may read,
// and marks the copy with lostHistory.
func copyInto(ctx context.Context, path, target string) (err error) {
	conn, err := readOnly(path).Open()
	if err != nil {
		return fmt.Errorf("cannot open %s: %w", path, err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	defer conn.Until(ctx)()
	made, err := os.OpenFile(target, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600) // VACUUM INTO fills an empty file
	if err != nil {
		return fmt.Errorf("cannot write the backup: %w", err)
	}
	defer func() { err = errors.Join(err, made.Close()) }()
	if _, err := conn.Once("VACUUM INTO ?", func(s *engine.Stmt) error { return s.Text(target).Exec() }); err != nil {
		return fmt.Errorf("cannot copy %s: %w", path, err)
	}
	if _, err := made.WriteAt(binary.BigEndian.AppendUint32(nil, lostHistory), userVersionOffset); err != nil {
		return fmt.Errorf("cannot write the backup: %w", err)
	}
	if err := made.Sync(); err != nil {
		return fmt.Errorf("cannot write the backup: %w", err)
	}
	return nil
}

// workPattern names the folders in which backups are made. In each is a file that is
// locked while the backup runs.
const (
	workPattern = "docket-backup-*.tmp"
	workLock    = "lock"
)

// workFolder makes a folder for one backup in dir. Only its owner may read it.
func workFolder(dir string) (folder string, done func() error, err error) {
	folder, err = os.MkdirTemp(dir, workPattern)
	if err != nil {
		return "", nil, err
	}
	l := flock.New(filepath.Join(folder, workLock), flock.SetPermissions(0o600))
	done = func() error { return errors.Join(l.Close(), os.RemoveAll(folder)) }
	if err := l.Lock(); err != nil {
		return "", nil, errors.Join(err, done())
	}
	return folder, done, nil
}

// removeLeftovers removes the folders in dir whose backups do not run any more. What
// it cannot remove, the next backup tries again.
func removeLeftovers(dir string) {
	folders, err := filepath.Glob(filepath.Join(dir, workPattern))
	if err != nil {
		return
	}
	for _, folder := range folders {
		l := flock.New(filepath.Join(folder, workLock), flock.SetFlag(os.O_RDWR))
		if held, err := l.TryLock(); err != nil || !held {
			continue
		}
		_ = l.Close()
		_ = os.RemoveAll(folder)
	}
}

func syncDir(name string) error {
	dir, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
