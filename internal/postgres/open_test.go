package postgres

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"docket/internal/migrate"
	"docket/internal/pgtest"
	"docket/internal/postgres/connect"
	"docket/internal/postgres/schema"
	"docket/internal/storetest"
)

func TestExecModeFollowsWhatIsFound(t *testing.T) {
	cluster := pgtest.Shared(t)
	url := cluster.Database(t)
	const statement, describe, exec = pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeExec
	for name, test := range map[string]struct {
		pooler   pgtest.PoolerOptions
		url, set string
		way      connect.Way
		want     pgx.QueryExecMode
	}{
		"direct":             {url: url, way: connect.Direct, want: statement},
		"hint":               {url: url + "&pgbouncer=true", way: connect.Pinned, want: statement},
		"direct, set":        {url: url, set: "exec", way: connect.Direct, want: exec},
		"1.18":               {way: connect.Forgetting, want: describe},
		"1.18, set":          {set: "cache_statement", way: connect.Forgetting, want: statement},
		"1.18, session":      {pooler: pgtest.PoolerOptions{Settings: map[string]string{"pool_mode": "session"}}, way: connect.Pinned, want: statement},
		"1.18, one server":   {pooler: pgtest.PoolerOptions{PoolSize: 1}, way: connect.Unproven, want: describe},
		"1.18, round robin":  {pooler: pgtest.PoolerOptions{Settings: map[string]string{"server_round_robin": "1"}}, way: connect.Forgetting, want: describe},
		"1.25":               {pooler: pgtest.PoolerOptions{Newer: true}, way: connect.Keeping, want: statement},
		"1.25, set":          {pooler: pgtest.PoolerOptions{Newer: true}, set: "cache_describe", way: connect.Keeping, want: describe},
		"1.25, round robin":  {pooler: pgtest.PoolerOptions{Newer: true, Settings: map[string]string{"server_round_robin": "1"}}, way: connect.Keeping, want: statement},
		"1.25, keeping none": {pooler: pgtest.PoolerOptions{Newer: true, Settings: map[string]string{"max_prepared_statements": "0"}}, way: connect.Forgetting, want: describe},
		"1.25, session":      {pooler: pgtest.PoolerOptions{Newer: true, Settings: map[string]string{"pool_mode": "session"}}, way: connect.Pinned, want: statement},
	} {
		t.Run(name, func(t *testing.T) {
			if test.url == "" {
				test.url = cluster.Pooler(t, test.pooler).URL(url)
			}
			var log storetest.Log
			s := open(t, test.url, func(o *Options) { o.ExecMode, o.Log = test.set, log.Logger() })
			if got := modeOf(t, s); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
			if !strings.Contains(log.String(), test.way.String()) {
				t.Errorf("the log lacks %q: %s", test.way, &log)
			}
		})
	}
}

// TestPoolerWithoutTransactions opens a database through poolers of which each statement
// gets any server.
func TestPoolerWithoutTransactions(t *testing.T) {
	cluster := pgtest.Shared(t)
	for name, newer := range map[string]bool{"1.18": false, "1.25": true} {
		t.Run(name, func(t *testing.T) {
			pooler := cluster.Pooler(t, pgtest.PoolerOptions{Newer: newer, Settings: map[string]string{"pool_mode": "statement"}})
			target, err := connect.ParseURL(pooler.URL(cluster.Database(t)))
			if err != nil {
				t.Fatal(err)
			}
			_, err = Open(t.Context(), Options{Target: target, ExecMode: "exec", Migrate: true, Log: slog.New(slog.DiscardHandler)})
			if err == nil || !strings.Contains(err.Error(), "allows no transactions") || !strings.Contains(err.Error(), "set its pool_mode to transaction") {
				t.Errorf("Open returned %v", err)
			}
		})
	}
}

func TestEightInstancesMigrateOnce(t *testing.T) {
	cluster := pgtest.Shared(t)
	for name, via := range map[string]func(string) string{"direct": func(url string) string { return url }, "pooler": cluster.DefaultPooler(t).URL} {
		url := cluster.Database(t)
		var wait sync.WaitGroup
		for range 8 {
			wait.Go(func() {
				target, err := connect.ParseURL(via(url))
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
		if status := readStatusOf(t, url); len(status.Records) != len(schema.Migrations) || status.Check() != nil {
			t.Errorf("%s: the schema has had %v", name, status.Records)
		}
	}
}

func readStatusOf(t *testing.T, url string) migrate.Status {
	t.Helper()
	target, err := connect.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	status, err := schema.ReadStatus(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	return status
}

func TestSchemaOfOtherPrograms(t *testing.T) {
	cluster := pgtest.Shared(t)
	url := cluster.Database(t)
	target, err := connect.ParseURL(url)
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
	next := len(schema.Migrations) + 1
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
	target, err := connect.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Options{Target: target, Migrate: true, Log: slog.New(slog.DiscardHandler)}); err == nil || !strings.Contains(err.Error(), "read committed") {
		t.Errorf("Open returned %v", err)
	}
	pgtest.Exec(t, pgtest.AsSuperuser(url), "ALTER DATABASE "+name+" RESET default_transaction_isolation", "ALTER DATABASE "+name+" SET synchronous_commit = off")
	var log storetest.Log
	open(t, url, func(o *Options) { o.Log = log.Logger() })
	if !strings.Contains(log.String(), "synchronous_commit is off") {
		t.Errorf("the log is %q", &log)
	}
}

func TestOtherEncoding(t *testing.T) {
	url := pgtest.Shared(t).Database(t)
	pgtest.Exec(t, pgtest.AsSuperuser(url), "CREATE DATABASE ascii ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
	t.Cleanup(func() { pgtest.Exec(t, pgtest.AsSuperuser(url), "DROP DATABASE ascii") })
	target, err := connect.ParseURL(url[:strings.LastIndex(url, "/")] + "/ascii?sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Options{Target: target, Migrate: true, Log: slog.New(slog.DiscardHandler)}); err == nil || !strings.Contains(err.Error(), "UTF8") {
		t.Errorf("Open returned %v", err)
	}
}
