package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"docket"
	"docket/internal/pgtest"
	"docket/internal/storetest"
)

// laneMates returns users whose writes share a lane, and that lane.
func laneMates(s *Store, n int) ([]docket.UserID, *lane) {
	l := s.lanes.of("user-0")
	var users []docket.UserID
	for i := 0; len(users) < n; i++ {
		if user := docket.UserID(fmt.Sprintf("user-%d", i)); s.lanes.of(user) == l {
			users = append(users, user)
		}
	}
	return users, l
}

func of(owner docket.UserID, title string) docket.Task {
	t := draft(title)
	t.UserID = owner
	return t
}

// waitUntil waits until f holds.
func waitUntil(t *testing.T, what string, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !f(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

// idle fails the test when a lane that nothing is in holds anything.
func (l *lane) idle(t *testing.T) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.leaders != 0 || len(l.waiting) != 0 || len(l.apart) != 0 {
		t.Errorf("the lane is left with %d leaders, %d that wait and %d apart", l.leaders, len(l.waiting), len(l.apart))
	}
}

// held runs the calls so that the first is on its way, which takes until go on
// is called, and the others wait in the lane.
func held(t *testing.T, proxy *pgtest.Proxy, l *lane, calls ...func()) (goOn func()) {
	t.Helper()
	var running sync.WaitGroup
	proxy.Freeze(true)
	before := l.groups.Load()
	for i, call := range calls {
		running.Go(call)
		waitUntil(t, "the first is on its way and the call in the lane", func() bool {
			l.mu.Lock()
			defer l.mu.Unlock()
			return l.groups.Load() == before+1 && len(l.waiting) == i
		})
	}
	return func() {
		proxy.Freeze(false)
		running.Wait()
	}
}

// TestWritesShareARoundTrip has ten users write while a write is on its way.
func TestWritesShareARoundTrip(t *testing.T) {
	direct := pgtest.Shared(t).Database(t)
	proxy := pgtest.NewProxy(t, direct, 0)
	s := open(t, proxy.URL(direct), func(o *Options) { o.MaxConns = 1 })
	users, l := laneMates(s, 11)
	for _, user := range users { // the statement is prepared, the users exist
		if _, err := storetest.Create(t.Context(), s, of(user, "first")); err != nil {
			t.Fatal(err)
		}
	}
	tasks := make([]docket.Task, len(users))
	var calls []func()
	for i, user := range users {
		calls = append(calls, func() {
			var err error
			if tasks[i], err = storetest.Create(context.Background(), s, of(user, string(user))); err != nil {
				t.Error(err)
			}
		})
	}
	before := proxy.RoundTrips()
	held(t, proxy, l, calls...)()
	if took := proxy.RoundTrips() - before; took != 2 {
		t.Errorf("%d writes took %d round trips", len(users), took)
	}
	for i, user := range users {
		got, err := s.Get(t.Context(), user, tasks[i].ID)
		if err != nil || got.Title != string(user) || got.Version != 2 || tasks[i].Version != 2 {
			t.Errorf("%s wrote %+v and has %+v, %v", user, tasks[i], got, err)
		}
	}
	l.idle(t)
}

// TestReadsShareARoundTrip has each user read its own task, and one that is not
// there, while others do.
func TestReadsShareARoundTrip(t *testing.T) {
	direct := pgtest.Shared(t).Database(t)
	proxy := pgtest.NewProxy(t, direct, 0)
	s := open(t, proxy.URL(direct), func(o *Options) { o.MaxConns = readWidth })
	l := s.lanes.reads
	var calls []func()
	for i := range 20 {
		user := docket.UserID(fmt.Sprintf("user-%d", i))
		task, err := storetest.Create(t.Context(), s, of(user, string(user)))
		if err != nil {
			t.Fatal(err)
		}
		calls = append(calls, func() {
			if got, err := s.Get(context.Background(), user, task.ID); err != nil || got.Title != string(user) || got.UserID != user {
				t.Errorf("%s got %+v, %v", user, got, err)
			}
		}, func() {
			if _, err := s.Get(context.Background(), user, uuid.Must(uuid.NewV7())); docket.KindOf(err) != docket.NotFound {
				t.Errorf("%s got %v", user, err)
			}
		})
	}
	for range l.width { // on each connection the statement is prepared
		calls[0]()
	}
	// The first leaders take the connections; held counts them.
	var running sync.WaitGroup
	before := l.groups.Load()
	proxy.Freeze(true)
	for i, call := range calls {
		running.Go(call)
		waitUntil(t, "the call is in the lane", func() bool {
			l.mu.Lock()
			defer l.mu.Unlock()
			return l.leaders+len(l.waiting) == i+1
		})
	}
	proxy.Freeze(false)
	running.Wait()
	if took := l.groups.Load() - before; took > int64(l.width)+2 {
		t.Errorf("%d reads took %d groups", len(calls), took)
	}
	l.idle(t)
}

// TestReadsFarAway has the width of the lane of reads follow the distance that
// the store finds, and stay within half of the connections.
func TestReadsFarAway(t *testing.T) {
	direct := pgtest.Shared(t).Database(t)
	far := pgtest.Delay(t, direct, 20*time.Millisecond)
	for name, test := range map[string]struct {
		url   string
		conns int32
		least int
		most  int
	}{
		"far, many connections": {far, 40, 2 + 10, 20},
		"far, few connections":  {far, 10, 5, 5},
		"far, one connection":   {far, 1, 2, 2},
	} {
		s := open(t, test.url, func(o *Options) { o.MaxConns = test.conns })
		if width := s.lanes.reads.width; width < test.least || width > test.most {
			t.Errorf("%s: %d groups at a time, want %d to %d", name, width, test.least, test.most)
		}
	}
	if width := widthAt(time.Millisecond, 20); width != readWidth {
		t.Errorf("1 ms away: %d groups at a time, want %d", width, readWidth)
	}
}

// TestLockedUserHoldsUpNobody has one user of a group wait for a lock that is
// held for long: the others are served at once, and then that one too.
func TestLockedUserHoldsUpNobody(t *testing.T) {
	direct := pgtest.Shared(t).Database(t)
	s := open(t, direct)
	users, l := laneMates(s, 3)
	for _, user := range users {
		if _, err := storetest.Create(t.Context(), s, of(user, "first")); err != nil {
			t.Fatal(err)
		}
	}
	tx := lock(t, direct, fmt.Sprintf("SELECT user_id FROM docket.owners WHERE user_id = '%s' FOR UPDATE", users[0]))
	locked := make(chan error, 1)
	go func() {
		_, err := storetest.Create(context.Background(), s, of(users[0], "waits"))
		locked <- err
	}()
	waitUntil(t, "the write goes alone", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.apart[users[0]] > 0
	})
	for range 20 {
		for _, user := range users[1:] {
			if _, err := storetest.Create(t.Context(), s, of(user, "served")); err != nil {
				t.Fatal(err)
			}
		}
	}
	select {
	case err := <-locked:
		t.Errorf("the locked user's write returned %v", err)
	default:
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-locked; err != nil {
		t.Error(err)
	}
	l.idle(t)
}

// TestGroupFailsApart has the database refuse one write of a group.
func TestGroupFailsApart(t *testing.T) {
	direct := pgtest.Shared(t).Database(t)
	proxy := pgtest.NewProxy(t, direct, 0)
	s := open(t, proxy.URL(direct), func(o *Options) { o.MaxConns = 1 })
	pgtest.Exec(t, direct, `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''refused''; END'`,
		`CREATE TRIGGER refuse BEFORE INSERT ON docket.tasks FOR EACH ROW WHEN (new.title = 'poison') EXECUTE FUNCTION refuse()`)
	users, l := laneMates(s, 6)
	errs := make([]error, len(users))
	var calls []func()
	for i, user := range users {
		title := "task"
		if i == 3 {
			title = "poison"
		}
		calls = append(calls, func() { _, errs[i] = storetest.Create(context.Background(), s, of(user, title)) })
	}
	held(t, proxy, l, calls...)()
	for i, user := range users {
		page, err := s.List(t.Context(), user, docket.ListQuery{Limit: 10})
		if want := i != 3; err != nil || (errs[i] == nil) != want || (len(page.Tasks) == 1) != want {
			t.Errorf("write %d returned %v and left %d tasks, %v", i, errs[i], len(page.Tasks), err)
		}
	}
	if docket.KindOf(errs[3]) != docket.Internal {
		t.Errorf("the refused write returned %v", errs[3])
	}
	l.idle(t)
}

// TestGroupWithoutAnAnswer loses the connection of a group that is on its way:
// nobody is told that it was written, or that it was not.
func TestGroupWithoutAnAnswer(t *testing.T) {
	direct := pgtest.Shared(t).Database(t)
	proxy := pgtest.NewProxy(t, direct, 0)
	s := open(t, proxy.URL(direct), func(o *Options) { o.MaxConns = 1 })
	users, l := laneMates(s, 5)
	for _, user := range users {
		if _, err := storetest.Create(t.Context(), s, of(user, "first")); err != nil {
			t.Fatal(err)
		}
	}
	errs := make([]error, len(users))
	var calls []func()
	for i, user := range users {
		calls = append(calls, func() { _, errs[i] = storetest.Create(context.Background(), s, of(user, "second")) })
	}
	goOn := held(t, proxy, l, calls...)
	// The second group, of all but the first, waits for its first user's lock.
	tx := lock(t, direct, fmt.Sprintf("SELECT user_id FROM docket.owners WHERE user_id = '%s' FOR UPDATE", users[1]))
	go func() {
		waitForLock(t, direct)
		proxy.Cut()
	}()
	goOn()
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, err := range errs {
		if want := i > 0; want != (docket.KindOf(err) == docket.OutcomeUnknown) || !want && err != nil {
			t.Errorf("write %d returned %v", i, err)
		}
	}
	l.idle(t)
}

// TestClientsLeaveTheLane has clients leave at any moment. The others notice
// nothing, and the lanes are left empty.
func TestClientsLeaveTheLane(t *testing.T) {
	direct := pgtest.Shared(t).Database(t)
	s := open(t, pgtest.Delay(t, direct, time.Millisecond), func(o *Options) { o.MaxConns = 3 })
	task := put(t, s, "task")
	var running sync.WaitGroup
	var mu sync.Mutex
	done := 0
	for worker := range 40 {
		running.Go(func() {
			for i := range 50 {
				ctx, cancel := context.WithCancel(context.Background())
				if worker%2 == 0 { // this one leaves
					time.AfterFunc(time.Duration(rand.IntN(4000))*time.Microsecond, cancel)
				}
				var err error
				if i%2 == 0 {
					_, err = s.Get(ctx, "alice", task.ID)
				} else if _, err = storetest.Create(ctx, s, of(docket.UserID(fmt.Sprintf("user-%d", worker)), "task")); err == nil {
					mu.Lock()
					done++
					mu.Unlock()
				}
				if err != nil && (worker%2 != 0 || !errors.Is(err, context.Canceled)) {
					t.Errorf("worker %d: %v", worker, err)
				}
				cancel()
			}
		})
	}
	running.Wait()
	for _, l := range append(s.lanes.writes[:], s.lanes.reads) {
		l.idle(t)
	}
	var written int
	if err := s.pool.QueryRow(t.Context(), "SELECT count(*) FROM docket.tasks WHERE title = 'task' AND user_id <> 'alice'").Scan(&written); err != nil || written != done {
		t.Errorf("%d writes were acknowledged, %d happened, %v", done, written, err)
	}
}

// TestNobodyLeavesWhatHappened has a client leave when its group has come back
// and has not told it yet: what it is told is what happened.
func TestNobodyLeavesWhatHappened(t *testing.T) {
	for _, writes := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			l := newLane(1, "", writes)
			first, second := &call{owner: "alice", turn: make(chan struct{}, 1)}, &call{owner: "bob", turn: make(chan struct{}, 1)}
			l.enter(first)
			l.enter(second)
			group := l.group(first)
			l.pass(group, true)
			ctx, leave := context.WithCancel(t.Context())
			leave()
			told := make(chan error, 1)
			go func() { told <- (*Store)(nil).ride(ctx, ctx, l, second) }()
			synctest.Wait()
			second.err = errAlone
			second.turn <- struct{}{}
			if err := <-told; !errors.Is(err, errAlone) {
				t.Errorf("it was told %v", err)
			}
		})
	}
}

