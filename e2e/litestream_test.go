package e2e

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// A history that is renewed raises every counter by a random number between these.
const (
	leastRaise = 1 << 32
	mostRaise  = 1 << 40
)

// restoration is a way in which a server comes to serve a file that may lack what
// clients have seen.
type restoration struct {
	name    string
	keep    func(t *testing.T, s *server) // makes the copy, beside the running server
	restore func(t *testing.T, s *server) // puts it in place; the server is stopped
	again   bool                          // the same copy can be restored again
}

// TestHistoryIsRenewed restores a file in each way that an operator may. Clients
// still hold tokens, entity tags and versions of writes that the file lacks.
func TestHistoryIsRenewed(t *testing.T) {
	alongside(t)
	for _, r := range []restoration{
		{"docket backup", backUp, func(t *testing.T, s *server) {
			removeFiles(t, s, "docket.db-wal", "docket.db-shm")
			copyFile(t, s, "kept.db", "docket.db") // into the file that is there
		}, true},
		{"cp over a file that was removed", keepCopy, func(t *testing.T, s *server) {
			removeFiles(t, s, "docket.db", "docket.db-wal", "docket.db-shm")
			copyFile(t, s, "kept.db", "docket.db") // may get the inode of the one removed
		}, true},
		{"cp to another path", keepCopy, func(t *testing.T, s *server) {
			copyFile(t, s, "kept.db", "elsewhere.db")
			s.database = "sqlite:elsewhere.db"
		}, false},
		{"cp of the directory", func(t *testing.T, s *server) {
			stopped(t, s, func() {
				if err := os.CopyFS(s.dir+"-kept", os.DirFS(s.dir)); err != nil {
					t.Fatal(err)
				}
			})
		}, func(_ *testing.T, s *server) { s.database = "sqlite:" + s.dir + "-kept/docket.db" }, false},
		{"mv of a copy over the file", keepCopy, func(t *testing.T, s *server) {
			removeFiles(t, s, "docket.db-wal", "docket.db-shm")
			moveFile(t, s, "kept.db", "docket.db")
		}, false},
		{"mv to another path", func(*testing.T, *server) {}, func(t *testing.T, s *server) {
			moveFile(t, s, "docket.db", "elsewhere.db")
			s.database = "sqlite:elsewhere.db"
		}, false},
		{"litestream restore", replicate, func(t *testing.T, s *server) {
			removeFiles(t, s, "docket.db", "docket.db-wal", "docket.db-shm")
			run(t, litestream(t), "restore", "-o", filepath.Join(s.dir, "docket.db"), replica(s))
		}, true},
	} {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			s := startServer(t)
			c := newClient(t, s.URL, 1)
			h := &seen{texts: map[int64]task{}}
			kept := h.write(t, c, "kept", "changed", "deleted")
			r.keep(t, s)
			c = newClient(t, s.URL, 1) // the server may have been stopped for it
			counter := h.newest()
			h.change(t, c, kept["changed"], `{"title": "lost"}`)
			h.delete(t, c, kept["deleted"])
			h.write(t, c, "lost")
			s.Stop(t)
			for round := 0; round == 0 || r.again && round < long(2, 10); round++ {
				r.restore(t, s)
				s.Start(t)
				h.checkRenewed(t, newClient(t, s.URL, 1), kept["changed"], counter)
				s.Stop(t)
			}
		})
	}
}

// TestHistoryIsKept starts a server again on its own file, after a stop and
// after a kill. Nothing is renewed.
func TestHistoryIsKept(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	h := &seen{texts: map[int64]task{}}
	h.write(t, newClient(t, s.URL, 1), "before")
	for name, end := range map[string]func(){"Stop": func() { s.Stop(t) }, "Kill": func() { s.Kill(t) }} {
		end()
		s.Start(t)
		c := newClient(t, s.URL, 1)
		for _, token := range h.tokens {
			if a := c.must(t, http.MethodGet, "/api/u/changes?since="+token, ""); a.Status != http.StatusOK {
				t.Errorf("after a %s a sync token is answered with %d %s", name, a.Status, a.Body)
			}
		}
		before := h.newest()
		if h.write(t, c, "after"); h.newest() != before+1 {
			t.Errorf("after a %s the version after %d is %d", name, before, h.newest())
		}
	}
	s.Stop(t)
}

