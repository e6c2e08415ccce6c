package e2e

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"time"
)

// operation is one request of a history, with what came of it. Every request
// that was sent is in the history, and each has an answer.
type operation struct {
	Kind  opKind
	User  string
	ID    string        // of the task; of a create, the task that it made; of a list, none
	Start time.Duration // before the request was sent, on a clock that all clients share
	End   time.Duration // after the answer was read

	Title       nullable // what a create or a change asks for, where Set
	Description nullable
	Completed   *bool

	Status int
	Task   task   // the answer of a create, get, change or toggle that succeeded; of a delete, the id and version
	List   []task // the answer of a list
}

type opKind string

const (
	opCreate opKind = "create"
	opGet    opKind = "get"
	opList   opKind = "list"
	opChange opKind = "change" // PUT, PATCH, or complete with a body
	opToggle opKind = "toggle"
	opDelete opKind = "delete"
)

var opSuccess = map[opKind]int{
	opCreate: http.StatusCreated, opGet: http.StatusOK, opList: http.StatusOK,
	opChange: http.StatusOK, opToggle: http.StatusOK, opDelete: http.StatusOK,
}

func (o *operation) String() string {
	return fmt.Sprintf("%s of %q [%s–%s] → %d, version %d", o.Kind, cmp.Or(o.ID, o.User), o.Start, o.End, o.Status, o.Task.Version)
}

// apply is what the operation makes of a task, apart from what the server
// alone decides: ids, times and versions.
func (o *operation) apply(t task) task {
	if o.Kind == opCreate {
		fresh := freshTask(o.User, "")
		fresh.ID, fresh.CreatedAt = t.ID, t.CreatedAt
		t = fresh
	}
	if o.Kind == opToggle {
		t.Completed = !t.Completed
	}
	if o.Title.Set {
		t.Title = o.Title.Text
	}
	if o.Description.Set {
		t.Description = o.Description
	}
	if o.Completed != nil {
		t.Completed = *o.Completed
	}
	return t
}

// checkHistory returns what in the history cannot have happened if every task
// is one thing that operations change one after the other, each at a moment
// between its start and its end (linearizability), and if a list shows all of
// a user's tasks at one moment. Versions are the witness: they say in which
// order the changes of a user took effect. How many servers took part does not
// matter.
func checkHistory(operations []operation) []string {
	h := &historyCheck{users: map[string]*userHistory{}}
	for i := range operations {
		h.collect(&operations[i])
	}
	for _, name := range slices.Sorted(maps.Keys(h.users)) {
		h.checkUser(h.users[name])
	}
	return h.faults
}

type historyCheck struct {
	users  map[string]*userHistory
	faults []string
}

type userHistory struct {
	tasks map[string]*taskHistory
	lists []*operation
}

// taskHistory is what operations tell of one task.
type taskHistory struct {
	sightings []sighting
	absences  []*operation // the answers 404, and the lists that lack it
	deletes   []*operation // those that succeeded

	// From the sightings, once their versions are checked:
	versions []int64 // in order
	states   map[int64]task
	created  *operation
}

// sighting is an operation that showed the task in a state.
type sighting struct {
	*operation
	state task
}

func (h *historyCheck) faultf(format string, args ...any) {
	h.faults = append(h.faults, fmt.Sprintf(format, args...))
}

func (h *historyCheck) user(name string) *userHistory {
	if h.users[name] == nil {
		h.users[name] = &userHistory{tasks: map[string]*taskHistory{}}
	}
	return h.users[name]
}

func (u *userHistory) task(id string) *taskHistory {
	if u.tasks[id] == nil {
		u.tasks[id] = &taskHistory{states: map[int64]task{}}
	}
	return u.tasks[id]
}

// collect sorts an operation in by what it is about.
func (h *historyCheck) collect(o *operation) {
	u := h.user(o.User)
	switch {
	case o.Status == http.StatusNotFound && o.Kind != opCreate && o.Kind != opList:
		t := u.task(o.ID)
		t.absences = append(t.absences, o)
	case o.Status != opSuccess[o.Kind]:
		h.faultf("%s has an answer that it never should", o)
	case o.Kind == opList:
		u.lists = append(u.lists, o)
		for _, state := range o.List {
			t := u.task(state.ID)
			t.sightings = append(t.sightings, sighting{o, state})
		}
	case o.Kind == opDelete:
		t := u.task(o.ID)
		t.deletes = append(t.deletes, o)
	default:
		t := u.task(o.ID)
		t.sightings = append(t.sightings, sighting{o, o.Task})
	}
}

