package sqlite

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Backup copies the database at path, which may be in use, to target: a consistent
// snapshot, complete and on stable storage when Backup returns nil. It never
// overwrites a file. Only the owner of the copy may read it. When the copy is opened
// for serving, all users get new epochs. So no sync token from the time after the
// backup is valid for the copy.
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
	if _, err := temp.WriteAt(binary.BigEndian.AppendUint32(nil, isBackup), userVersionOffset); err != nil {
		return fmt.Errorf("cannot write the backup: %w", err)
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

// renewAllSQL spans all users. It is an exclusive or.
const renewAllSQL = "UPDATE owners SET epoch = (epoch | ?1) - (epoch & ?1)"

const (
	// isBackup is the user version of a backup until it is served. userVersionOffset is
	// the offset of the user version in the file (section 1.3 of SQLite's "Database File
	// Format").
	isBackup          = 1
	userVersionOffset = 60
)

// renewEpochs gives the users of a backup new epochs, which differ from those in every
// other copy of it. It changes nothing in a file that is no backup.
func renewEpochs(ctx context.Context, conn *sql.Conn) error {
	var version int64
	if err := conn.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil || version != isBackup {
		return err
	}
	var random [8]byte
	_, _ = rand.Read(random[:]) // it never fails
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // no effect after a commit
	shift := int64(binary.BigEndian.Uint64(random[:]) >> 1)
	if _, err := tx.ExecContext(ctx, renewAllSQL, shift); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "PRAGMA user_version = 0"); err != nil {
		return err
	}
	return tx.Commit()
}

func syncDir(name string) error {
	dir, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
