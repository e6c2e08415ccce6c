package sqlite

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"

	"github.com/gofrs/flock"

	"docket"
)

// lock is what a process holds while it serves or migrates a file: a lock on the file
// beside it, and one on the database itself, which other names of it share.
//
// The file beside it also names the database that was served, so that another one in
// its place is noticed.
type lock struct {
	beside *flock.Flock
	itself io.Closer
	found  bool // there was a lock file
}

// takeLock takes the locks of the file at path.
func takeLock(path string) (*lock, error) {
	l := &lock{beside: flock.New(path+".lock", flock.SetPermissions(0o600))}
	_, err := os.Lstat(l.beside.Path())
	if l.found = err == nil; err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot lock %s: %w", path, err)
	}
	held, err := l.beside.TryLock()
	if err != nil {
		return nil, fmt.Errorf("cannot lock %s: %w", path, err)
	}
	if !held {
		return nil, inUse(path)
	}
	if l.itself, err = lockItself(path); err != nil {
		return nil, errors.Join(err, l.beside.Unlock())
	}
	return l, nil
}

// ErrInUse is the error of opening a file that another process has open.
var ErrInUse = errors.New("in use by another docket process")

func inUse(path string) error {
	return fmt.Errorf("%s is %w: stop that one, or set DATABASE_URL to another file", path, ErrInUse)
}

// named returns the database that the lock file names, "" when it names none.
func (l *lock) named() (string, error) {
	text, err := os.ReadFile(l.beside.Path())
	return strings.TrimSpace(string(text)), err
}

// name makes the lock file name a database, on stable storage.
func (l *lock) name(database string) error {
	f, err := os.OpenFile(l.beside.Path(), os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(database + "\n")
	return errors.Join(err, f.Sync(), f.Close())
}

// release must follow the end of all connections: it closes a descriptor of the
// database, and with it the locks that SQLite holds.
func (l *lock) release() error { return errors.Join(l.itself.Close(), l.beside.Unlock()) }

// place is where the opened file was found. While something else is there, a commit
// would be lost with the file.
type place struct {
	path string
	log  *slog.Logger
	file os.FileInfo
	wal  os.FileInfo // nil until the schema is up to date
	gone atomic.Bool
}

// newPlace must be called when the file is open.
func newPlace(path string, log *slog.Logger) (*place, error) {
	p := &place{path: path, log: log}
	var err error
	if p.file, err = os.Stat(path); err == nil {
		p.wal, err = os.Stat(path + "-wal")
	}
	return p, err
}

// check returns an error of kind Unavailable unless the opened file and its log are
// where they were.
func (p *place) check() error {
	err := same(p.path, p.file)
	if err == nil {
		err = same(p.path+"-wal", p.wal)
	}
	if err == nil {
		if p.gone.CompareAndSwap(true, false) {
			p.log.Info("the database file is back in its place", "file", p.path)
		}
		return nil
	}
	if p.gone.CompareAndSwap(false, true) {
		p.log.Error("the database file was removed or replaced while it was served: writes are refused until this process is restarted or the file is back", "file", p.path, "error", err)
	}
	return &docket.Error{Kind: docket.Unavailable, Detail: "The database file was removed or replaced while the server runs. Nothing was written. The operator has to restart the server.", Err: err}
}

func same(path string, opened os.FileInfo) error {
	info, err := os.Stat(path)
	if err == nil && !os.SameFile(info, opened) {
		err = fmt.Errorf("sqlite: %s is another file than the one that was opened", path)
	}
	return err
}

// identify marks the file as one with a lost history unless it holds nothing or the
// lock beside it names it, and has the lock name it.
func (s *Store) identify(empty bool) error {
	database, err := identity(s.file.Path)
	if err != nil {
		return err
	}
	known := empty
	if !known {
		if known, err = s.known(database); err != nil {
			return err
		}
	}
	if !known {
		if err := s.writer.markLost(); err != nil {
			return err
		}
	}
	if database == "" {
		return nil
	}
	return s.lock.name(database)
}

// known reports whether the file is the one that was served from its path before.
func (s *Store) known(database string) (bool, error) {
	if !s.lock.found || database == "" { // a system that cannot tell files apart
		return s.lock.found, nil
	}
	named, err := s.lock.named()
	if err != nil || named != "" {
		return named == database, err
	}
	// The lock of a program from before schema 4 names nothing.
	const naming = 4
	records, err := readRecords(s.writer.conn)
	return len(records) < naming, err
}
