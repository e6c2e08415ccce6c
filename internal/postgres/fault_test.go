package postgres

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"docket"
	"docket/internal/pgtest"
	"docket/internal/postgres/pgerror"
	"docket/internal/storetest"
)

// TestUndetectedPooler has the store use prepared statements behind a pooler that
// shares its sessions, as when neither the URL nor the look at the start has
// shown it. A session loses its statements, then many requests use the others'.
func TestUndetectedPooler(t *testing.T) {
	cluster := pgtest.Shared(t)
	url := cluster.Pooler(t, pgtest.PoolerOptions{PoolSize: 1}).URL(cluster.Database(t))
	var log storetest.Log
	s := open(t, url, func(o *Options) {
		o.ExecMode, o.Log = "cache_statement", log.Logger()
	})
	patient(s)
	task := storetest.Put(t, s, "task")
	pgtest.Exec(t, url, "DEALLOCATE ALL")
	var wait sync.WaitGroup
	for range 20 {
		wait.Go(func() {
			for range 20 {
				_, err := storetest.Create(context.Background(), s, storetest.Draft("task"))
				if err == nil {
					_, err = s.Get(context.Background(), "alice", task.ID)
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wait.Wait()
	if mode := modeOf(t, s); mode != pgx.QueryExecModeCacheDescribe || !strings.Contains(log.String(), "DATABASE_EXEC_MODE") {
		t.Errorf("the mode is %s, the log %q", mode, &log)
	}
	if tasks, err := storetest.List(s); err != nil || len(tasks) != 401 {
		t.Errorf("%d tasks, %v", len(tasks), err)
	}
}

// modeOf returns the exec mode of new connections.
func modeOf(t *testing.T, s *Store) pgx.QueryExecMode {
	t.Helper()
	conn, err := s.db.Pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	return conn.Conn().Config().DefaultQueryExecMode
}

// lock begins a transaction on a connection of its own that runs sql.
func lock(t *testing.T, url, sql string) pgx.Tx {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	tx, err := pgtest.Connect(t, url).Begin(ctx)
	if err == nil {
		_, err = tx.Exec(ctx, sql)
	}
	if err != nil {
		t.Fatal(err)
	}
	return tx
}

// TestLockedTable has the time limit of every statement and of every wait for a
// connection pass. The server then runs none of the statements any more.
func TestLockedTable(t *testing.T) {
	cluster := pgtest.Shared(t)
	for name, via := range map[string]func(string) string{
		"direct": func(url string) string { return url }, "pooler": cluster.Pooler(t, pgtest.PoolerOptions{}).URL,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			direct := cluster.Database(t)
			s := open(t, via(direct), func(o *Options) { o.MaxConns = 2 })
			task := storetest.Put(t, s, "task")
			tx := lock(t, direct, "LOCK TABLE docket.tasks")
			s.db.Limits.Acquire, s.db.Limits.Statement = 500*time.Millisecond, time.Second
			var wait sync.WaitGroup
			for range 4 { // some hold the connections, the others wait for one
				wait.Go(func() {
					_, err := act(s, docket.Toggle, task)
					if docket.KindOf(err) != docket.Unavailable {
						t.Errorf("Toggle returned %v", err)
					}
				})
				wait.Go(func() {
					_, err := s.Get(context.Background(), "alice", task.ID)
					if docket.KindOf(err) != docket.Unavailable {
						t.Errorf("Get returned %v", err)
					}
				})
			}
			wait.Wait()
			waitUntil(t, "no statement waits for a lock", func() bool { return pgtest.Count(t, direct, waiting) == 0 })
			if err := tx.Rollback(t.Context()); err != nil {
				t.Fatal(err)
			}
			patient(s)
			if got, err := s.Get(t.Context(), "alice", task.ID); err != nil || got.Version != task.Version {
				t.Errorf("after the lock: %+v, %v", got, err)
			}
		})
	}
}

// TestPoolExhausted has the wait for a connection end, of a leader and of a queued
// call.
func TestPoolExhausted(t *testing.T) {
	s := open(t, pgtest.Shared(t).Database(t), func(o *Options) { o.MaxConns = 1 })
	held, err := s.db.Pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.db.Limits.Acquire = 50 * time.Millisecond
	var wait sync.WaitGroup
	for range 2 {
		wait.Go(func() {
			_, err := storetest.Create(context.Background(), s, storetest.Draft("task"))
			if docket.KindOf(err) != docket.Unavailable || !errors.Is(err, pgerror.ErrAcquire) {
				t.Errorf("Create returned %v", err)
			}
		})
	}
	wait.Wait()
	held.Release()
	patient(s)
	storetest.Put(t, s, "task")
	idle(t, s.db.WritesOf("alice"))
}

// TestLostAnswer cuts the connection after a statement was sent and before its
// answer arrived.
func TestLostAnswer(t *testing.T) {
	direct := pgtest.Shared(t).Database(t)
	proxy := pgtest.NewProxy(t, direct, 0)
	s := openPatient(t, proxy.URL(direct), func(o *Options) { o.MaxConns, o.NoBatching = 1, true }) // whose groups wait for less
	task := storetest.Put(t, s, "task")

	during := func(f func() error) error {
		t.Helper()
		tx := lock(t, direct, "LOCK TABLE docket.owners, docket.tasks")
		result := make(chan error, 1)
		go func() { result <- f() }()
		waitForLock(t, direct)
		proxy.Cut()
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
		return <-result
	}
	err := during(func() error {
		_, err := act(s, docket.Toggle, task)
		return err
	})
	if docket.KindOf(err) != docket.OutcomeUnknown {
		t.Errorf("a write whose answer was lost returned %v", err)
	}
	err = during(func() error {
		_, err := s.Get(context.Background(), "alice", task.ID)
		return err
	})
	if err != nil { // a read may simply be repeated
		t.Errorf("a read whose answer was lost returned %v", err)
	}
}

// waitUntil waits until f holds.
func waitUntil(t *testing.T, what string, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !f(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

const waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"

// waitForLock waits until a statement waits for a lock of the database.
func waitForLock(t *testing.T, url string) {
	t.Helper()
	waitFor(t, url, waiting)
}

// waitFor waits until a query counts something.
func waitFor(t *testing.T, url, query string) {
	t.Helper()
	waitUntil(t, query, func() bool { return pgtest.Count(t, url, query) > 0 })
}

// TestDatabaseGoneAndBack has nobody listen at the database's address for a while.
func TestDatabaseGoneAndBack(t *testing.T) {
	direct := pgtest.Shared(t).Database(t)
	proxy := pgtest.NewProxy(t, direct, 0)
	s := open(t, proxy.URL(direct))
	task := storetest.Put(t, s, "task")
	proxy.Refuse(t, true)
	proxy.Cut()
	s.db.Pool.Reset() // TestLostAnswer has the first statement after the loss
	for range 5 {
		if _, err := storetest.Create(t.Context(), s, storetest.Draft("lost")); docket.KindOf(err) != docket.Unavailable {
			t.Errorf("a write without a database returned %v", err)
		}
		if _, err := s.Get(t.Context(), "alice", task.ID); docket.KindOf(err) != docket.Unavailable {
			t.Errorf("a read without a database returned %v", err)
		}
	}
	if err := s.Ready(t.Context()); docket.KindOf(err) != docket.Unavailable {
		t.Errorf("Ready returned %v", err)
	}
	proxy.Refuse(t, false)
	if err := s.Ready(t.Context()); err != nil {
		t.Errorf("Ready returned %v when the database was back", err)
	}
	if tasks, err := storetest.List(s); err != nil || len(tasks) != 1 {
		t.Errorf("%d tasks, %v", len(tasks), err)
	}
}

// TestPoolerWithoutServer checks that a write behind a pooler that has lost its
// server is not sent, once that is known: its outcome would be unknown.
func TestPoolerWithoutServer(t *testing.T) {
	cluster := pgtest.New(t, pgtest.Options{Unsafe: true})
	pooler := cluster.Pooler(t, pgtest.PoolerOptions{})
	s := open(t, pooler.URL(cluster.Database(t)))
	task := storetest.Put(t, s, "task")
	cluster.Stop(t, pgtest.Fast)
	if _, err := s.Get(t.Context(), "alice", task.ID); docket.KindOf(err) != docket.Unavailable {
		t.Errorf("a read returned %v", err)
	}
	for range 3 {
		if _, err := storetest.Create(t.Context(), s, storetest.Draft("next")); docket.KindOf(err) != docket.Unavailable {
			t.Errorf("a write returned %v", err)
		}
	}
	cluster.Start(t)
	waitUntil(t, "pgbouncer has connected again", func() bool { return s.Ready(t.Context()) == nil })
	storetest.Put(t, s, "back")
}

// TestDeadlockIsRepeated has another transaction take a task and then its owner,
// in the reverse of our order. Our statement is the one that closes the circle,
// and the only one that looks for it.
func TestDeadlockIsRepeated(t *testing.T) {
	url := pgtest.Shared(t).Database(t)
	super := pgtest.AsSuperuser(url)
	s := openPatient(t, url, func(o *Options) { o.NoBatching = true }) // whose groups wait for less
	task := storetest.Put(t, s, "task")
	pgtest.Exec(t, url, `CREATE FUNCTION halt() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN new; END'`,
		`CREATE TRIGGER halt BEFORE UPDATE ON docket.owners FOR EACH ROW EXECUTE FUNCTION halt()`) // it runs with the row locked
	other := lock(t, super, "SET LOCAL deadlock_timeout = '1h'")
	if _, err := other.Exec(t.Context(), "SELECT 1 FROM docket.tasks FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	gate := lock(t, url, "SELECT pg_advisory_xact_lock(1)")
	ours, theirs := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := act(s, docket.Toggle, task)
		ours <- err
	}()
	waitUntil(t, "our statement has the owner and waits at the gate", func() bool { return pgtest.Count(t, super, waiting) == 1 })
	go func() {
		_, err := other.Exec(t.Context(), "UPDATE docket.owners SET counter = counter + 1")
		theirs <- err
	}()
	waitUntil(t, "the other transaction waits for the owner", func() bool { return pgtest.Count(t, super, waiting) == 2 })
	if err := gate.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-theirs; err != nil {
		t.Fatalf("the other transaction was the victim: %v", err)
	}
	if err := other.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-ours; err != nil {
		t.Errorf("Toggle returned %v", err)
	}
	if got, err := s.Get(t.Context(), "alice", task.ID); err != nil || !got.Completed || got.Version != 3 {
		t.Errorf("the task is %+v, %v", got, err)
	}
	// There are more when our repetition has the owner again before the other wakes up.
	waitUntil(t, "a deadlock is counted", func() bool {
		return pgtest.Count(t, super, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") > 0
	})
}

func TestLiveCountsExactly(t *testing.T) {
	url := pgtest.Shared(t).Database(t)
	s := open(t, url)
	var wait sync.WaitGroup
	for range 10 {
		task := storetest.Put(t, s, "task")
		for range 4 {
			wait.Go(func() {
				if _, err := act(s, docket.Delete, task); err != nil && docket.KindOf(err) != docket.NotFound {
					t.Error(err)
				}
			})
		}
		wait.Go(func() { storetest.Put(t, s, "kept") })
	}
	wait.Wait()
	var live, counter, highest int
	err := s.db.Pool.QueryRow(t.Context(), "SELECT o.live, o.counter, (SELECT max(t.version) FROM docket.tasks t) FROM docket.owners o").Scan(&live, &counter, &highest)
	if err != nil || live != 10 || counter != 30 || highest != 30 {
		t.Errorf("live %d, counter %d, highest version %d, %v", live, counter, highest, err)
	}
}
