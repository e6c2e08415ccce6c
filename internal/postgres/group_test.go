package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"docket"
	"docket/internal/pgtest"
	"docket/internal/storetest"
)

// TestGroupFailsApart has the database refuse one write of a group.
func TestGroupFailsApart(t *testing.T) {
	s, proxy, direct := openBehindProxy(t)
	pgtest.Exec(t, direct, `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''refused''; END'`,
		`CREATE TRIGGER refuse BEFORE INSERT ON docket.tasks FOR EACH ROW WHEN (new.title = 'poison') EXECUTE FUNCTION refuse()`)
	users, b := mates(s, 6)
	errs := make([]error, len(users))
	var calls []func()
	for i, user := range users {
		title := "task"
		if i == 3 {
			title = "poison"
		}
		calls = append(calls, func() { _, errs[i] = storetest.Create(context.Background(), s, of(user, title)) })
	}
	whileInFlight(t, proxy, s, b, calls...)()
	for i, user := range users {
		page, err := s.List(t.Context(), user, docket.ListQuery{Limit: 10})
		if want := i != 3; err != nil || (errs[i] == nil) != want || (len(page.Tasks) == 1) != want {
			t.Errorf("write %d returned %v and left %d tasks, %v", i, errs[i], len(page.Tasks), err)
		}
	}
	if docket.KindOf(errs[3]) != docket.Internal {
		t.Errorf("the refused write returned %v", errs[3])
	}
	idle(t, b)
}

// TestRefusedRowIsNoTrouble has the database refuse a row, in a group and alone:
// that says nothing about the database.
func TestRefusedRowIsNoTrouble(t *testing.T) {
	direct := pgtest.Shared(t).Database(t)
	pgtest.Exec(t, direct, `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''refused''; END'`)
	s := open(t, direct)
	pgtest.Exec(t, direct, `CREATE TRIGGER refuse BEFORE INSERT ON docket.tasks FOR EACH ROW EXECUTE FUNCTION refuse()`)
	for _, troubled := range []bool{false, true} {
		if troubled {
			trouble(t, s)
		}
		if _, err := storetest.Create(t.Context(), s, storetest.Draft("task")); docket.KindOf(err) != docket.Internal {
			t.Errorf("a refused write returned %v", err)
		}
		if got := s.db.Troubled(); got != troubled {
			t.Errorf("a refused write has changed the store's state from troubled = %t to %t", troubled, got)
		}
	}
}

// TestGroupWithoutAnAnswer loses the connection of a group in flight: each of its
// writes has an unknown outcome.
func TestGroupWithoutAnAnswer(t *testing.T) {
	s, proxy, direct := openBehindProxy(t)
	users, b := mates(s, 5)
	create(t, s, users...)
	// The group of all users but the first takes for ever.
	pgtest.Exec(t, direct, `CREATE FUNCTION halt() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(3600); RETURN new; END'`,
		fmt.Sprintf(`CREATE TRIGGER halt BEFORE UPDATE ON docket.owners FOR EACH ROW WHEN (new.user_id = '%s') EXECUTE FUNCTION halt()`, users[1]))
	errs := make([]error, len(users))
	var calls []func()
	for i, user := range users {
		calls = append(calls, func() { _, errs[i] = storetest.Create(context.Background(), s, of(user, "second")) })
	}
	goOn := whileInFlight(t, proxy, s, b, calls...)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		goOn()
	}()
	waitFor(t, direct, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'")
	proxy.Cut()
	<-ended
	if errs[0] != nil {
		t.Errorf("the write before returned %v", errs[0])
	}
	for i, err := range errs[1:] {
		if docket.KindOf(err) != docket.OutcomeUnknown {
			t.Errorf("write %d returned %v", i+1, err)
		}
	}
	idle(t, b)
}

// TestClientsLeaveTheQueue has requests end while their calls wait: one in the
// queue, and the leader, which waits for a connection.
func TestClientsLeaveTheQueue(t *testing.T) {
	s := openPatient(t, pgtest.Shared(t).Database(t), func(o *Options) { o.MaxConns = 1 })
	users, b := mates(s, 3)
	tasks := create(t, s, users...)
	conn, err := s.db.Pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var leave []context.CancelFunc
	var ends []chan error
	for i, user := range users {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		end := make(chan error, 1)
		leave, ends = append(leave, cancel), append(ends, end)
		go func() {
			_, err := storetest.Do(ctx, s, user, docket.Operation{Action: docket.Toggle, ID: tasks[i].ID}, tasks[i].CreatedAt)
			end <- err
		}()
		waitUntil(t, "the call is queued behind the leader", func() bool { return holding(b, 1, i) })
	}
	for _, i := range []int{1, 0} {
		leave[i]()
		if err := <-ends[i]; !errors.Is(err, context.Canceled) {
			t.Errorf("call %d, whose request has ended, returned %v", i, err)
		}
	}
	waitUntil(t, "the last call leads", func() bool { return holding(b, 1, 0) })
	conn.Release()
	if err := <-ends[2]; err != nil {
		t.Errorf("the call that stayed returned %v", err)
	}
	if calls := b.Stats().Calls; calls != int64(len(users)+1) {
		t.Errorf("%d calls were sent", calls)
	}
	idle(t, b)
}

// TestClientsLeaveAtAnyMoment has requests end at random. The others notice
// nothing, and the batchers are left empty.
func TestClientsLeaveAtAnyMoment(t *testing.T) {
	direct := pgtest.Shared(t).Database(t)
	s := openPatient(t, pgtest.Delay(t, direct, 0), func(o *Options) { o.MaxConns = 3 })
	task := storetest.Put(t, s, "task")
	var running sync.WaitGroup
	var mu sync.Mutex
	done := 0
	for worker := range 40 {
		running.Go(func() {
			for i := range 50 {
				ctx, cancel := context.WithCancel(context.Background())
				if worker%2 == 0 { // this one leaves
					running.Go(func() {
						for range rand.IntN(200) {
							runtime.Gosched()
						}
						cancel()
					})
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
	for _, batchers := range s.db.Batchers() {
		for _, b := range batchers {
			idle(t, b)
		}
	}
	var written int
	if err := s.db.Pool.QueryRow(t.Context(), "SELECT count(*) FROM docket.tasks WHERE title = 'task' AND user_id <> 'alice'").Scan(&written); err != nil || written != done {
		t.Errorf("%d writes were acknowledged, %d happened, %v", done, written, err)
	}
}