func (h *historyCheck) checkUser(u *userHistory) {
	owners := map[int64]string{}
	for _, id := range slices.Sorted(maps.Keys(u.tasks)) {
		t := u.tasks[id]
		h.checkStates(id, t)
		t.absences = append(t.absences, u.listsWithout(id)...)
		for _, v := range slices.Concat(t.versions, t.tombstones()) {
			if other := owners[v]; other != "" {
				h.faultf("the tasks %s and %s share version %d", other, id, v)
			}
			owners[v] = id
		}
		h.checkChanges(t)
		h.checkOrder(t)
		h.checkAbsence(id, t)
	}
	for _, list := range u.lists {
		h.checkList(u, list)
	}
}

// listsWithout returns the lists that lack a task although it had been created.
func (u *userHistory) listsWithout(id string) []*operation {
	var lists []*operation
	for _, list := range u.lists {
		created := u.tasks[id].created
		if created != nil && created.End < list.Start && !slices.ContainsFunc(list.List, func(t task) bool { return t.ID == id }) {
			lists = append(lists, list)
		}
	}
	return lists
}

// tombstones returns the versions that the task's deletions took.
func (t *taskHistory) tombstones() (versions []int64) {
	for _, o := range t.deletes {
		versions = append(versions, o.Task.Version)
	}
	return versions
}

// checkStates holds all sightings of one version against each other, and
// fills versions, states and created.
func (h *historyCheck) checkStates(id string, t *taskHistory) {
	for _, s := range t.sightings {
		if s.Kind == opCreate {
			t.created = s.operation
		}
		if s.state.ID != id || s.state.UserID != s.User {
			h.faultf("%s shows the task %s of %q", s, s.state.ID, s.state.UserID)
		}
		known, ok := t.states[s.state.Version]
		if ok && known != s.state {
			h.faultf("%s shows %+v, but that version is %+v", s, s.state, known)
		}
		if !ok {
			t.states[s.state.Version] = s.state
		}
		if s.state.UpdatedAt < s.state.CreatedAt {
			h.faultf("%s: updated before it was created: %+v", s, s.state)
		}
	}
	t.versions = slices.Sorted(maps.Keys(t.states))
	if t.created == nil && len(t.sightings) > 0 {
		h.faultf("%s shows a task that nobody created", t.sightings[0])
	}
}

// checkChanges follows the task from version to version: each is the result of
// exactly one operation on the one before, and is seen only after that began.
func (h *historyCheck) checkChanges(t *taskHistory) {
	shown := map[int64][]sighting{}
	for _, s := range t.sightings {
		shown[s.state.Version] = append(shown[s.state.Version], s)
	}
	var before *task
	for _, v := range t.versions {
		state := t.states[v]
		writer := h.writer(before, state, shown[v])
		for _, s := range shown[v] {
			if writer != nil && s.End < writer.Start {
				h.faultf("%s shows what was written later, by %s", s, writer)
			}
		}
		before = &state
	}
}

// writer returns the operation that led from before to state, of those that
// showed state, or nil after a fault. The others must have changed nothing.
func (h *historyCheck) writer(before *task, state task, shown []sighting) *operation {
	var writer *operation
	for _, s := range shown {
		certain := s.Kind == opCreate || s.Kind == opToggle // these always write
		switch {
		case !certain && s.Kind != opChange:
			continue
		case !certain && follows(s.apply(state), state) && !canWrite(s.operation, before, state):
			continue // it found the state and changed nothing
		case !canWrite(s.operation, before, state):
			h.faultf("%s does not make %+v of %v", s, state, before)
		case writer == nil:
			writer = s.operation
		case certain && (writer.Kind == opCreate || writer.Kind == opToggle):
			h.faultf("%s and %s share a version", writer, s)
		case certain || writer.Kind == opChange && s.Start < writer.Start:
			writer = s.operation // of equal changes, the one that began first
		}
	}
	if writer == nil && len(shown) > 0 {
		h.faultf("no operation led from %v to %+v", before, state)
	}
	return writer
}

