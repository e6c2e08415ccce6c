package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	modelClients = 100
	modelUsers   = 4
	modelRecent  = 12 // tasks of a user that clients fight over
	modelFaults  = 20 // shown of those found
)

// TestModel has a crowd work on the same tasks and holds what each client was
// told against the only thing that may have happened; see checkHistory.
func TestModel(t *testing.T) {
	s := startServer(t)
	history := crowd(t, []string{s.URL}, long(2*time.Second, 10*time.Second))
	s.Stop(t)
	report(t, history)
}

// report checks a history and says what was in it.
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
	for kind, status := range opSuccess {
		if counts[fmt.Sprintf("%s %d", kind, status)] == 0 {
			t.Errorf("no %s succeeded: the crowd did not do its work", kind)
		}
	}
}

// crowd has clients send mixed requests to the servers for some time, and
// returns all of them.
func crowd(t *testing.T, urls []string, duration time.Duration) []operation {
	ctx, cancel := context.WithTimeout(t.Context(), duration+time.Minute)
	defer cancel()
	shared := &board{ids: map[string][]string{}}
	begin := time.Now()
	members := make([]*member, modelClients)
	var wg sync.WaitGroup
	for i := range members {
		m := &member{board: shared, begin: begin, client: newClient(t, urls[i%len(urls)], 1)}
		members[i] = m
		wg.Go(func() {
			for time.Since(begin) < duration && m.err == nil {
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

// board is where the members tell each other which tasks there are: for each
// user those made last, deleted ones included.
type board struct {
	mu  sync.Mutex
	ids map[string][]string
}

func (b *board) add(user, id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	ids := append(b.ids[user], id)
	b.ids[user] = ids[max(0, len(ids)-modelRecent):]
}

// any returns the id of a task of the user, or "" when there is none yet.
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

// choose returns the next operation to try.
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

// request is the operation as HTTP. A change goes to the route that a client
// would use for it.
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

// send does the operation and notes what came of it. It fails when there is no
// answer, or one that cannot be read.
func (m *member) send(ctx context.Context, o operation) error {
	method, path, body := o.request()
	o.Start = time.Since(m.begin)
	a, err := m.client.do(ctx, method, path, body)
	o.End = time.Since(m.begin)
	if err != nil {
		return err
	}
	o.Status = a.Status
	switch {
	case o.Status != opSuccess[o.Kind]:
		if o.Status != http.StatusNotFound {
			return fmt.Errorf("%s %s %s: %d %s", method, path, body, a.Status, a.Body)
		}
	case o.Kind == opList:
		err = a.decode(&o.List)
	case o.Kind != opDelete:
		err = a.decode(&o.Task)
	}
	if o.Kind == opCreate {
		o.ID = o.Task.ID
		m.board.add(o.User, o.ID)
	}
	m.history = append(m.history, o)
	return err
}