// TestGroupLocksInOrder has a group arrive in the reverse order of its users and
// watches in which order they are locked: in the same by every instance, so that
// no two groups wait for each other.
func TestGroupLocksInOrder(t *testing.T) {
	direct := pgtest.Shared(t).Database(t)
	proxy := pgtest.NewProxy(t, direct, 0)
	s := open(t, proxy.URL(direct), func(o *Options) { o.MaxConns = 1 })
	users, l := laneMates(s, 8)
	for _, user := range users {
		if _, err := storetest.Create(t.Context(), s, of(user, "first")); err != nil {
			t.Fatal(err)
		}
	}
	pgtest.Exec(t, direct, "CREATE TABLE docket.locked (n serial, user_id text)",
		`CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO docket.locked (user_id) VALUES (new.user_id); RETURN new; END'`,
		"CREATE TRIGGER note BEFORE UPDATE ON docket.owners FOR EACH ROW EXECUTE FUNCTION note()")
	slices.Sort(users)
	slices.Reverse(users)
	var calls []func()
	for _, user := range users {
		calls = append(calls, func() {
			if _, err := storetest.Create(context.Background(), s, of(user, "second")); err != nil {
				t.Error(err)
			}
		})
	}
	held(t, proxy, l, calls...)()
	rows, err := s.pool.Query(t.Context(), "SELECT user_id FROM docket.locked ORDER BY n")
	if err != nil {
		t.Fatal(err)
	}
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(got) != len(users) || !slices.IsSorted(got[1:]) { // the first went ahead
		t.Errorf("locked in the order %q, %v", got, err)
	}
}

