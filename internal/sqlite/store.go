// Package sqlite is a docket.Store in one SQLite file.
//
// All writes pass through one goroutine that commits them in groups, so that
// many writers share one flush to the disk; see writer. Reads run beside them,
// each on a connection of its own, on a snapshot (write-ahead logging).
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/gofrs/flock"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"docket"
	"docket/internal/migrate"
)

// acquireTimeout bounds the wait for a reader, the wait in the writer's queue and the
// wait for a lock that another program holds on the file.
const acquireTimeout = 2 * time.Second

// Store keeps tasks in a SQLite file. It implements docket.Store.
type Store struct {
	lock     *flock.Flock
	readers  *readers
	writer   *writer
	inFlight inFlightKeys
}

var _ docket.Store = (*Store)(nil)

// Open opens the file at path for serving and brings its schema up to date. It makes
// the file, which only its owner may read, when there is none. It fails when another
// process serves or migrates the file.
func Open(ctx context.Context, path string) (*Store, error) {
	s, err := openExclusive(ctx, path)
	if err != nil {
		return nil, err
	}
	if _, err := s.migrator().Up(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	records, err := records(ctx, s.writer.conn)
	if err == nil {
		err = migrate.Status{Records: records, Known: migrations}.Check()
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if err := renewEpochs(ctx, s.writer.conn); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if err := s.writer.prepare(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.readers, err = openReaders(ctx, path, min(max(runtime.GOMAXPROCS(0), 2), 8))
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	checkpoints, err := openCheckpointer(ctx, path)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.writer.start(checkpoints)
	return s, nil
}

// openExclusive takes the lock on the file and opens the writing connection.
func openExclusive(ctx context.Context, path string) (*Store, error) {
	path, err := create(path)
	if err != nil {
		return nil, err
	}
	lock := flock.New(path+".lock", flock.SetPermissions(0o600))
	held, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("cannot lock %s: %w", path, err)
	}
	if !held {
		return nil, fmt.Errorf("%s is in use by another docket process: stop that one, or set DATABASE_URL to another file", path)
	}
	w, err := openWriter(ctx, path)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot open %s: %w", path, err), lock.Unlock())
	}
	return &Store{lock: lock, writer: w}, nil
}

// create makes an empty file that only its owner may read, unless there is a file. It
// returns the path without symbolic links, so that each file has one lock.
func create(path string) (string, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("cannot open %s: the folder %s does not exist", path, filepath.Dir(path))
	}
	if err != nil {
		return "", fmt.Errorf("cannot open the database: %w", err)
	}
	if err := f.Close(); err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(path)
}

// Close commits the writes in the queue, copies the write-ahead log into the file and
// releases the file's lock.
func (s *Store) Close() error {
	var err error
	if s.readers != nil {
		err = s.readers.close()
	}
	return errors.Join(err, s.writer.close(), s.lock.Unlock())
}

// Ready returns nil when the file can be read and its schema is one that this
// program serves.
func (s *Store) Ready(ctx context.Context) error {
	return s.readers.use(ctx, func(r *reader) error {
		records, err := records(ctx, r.conn)
		if err == nil {
			err = migrate.Status{Records: records, Known: migrations}.Check()
		}
		if err != nil {
			return unavailable(err)
		}
		return nil
	})
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
	"journal_size_limit(67108864)",
}

// dsn returns the driver's name for the file at path.
func dsn(path, mode string, extra ...string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	abs = filepath.ToSlash(abs)
	if !strings.HasPrefix(abs, "/") { // C:/…
		abs = "/" + abs
	}
	query := url.Values{"mode": {mode}, "_pragma": append(append([]string{}, pragmas...), extra...)}
	if mode == "ro" { // changing the journal mode is a write
		query["_pragma"] = append(pragmas[:1:1], extra...)
	}
	u := url.URL{Scheme: "file", Path: abs, RawQuery: query.Encode()}
	return u.String(), nil
}

// openDB opens the file at path with n connections and tries one of them.
func openDB(ctx context.Context, path, mode string, n int, extra ...string) (*sql.DB, error) {
	name, err := dsn(path, mode, extra...)
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", name)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}
