package e2e

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

const (
	fleetWriters = 6  // two for each user
	fleetTasks   = 12 // of each writer
)

// version is one of two versions of docket on one database.
type version int

const (
	oldOne version = iota
	newOne
	releases
)

// fleet is servers of two releases, at most one of each, and writers that send requests
// to those that there are.
type fleet struct {
	t       *testing.T
	begun   bool
	over    atomic.Bool
	running sync.WaitGroup
	writers []*fleetWriter
	sent    [releases]atomic.Int64

	serving sync.RWMutex // held for reading while a request is at work
	urls    [releases]string
}

func newFleet(t *testing.T) *fleet {
	f := &fleet{t: t}
	for n := range fleetWriters {
		f.writers = append(f.writers, &fleetWriter{
			fleet: f, n: n, user: fmt.Sprintf("fleet-%d", n/2), http: newClient(t, "", 2).http,
			tasks: map[string]task{}, replica: map[string]int64{},
		})
	}
	t.Cleanup(f.stop)
	return f
}

// use sends requests to a server of a release from now on, or no more if url is "": then
// none is at work there when it returns.
func (f *fleet) use(r version, url string) {
	f.serving.Lock()
	defer f.serving.Unlock()
	f.urls[r] = url
}

// serve returns when each server that there is has answered so many requests more of
// each writer, on average.
func (f *fleet) serve(requests int) {
	f.t.Helper()
	if !f.begun {
		f.begun = true
		for _, w := range f.writers {
			f.running.Go(w.run)
		}
	}
	for r, url := range f.urls { // only the test itself changes them
		goal := f.sent[r].Load() + int64(requests*fleetWriters)
		eventually(f.t, "requests are answered", func() bool { return url == "" || f.sent[r].Load() >= goal || f.t.Failed() })
	}
	if f.t.Failed() {
		f.t.FailNow()
	}
}

// fieldsDropped says that the step that adds the fields was undone.
func (f *fleet) fieldsDropped() {
	for _, w := range f.writers {
		w.forgetFields()
	}
}

func (f *fleet) stop() {
	f.over.Store(true)
	f.running.Wait()
}

// check stops the writers, and compares their tasks with what each release shows.
func (f *fleet) check() {
	f.t.Helper()
	f.stop()
	for n := 0; n < fleetWriters; n += 2 {
		w, other := f.writers[n], f.writers[n+1]
		maps.Copy(w.tasks, other.tasks)
		for r, url := range f.urls {
			a := mustDo(f.t, client{url, w.http}, http.StatusOK, http.MethodGet, tasksPath(w.user), "", "Prefer: count=exact")
			var shown []task
			if err := a.decodeLoosely(&shown); err != nil {
				f.t.Fatal(err)
			}
			if total := a.Header.Get("X-Total-Count"); len(shown) != len(w.tasks) || total != fmt.Sprint(len(shown)) {
				f.t.Errorf("%s has %d tasks, of which %d are listed and %s counted", w.user, len(w.tasks), len(shown), total)
			}
			versions := map[string]int64{}
			for _, got := range shown {
				versions[got.ID] = got.Version
				if err := w.compare(version(r), got); err != nil {
					f.t.Error(err)
				}
			}
			for _, replica := range []*fleetWriter{w, other} {
				if err := replica.sync(client{url, w.http}); err != nil || !maps.Equal(replica.replica, versions) {
					f.t.Errorf("the changes of %s lead to %v, not %v (%v)", w.user, replica.replica, versions, err)
				}
			}
		}
	}
}

// fleetWriter sends one request after the other, each to any server. It knows what its
// tasks must be.
type fleetWriter struct {
	fleet *fleet
	n     int
	user  string
	http  *http.Client

	mu      sync.Mutex // held during a step
	made    int
	tasks   map[string]task  // what clients set of each
	token   string           // of the changes, of whichever version
	replica map[string]int64 // the versions of all tasks of the user, from the changes
}

func (w *fleetWriter) run() {
	for !w.fleet.over.Load() && !w.fleet.t.Failed() {
		if err := w.step(); err != nil {
			w.fleet.t.Errorf("writer %d: %v", w.n, err)
		}
	}
}

func (w *fleetWriter) forgetFields() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, was := range w.tasks {
		is := freshTask(was.UserID, was.Title)
		is.Completed = was.Completed
		w.tasks[id] = is
	}
}

