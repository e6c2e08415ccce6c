package e2e

import (
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

	_ "modernc.org/sqlite" // to read the file of a killed server
)

const (
	crashWriters = 16
	crashUsers   = 4 // so that writers share a version counter
	crashPause   = 400 * time.Millisecond
)

// TestCrash kills the server again and again while many clients write, and looks
// for each write that was acknowledged.
//
// A server that acknowledges a write before it is in the file would be caught
// only by a kill between the two. So before each kill the server is frozen at
// many acknowledgements, and a copy of the file is examined as a kill would
// have left it.
func TestCrash(t *testing.T) {
	t.Parallel()
	s := newServer(t, t.TempDir(), defaultDatabase)
	writers := newWriters(crashWriters, crashUsers)
	rounds, freezes := long(2, 60), 0
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
	showf(t, "kill -9 under 16 writers (SQLite)", "0 acknowledged writes lost", "%d kills and %d freezes, %d writes done, 0 lost", rounds, freezes, done)
}

// verifyAtLast starts the server once more, verifies what is stored, and returns
// how many writes were done.
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

// crashRound has the writers write until it kills the server. It returns how often
// it froze the server before.
func crashRound(t *testing.T, s *server, writers []*writer) (freezes int) {
	known := &ledger{versions: map[string]int64{}, news: make(chan struct{})}
	written := make(chan struct{})
	go func() {
		defer close(written)
		writeUntilKilled(t, s, writers, known.note)
	}()
	for range 10 {
		if examineFrozen(t, s, known); t.Failed() {
			break
		}
		freezes++
	}
	time.Sleep(rand.N(crashPause)) // so that each kill meets other requests
	s.Kill(t)
	<-written
	return freezes
}

// writeUntilKilled has the writers write, and note each acknowledged task, until
// the server does not answer.
func writeUntilKilled(t *testing.T, s *server, writers []*writer, note func(task)) {
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, cancel := untilDeadline(t)
	defer cancel()
	c := newClient(t, s.URL, crashWriters)
	for _, w := range writers {
		wg.Go(func() {
			for {
				got, result, err := w.write(ctx, c)
				switch {
				case result == unanswered && ctx.Err() == nil:
					return // the server was killed
				case result == refused:
					continue // it was frozen for longer than a request waits
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

// ledger is the versions of the tasks that were acknowledged so far.
type ledger struct {
	mu       sync.Mutex
	versions map[string]int64 // by id
	news     chan struct{}    // receives when a task is acknowledged
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

// examineFrozen freezes the server when it has acknowledged a write, and compares
// its file with all that it has acknowledged.
func examineFrozen(t *testing.T, s *server, known *ledger) {
	t.Helper()
	select {
	case <-known.news:
	case <-time.After(patience):
		t.Fatal("no write is acknowledged")
	}
	s.Freeze(t)
	dir := t.TempDir()
	defer os.RemoveAll(dir) // not at the end of the test: there are many
	for _, name := range []string{"docket.db", "docket.db-wal"} {
		content, err := os.ReadFile(filepath.Join(s.dir, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), content, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	// What arrives now was sent before the server was frozen.
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

// storedVersions reads the versions of the tasks in a file, by id in hexadecimal
// digits.
func storedVersions(t *testing.T, path string) map[string]int64 {
	t.Helper()
	db := openFile(t, path, "rw") // to recover it from its write-ahead log
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

// checkIntegrity checks the file of a killed server without changing it.
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
