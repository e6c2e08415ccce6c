package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	modelUsers  = 4
	modelRecent = 12 // tasks of a user that clients use at the same time
	modelFaults = 20 // the most that are printed
)

// TestModel has many clients work on the same tasks, and checks that their answers
// are a possible history; see checkHistory.
func TestModel(t *testing.T) {
	t.Parallel()
	s := newServer(t, t.TempDir(), defaultDatabase)
	s.useRace(t)
	s.Start(t)
	history := crowd(t, []string{s.URL}, long(1500, 10_000))
	s.Stop(t)
	report(t, history)
}

// report checks a history and logs what it contains.
func report(t *testing.T, history []operation) {
	t.Helper()
	counts := map[string]int{}
	var slowest time.Duration
	for _, o := range history {
		counts[fmt.Sprintf("%s %d", o.Kind, o.Status)]++
		slowest = max(slowest, o.End-o.Start)
	}
	faults := checkHistory(history)
	t.Logf("%d operations %v, the slowest took %s, %d faults", len(history), counts, slowest, len(faults))
	for _, fault := range faults[:min(len(faults), modelFaults)] {
		t.Error(fault)
	}
}

// crowd has clients send mixed requests to the servers, and returns all of them:
// at least as many as asked for, and of each kind one that succeeded.
func crowd(t *testing.T, urls []string, operations int) []operation {
	ctx, cancel := untilDeadline(t)
	defer cancel()
	shared := &board{ids: map[string][]string{}, missing: maps.Clone(opSuccess), open: operations}
	begin := time.Now()
	members := make([]*member, long(16, 100))
	var wg sync.WaitGroup
	for i := range members {
		m := &member{board: shared, begin: begin, client: newClient(t, urls[i%len(urls)], 1)}
		members[i] = m
		wg.Go(func() {
			for m.err == nil && !shared.complete() {
				m.err = m.send(ctx, m.choose())
			}
		})
	}
	wg.Wait()
	var history []operation
	for i, m := range members {
		if m.err != nil {
			t.Errorf("client %d: %v", i, m.err)
		}
		history = append(history, m.history...)
	}
	return history
}

// board is what the clients of a crowd share.
type board struct {
	mu      sync.Mutex
	ids     map[string][]string // of each user's last tasks, including deleted ones
	missing map[opKind]int      // the kinds of which none has succeeded yet
	open    int                 // operations that are still to be sent
}

// note counts an operation.
func (b *board) note(o operation) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open--
	if o.Status == opSuccess[o.Kind] {
		delete(b.missing, o.Kind)
	}
}

func (b *board) complete() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.open <= 0 && len(b.missing) == 0
}

func (b *board) add(user, id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	ids := append(b.ids[user], id)
	b.ids[user] = ids[max(0, len(ids)-modelRecent):]
}

// any returns the id of one of the user's last tasks, or "" when there is none.
func (b *board) any(user string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if ids := b.ids[user]; len(ids) > 0 {
		return ids[rand.N(len(ids))]
	}
	return ""
}

// member is one client of the crowd, which sends one request after the other.
type member struct {
	board   *board
	begin   time.Time
	client  client
	history []operation
	err     error
}

// choose returns the next operation.
func (m *member) choose() operation {
	user := fmt.Sprintf("model-%d", rand.N(modelUsers))
	o := operation{Kind: opCreate, User: user, ID: m.board.any(user)}
	yes := rand.N(2) == 0
	switch choice := rand.N(100); {
	case o.ID == "" || choice < 6:
		o.ID = ""
		o.Title = nullable{true, fmt.Sprintf("Task %d", rand.N(1000))}
		o.Description = nullable{true, strings.Repeat("x", rand.N(100))}
	case choice < 30:
		o.Kind = opGet
	case choice < 40:
		o.Kind, o.ID = opList, ""
	case choice < 55: // few different titles, so that some changes change nothing
		o.Kind, o.Title = opChange, nullable{true, fmt.Sprintf("Title %d", rand.N(3))}
	case choice < 60:
		o.Kind, o.Title, o.Completed = opChange, nullable{true, "Both"}, &yes
	case choice < 75:
		o.Kind, o.Completed = opChange, &yes
	case choice < 95:
		o.Kind = opToggle
	default:
		o.Kind = opDelete
	}
	return o
}

// request returns the operation as an HTTP request. A change uses the route that
// a client would use for it.
func (o *operation) request() (method, path, body string) {
	fields := map[string]any{}
	if o.Title.Set {
		fields["title"] = o.Title.Text
	}
	if o.Description.Set {
		fields["description"] = o.Description.Text
	}
	if o.Completed != nil {
		fields["completed"] = *o.Completed
	}
	content, _ := json.Marshal(fields)
	path = taskPath(o.User, o.ID)
	switch o.Kind {
	case opCreate:
		return http.MethodPost, tasksPath(o.User), string(content)
	case opList:
		return http.MethodGet, tasksPath(o.User), ""
	case opGet:
		return http.MethodGet, path, ""
	case opDelete:
		return http.MethodDelete, path, ""
	case opToggle:
		return http.MethodPatch, path + "/complete", ""
	}
	switch {
	case !o.Title.Set:
		return http.MethodPatch, path + "/complete", string(content)
	case o.Completed != nil:
		return http.MethodPut, path, string(content)
	default:
		return http.MethodPatch, path, string(content)
	}
}

// send sends the operation and adds it to the history, unless it was refused: then
// it has no effect. The error says that there is no answer, or one that no history
// allows.
func (m *member) send(ctx context.Context, o operation) error {
	method, path, body := o.request()
	o.Start = time.Since(m.begin)
	a, err := m.client.do(ctx, method, path, body)
	o.End = time.Since(m.begin)
	if err != nil {
		return err
	}
	if result, _ := judge(a, true); result == refused { // the machine is busy
		return nil
	}
	o.Status = a.Status
	switch {
	case o.Status != opSuccess[o.Kind]:
		if o.Status != http.StatusNotFound {
			return fmt.Errorf("%s %s %s: %d %s", method, path, body, a.Status, a.Body)
		}
	case o.Kind == opList:
		err = a.decode(&o.List)
	case o.Kind == opDelete:
		var gone tombstone
		err = a.decode(&gone)
		o.Task = task{ID: gone.ID, Version: gone.Version}
	default:
		err = a.decode(&o.Task)
	}
	if o.Kind == opCreate {
		o.ID = o.Task.ID
		m.board.add(o.User, o.ID)
	}
	m.history = append(m.history, o)
	m.board.note(o)
	return err
}
