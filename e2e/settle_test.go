package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"testing"
)

// verify compares the stored tasks with the answers that the writers got, and
// settles the writes of unknown outcome.
func verify(t *testing.T, s *server, writers []*writer) {
	t.Helper()
	c := newClient(t, s.URL, 1)
	for user, own := range byUser(writers) {
		var stored []task
		c.get(t, tasksPath(user), &stored)
		for _, fault := range settle(own, stored) {
			t.Error(fault)
		}
	}
}

func byUser(writers []*writer) map[string][]*writer {
	users := map[string][]*writer{}
	for _, w := range writers {
		users[w.user] = append(users[w.user], w)
	}
	return users
}

// verifyNumbers creates one more task for each user. Its version must be one more
// than the number of writes done, so that no write was done twice, and none that
// no writer knows of. The writers must be settled.
func verifyNumbers(t *testing.T, s *server, writers []*writer) {
	t.Helper()
	c := newClient(t, s.URL, 1)
	for user, own := range byUser(writers) {
		writes := 0
		for _, w := range own {
			writes += w.done
		}
		a, err := c.do(t.Context(), http.MethodPost, tasksPath(user), `{"title": "The last one"}`)
		var last task
		if err == nil {
			err = a.decode(&last)
		}
		if err != nil || last.Version != int64(writes)+1 {
			t.Errorf("%d writes of %q were done, and the next one has version %d (%v)", writes, user, last.Version, err)
		}
	}
}

// settle returns the faults in the stored tasks of one user. The writers are all
// those of the user.
func settle(writers []*writer, stored []task) (faults []string) {
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
		faults = append(faults, fmt.Sprintf("no writer created %+v", k))
	}
	return faults
}

// settle removes the writer's tasks from stored. Each must be as last
// acknowledged, or as a write of unknown outcome leaves it, with a later version.
func (w *writer) settle(stored map[string]task) (faults []string) {
	for id, want := range maps.Clone(w.tasks) {
		got, ok := stored[id]
		delete(stored, id)
		is := func(k write) bool {
			return k.id == id && sameContent(got, k.apply(want)) && got.Version > want.Version && got.CreatedAt == want.CreatedAt
		}
		switch {
		case !ok:
			faults = append(faults, fmt.Sprintf("lost: %+v was acknowledged and does not exist", want))
		case got == want:
		case slices.ContainsFunc(w.unknown, is):
			w.tasks[id] = got
			w.done++
		case slices.ContainsFunc(w.refused, is):
			faults = append(faults, fmt.Sprintf("refused and done: %+v is now %+v", want, got))
		default:
			faults = append(faults, fmt.Sprintf("lost: %+v was acknowledged and is now %+v", want, got))
		}
	}
	for id, got := range stored {
		is := func(k write) bool { return k.id == "" && sameContent(got, k.apply(task{})) }
		if i := slices.IndexFunc(w.unknown, is); i >= 0 {
			w.unknown = slices.Delete(w.unknown, i, i+1) // one write creates one task
			w.tasks[id] = got
			w.done++
			delete(stored, id)
		}
		if slices.ContainsFunc(w.refused, is) {
			faults = append(faults, fmt.Sprintf("refused and done: %+v exists", got))
			delete(stored, id)
		}
	}
	w.unknown, w.refused = nil, nil
	clear(w.idle)
	return faults
}

// TestSettleNotices shows that the comparison can fail.
func TestSettleNotices(t *testing.T) {
	kept := task{ID: "1", UserID: "u", Title: "kept", Version: 1}
	toggled := task{ID: "1", UserID: "u", Title: "kept", Completed: true, CompletedAt: nullable{true, "t"}, Version: 3}
	made := task{ID: "2", UserID: "u", Title: "made", Version: 2}
	again := task{ID: "3", UserID: "u", Title: "made", Version: 4}
	toggle := []write{{id: "1", apply: func(t task) task { t.Completed = !t.Completed; return t }}}
	create := []write{{apply: func(task) task { return task{UserID: "u", Title: "made"} }}}
	for name, c := range map[string]struct {
		unknown, refused []write
		stored           []task
		good             bool
		done             int
	}{
		"as acknowledged":                  {stored: []task{kept}, good: true},
		"the unknown toggle is lost":       {unknown: toggle, stored: []task{kept}, good: true},
		"the unknown toggle is done":       {unknown: toggle, stored: []task{toggled}, good: true, done: 1},
		"the unknown toggle is done twice": {unknown: toggle, stored: []task{{ID: "1", UserID: "u", Title: "kept", Version: 3}}},
		"the unknown create is lost":       {unknown: create, stored: []task{kept}, good: true},
		"the unknown create is done":       {unknown: create, stored: []task{kept, made}, good: true, done: 1},
		"the unknown create is done twice": {unknown: create, stored: []task{kept, made, again}, done: 1},
		"the refused are not done":         {refused: append(toggle, create...), stored: []task{kept}, good: true},
		"the refused toggle is done":       {refused: toggle, stored: []task{toggled}},
		"the refused create is done":       {refused: create, stored: []task{kept, made}},
		"lost":                             {unknown: create, stored: []task{made}, done: 1},
		"changed without a write":          {stored: []task{toggled}},
		"created without a write":          {unknown: toggle, stored: []task{kept, made}},
		"the time of a toggle is lost":     {unknown: toggle, stored: []task{{ID: "1", UserID: "u", Title: "kept", Completed: true, Version: 3}}},
		"one version for two":              {unknown: create, stored: []task{kept, {ID: "2", UserID: "u", Title: "made", Version: 1}}, done: 1},
		"an old version":                   {unknown: toggle, stored: []task{{ID: "1", UserID: "u", Title: "kept", Completed: true, CompletedAt: nullable{true, "t"}, Version: 1}}},
	} {
		w := newWriters(1, 1)[0]
		w.user, w.tasks["1"], w.unknown, w.refused = "u", kept, slices.Clone(c.unknown), slices.Clone(c.refused)
		if faults := settle([]*writer{w}, c.stored); (len(faults) == 0) != c.good || w.done != c.done {
			t.Errorf("%s: %d done, %q", name, w.done, faults)
		}
	}
}

// TestJudgeNotices shows which answers are faults.
func TestJudgeNotices(t *testing.T) {
	for name, c := range map[string]struct {
		status      int
		kind, after string
		writes      bool
		want        outcome
	}{
		"success":                      {201, "", "", true, succeeded},
		"unavailable":                  {503, "unavailable", "2", true, refused},
		"unavailable, of a read":       {503, "unavailable", "1", false, refused},
		"unavailable, no Retry-After":  {503, "unavailable", "", true, wrong},
		"unavailable, bad Retry-After": {503, "unavailable", "soon", true, wrong},
		"unknown":                      {503, "write-outcome-unknown", "", true, unknown},
		"unknown, with Retry-After":    {503, "write-outcome-unknown", "1", true, wrong},
		"unknown, of a read":           {503, "write-outcome-unknown", "", false, wrong},
		"another kind":                 {503, "internal-error", "1", true, wrong},
		"another status":               {500, "unavailable", "1", true, wrong},
		"not found":                    {404, "task-not-found", "", true, wrong},
	} {
		a := answer{Status: c.status, Header: http.Header{}, Body: fmt.Appendf(nil, `{"type": "/problems/%s"}`, c.kind)}
		if c.after != "" {
			a.Header.Set("Retry-After", c.after)
		}
		if got, err := judge(a, c.writes); got != c.want || (err == nil) != (c.want != wrong) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}