// through does something with any server.
func (w *fleetWriter) through(do func(r version, c client) error) error {
	w.fleet.serving.RLock()
	defer w.fleet.serving.RUnlock()
	r := version(rand.N(int(releases)))
	if w.fleet.urls[r] == "" {
		r = releases - 1 - r
	}
	w.fleet.sent[r].Add(1)
	if err := do(r, client{w.fleet.urls[r], w.http}); err != nil {
		return fmt.Errorf("through the release %d: %w", r, err)
	}
	return nil
}

// send sends a request that must succeed, and reads the answer into v unless it is nil.
func (w *fleetWriter) send(c client, v any, method, path, body string, headers ...string) (answer, error) {
	a, err := c.do(w.fleet.t.Context(), method, path, body, headers...)
	if err == nil && a.Status >= http.StatusMultipleChoices {
		err = fmt.Errorf("%d %s", a.Status, a.Body)
	}
	if err == nil && v != nil {
		err = a.decodeLoosely(v)
	}
	if err != nil {
		return a, fmt.Errorf("%s %s %s: %w", method, path, body, err)
	}
	return a, nil
}

// change sends a write of one task, and notes the effect, which the answer must show.
func (w *fleetWriter) change(id, method, suffix, body string, effect func(*task), headers ...string) error {
	return w.through(func(r version, c client) error {
		want := w.tasks[id]
		effect(&want)
		var got task
		if _, err := w.send(c, &got, method, taskPath(w.user, id)+suffix, body, headers...); err != nil {
			return err
		}
		w.tasks[id] = want
		return w.compare(r, got)
	})
}

// compare compares a task, as a release shows it, with what clients have set of it.
func (w *fleetWriter) compare(r version, got task) error {
	want, own := w.tasks[got.ID]
	if !own {
		return nil // of the other writer of this user
	}
	if r == oldOne { // does not know the others
		known := freshTask(got.UserID, got.Title)
		known.Description, known.Completed = got.Description, got.Completed
		got, want.CompletedAt = known, nullable{}
		want.Priority, want.DueDate, want.Tags, want.Metadata = known.Priority, known.DueDate, known.Tags, known.Metadata
		if want != got {
			return fmt.Errorf("%+v is shown, not %+v", got, want)
		}
		return nil
	}
	if !sameContent(got, want) {
		return fmt.Errorf("%+v is shown, not %+v", got, want)
	}
	return nil
}

// sync reads the changes since the last ones.
func (w *fleetWriter) sync(c client) error {
	for more := true; more; {
		var page struct {
			Items []tombstone // the members that tasks have too
			Next  string
			More  bool `json:"has_more"`
		}
		since := ""
		if w.token != "" {
			since = "?since=" + w.token
		}
		if _, err := w.send(c, &page, http.MethodGet, "/api/"+w.user+"/changes"+since, ""); err != nil {
			return err
		}
		for _, item := range page.Items {
			if w.replica[item.ID] = item.Version; item.Deleted {
				delete(w.replica, item.ID)
			}
		}
		w.token, more = page.Next, page.More
	}
	return nil
}

// step does one thing that a client does.
func (w *fleetWriter) step() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	ids := slices.Collect(maps.Keys(w.tasks))
	w.made++
	title := fmt.Sprintf("writer %d, %d", w.n, w.made)
	retitle := func(k *task) { k.Title = title }
	toggle := func(k *task) { k.Completed = !k.Completed }
	body := fmt.Sprintf(`{"title": %q}`, title)
	choice := rand.N(10)
	if len(ids) == 0 || choice == 0 && len(ids) < fleetTasks {
		return w.create(title)
	}
	id := ids[rand.N(len(ids))]
	switch choice {
	case 1:
		return w.change(id, http.MethodPatch, "/complete", "", toggle)
	case 2:
		return w.delete(id)
	case 3:
		return w.batch(id, title)
	case 4:
		return w.retry(id, title)
	case 5:
		return w.through(func(_ version, c client) error { return w.sync(c) })
	case 6:
		return w.through(func(r version, c client) error {
			var shown []task
			_, err := w.send(c, &shown, http.MethodGet, tasksPath(w.user), "")
			for _, got := range shown {
				err = cmp.Or(err, w.compare(r, got))
			}
			return err
		})
	case 7, 8:
		return w.setFields(id)
	}
	return w.change(id, http.MethodPut, "", body, retitle)
}

