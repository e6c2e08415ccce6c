// Package sqlite is a docket.Store in one SQLite file.
//
// All writes pass through one goroutine that commits them in groups, so that
// many writers share one flush to the disk; see writer. Reads run beside them,
// each on a connection of its own, on a snapshot (write-ahead logging).
package sqlite

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"time"

	"docket"
	"docket/internal/migrate"
	"docket/internal/sqlite/engine"
)

// acquireTimeout bounds the wait for a reader and the wait in the writer's queue.
const acquireTimeout = engine.BusyTimeout

// Store keeps tasks in a SQLite file. It implements docket.Store.
type Store struct {
	file        engine.File
	log         *slog.Logger
	pace        pace
	lock        *lock
	readers     *readers // of short reads
	passes      *readers // of passes over a user's tasks
	writer      *writer
	arrivals    arrivals // of short reads and writes
	checkpoints *checkpointer
	wiper       *wiper // nil until start
	health      health
	inFlight    inFlightKeys
}

var _ docket.Store = (*Store)(nil)

// Open opens the file at path for serving and brings its schema up to date. It makes
// the file, which only its owner may read, when there is none. It fails when another
// process serves or migrates the file.
//
// When the file is a backup, or is not the one that was served from path before, the
// histories of all users are renewed.
func Open(ctx context.Context, path string, log *slog.Logger) (*Store, error) {
	return openFile(ctx, fileAt(path), log, usualPace)
}

// fileAt is the file at path, with the functions of this package.
func fileAt(path string) engine.File { return engine.File{Path: path, Setup: addFunctions} }

// readOnly is fileAt for reading alone.
func readOnly(path string) engine.File {
	f := fileAt(path)
	f.ReadOnly = true
	return f
}

// pace says how often the file is maintained.
type pace struct {
	// idle is how long the writer rests before the log is copied, and most how long it
	// is not copied under traffic. Meanwhile what was written is in the log alone.
	idle, most time.Duration
	// pages is how many pages of 4 KiB the log grows by until it is copied at once.
	pages int
	// wipe is the least time between two passes of the wiper.
	wipe time.Duration
}

var usualPace = pace{idle: 5 * time.Second, most: time.Minute, pages: 8192, wipe: time.Minute}

func openFile(ctx context.Context, f engine.File, log *slog.Logger, p pace) (*Store, error) {
	s, err := openExclusive(f, log)
	if err != nil {
		return nil, err
	}
	s.pace = p
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// start brings the schema up to date and starts to serve.
func (s *Store) start(ctx context.Context) error {
	if _, err := s.migrator().Up(ctx); err != nil {
		return err
	}
	records, err := readRecords(s.writer.conn)
	if err == nil {
		err = migrate.Status{Records: records, Known: migrations}.Check()
	}
	if err != nil {
		return err
	}
	if err := s.renewIfLost(ctx); err != nil {
		return err
	}
	cores := runtime.GOMAXPROCS(0)
	s.readers, err = openReaders(s.file, min(max(cores, 2), 8), docket.StatementTimeout, &s.health)
	if err != nil {
		return err
	}
	s.readers.shorts = &s.arrivals
	// One user may have two passes at work; there is a reader left for another's.
	s.passes, err = openReaders(s.file, min(max(cores-1, 3), 8), docket.PassTimeout, &s.health)
	if err != nil {
		return err
	}
	s.passes.beside = &s.arrivals
	s.checkpoints, err = openCheckpointer(s.file, s.pace, s.log)
	if err != nil {
		return err
	}
	if s.writer.place, err = newPlace(s.file.Path, s.log); err != nil {
		return errors.Join(err, s.checkpoints.conn.Close())
	}
	s.writer.start(s.checkpoints)
	s.wiper = openWiper(s)
	go s.wiper.run()
	return nil
}

// openExclusive takes the locks of the file and opens the writing connection.
func openExclusive(f engine.File, log *slog.Logger) (*Store, error) {
	empty, err := f.Create()
	if err != nil {
		return nil, err
	}
	s := &Store{file: f, log: log}
	if s.lock, err = takeLock(f.Path); err != nil {
		return nil, err
	}
	if s.writer, err = openWriter(f, log); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot open %s: %w", f.Path, err), s.lock.release())
	}
	s.writer.health = &s.health
	if err := s.identify(empty); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Close commits the writes in the queue, copies the write-ahead log into the file and
// releases the file's locks.
func (s *Store) Close() error {
	if s.wiper != nil {
		s.wiper.close()
	}
	var errs []error
	for _, pool := range []*readers{s.readers, s.passes} {
		if pool != nil {
			errs = append(errs, pool.close())
		}
	}
	return errors.Join(append(errs, s.writer.close(), s.lock.release())...)
}
