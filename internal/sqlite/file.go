package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// file is a SQLite file and how connections to it are made.
type file struct {
	path     string
	readOnly bool
	hook     func() // called before and after each step of a statement; nil but in tests
}

func (f *file) called() {
	if f.hook != nil {
		f.hook()
	}
}

// create makes an empty file that only its owner may read, unless there is a file,
// which it does not open: closing it would drop the locks that SQLite holds on it in
// this process. It sets the path to the one without symbolic links, so that each file
// has one lock beside it. It reports whether the file holds nothing.
func (f *file) create() (empty bool, err error) {
	made, err := os.OpenFile(f.path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	switch {
	case err == nil:
		err = made.Close()
	case errors.Is(err, fs.ErrExist):
		err = nil
	case errors.Is(err, fs.ErrNotExist):
		return false, fmt.Errorf("cannot open %s: the folder %s does not exist", f.path, filepath.Dir(f.path))
	}
	if err != nil {
		return false, fmt.Errorf("cannot open the database: %w", err)
	}
	if f.path, err = filepath.EvalSymlinks(f.path); err != nil {
		return false, err
	}
	info, err := os.Stat(f.path)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("cannot open %s: it is not a file", f.path)
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