// TestInstancesDoNotDeadlock has two instances change the same users in groups.
func TestInstancesDoNotDeadlock(t *testing.T) {
	direct := pgtest.Shared(t).Database(t)
	stores := []*Store{open(t, direct), open(t, direct)}
	tasks := make([]docket.Task, 24)
	for i := range tasks {
		var err error
		if tasks[i], err = storetest.Create(t.Context(), stores[0], of(docket.UserID(fmt.Sprintf("user-%d", i)), "task")); err != nil {
			t.Fatal(err)
		}
	}
	var running sync.WaitGroup
	for worker := range 48 {
		running.Go(func() {
			for range 40 {
				task := tasks[rand.IntN(len(tasks))]
				if _, err := storetest.Do(context.Background(), stores[worker%2], task.UserID, docket.Operation{Action: docket.Toggle, ID: task.ID}, time.Now()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	running.Wait()
	var deadlocks, changes int64
	err := stores[0].pool.QueryRow(t.Context(), `SELECT d.deadlocks, (SELECT sum(counter) FROM docket.owners) FROM pg_stat_database AS d WHERE d.datname = current_database()`,
		pgx.QueryExecModeExec).Scan(&deadlocks, &changes)
	if want := int64(len(tasks) + 48*40); err != nil || deadlocks != 0 || changes != want {
		t.Errorf("%d deadlocks, %d changes of %d, %v", deadlocks, changes, want, err)
	}
}
