package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// TestWritesToReplacedFile takes the file away from under a server. What the
// server would write then is nowhere to be found after its end, so it refuses
// every write that begins later, says why in its log, and is not ready. All that
// it acknowledged before is in the file that was taken away.
func TestWritesToReplacedFile(t *testing.T) {
	alongside(t)
	for name, take := range map[string]func(t *testing.T, s *server){
		"rm": func(t *testing.T, s *server) {
			keepLink(t, s)
			removeFiles(t, s, "docket.db")
		},
		"rm of all files": func(t *testing.T, s *server) {
			keepLink(t, s)
			removeFiles(t, s, "docket.db", "docket.db-wal", "docket.db-shm", "docket.db.lock")
		},
		"rm of the log": func(t *testing.T, s *server) {
			keepLink(t, s)
			removeFiles(t, s, "docket.db-wal")
		},
		"mv away": func(t *testing.T, s *server) {
			keepLink(t, s)
			moveFile(t, s, "docket.db", "elsewhere.db")
		},
		"mv over it": func(t *testing.T, s *server) {
			keepLink(t, s)
			other := startServer(t)
			other.Stop(t)
			if err := os.Rename(filepath.Join(other.dir, "docket.db"), filepath.Join(s.dir, "docket.db")); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startServer(t)
			c := newClient(t, s.URL, failoverWriters)
			acknowledged := writeTogether(t, c, http.StatusCreated)
			take(t, s)
			for range 2 {
				writeTogether(t, c, http.StatusServiceUnavailable)
			}
			c.wantReadiness(t, http.StatusServiceUnavailable, "without its file")
			if !logsTrouble(t, s, "docket.db") {
				t.Error("no warning or error in the log names the file")
			}
			s.Kill(t)

			kept := storedVersions(t, filepath.Join(s.dir, "kept.db"))
			for _, id := range acknowledged {
				if kept[strings.ReplaceAll(id, "-", "")] == 0 {
					t.Errorf("the task %s was acknowledged before the file was taken away, and is not in it", id)
				}
			}
		})
	}
}

// keepLink gives the file and its log, as they are, a second name.
func keepLink(t *testing.T, s *server) {
	t.Helper()
	for from, to := range map[string]string{"docket.db": "kept.db", "docket.db-wal": "kept.db-wal"} {
		if err := os.Link(filepath.Join(s.dir, from), filepath.Join(s.dir, to)); err != nil {
			t.Fatal(err)
		}
	}
}

// writeTogether has clients write at the same time, each of which must be
// answered so, and returns the ids of the tasks made.
func writeTogether(t *testing.T, c client, status int) (ids []string) {
	t.Helper()
	var mu sync.Mutex
	var requests sync.WaitGroup
	others := map[string]int{} // answers, by what they are
	for i := range failoverWriters {
		requests.Go(func() {
			a, err := c.do(t.Context(), http.MethodPost, tasksPath(fmt.Sprint("u", i%failoverUsers)), `{"title": "x"}`)
			var made task
			if err == nil && status == http.StatusCreated {
				err = a.decode(&made)
			}
			mu.Lock()
			defer mu.Unlock()
			ids = append(ids, made.ID)
			if err != nil || a.Status != status {
				others[fmt.Sprint(a.Status, " ", err)]++
			}
		})
	}
	requests.Wait()
	if len(others) > 0 {
		t.Errorf("%d writes are to be answered with %d: %v", failoverWriters, status, others)
	}
	return ids
}

// logsTrouble reports whether a warning or an error in the log has the text.
func logsTrouble(t *testing.T, s *server, text string) bool {
	t.Helper()
	for line := range strings.Lines(s.log.String()) {
		var entry struct{ Level string }
		if json.Unmarshal([]byte(line), &entry) == nil && (entry.Level == "WARN" || entry.Level == "ERROR") && strings.Contains(line, text) {
			return true
		}
	}
	return false
}

const inUse = "in use by another docket process"

// failToStart starts a server, and returns why it does not serve: nothing if it
// does, until the test's end.
func failToStart(s *server) string {
	var why failure
	var start sync.WaitGroup
	start.Go(func() { s.Start(&why) })
	start.Wait()
	return string(why)
}

// failure is a failer that keeps the message and ends the goroutine.
type failure string

func (f *failure) Fatalf(format string, args ...any) {
	*f = failure(fmt.Sprintf(format, args...))
	runtime.Goexit()
}

// TestOneServerForOneFile has a second server try to serve the first one's file
// by another name. It does not start, and the first is not disturbed.
func TestOneServerForOneFile(t *testing.T) {
	alongside(t)
	for name, alias := range map[string]func(t *testing.T, s *server){
		"hard link": func(t *testing.T, s *server) {
			if err := os.Link(filepath.Join(s.dir, "docket.db"), filepath.Join(s.dir, "alias.db")); err != nil {
				t.Fatal(err)
			}
		},
		"symbolic link": func(t *testing.T, s *server) {
			if err := os.Symlink("docket.db", filepath.Join(s.dir, "alias.db")); err != nil {
				t.Fatal(err)
			}
		},
		"mv": func(t *testing.T, s *server) { moveFile(t, s, "docket.db", "alias.db") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startServer(t)
			c := newClient(t, s.URL, failoverWriters)
			acknowledged := writeTogether(t, c, http.StatusCreated)
			alias(t, s)
			database := "sqlite:" + filepath.Join(s.dir, "alias.db")
			out, err := runDocket(t, []string{"DATABASE_URL=" + database}, "migrate", "up")
			if err == nil || !strings.Contains(out, inUse) {
				t.Errorf("docket migrate up on a file that is served: %v\n%s", err, out)
			}
			if out := failToStart(newServer(t, t.TempDir(), database)); !strings.Contains(out, inUse) {
				t.Errorf("docket serve on a file that is served: %q", out)
			}
			if name != "mv" { // which the first does not serve any more
				acknowledged = append(acknowledged, writeTogether(t, c, http.StatusCreated)...)
			}
			s.Kill(t)
			if name == "mv" {
				moveFile(t, s, "alias.db", "docket.db")
			}
			kept := storedVersions(t, filepath.Join(s.dir, "docket.db"))
			if len(kept) != len(acknowledged) {
				t.Errorf("%d tasks were acknowledged, and %d are stored", len(acknowledged), len(kept))
			}
		})
	}
}
