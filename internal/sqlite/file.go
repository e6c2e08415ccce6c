package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	sqlite "modernc.org/sqlite"
)

// file is a SQLite file and how connections to it are made.
type file struct {
	path    string
	connect func(dsn string) (driver.Connector, error)
}

func fileAt(path string) file { return file{path: path, connect: sqlite.NewConnector} }

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

// pragmas are set on every connection. Durability needs synchronous(FULL): a commit
// returns when its log is on stable storage.
var pragmas = []string{
	fmt.Sprintf("busy_timeout(%d)", acquireTimeout.Milliseconds()), // first: the next ones may have to wait
	"journal_mode(WAL)",
	"synchronous(FULL)",
	"foreign_keys(1)",
	"cache_size(-2000)",
	"temp_store(MEMORY)",
	"trusted_schema(0)",
	"secure_delete(1)", // what is deleted is overwritten in the file
	"journal_size_limit(67108864)",
}

// dsn returns the driver's name for the file.
func (f file) dsn(mode string, extra ...string) (string, error) {
	abs, err := filepath.Abs(f.path)
	if err != nil {
		return "", err
	}
	abs = filepath.ToSlash(abs)
	if !strings.HasPrefix(abs, "/") { // C:/…
		abs = "/" + abs
	}
	if err := registerFunctions(); err != nil {
		return "", err
	}
	query := url.Values{"mode": {mode}, "_pragma": append(append([]string{}, pragmas...), extra...)}
	if mode == "ro" { // changing the journal mode is a write
		query["_pragma"] = append(pragmas[:1:1], extra...)
	}
	u := url.URL{Scheme: "file", Path: abs, RawQuery: query.Encode()}
	return u.String(), nil
}

// open opens the file with at most n connections and tries one of them.
func (f file) open(ctx context.Context, mode string, n int, extra ...string) (*sql.DB, error) {
	name, err := f.dsn(mode, extra...)
	if err != nil {
		return nil, err
	}
	inner, err := f.connect(name)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(guard{inner})
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}
