package e2e

import (
	"context"
	"database/sql"
	"maps"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	_ "modernc.org/sqlite" // to look at the file that a killed server leaves
)

const (
	crashWriters  = 16
	crashUsers    = 4 // so that writers share an owner's counter
	crashLongest  = 400 * time.Millisecond
	crashPerRound = time.Minute
)

// TestCrash kills the server while many clients write, again and again, and
// looks for each write that was acknowledged.
//
// A kill has to hit the moment between an acknowledgement and the write to the
// file that should have come first. Starting the server again takes long, so
// before each kill it is stopped at many moments, and the file is looked at as
// a kill would have left it.
func TestCrash(t *testing.T) {
	s := newServer(t, t.TempDir(), defaultDatabase)
	writers := newWriters(crashWriters, crashUsers)
	rounds, freezes := long(3, 60), 0
	for round := range rounds {
		s.Start(t)
		verify(t, s, writers)
		freezes += crashRound(t, s, writers)
		checkIntegrity(t, filepath.Join(s.dir, "docket.db"))
		if t.Failed() {
			t.Fatalf("in round %d", round+1)
		}
	}
	done := verifyAtLast(t, s, writers)
	showf(t, "kill -9 under 16 writers (SQLite)", "0 acknowledged writes lost", "%d kills and %d stops, %d writes done, 0 lost", rounds, freezes, done)
}

// verifyAtLast starts the server once more, to look at what there is, and
// returns how many writes were done.
func verifyAtLast(t *testing.T, s *server, writers []*writer) (done int) {
	t.Helper()
	s.Start(t)
	verify(t, s, writers)
	verifyNumbers(t, s, writers)
	s.Stop(t)
	for _, w := range writers {
		done += w.done
	}
	return done
}

// crashRound has the writers write until the server is killed under them.
func crashRound(t *testing.T, s *server, writers []*writer) (freezes int) {
	known := &ledger{versions: map[string]int64{}, news: make(chan struct{})}
	written := make(chan struct{})
	go func() {
		defer close(written)
		writeUntilKilled(t, s, writers, known.note)
	}()
	for range long(20, 10) {
		if lookFrozen(t, s, known); t.Failed() {
			break
		}
		freezes++
	}
	time.Sleep(rand.N(crashLongest)) // the moment of the kill is random on purpose
	s.Kill(t)
	<-written
	return freezes
}

// writeUntilKilled has the writers write, and note what is acknowledged, until
// the server does not answer.
func writeUntilKilled(t *testing.T, s *server, writers []*writer, note func(task)) {
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), crashPerRound)
	defer cancel()
	c := newClient(t, s.URL, crashWriters)
	for _, w := range writers {
		wg.Go(func() {
			for {
				got, result, err := w.write(ctx, c)
				switch {
				case result == unanswered && ctx.Err() == nil:
					return // that was the kill
				case result != succeeded:
					t.Errorf("writer %d: %s %v", w.n, result, err)
					return
				}
				note(got)
			}
		})
	}
	wg.Wait()
}

// ledger is what was acknowledged, as it becomes known.
type ledger struct {
	mu       sync.Mutex
	versions map[string]int64 // of the tasks, by id
	news     chan struct{}
}

func (l *ledger) note(t task) {
	l.mu.Lock()
	l.versions[t.ID] = t.Version
	l.mu.Unlock()
	select {
	case l.news <- struct{}{}:
	default:
	}
}

// lookFrozen stops the server in the moment of an acknowledgement, and compares
// what it has then written with all that it has acknowledged.
func lookFrozen(t *testing.T, s *server, known *ledger) {
	t.Helper()
	select {
	case <-known.news:
	case <-time.After(crashPerRound):
		t.Fatal("nothing is acknowledged")
	}
	s.Freeze(t)
	dir := t.TempDir()
	defer os.RemoveAll(dir) // now: there are many
	for _, name := range []string{"docket.db", "docket.db-wal"} {
		content, err := os.ReadFile(filepath.Join(s.dir, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), content, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	// Whatever arrives now was sent before the server was stopped.
	acknowledged := known.copy()
	s.Thaw(t)

	stored := storedVersions(t, filepath.Join(dir, "docket.db"))
	for id, version := range acknowledged {
		if got := stored[strings.ReplaceAll(id, "-", "")]; got < version {
			t.Errorf("version %d of %s was acknowledged before it was written: the file has version %d", version, id, got)
		}
	}
}

func (l *ledger) copy() map[string]int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.versions)
}

// storedVersions reads the versions of the tasks in a file, by their ids in
// hexadecimal digits.
func storedVersions(t *testing.T, path string) map[string]int64 {
	t.Helper()
	db := openFile(t, path, "rw") // to recover it from its log
	defer db.Close()
	rows, err := db.QueryContext(t.Context(), "SELECT lower(hex(id)), version FROM tasks")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	versions := map[string]int64{}
	for rows.Next() {
		var id string
		var version int64
		if err := rows.Scan(&id, &version); err != nil {
			t.Fatal(err)
		}
		versions[id] = version
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return versions
}

// checkIntegrity opens the file as the killed server left it, changing nothing.
func checkIntegrity(t *testing.T, path string) {
	t.Helper()
	db := openFile(t, path, "ro")
	defer db.Close()
	var result string
	if err := db.QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&result); err != nil || result != "ok" {
		t.Errorf("the integrity check says %q, %v", result, err)
	}
}

func openFile(t *testing.T, path, mode string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path, RawQuery: "mode=" + mode}).String())
	if err != nil {
		t.Fatal(err)
	}
	return db
}
