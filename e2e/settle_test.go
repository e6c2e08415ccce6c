package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"testing"
)

// verify compares what the server holds with what was acknowledged and what
// was refused, and settles what was open.
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

// verifyNumbers has each user make one more task. Its version is one more than
// the writes that were done, so that none was done twice and none unnoticed.
// Nothing may be open.
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
			t.Errorf("%q has had %d writes, and the next one is version %d (%v)", user, writes, last.Version, err)
		}
	}
}

// settle returns what is wrong with the tasks that are stored for the writers
// of one user.
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
		faults = append(faults, fmt.Sprintf("nobody asked for %+v", k))
	}
	return faults
}

// settle takes the writer's tasks out of stored. Each is there as it was
// acknowledged, or as an open request leaves it, with a later version.
func (w *writer) settle(stored map[string]task) (faults []string) {
	for id, want := range maps.Clone(w.tasks) {
		got, ok := stored[id]
		delete(stored, id)
		is := func(k write) bool {
			return k.id == id && sameContent(got, k.apply(want)) && got.Version > want.Version && got.CreatedAt == want.CreatedAt
		}
		switch {
		case !ok:
			faults = append(faults, fmt.Sprintf("lost: %+v was acknowledged and is not there", want))
		case got == want:
		case slices.ContainsFunc(w.open, is):
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
		if i := slices.IndexFunc(w.open, is); i >= 0 {
			w.open = slices.Delete(w.open, i, i+1) // it makes one task, not two
			w.tasks[id] = got
			w.done++
			delete(stored, id)
		}
		if slices.ContainsFunc(w.refused, is) {
			faults = append(faults, fmt.Sprintf("refused and done: %+v is there", got))
			delete(stored, id)
		}
	}
	w.open, w.refused = nil, nil
	clear(w.idle)
	return faults
}

// TestSettleNotices shows that the comparison can fail.
func TestSettleNotices(t *testing.T) {
	kept := task{ID: "1", UserID: "u", Title: "kept", Version: 1}
	toggled := task{ID: "1", UserID: "u", Title: "kept", Completed: true, Version: 3}
	made := task{ID: "2", UserID: "u", Title: "made", Version: 2}
	again := task{ID: "3", UserID: "u", Title: "made", Version: 4}
	toggle := []write{{id: "1", apply: func(t task) task { t.Completed = !t.Completed; return t }}}
	create := []write{{apply: func(task) task { return task{UserID: "u", Title: "made"} }}}
	for name, c := range map[string]struct {
		open, refused []write
		stored        []task
		good          bool
		done          int
	}{
		"as acknowledged":            {stored: []task{kept}, good: true},
		"the open toggle is lost":    {open: toggle, stored: []task{kept}, good: true},
		"the open toggle is done":    {open: toggle, stored: []task{toggled}, good: true, done: 1},
		"the open toggle is twofold": {open: toggle, stored: []task{{ID: "1", UserID: "u", Title: "kept", Version: 3}}},
		"the open create is lost":    {open: create, stored: []task{kept}, good: true},
		"the open create is done":    {open: create, stored: []task{kept, made}, good: true, done: 1},
		"the open create is twofold": {open: create, stored: []task{kept, made, again}, done: 1},
		"the refused are not done":   {refused: append(toggle, create...), stored: []task{kept}, good: true},
		"the refused toggle is done": {refused: toggle, stored: []task{toggled}},
		"the refused create is done": {refused: create, stored: []task{kept, made}},
		"lost":                       {open: create, stored: []task{made}, done: 1},
		"changed by nobody":          {stored: []task{toggled}},
		"made by nobody":             {open: toggle, stored: []task{kept, made}},
		"one version for two":        {open: create, stored: []task{kept, {ID: "2", UserID: "u", Title: "made", Version: 1}}, done: 1},
		"an old version":             {open: toggle, stored: []task{{ID: "1", UserID: "u", Title: "kept", Completed: true, Version: 1}}},
	} {
		w := newWriters(1, 1)[0]
		w.user, w.tasks["1"], w.open, w.refused = "u", kept, slices.Clone(c.open), slices.Clone(c.refused)
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
		"unavailable, without when":    {503, "unavailable", "", true, wrong},
		"unavailable, with a bad when": {503, "unavailable", "soon", true, wrong},
		"unknown":                      {503, "write-outcome-unknown", "", true, unknown},
		"unknown, with when":           {503, "write-outcome-unknown", "1", true, wrong},
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
