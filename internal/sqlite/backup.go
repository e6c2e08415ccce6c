package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Backup copies the database at path, which may be in use, to target: a
// consistent snapshot, complete and on stable storage when Backup returns nil.
// The histories in the copy are marked as others: where it is restored, no token
// is taken that was given out before or since.
// It never writes over a file that exists. The copy is readable by its owner only.
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
	db, err := openDB(ctx, path, "ro", 1)
	if err != nil {
		return fmt.Errorf("cannot open %s: %w", path, err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()

	// CreateTemp makes the file with mode 0600; VACUUM INTO fills an empty one.
	temp, err := os.CreateTemp(filepath.Dir(target), filepath.Base(target)+".*.tmp")
	if err != nil {
		return fmt.Errorf("cannot write the backup: %w", err)
	}
	defer func() {
		closed := temp.Close()
		if removed := os.Remove(temp.Name()); !errors.Is(removed, fs.ErrNotExist) {
			err = errors.Join(err, removed)
		}
		err = errors.Join(err, closed)
	}()
	if _, err := db.ExecContext(ctx, "VACUUM INTO ?", temp.Name()); err != nil {
		return fmt.Errorf("cannot copy %s: %w", path, err)
	}
	if err := renewEpochs(ctx, temp.Name()); err != nil {
		return fmt.Errorf("cannot mark the backup: %w", err)
	}
	if err := temp.Sync(); err != nil {
		return fmt.Errorf("cannot write the backup: %w", err)
	}
	// A link fails where a rename would silently replace a file made meanwhile.
	if err := os.Link(temp.Name(), target); err != nil {
		return fmt.Errorf("cannot name the backup: %w", err)
	}
	return syncDir(filepath.Dir(target))
}

// renewEpochsSQL is of all users: it makes a new epoch for each. They are positive.
const renewEpochsSQL = "UPDATE owners SET epoch = (random() & 0x7fffffffffffffff)"

// renewEpochs keeps the file at path in one piece: nothing is left in a log
// beside it.
func renewEpochs(ctx context.Context, path string) (err error) {
	db, err := openDB(ctx, path, "rw", 1, "journal_mode(DELETE)")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	_, err = db.ExecContext(ctx, renewEpochsSQL)
	return err
}

func syncDir(name string) error {
	dir, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