// canWrite says whether o, applied to before, gives state and a new version of it.
func canWrite(o *operation, before *task, state task) bool {
	if before == nil {
		return o.Kind == opCreate && state.CreatedAt == state.UpdatedAt && follows(o.apply(task{ID: state.ID, CreatedAt: state.CreatedAt}), state)
	}
	after := o.apply(*before)
	return o.Kind != opCreate && after != *before && follows(after, state)
}

// follows compares what an operation gives with a state of which the server
// chose version and updated_at. A task that the operation completed has been
// completed since then.
func follows(result, state task) bool {
	result.Version, result.UpdatedAt = state.Version, state.UpdatedAt
	if !result.Completed {
		result.CompletedAt = nullable{}
	} else if !result.CompletedAt.Set {
		result.CompletedAt = nullable{true, state.UpdatedAt}
	}
	return result == state
}

// checkOrder holds versions against time: what an operation shows is not older
// than what any operation had shown that ended before it began.
func (h *historyCheck) checkOrder(t *taskHistory) {
	begun := slices.SortedFunc(slices.Values(t.sightings), func(a, b sighting) int { return cmp.Compare(a.Start, b.Start) })
	ended := slices.SortedFunc(slices.Values(t.sightings), func(a, b sighting) int { return cmp.Compare(a.End, b.End) })
	var newest *sighting
	for _, s := range begun {
		for len(ended) > 0 && ended[0].End < s.Start {
			if newest == nil || ended[0].state.Version > newest.state.Version {
				newest = &ended[0]
			}
			ended = ended[1:]
		}
		if newest != nil && newest.state.Version > s.state.Version {
			h.faultf("%s shows version %d after %s had shown %d", s, s.state.Version, newest, newest.state.Version)
		}
	}
}

// checkAbsence: a task is gone once, after its delete began, and for good.
func (h *historyCheck) checkAbsence(id string, t *taskHistory) {
	if len(t.deletes) > 1 {
		h.faultf("the task %s was deleted %d times", id, len(t.deletes))
	}
	gone := time.Duration(math.MaxInt64) // when it certainly was
	for _, o := range slices.Concat(t.deletes, t.absences) {
		gone = min(gone, o.End)
	}
	for _, o := range t.absences {
		if !t.deletedBefore(o.End) {
			h.faultf("%s does not find the task %s, but no delete had begun", o, id)
		}
	}
	for _, o := range t.deletes {
		if o.Task.ID != id || len(t.versions) > 0 && o.Task.Version < t.versions[len(t.versions)-1] {
			h.faultf("%s gives %s version %d, which is not its last", o, o.Task.ID, o.Task.Version)
		}
	}
	for _, s := range t.sightings {
		if s.Start > gone {
			h.faultf("%s shows a task that was gone since %s", s, gone)
		}
	}
}

func (t *taskHistory) deletedBefore(moment time.Duration) bool {
	return slices.ContainsFunc(t.deletes, func(o *operation) bool { return o.Start < moment })
}

// checkList looks for the moment that the list shows. It lies after the latest
// change that it shows, and before the first that it does not.
func (h *historyCheck) checkList(u *userHistory, list *operation) {
	shown := map[string]int64{}
	var latest int64
	for i, t := range list.List {
		if i > 0 && t.ID <= list.List[i-1].ID {
			h.faultf("%s: %s does not come after %s", list, t.ID, list.List[i-1].ID)
		}
		shown[t.ID] = t.Version
		latest = max(latest, t.Version)
	}
	for id, t := range u.tasks {
		version, ok := shown[id]
		if !ok && t.deletedBefore(list.End) || len(t.versions) == 0 {
			continue // when the delete took effect is not known
		}
		next, _ := slices.BinarySearch(t.versions, version+1)
		if next < len(t.versions) && t.versions[next] < latest {
			h.faultf("%s shows version %d and not %d, of %s", list, latest, t.versions[next], id)
		}
	}
}
