package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
)

const writerTasks = 100 // a writer creates this many, and then only changes them

// writer is a client that sends one request after the other and writes its own
// tasks only, so that it knows the state of each. It does not touch a task whose
// last write was not acknowledged, until settle.
type writer struct {
	n       int
	user    string
	tasks   map[string]task // as last acknowledged
	made    int             // numbers the titles, which are unique
	idle    map[string]bool // the tasks that are not touched
	unknown []write         // of unknown outcome: done completely, or not at all
	refused []write         // not done
	done    int             // acknowledged writes, and those that settle has found done
}

// newWriters returns writers that share users, and so their version counters.
func newWriters(writers, users int) []*writer {
	all := make([]*writer, writers)
	for i := range all {
		all[i] = &writer{n: i, user: fmt.Sprintf("writer-%d", i%users), tasks: map[string]task{}, idle: map[string]bool{}}
	}
	return all
}

// write is a request that changes one task, or creates one when id is empty.
type write struct {
	id           string
	method, path string
	body         string
	apply        func(task) task // its effect on the task, except version and updated_at
}

func (k write) String() string { return k.method + " " + k.path + " " + k.body }

// outcome is what an answer says about a request.
type outcome string

const (
	succeeded  outcome = "success"
	refused    outcome = "unavailable"           // not done
	unknown    outcome = "write-outcome-unknown" // done, or not done
	unanswered outcome = "no answer"
	wrong      outcome = "wrong answer"
)

// judge returns the outcome that an answer tells. Every answer but a success and an
// honest 503 is an error. A read may also get the 429 of its user's share: lists of the
// user may be at work that wait for the database.
func judge(a answer, writes bool) (outcome, error) {
	if a.Status < 300 {
		return succeeded, nil
	}
	var problem struct{ Type string }
	_ = json.Unmarshal(a.Body, &problem)
	after := a.Header.Values("Retry-After")
	retried := false
	if len(after) == 1 {
		seconds, err := strconv.Atoi(after[0])
		retried = err == nil && seconds > 0
	}
	kind := strings.TrimPrefix(problem.Type, "/problems/")
	switch {
	case a.Status == http.StatusServiceUnavailable && kind == string(refused) && retried,
		a.Status == http.StatusTooManyRequests && kind == "too-many-requests-at-work" && retried && !writes:
		return refused, nil
	case a.Status == http.StatusServiceUnavailable && kind == string(unknown) && len(after) == 0 && writes:
		return unknown, nil
	}
	return wrong, fmt.Errorf("%d, Retry-After %q: %s", a.Status, a.Header.Values("Retry-After"), a.Body)
}

// write sends the next write and notes its outcome. It returns the task as
// written, if the write succeeded. The error is a fault of the service, or says
// why there is no answer.
func (w *writer) write(ctx context.Context, c client) (got task, result outcome, err error) {
	next := w.next()
	a, err := c.do(ctx, next.method, next.path, next.body)
	if err != nil {
		result = unanswered
	} else {
		result, err = judge(a, true)
	}
	if result != succeeded {
		w.leave(next, result)
		if err != nil {
			err = fmt.Errorf("%s: %w", next, err)
		}
		return got, result, err
	}
	if err := a.decode(&got); err != nil {
		return got, wrong, fmt.Errorf("%s: %w", next, err)
	}
	if want := next.apply(w.tasks[next.id]); !sameContent(got, want) {
		return got, wrong, fmt.Errorf("%s: the answer is %+v, not %+v", next, got, want)
	}
	w.tasks[got.ID] = got
	w.done++
	return got, succeeded, nil
}

// leave notes a write that was not acknowledged, and makes its task idle.
func (w *writer) leave(k write, result outcome) {
	if k.id != "" {
		w.idle[k.id] = true
	}
	if result == refused {
		w.refused = append(w.refused, k)
	} else {
		w.unknown = append(w.unknown, k)
	}
}

// read reads one of the writer's tasks, or in one of ten cases all tasks of its
// user. The tasks must be as last acknowledged.
func (w *writer) read(ctx context.Context, c client) (outcome, error) {
	id, path := w.any(), tasksPath(w.user)
	if id != "" && rand.N(10) > 0 {
		path = taskPath(w.user, id)
	} else {
		id = ""
	}
	a, err := c.do(ctx, http.MethodGet, path, "")
	if err != nil {
		return unanswered, fmt.Errorf("GET %s: %w", path, err)
	}
	result, err := judge(a, false)
	if result != succeeded {
		return result, err
	}
	got := make([]task, 1)
	if id != "" {
		err = a.decode(&got[0])
	} else {
		err = a.decode(&got)
	}
	if err != nil {
		return wrong, fmt.Errorf("GET %s: %w", path, err)
	}
	seen := map[string]task{}
	for _, t := range got {
		seen[t.ID] = t
	}
	for known, want := range w.tasks {
		if (id == "" || id == known) && !w.idle[known] && seen[known] != want {
			return wrong, fmt.Errorf("GET %s: %+v was acknowledged and is %+v", path, want, seen[known])
		}
	}
	return succeeded, nil
}

// next chooses a write: create a task, change its title, or set or toggle
// whether it is completed. Each write changes something.
func (w *writer) next() write {
	w.made++
	title := fmt.Sprintf("writer %d, write %d", w.n, w.made)
	body, _ := json.Marshal(map[string]string{"title": title})
	id := w.any()
	toggle := func(t task) task {
		t.Completed = !t.Completed
		return t
	}
	switch choice := rand.N(10); {
	case id == "" || choice < 4 && len(w.tasks) < writerTasks:
		return write{"", http.MethodPost, tasksPath(w.user), string(body), func(task) task {
			return freshTask(w.user, title)
		}}
	case choice < 6:
		return write{id, http.MethodPatch, taskPath(w.user, id), string(body), func(t task) task {
			t.Title = title
			return t
		}}
	case choice < 7:
		set := fmt.Sprintf(`{"completed": %t}`, !w.tasks[id].Completed)
		return write{id, http.MethodPatch, taskPath(w.user, id) + "/complete", set, toggle}
	default:
		return write{id, http.MethodPatch, taskPath(w.user, id) + "/complete", "", toggle}
	}
}

// any returns the id of one of the writer's tasks, or "" when there is none.
func (w *writer) any() string {
	for id := range w.tasks { // in random order
		if !w.idle[id] {
			return id
		}
	}
	return ""
}

// sameContent compares what requests set. A completed task has a time of it.
func sameContent(a, b task) bool {
	content := func(t task) task {
		t.ID, t.CreatedAt, t.UpdatedAt, t.Version, t.CompletedAt = "", "", "", 0, nullable{}
		return t
	}
	return content(a) == content(b) && a.CompletedAt.Set == a.Completed
}