// seen is what a client of the user u was given over time.
type seen struct {
	tokens []string       // sync tokens
	lists  []string       // entity tags of the list
	texts  map[int64]task // by version
}

// newest is the highest version.
func (h *seen) newest() (newest int64) {
	for version := range h.texts {
		newest = max(newest, version)
	}
	return newest
}

// note keeps the version of a write, which must not have been given before, and
// the token and the tag of the list after it.
func (h *seen) note(t *testing.T, c client, written task) {
	t.Helper()
	if old, given := h.texts[written.Version]; given {
		t.Errorf("version %d, which was %q of %s, is given again to %q of %s", written.Version, old.Title, old.ID, written.Title, written.ID)
	}
	h.texts[written.Version] = written
	a := c.must(t, http.MethodGet, "/api/u/changes", "")
	var page struct{ Next string }
	if err := a.decodeLoosely(&page); err != nil || page.Next == "" {
		t.Fatalf("%d %s, %v", a.Status, a.Body, err)
	}
	h.tokens = append(h.tokens, page.Next)
	h.lists = append(h.lists, c.must(t, http.MethodGet, tasksPath("u"), "").Header.Get("ETag"))
}

// write makes tasks, and returns them by their titles.
func (h *seen) write(t *testing.T, c client, titles ...string) map[string]task {
	t.Helper()
	made := map[string]task{}
	for _, title := range titles {
		var k task
		if err := c.must(t, http.MethodPost, tasksPath("u"), fmt.Sprintf(`{"title": %q}`, title)).decode(&k); err != nil {
			t.Fatal(err)
		}
		made[title] = k
		h.note(t, c, k)
	}
	return made
}

func (h *seen) change(t *testing.T, c client, k task, body string) task {
	t.Helper()
	var changed task
	if err := c.must(t, http.MethodPatch, taskPath("u", k.ID), body).decode(&changed); err != nil {
		t.Fatal(err)
	}
	h.note(t, c, changed)
	return changed
}

// delete takes the version after the newest: that of the tombstone.
func (h *seen) delete(t *testing.T, c client, k task) {
	t.Helper()
	var gone tombstone
	if err := c.must(t, http.MethodDelete, taskPath("u", k.ID), "").decode(&gone); err != nil {
		t.Fatal(err)
	}
	if want := h.newest() + 1; gone.ID != k.ID || gone.Version != want {
		t.Errorf("a delete is answered with %+v, not version %d of %s", gone, want, k.ID)
	}
	k.Title, k.Version = "a tombstone", gone.Version
	h.note(t, c, k)
}

// checkRenewed finds nothing that was seen taken for the present, neither at once
// nor while new writes take numbers. The counter was that of the copy.
func (h *seen) checkRenewed(t *testing.T, c client, k task, counter int64) {
	t.Helper()
	old := seen{slices.Clone(h.tokens), slices.Clone(h.lists), maps.Clone(h.texts)}
	old.checkRefused(t, c)
	first := h.change(t, c, k, `{"title": "found"}`).Version
	if raise := first - 1 - counter; raise < leastRaise || raise > mostRaise {
		t.Errorf("the version after %d is %d: raised by %d, which is not between %d and %d", counter, first, raise, int64(leastRaise), int64(mostRaise))
	}
	for i := range 5 { // more than were lost
		old.checkRefused(t, c)
		if k = h.change(t, c, k, fmt.Sprintf(`{"title": "found %d"}`, i)); k.Version <= first {
			t.Errorf("version %d is given after %d", k.Version, first)
		}
	}
}

// checkRefused sends everything that was seen. Only a version whose task is as
// it was then may match.
func (h *seen) checkRefused(t *testing.T, c client) {
	t.Helper()
	taken := 0
	for _, token := range h.tokens {
		if c.must(t, http.MethodGet, "/api/u/changes?since="+token, "").Status != http.StatusGone {
			taken++
		}
	}
	if taken > 0 {
		t.Errorf("%d of %d sync tokens of before are not answered with 410", taken, len(h.tokens))
	}
	for _, tag := range h.lists {
		if a := c.must(t, http.MethodGet, tasksPath("u"), "", "If-None-Match: "+tag); a.Status != http.StatusOK {
			t.Errorf("the entity tag of a list of before is answered with %d", a.Status)
		}
	}
	for version, then := range h.texts {
		h.checkVersion(t, c, version, then)
	}
}

