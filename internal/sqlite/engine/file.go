package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// BusyTimeout bounds the wait of a statement for a lock that another connection or
// program holds on the file.
const BusyTimeout = 2 * time.Second

// File is a SQLite file and how connections to it are made.
type File struct {
	Path     string
	ReadOnly bool
	Setup    func(*Conn) error // adds functions to a new connection; may be nil
	Hook     func()            // called before and after each step of a statement; nil but in tests
}

func (f *File) called() {
	if f.Hook != nil {
		f.Hook()
	}
}

// Create makes an empty file that only its owner may read, unless there is a file,
// which it does not open: closing it would drop the locks that SQLite holds on it in
// this process. It sets the path to the one without symbolic links, so that each file
// has one lock beside it. It reports whether the file holds nothing.
func (f *File) Create() (empty bool, err error) {
	made, err := os.OpenFile(f.Path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	switch {
	case err == nil:
		err = made.Close()
	case errors.Is(err, fs.ErrExist):
		err = nil
	case errors.Is(err, fs.ErrNotExist):
		return false, fmt.Errorf("cannot open %s: the folder %s does not exist", f.Path, filepath.Dir(f.Path))
	}
	if err != nil {
		return false, fmt.Errorf("cannot open the database: %w", err)
	}
	if f.Path, err = filepath.EvalSymlinks(f.Path); err != nil {
		return false, err
	}
	info, err := os.Stat(f.Path)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("cannot open %s: it is not a file", f.Path)
	}
	return err == nil && info.Size() == 0, err
}

// pragmas are set on every connection. Durability needs synchronous = FULL: a commit
// returns when its log is on stable storage.
var pragmas = []string{
	"journal_mode = WAL",
	"synchronous = FULL",
	"foreign_keys = 1",
	"cache_size = -2000",
	"temp_store = MEMORY",
	"trusted_schema = 0",
	"secure_delete = 1", // what is deleted is overwritten in the file
	"journal_size_limit = 67108864",
}