func (w *fleetWriter) create(title string) error {
	return w.through(func(r version, c client) error {
		want := freshTask(w.user, title)
		body := fmt.Sprintf(`{"title": %q}`, title)
		if r == newOne {
			setFields(&want, w.made)
			body = fmt.Sprintf(`{"title": %q, %s}`, title, fieldsOf(want))
		}
		var got task
		if _, err := w.send(c, &got, http.MethodPost, tasksPath(w.user), body); err != nil {
			return err
		}
		w.tasks[got.ID] = want
		return w.compare(r, got)
	})
}

// setFields sets the fields that only the new release has, if it is there.
func (w *fleetWriter) setFields(id string) error {
	return w.through(func(r version, c client) error {
		if r != newOne {
			return nil
		}
		want := w.tasks[id]
		setFields(&want, w.made)
		var got task
		if _, err := w.send(c, &got, http.MethodPut, taskPath(w.user, id), "{"+fieldsOf(want)+"}"); err != nil {
			return err
		}
		w.tasks[id] = want
		return w.compare(r, got)
	})
}

func setFields(k *task, n int) {
	k.Priority = []string{"low", "medium", "high"}[n%3]
	k.DueDate = nullable{true, []string{"2026-12-01", "2026-12-01T09:00:00", "2026-12-01T09:00:00Z"}[n%3]}
	k.Tags = verbatim(fmt.Sprintf(`["home","n%d"]`, n))
	k.Metadata = verbatim(fmt.Sprintf(`{"n":%d.0}`, n))
}

func fieldsOf(k task) string {
	return fmt.Sprintf(`"priority": %q, "due_date": %q, "tags": %s, "metadata": %s`, k.Priority, k.DueDate.Text, k.Tags, k.Metadata)
}

// retry sends a write again as if the answer had been lost, to a server of the same
// version or a newer one: an older one cannot read the answer that was kept.
func (w *fleetWriter) retry(id, title string) error {
	key := fmt.Sprintf("Idempotency-Key: %s-%d-%d", w.user, w.n, w.made)
	body := fmt.Sprintf(`{"title": %q}`, title)
	var first version
	again := false
	send := func(r version, c client) error {
		if again && r < first {
			return nil
		}
		var got task
		a, err := w.send(c, &got, http.MethodPatch, taskPath(w.user, id), body, key)
		if err != nil {
			return err
		}
		if replayed := a.Header.Get("Idempotent-Replayed") == "true"; replayed != again {
			return fmt.Errorf("replayed: %t, sent before: %t", replayed, again)
		}
		if !again {
			want := w.tasks[id]
			want.Title = title
			w.tasks[id], first, again = want, r, true
		}
		if first == oldOne { // so the answer lacks what it does not know
			r = oldOne
		}
		return w.compare(r, got)
	}
	return cmp.Or(w.through(send), w.through(send))
}

// delete deletes a task through any server, and restores it through any.
func (w *fleetWriter) delete(id string) error {
	err := w.through(func(_ version, c client) error {
		_, err := w.send(c, nil, http.MethodDelete, taskPath(w.user, id), "")
		return err
	})
	return cmp.Or(err, w.change(id, http.MethodPost, "/restore", "", func(*task) {}))
}

// batch changes a task twice and makes and deletes another one, in one request.
func (w *fleetWriter) batch(id, title string) error {
	return w.through(func(r version, c client) error {
		body := fmt.Sprintf(`{"operations": [{"op": "update", "id": %[1]q, "task": {"title": %[2]q}},
			{"op": "complete", "id": %[1]q, "task": {"completed": true}}, {"op": "create", "task": {"title": "brief"}}]}`, id, title)
		var done struct{ Results []struct{ Task task } }
		if _, err := w.send(c, &done, http.MethodPost, tasksPath(w.user)+"/batch", body); err != nil {
			return err
		}
		want := w.tasks[id]
		want.Title, want.Completed = title, true
		w.tasks[id] = want
		_, err := w.send(c, nil, http.MethodDelete, taskPath(w.user, done.Results[2].Task.ID), "")
		return cmp.Or(err, w.compare(r, done.Results[1].Task))
	})
}
