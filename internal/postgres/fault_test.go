package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"docket"
	"docket/internal/migrate"
	"docket/internal/pgtest"
	"docket/internal/storetest"
)

func TestExecModeFollowsWhatIsFound(t *testing.T) {
	cluster := pgtest.Shared(t)
	direct := cluster.Database(t)
	for name, test := range map[string]struct {
		url, set string
		want     pgx.QueryExecMode
	}{
		"direct":        {direct, "", pgx.QueryExecModeCacheStatement},
		"pooler":        {cluster.DefaultPooler(t).URL(direct), "", pgx.QueryExecModeCacheDescribe},
		"hint":          {direct + "&pgbouncer=true", "", pgx.QueryExecModeCacheDescribe},
		"direct, set":   {direct, "exec", pgx.QueryExecModeExec},
		"pooler, wrong": {cluster.DefaultPooler(t).URL(direct), "cache_statement", pgx.QueryExecModeCacheStatement},
	} {
		s := open(t, test.url, func(o *Options) { o.ExecMode = test.set })
		if got := pgx.QueryExecMode(s.mode.Load()); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

// TestUnnoticedPooler has the store use prepared statements behind a pooler
// that shares its sessions, as when neither the URL nor the probe told of it.
func TestUnnoticedPooler(t *testing.T) {
	cluster := pgtest.Shared(t)
	var log bytes.Buffer
	s := open(t, cluster.DefaultPooler(t).URL(cluster.Database(t)), func(o *Options) {
		o.ExecMode, o.Log = "cache_statement", slog.New(slog.NewTextHandler(&log, nil))
	})
	var wait sync.WaitGroup
	for range 20 {
		wait.Go(func() {
			for range 20 {
				task, err := storetest.Create(context.Background(), s, draft("task"))
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
	if mode := pgx.QueryExecMode(s.mode.Load()); mode != pgx.QueryExecModeCacheDescribe || !strings.Contains(log.String(), "DATABASE_EXEC_MODE") {
		t.Errorf("the mode is %s, the log %q", mode, &log)
	}
	if tasks, err := list(s); err != nil || len(tasks) != 400 {
		t.Errorf("%d tasks, %v", len(tasks), err)
	}
}

// lock begins a transaction on a connection of its own that runs sql.
func lock(t *testing.T, url, sql string) pgx.Tx {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(ctx) })
	tx, err := conn.Begin(ctx)
	if err == nil {
		_, err = tx.Exec(ctx, sql)
	}
	if err != nil {
		t.Fatal(err)
	}
	return tx
}

func TestLockedTable(t *testing.T) {
	cluster := pgtest.Shared(t)
	for name, via := range map[string]func(string) string{
		"direct": func(url string) string { return url }, "pooler": cluster.Pooler(t, pgtest.PoolerOptions{}).URL,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			direct := cluster.Database(t)
			s := open(t, via(direct), func(o *Options) { o.MaxConns = 2 })
			task := put(t, s, "task")
			tx := lock(t, direct, "LOCK TABLE docket.tasks")
			start := time.Now()
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
			if took := time.Since(start); took > acquireTimeout+statementTimeout+2*time.Second {
				t.Errorf("the refusals took %s", took)
			}
			var active int
			err := tx.QueryRow(t.Context(), waiting).Scan(&active)
			if err != nil || active != 0 {
				t.Errorf("%d backends still wait, %v", active, err)
			}
			if err := tx.Rollback(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got, err := s.Get(t.Context(), "alice", task.ID); err != nil || got.Version != task.Version {
				t.Errorf("after the lock: %+v, %v", got, err)
			}
		})
	}
}

func TestPoolExhausted(t *testing.T) {
	s := open(t, pgtest.Shared(t).Database(t), func(o *Options) { o.MaxConns = 1 })
	held, err := s.pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	_, err = storetest.Create(t.Context(), s, draft("task"))
	if took := time.Since(start); docket.KindOf(err) != docket.Unavailable || took < acquireTimeout || took > 2*acquireTimeout {
		t.Errorf("Create returned %v after %s", err, took)
	}
	held.Release()
	put(t, s, "task")
}

// TestLostAnswer cuts the connection after a statement was sent and before its
// answer arrived.
func TestLostAnswer(t *testing.T) {
	direct := pgtest.Shared(t).Database(t)
	proxy := pgtest.NewProxy(t, direct, 0)
	s := open(t, proxy.URL(direct), func(o *Options) { o.MaxConns = 1 })
	task := put(t, s, "task")

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

const waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"

// waitForLock waits until a statement waits for a lock of the database.
func waitForLock(t *testing.T, url string) {
	t.Helper()
	waitFor(t, url, waiting)
}

// waitFor waits until a query counts something.
func waitFor(t *testing.T, url, query string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for deadline := time.Now().Add(10 * time.Second); ; {
		var n int
		if err := conn.QueryRow(t.Context(), query).Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n > 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("nothing waits for a lock")
		}
	}
}

func TestDatabaseGoneAndBack(t *testing.T) {
	direct := pgtest.Shared(t).Database(t)
	proxy := pgtest.NewProxy(t, direct, 0)
	s := open(t, proxy.URL(direct))
	task := put(t, s, "task")
	proxy.Refuse(t, true)
	proxy.Cut()
	start := time.Now()
	for range 5 {
		_, err := storetest.Create(t.Context(), s, draft("lost"))
		if kind := docket.KindOf(err); kind != docket.Unavailable && kind != docket.OutcomeUnknown {
			t.Errorf("a write without a database returned %v", err)
		}
		if _, err := s.Get(t.Context(), "alice", task.ID); docket.KindOf(err) != docket.Unavailable {
			t.Errorf("a read without a database returned %v", err)
		}
	}
	if took := time.Since(start); took > 10*acquireTimeout {
		t.Errorf("ten refusals took %s", took)
	}
	if err := s.Ready(t.Context()); docket.KindOf(err) != docket.Unavailable {
		t.Errorf("Ready returned %v", err)
	}
	proxy.Refuse(t, false)
	if err := s.Ready(t.Context()); err != nil {
		t.Errorf("Ready returned %v when the database was back", err)
	}
	if tasks, err := list(s); err != nil || len(tasks) != 1 {
		t.Errorf("%d tasks, %v", len(tasks), err)
	}
}

// TestPoolerWithoutServer checks that a write behind a pooler that has lost its
// server is not sent into the unknown once that has been noticed.
func TestPoolerWithoutServer(t *testing.T) {
	cluster := pgtest.New(t, pgtest.Options{Unsafe: true})
	pooler := cluster.Pooler(t, pgtest.PoolerOptions{})
	s := open(t, pooler.URL(cluster.Database(t)))
	put(t, s, "task")
	cluster.Stop(t, pgtest.Fast)
	_, err := storetest.Create(t.Context(), s, draft("first"))
	if kind := docket.KindOf(err); kind != docket.Unavailable && kind != docket.OutcomeUnknown {
		t.Errorf("the first write returned %v", err)
	}
	for range 3 {
		if _, err := storetest.Create(t.Context(), s, draft("next")); docket.KindOf(err) != docket.Unavailable {
			t.Errorf("a write returned %v", err)
		}
	}
	cluster.Start(t)
	for s.Ready(t.Context()) != nil && t.Context().Err() == nil { // pgbouncer tries again by itself
		continue
	}
	put(t, s, "back")
}

func TestReadySeesALostSchema(t *testing.T) {
	url := pgtest.Shared(t).Database(t)
	s := open(t, url)
	target, err := ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	for range migrations {
		if err := Migrate(t.Context(), target, func(m migrate.Migrator) error { _, err := m.Down(t.Context(), true); return err }); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := list(s); docket.KindOf(err) != docket.Internal {
		t.Errorf("List returned %v", err)
	}
	if err := s.Ready(t.Context()); docket.KindOf(err) != docket.Unavailable {
		t.Errorf("Ready returned %v", err)
	}
}

func TestHungUp(t *testing.T) {
	url := pgtest.Shared(t).Database(t)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	if hungUp(conn.PgConn()) {
		t.Error("a live connection looks dead")
	}
	var pid int
	if err := conn.QueryRow(t.Context(), "SELECT pg_backend_pid()").Scan(&pid); err != nil { // it still works
		t.Fatal(err)
	}
	pgtest.Exec(t, pgtest.AsSuperuser(url), fmt.Sprintf("SELECT pg_terminate_backend(%d)", pid))
	for !hungUp(conn.PgConn()) && t.Context().Err() == nil {
		continue
	}
}

// TestReadyIsPassive counts what probes cost the database: nothing, so that a
// serverless one falls asleep.
func TestReadyIsPassive(t *testing.T) {
	direct := pgtest.Shared(t).Database(t)
	proxy := pgtest.NewProxy(t, direct, 0)
	s := open(t, proxy.URL(direct))
	before := proxy.RoundTrips()
	for range 100 {
		if err := s.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := proxy.RoundTrips(); got != before {
		t.Errorf("100 probes took %d round trips", got-before)
	}
}

// TestDeadlockIsRepeated has another transaction take a task and then its
// owner, the other way round than we do.
func TestDeadlockIsRepeated(t *testing.T) {
	url := pgtest.Shared(t).Database(t)
	s := open(t, url)
	task := put(t, s, "task")
	tx := lock(t, url, "SELECT 1 FROM docket.tasks FOR UPDATE")
	result := make(chan error, 1)
	go func() {
		_, err := act(s, docket.Toggle, task)
		result <- err
	}()
	waitForLock(t, url)
	if _, err := tx.Exec(t.Context(), "UPDATE docket.owners SET counter = counter + 1"); err != nil {
		t.Fatalf("the other transaction was the victim: %v", err)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-result; err != nil {
		t.Errorf("Toggle returned %v", err)
	}
	if got, err := s.Get(t.Context(), "alice", task.ID); err != nil || !got.Completed || got.Version != 3 {
		t.Errorf("the task is %+v, %v", got, err)
	}
}

func TestLiveCountsExactly(t *testing.T) {
	url := pgtest.Shared(t).Database(t)
	s := open(t, url)
	var wait sync.WaitGroup
	for range 10 {
		task := put(t, s, "task")
		for range 4 {
			wait.Go(func() {
				if _, err := act(s, docket.Delete, task); err != nil && docket.KindOf(err) != docket.NotFound {
					t.Error(err)
				}
			})
		}
		wait.Go(func() { put(t, s, "kept") })
	}
	wait.Wait()
	var live, counter, highest int
	err := s.pool.QueryRow(t.Context(), "SELECT o.live, o.counter, (SELECT max(t.version) FROM docket.tasks t) FROM docket.owners o").Scan(&live, &counter, &highest)
	if err != nil || live != 10 || counter != 30 || highest != 30 {
		t.Errorf("live %d, counter %d, highest version %d, %v", live, counter, highest, err)
	}
}

func TestEightInstancesMigrateOnce(t *testing.T) {
	cluster := pgtest.Shared(t)
	for name, via := range map[string]func(string) string{"direct": func(url string) string { return url }, "pooler": cluster.DefaultPooler(t).URL} {
		url := cluster.Database(t)
		var wait sync.WaitGroup
		for range 8 {
			wait.Go(func() {
				target, err := ParseURL(via(url))
				if err != nil {
					t.Error(err)
					return
				}
				s, err := Open(t.Context(), Options{Target: target, Migrate: true, Log: slog.New(slog.DiscardHandler)})
				if err != nil {
					t.Errorf("%s: %v", name, err)
					return
				}
				if err := errors.Join(s.Ready(t.Context()), s.Close()); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		if status := readStatusOf(t, url); len(status.Records) != len(migrations) || status.Check() != nil {
			t.Errorf("%s: the schema has had %v", name, status.Records)
		}
	}
}

func readStatusOf(t *testing.T, url string) migrate.Status {
	t.Helper()
	target, err := ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	status, err := ReadStatus(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	return status
}

func TestSchemaOfOtherPrograms(t *testing.T) {
	cluster := pgtest.Shared(t)
	url := cluster.Database(t)
	target, err := ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	attempt := func(migrates bool) error {
		s, err := Open(t.Context(), Options{Target: target, Migrate: migrates, Log: slog.New(slog.DiscardHandler)})
		if err == nil {
			err = s.Close()
		}
		return err
	}
	if err := attempt(false); err == nil || !strings.Contains(err.Error(), "migrate up") {
		t.Errorf("an empty database was served: %v", err)
	}
	if err := attempt(true); err != nil {
		t.Error(err)
	}
	if err := attempt(false); err != nil {
		t.Error(err)
	}
	next := len(migrations) + 1
	pgtest.Exec(t, url, fmt.Sprintf("INSERT INTO docket.schema_migrations VALUES (%d, 'tolerable', 1, now())", next))
	if err := errors.Join(attempt(false), attempt(true)); err != nil {
		t.Errorf("a newer schema that tolerates this program was refused: %v", err)
	}
	pgtest.Exec(t, url, fmt.Sprintf("INSERT INTO docket.schema_migrations VALUES (%[1]d, 'not tolerable', %[1]d, now())", next+1))
	if err := attempt(true); err == nil || !strings.Contains(err.Error(), "upgrade docket") {
		t.Errorf("a newer schema that does not tolerate this program was served: %v", err)
	}
}

func TestUnsuitableSettings(t *testing.T) {
	url := pgtest.Shared(t).Database(t)
	name := url[strings.LastIndex(url, "/")+1 : strings.Index(url, "?")]
	pgtest.Exec(t, pgtest.AsSuperuser(url), "ALTER DATABASE "+name+" SET default_transaction_isolation = 'serializable'")
	target, err := ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Options{Target: target, Migrate: true, Log: slog.New(slog.DiscardHandler)}); err == nil || !strings.Contains(err.Error(), "read committed") {
		t.Errorf("Open returned %v", err)
	}
	pgtest.Exec(t, pgtest.AsSuperuser(url), "ALTER DATABASE "+name+" RESET default_transaction_isolation", "ALTER DATABASE "+name+" SET synchronous_commit = off")
	var log bytes.Buffer
	open(t, url, func(o *Options) { o.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	if !strings.Contains(log.String(), "synchronous_commit is off") {
		t.Errorf("the log is %q", &log)
	}
}

func TestOtherEncoding(t *testing.T) {
	url := pgtest.Shared(t).Database(t)
	pgtest.Exec(t, pgtest.AsSuperuser(url), "CREATE DATABASE ascii ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
	t.Cleanup(func() { pgtest.Exec(t, pgtest.AsSuperuser(url), "DROP DATABASE ascii") })
	target, err := ParseURL(url[:strings.LastIndex(url, "/")] + "/ascii?sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Options{Target: target, Migrate: true, Log: slog.New(slog.DiscardHandler)}); err == nil || !strings.Contains(err.Error(), "UTF8") {
		t.Errorf("Open returned %v", err)
	}
}
