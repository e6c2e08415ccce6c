package e2e

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "modernc.org/sqlite" // to look at the file that a killed server leaves
)

const (
	crashWriters  = 16
	crashUsers    = 4   // so that writers share an owner's counter
	crashMostOwn  = 100 // tasks of one writer; then it only changes them
	crashLongest  = 400 * time.Millisecond
	crashAtLeast  = 1 // acknowledged writes before a kill
	crashPerRound = time.Minute
)

// TestCrash kills the server while many clients write, again and again, and
// looks for each write that was acknowledged.
func TestCrash(t *testing.T) {
	s := newServer(t, t.TempDir(), defaultDatabase)
	writers := make([]*crashWriter, crashWriters)
	for i := range writers {
		writers[i] = &crashWriter{n: i, user: fmt.Sprintf("crash-%d", i%crashUsers), tasks: map[string]task{}}
	}
	rounds := long(3, 60)
	var acknowledged atomic.Int64
	for round := range rounds {
		s.Start(t)
		verify(t, s, writers)
		crashRound(t, s, writers, &acknowledged)
		checkIntegrity(t, filepath.Join(s.dir, "docket.db"))
		if t.Failed() {
			t.Fatalf("in round %d", round+1)
		}
	}
	s.Start(t)
	verify(t, s, writers)
	s.Stop(t)
	t.Logf("%d kills, %d writes acknowledged, 0 lost", rounds, acknowledged.Load())
}

// crashRound has the writers write until the server is killed under them.
func crashRound(t *testing.T, s *server, writers []*crashWriter, acknowledged *atomic.Int64) {
	ctx, cancel := context.WithTimeout(t.Context(), crashPerRound)
	defer cancel()
	c := newClient(t, s.URL, crashWriters)
	before := acknowledged.Load()
	var wg sync.WaitGroup
	for _, w := range writers {
		wg.Go(func() {
			if err := w.write(ctx, c, acknowledged); err != nil {
				t.Errorf("writer %d: %v", w.n, err)
			}
		})
	}
	eventually(t, crashPerRound, "a write is acknowledged", func() bool { return acknowledged.Load() >= before+crashAtLeast })
	time.Sleep(rand.N(crashLongest)) // the moment of the kill is random on purpose
	s.Kill(t)
	wg.Wait()
}

// crashWriter is a client that writes tasks which nobody else writes, one
// request after the other, so that it knows what each must be.
type crashWriter struct {
	n     int
	user  string
	tasks map[string]task // as acknowledged last
	made  int
	open  *crashWrite // the request that the crash left without an answer
}

// crashWrite is a request that changes one task, or makes it when id is empty.
type crashWrite struct {
	id           string
	method, path string
	body         string
	apply        func(task) task // what it makes of the task, apart from version and updated_at
}

// write sends requests until one has no answer. Every answer must be a success.
func (w *crashWriter) write(ctx context.Context, c client, acknowledged *atomic.Int64) error {
	for {
		next := w.next()
		a, err := c.do(ctx, next.method, next.path, next.body)
		if err != nil {
			w.open = &next
			return ctx.Err() // a round that the test had to end is a failure
		}
		if a.Status >= 300 {
			return fmt.Errorf("%s %s %s: %d %s", next.method, next.path, next.body, a.Status, a.Body)
		}
		var got task
		if err := a.decode(&got); err != nil {
			return err
		}
		if want := next.apply(w.tasks[next.id]); !sameContent(got, want) {
			return fmt.Errorf("%s %s %s: the answer is %+v, not %+v", next.method, next.path, next.body, got, want)
		}
		w.tasks[got.ID] = got
		acknowledged.Add(1)
	}
}

// next chooses a request: to make a task, to change its title or to toggle it.
func (w *crashWriter) next() crashWrite {
	w.made++
	title := fmt.Sprintf("writer %d, write %d", w.n, w.made)
	body, _ := json.Marshal(map[string]string{"title": title})
	id := w.any()
	switch choice := rand.N(10); {
	case id == "" || choice < 4 && len(w.tasks) < crashMostOwn:
		return crashWrite{"", http.MethodPost, tasksPath(w.user), string(body), func(task) task {
			return task{UserID: w.user, Title: title}
		}}
	case choice < 7:
		return crashWrite{id, http.MethodPatch, taskPath(w.user, id), string(body), func(t task) task {
			t.Title = title
			return t
		}}
	default:
		return crashWrite{id, http.MethodPatch, taskPath(w.user, id) + "/complete", "", func(t task) task {
			t.Completed = !t.Completed
			return t
		}}
	}
}