func (*seen) checkVersion(t *testing.T, c client, version int64, then task) {
	t.Helper()
	var now task
	path, tag := taskPath("u", then.ID), fmt.Sprintf(`"%d"`, version)
	a := c.must(t, http.MethodGet, path, "")
	if a.Status == http.StatusNotFound {
		return
	}
	if err := a.decode(&now); err != nil {
		t.Fatal(err)
	}
	if now == then {
		return
	}
	if a := c.must(t, http.MethodGet, path, "", "If-None-Match: "+tag); a.Status != http.StatusOK {
		t.Errorf("%q is answered with %d to the tag %s, which was %q", now.Title, a.Status, tag, then.Title)
	}
	if a := c.must(t, http.MethodPatch, path, `{"title": "overwritten"}`, "If-Match: "+tag); a.Status != http.StatusPreconditionFailed {
		t.Errorf("%q is changed by a request for %s, which was %q: %d", now.Title, tag, then.Title, a.Status)
	}
}

// stopped does something while the server is stopped.
func stopped(t *testing.T, s *server, do func()) {
	t.Helper()
	s.Stop(t)
	do()
	s.Start(t)
}

func keepCopy(t *testing.T, s *server) {
	stopped(t, s, func() { copyFile(t, s, "docket.db", "kept.db") })
}

func backUp(t *testing.T, s *server) {
	docket(t, []string{"DATABASE_URL=sqlite:" + filepath.Join(s.dir, "docket.db")}, "backup", filepath.Join(s.dir, "kept.db"))
}

// copyFile is cp: it writes into a file that exists.
func copyFile(t *testing.T, s *server, from, to string) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(s.dir, from))
	if err == nil {
		err = os.WriteFile(filepath.Join(s.dir, to), content, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func moveFile(t *testing.T, s *server, from, to string) {
	t.Helper()
	if err := os.Rename(filepath.Join(s.dir, from), filepath.Join(s.dir, to)); err != nil {
		t.Fatal(err)
	}
}

// removeFiles is rm -f.
func removeFiles(t *testing.T, s *server, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := os.Remove(filepath.Join(s.dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
}

// litestream is the program, of the npm package or in PATH.
func litestream(t *testing.T) string {
	t.Helper()
	packaged, err := filepath.Abs("testdata/litestream/node_modules/@flydotio/litestream-linux-x64/litestream")
	if err != nil {
		t.Fatal(err)
	}
	if fileExists(packaged) {
		return packaged
	}
	path, err := exec.LookPath("litestream")
	if err != nil {
		t.Fatal("Litestream is not installed: run make deps")
	}
	return path
}

func replica(s *server) string { return "file://" + filepath.Join(s.dir, "replica") }

// replicate has Litestream replicate what there is, and kills it then.
func replicate(t *testing.T, s *server) {
	t.Helper()
	path := filepath.Join(s.dir, "docket.db")
	var counter int64
	db := openFile(t, path, "ro")
	defer db.Close()
	if err := db.QueryRowContext(t.Context(), "SELECT max(counter) FROM owners").Scan(&counter); err != nil {
		t.Fatal(err)
	}
	process := exec.CommandContext(t.Context(), litestream(t), "replicate", path, replica(s))
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = process.Process.Kill() // fails if it has ended
		_ = process.Wait()         // returns that it was killed
	}()
	try := filepath.Join(s.dir, "try.db")
	eventually(t, "Litestream has replicated everything", func() bool {
		removeFiles(t, s, "try.db", "try.db-wal", "try.db-shm")
		if exec.CommandContext(t.Context(), litestream(t), "restore", "-o", try, replica(s)).Run() != nil {
			return false // there is nothing yet
		}
		restored := openFile(t, try, "ro")
		defer restored.Close()
		var got int64
		err := restored.QueryRowContext(t.Context(), "SELECT max(counter) FROM owners").Scan(&got)
		return err == nil && got == counter
	})
}
