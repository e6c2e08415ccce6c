package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"docket"
	"docket/internal/pgtest"
	"docket/internal/postgres/connect"
	"docket/internal/postgres/pgerror"
	"docket/internal/storetest"
)

// TestReadOnlyPool has every connection of a pool lead to a server that has become
// read-only, more of them than a write has attempts.
func TestReadOnlyPool(t *testing.T) {
	for _, noBatching := range []bool{false, true} {
		s := openPatient(t, pgtest.Shared(t).Database(t), func(o *Options) { o.MaxConns, o.NoBatching = 6, noBatching })
		storetest.Put(t, s, "task")
		var conns []*pgxpool.Conn
		for range 6 {
			conn, err := s.db.Pool.Acquire(t.Context())
			if err == nil {
				_, err = conn.Exec(t.Context(), "SET default_transaction_read_only = on")
			}
			if err != nil {
				t.Fatal(err)
			}
			conns = append(conns, conn)
		}
		for _, conn := range conns {
			conn.Release()
		}
		for range 6 {
			if _, err := storetest.Create(t.Context(), s, storetest.Draft("task")); err != nil {
				t.Errorf("noBatching=%t: a write returned %v", noBatching, err)
			}
		}
		if err := s.Ready(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// TestOldPrimaryIsLeft has a server that takes no writes take them from new connections
// on, as when its address has moved to another. The first of these ends all others.
func TestOldPrimaryIsLeft(t *testing.T) {
	const most = 4
	url := pgtest.Shared(t).Database(t)
	name := url[strings.LastIndex(url, "/")+1 : strings.Index(url, "?")]
	s := openPatient(t, url, func(o *Options) { o.MaxConns = most })
	task := storetest.Put(t, s, "task")
	pgtest.Exec(t, pgtest.AsSuperuser(url), "ALTER DATABASE "+name+" SET default_transaction_read_only = on")
	s.db.Pool.Reset()
	if _, err := act(s, docket.Toggle, task); !pgerror.IsReadOnly(err) {
		t.Errorf("a write returned %v", err)
	}
	var held []*pgxpool.Conn
	hold := func(n int, want string) {
		t.Helper()
		for range n {
			conn, err := s.db.Pool.Acquire(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			held = append(held, conn)
			var got string
			if err := conn.QueryRow(t.Context(), "SHOW default_transaction_read_only").Scan(&got); err != nil || got != want {
				t.Errorf("a connection is read-only: %s, want %s, %v", got, want, err)
			}
		}
	}
	release := func() {
		for _, conn := range held {
			conn.Release()
		}
		held = nil
	}
	hold(most-1, "on")
	pgtest.Exec(t, pgtest.AsSuperuser(url), "SET default_transaction_read_only = off", "ALTER DATABASE "+name+" RESET default_transaction_read_only")
	hold(1, "off")
	release()
	hold(most, "off")
	release()
}

// TestPromotion makes a server a standby, and promotes it, under a store that was
// open before. Reads of a standby may be stale, so a new connection to one is refused.
func TestPromotion(t *testing.T) {
	for _, pooled := range []bool{false, true} {
		t.Run(fmt.Sprintf("pooled=%t", pooled), func(t *testing.T) {
			t.Parallel()
			cluster := pgtest.New(t, pgtest.Options{Unsafe: true})
			direct := cluster.Database(t)
			url, super := direct, pgtest.AsSuperuser(direct)
			if pooled {
				url = cluster.DefaultPooler(t).URL(direct)
			}
			var log storetest.Log
			s := open(t, url, func(o *Options) { o.Log = log.Logger() })
			storetest.Put(t, s, "task")
			pgtest.Exec(t, super, `DO $$ BEGIN EXECUTE format('COPY (SELECT) TO %L', current_setting('data_directory') || '/standby.signal'); END $$`)
			cluster.Restart(t, pgtest.Fast)

			target, err := connect.ParseURL(url)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Open(t.Context(), Options{Target: target, Log: slog.New(slog.DiscardHandler)}); err == nil || !strings.Contains(err.Error(), "standby") {
				t.Errorf("Open returned %v", err)
			}
			waitUntil(t, "pgbouncer has connected again", func() bool {
				_, err := storetest.Create(context.Background(), s, storetest.Draft("task"))
				return docket.KindOf(err) == docket.Unavailable && pgerror.IsReadOnly(err)
			})
			if err := s.Ready(t.Context()); docket.KindOf(err) != docket.Unavailable {
				t.Errorf("Ready returned %v", err)
			}
			if warnings := s.Warnings(); len(warnings) > 0 {
				t.Errorf("warnings before the promotion: %q", warnings)
			}

			pgtest.Exec(t, super, "SELECT pg_promote()")
			storetest.Put(t, s, "task")
			if err := s.Ready(t.Context()); err != nil {
				t.Error(err)
			}
			warnings := s.Warnings()
			if len(warnings) != 1 || !strings.Contains(warnings[0], "timeline 2") || !strings.Contains(warnings[0], "timeline 1") {
				t.Errorf("the warnings are %q", warnings)
			}
			if lines := log.Count("may have lost"); lines != 1 {
				t.Errorf("%d lines of the log say so: %s", lines, &log)
			}
		})
	}
}

// TestAnotherTimeline has a server on another timeline than the recorded one: the
// store serves, and says so until the histories are renewed.
func TestAnotherTimeline(t *testing.T) {
	url := pgtest.Shared(t).Database(t)
	first := open(t, url)
	storetest.Put(t, first, "task")
	if n := pgtest.Count(t, url, "SELECT count(*) FROM docket.database WHERE timeline = '00000001'"); n != 1 || len(first.Warnings()) > 0 {
		t.Errorf("%d timelines are recorded, the warnings are %q", n, first.Warnings())
	}
	pgtest.Exec(t, url, "UPDATE docket.database SET timeline = '0000000A'")
	var log storetest.Log
	s := open(t, url, func(o *Options) { o.Log = log.Logger() })
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() { storetest.Put(t, s, "task") })
	}
	wait.Wait()
	if w := s.Warnings(); len(w) != 1 || !strings.Contains(w[0], "on timeline 1, and was on timeline 10") {
		t.Errorf("the warnings are %q", w)
	}
	if lines := log.Count("may have lost"); lines != 1 {
		t.Errorf("%d lines of the log say so", lines)
	}
	metric := func(want int) {
		t.Helper()
		text := fmt.Sprintf("# HELP docket_postgres_timeline_changed 1 when the server is on another timeline than the recorded one: writes may have been lost.\n# TYPE docket_postgres_timeline_changed gauge\ndocket_postgres_timeline_changed %d\n", want)
		if err := testutil.CollectAndCompare(s, strings.NewReader(text), "docket_postgres_timeline_changed"); err != nil {
			t.Error(err)
		}
	}
	metric(1)
	if err := s.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	// An instance that keeps its connections, as behind a pooler, finds out by the hour.
	if _, err := first.AdvanceClock(t.Context(), storetest.Draft("").CreatedAt, 0); err != nil || len(first.Warnings()) != 1 {
		t.Errorf("%v, and the warnings are %q", err, first.Warnings())
	}
	if n, err := s.Renew(t.Context(), func() (epoch, raise int64) { return 2, 3 }); err != nil || n != 1 || len(s.Warnings()) > 0 {
		t.Errorf("%d owners were renewed, %v, and the warnings are %q", n, err, s.Warnings())
	}
	metric(0)
	if third := open(t, url); len(third.Warnings()) > 0 {
		t.Errorf("the next instance warns %q", third.Warnings())
	}
}

// TestServerWithoutTimelines has a server that does not tell its timeline.
func TestServerWithoutTimelines(t *testing.T) {
	url := pgtest.Shared(t).Database(t)
	pgtest.Exec(t, pgtest.AsSuperuser(url), "REVOKE EXECUTE ON FUNCTION pg_walfile_name FROM PUBLIC")
	s := open(t, url)
	storetest.Put(t, s, "task")
	n, err := s.Renew(t.Context(), func() (epoch, raise int64) { return 2, 3 })
	if err != nil || n != 1 || len(s.Warnings()) > 0 || s.Ready(t.Context()) != nil {
		t.Errorf("%d owners were renewed, %v, and the warnings are %q", n, err, s.Warnings())
	}
}

// TestRenewInSteps has the owner in the middle be locked: the others are renewed
// before it, or are not locked yet.
func TestRenewInSteps(t *testing.T) {
	url := pgtest.Shared(t).Database(t)
	s := openPatient(t, url)
	pgtest.Exec(t, url, fmt.Sprintf("INSERT INTO docket.owners (user_id, epoch, counter, live) SELECT 'user-' || lpad(n::text, 4, '0'), 1, 7, 0 FROM generate_series(1, %d) n", 3*renewStep))
	middle := lock(t, url, fmt.Sprintf("SELECT 1 FROM docket.owners WHERE user_id = 'user-%04d' FOR UPDATE", renewStep+renewStep/2))
	renewed := make(chan error, 1)
	go func() {
		n, err := s.Renew(context.Background(), func() (epoch, raise int64) { return 2, 1 << 40 })
		if n != 3*renewStep {
			err = fmt.Errorf("%d owners were renewed, %w", n, err)
		}
		renewed <- err
	}()
	waitForLock(t, url)
	if n := pgtest.Count(t, url, "SELECT count(*) FROM docket.owners WHERE epoch = 2"); n != renewStep {
		t.Errorf("%d owners are renewed", n)
	}
	last := of(docket.UserID(fmt.Sprintf("user-%04d", 3*renewStep)), "task")
	if _, err := storetest.Create(t.Context(), s, last); err != nil {
		t.Error(err)
	}
	if err := middle.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-renewed; err != nil {
		t.Error(err)
	}
	if n := pgtest.Count(t, url, fmt.Sprintf("SELECT count(*) FROM docket.owners WHERE epoch = 2 AND counter IN (7 + %[1]d, 8 + %[1]d)", 1<<40)); n != 3*renewStep {
		t.Errorf("%d owners are renewed", n)
	}
}