// any returns the id of one of the writer's tasks, or "".
func (w *crashWriter) any() string {
	for id := range w.tasks { // in random order
		return id
	}
	return ""
}

// sameContent compares what a request decides about a task.
func sameContent(a, b task) bool {
	return a.UserID == b.UserID && a.Title == b.Title && a.Description == b.Description && a.Completed == b.Completed
}

// verify compares what a server that was started again holds with what was
// acknowledged, and settles what was open.
func verify(t *testing.T, s *server, writers []*crashWriter) {
	t.Helper()
	c := newClient(t, s.URL, 1)
	for u := range crashUsers {
		user := fmt.Sprintf("crash-%d", u)
		var stored []task
		c.get(t, tasksPath(user), &stored)
		own := slices.DeleteFunc(slices.Clone(writers), func(w *crashWriter) bool { return w.user != user })
		for _, fault := range settle(own, stored) {
			t.Error(fault)
		}
	}
}

// settle returns what is wrong with the tasks that are stored for the writers
// of one user.
func settle(writers []*crashWriter, stored []task) (faults []string) {
	tasks := map[string]task{}
	versions := map[int64]string{}
	for _, k := range stored {
		tasks[k.ID] = k
		if other := versions[k.Version]; other != "" {
			faults = append(faults, fmt.Sprintf("the tasks %s and %s share version %d", other, k.ID, k.Version))
		}
		versions[k.Version] = k.ID
	}
	for _, w := range writers {
		faults = append(faults, w.settle(tasks)...)
	}
	for _, k := range tasks {
		faults = append(faults, fmt.Sprintf("nobody asked for %+v", k))
	}
	return faults
}

// settle takes the writer's tasks out of stored. Each is there as it was
// acknowledged, or as the open request leaves it, with a later version.
func (w *crashWriter) settle(stored map[string]task) (faults []string) {
	for id, want := range maps.Clone(w.tasks) {
		got, ok := stored[id]
		delete(stored, id)
		switch {
		case !ok:
			faults = append(faults, fmt.Sprintf("lost: %+v was acknowledged and is not there", want))
		case got == want:
		case w.open != nil && w.open.id == id && sameContent(got, w.open.apply(want)) && got.Version > want.Version && got.CreatedAt == want.CreatedAt:
			w.tasks[id] = got
		default:
			faults = append(faults, fmt.Sprintf("lost: %+v was acknowledged and is now %+v", want, got))
		}
	}
	if w.open != nil && w.open.id == "" {
		for id, got := range stored {
			if sameContent(got, w.open.apply(task{})) {
				w.tasks[id] = got
				delete(stored, id)
			}
		}
	}
	w.open = nil
	return faults
}

// TestCrashNotices shows that the comparison can fail.
func TestCrashNotices(t *testing.T) {
	kept := task{ID: "1", UserID: "u", Title: "kept", Version: 1}
	toggled := task{ID: "1", UserID: "u", Title: "kept", Completed: true, Version: 3}
	made := task{ID: "2", UserID: "u", Title: "made", Version: 2}
	toggle := &crashWrite{id: "1", apply: func(t task) task { t.Completed = !t.Completed; return t }}
	create := &crashWrite{apply: func(task) task { return task{UserID: "u", Title: "made"} }}
	for name, c := range map[string]struct {
		open   *crashWrite
		stored []task
		good   bool
	}{
		"as acknowledged":         {nil, []task{kept}, true},
		"the open toggle is lost": {toggle, []task{kept}, true},
		"the open toggle is done": {toggle, []task{toggled}, true},
		"the open create is lost": {create, []task{kept}, true},
		"the open create is done": {create, []task{kept, made}, true},
		"lost":                    {create, []task{made}, false},
		"changed by nobody":       {nil, []task{toggled}, false},
		"made by nobody":          {toggle, []task{kept, made}, false},
		"one version for two":     {create, []task{kept, {ID: "2", UserID: "u", Title: "made", Version: 1}}, false},
		"an old version":          {toggle, []task{{ID: "1", UserID: "u", Title: "kept", Completed: true, Version: 1}}, false},
	} {
		w := &crashWriter{user: "u", tasks: map[string]task{"1": kept}, open: c.open}
		if faults := settle([]*crashWriter{w}, c.stored); (len(faults) == 0) != c.good {
			t.Errorf("%s: %q", name, faults)
		}
	}
}

// checkIntegrity opens the file as the killed server left it, changing nothing.
func checkIntegrity(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path, RawQuery: "mode=ro"}).String())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var result string
	if err := db.QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&result); err != nil || result != "ok" {
		t.Errorf("the integrity check says %q, %v", result, err)
	}
}
