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

const writerTasks = 100 // that a writer makes before it only changes them

// writer is a client that writes tasks which nobody else writes, one request
// after the other, so that it knows what each must be. A task whose write was
// not acknowledged it leaves alone until settle.
type writer struct {
	n       int
	user    string
	tasks   map[string]task // as acknowledged last
	made    int             // numbers the titles, which are unique
	idle    map[string]bool // the tasks left alone
	open    []write         // of unknown outcome: done, or not done at all
	refused []write         // certainly not done
	done    int             // acknowledged writes, and those that settle found done
}

// newWriters returns writers that share users, so that they share owners'
// counters too.
func newWriters(writers, users int) []*writer {
	all := make([]*writer, writers)
	for i := range all {
		all[i] = &writer{n: i, user: fmt.Sprintf("writer-%d", i%users), tasks: map[string]task{}, idle: map[string]bool{}}
	}
	return all
}

// write is a request that changes one task, or makes it when id is empty.
type write struct {
	id           string
	method, path string
	body         string
	apply        func(task) task // what it makes of the task, apart from version and updated_at
}

func (k write) String() string { return k.method + " " + k.path + " " + k.body }

// outcome is what an answer says of a request.
type outcome string

const (
	succeeded  outcome = "success"
	refused    outcome = "unavailable"           // nothing was written
	unknown    outcome = "write-outcome-unknown" // it was, or not at all
	unanswered outcome = "no answer"
	wrong      outcome = "wrong answer"
)

// judge returns the outcome of a request. Any other answer is an error.
func judge(a answer, writes bool) (outcome, error) {
	var problem struct{ Type string }
	if a.Status < 300 {
		return succeeded, nil
	}
	if json.Unmarshal(a.Body, &problem) == nil && a.Status == http.StatusServiceUnavailable {
		after := a.Header.Values("Retry-After")
		switch outcome(strings.TrimPrefix(problem.Type, "/problems/")) {
		case refused:
			if len(after) == 1 {
				if seconds, err := strconv.Atoi(after[0]); err == nil && seconds > 0 {
					return refused, nil
				}
			}
		case unknown:
			if writes && len(after) == 0 {
				return unknown, nil
			}
		}
	}
	return wrong, fmt.Errorf("%d, Retry-After %q: %s", a.Status, a.Header.Values("Retry-After"), a.Body)
}

// write sends the next write, notes what came of it, and returns the task as it
// then is, if it was written. The error is a fault of the service, or says why
// there is no answer.
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

// leave notes a write that was not acknowledged.
func (w *writer) leave(k write, result outcome) {
	if k.id != "" {
		w.idle[k.id] = true
	}
	if result == refused {
		w.refused = append(w.refused, k)
	} else {
		w.open = append(w.open, k)
	}
}

// read reads one of the writer's tasks, or now and then all of its user's.
// They are as they were acknowledged.
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

// next chooses a write: to make a task, to change its title, or to set or
// toggle whether it is completed. Each changes something.
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
			return task{UserID: w.user, Title: title}
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

// any returns the id of one of the writer's tasks, or "".
func (w *writer) any() string {
	for id := range w.tasks { // in random order
		if !w.idle[id] {
			return id
		}
	}
	return ""
}

// sameContent compares what a request decides about a task.
func sameContent(a, b task) bool {
	return a.UserID == b.UserID && a.Title == b.Title && a.Description == b.Description && a.Completed == b.Completed
}
