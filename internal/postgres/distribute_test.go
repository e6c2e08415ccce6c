package postgres

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"docket"
	"docket/internal/migrate"
	"docket/internal/pgtest"
	"docket/internal/postgres/schema"
	"docket/internal/storetest"
)

// TestHashOf compares hashes with the server's, for texts of every length modulo 12.
func TestHashOf(t *testing.T) {
	rows, err := open(t, pgtest.Shared(t).Database(t)).db.Pool.Query(t.Context(),
		`SELECT x.text, hashtext(x.text COLLATE "C") FROM (SELECT left(repeat('Ünïcode user ', 20), n) AS text FROM generate_series(0, 250) AS n) AS x`)
	if err != nil {
		t.Fatal(err)
	}
	var text string
	var want int32
	tag, err := pgx.ForEachRow(rows, []any{&text, &want}, func() error {
		if got := hashOf(text); got != want {
			t.Errorf("the hash of %q is %d, want %d", text, got, want)
		}
		return nil
	})
	if err != nil || tag.RowsAffected() != 251 {
		t.Errorf("%s, %v", tag, err)
	}
}

// TestFind looks for the part of a hash at and beside the borders.
func TestFind(t *testing.T) {
	parts := []int32{-1 << 31, -5, 0, 7}
	for hash, want := range map[int32]int{-1 << 31: 0, -6: 0, -5: 1, -1: 1, 0: 2, 6: 2, 7: 3, 1<<31 - 1: 3} {
		if got := find(parts, func(p int32) int32 { return p }, hash); got != want {
			t.Errorf("part %d has %d, want %d", got, hash, want)
		}
	}
}

func TestDistributeNeedsCitus(t *testing.T) {
	url := pgtest.Shared(t).Database(t)
	open(t, url)
	err := schema.Distribute(t.Context(), targetOf(t, url), func(string) {})
	if err == nil || !strings.Contains(err.Error(), "has no extension citus") {
		t.Errorf("Distribute returned %v", err)
	}
}

// TestDistributeOnCitus distributes tables with rows, twice, two databases at a time;
// migrates down and up again; and leaves the function where it belongs.
func TestDistributeOnCitus(t *testing.T) {
	c := pgtest.NewCitus(t, 2)
	t.Run("rows", func(t *testing.T) {
		var wait sync.WaitGroup
		for range 2 {
			url := c.Database(t)
			wait.Go(func() { distributeRows(t, url) })
		}
		wait.Wait()
	})
	t.Run("refused", func(t *testing.T) {
		url := c.Database(t)
		target := targetOf(t, url)
		if err := schema.Distribute(t.Context(), target, func(string) {}); err == nil || !strings.Contains(err.Error(), "migrate up") {
			t.Errorf("without a schema it returned %v", err)
		}
		s := open(t, url)
		storetest.Put(t, s, "task")
		if err := schema.Distribute(t.Context(), target, func(string) {}); err == nil || !strings.Contains(err.Error(), "stop every server") {
			t.Errorf("beside another program it returned %v", err)
		}
	})
	t.Run("migrations", func(t *testing.T) {
		url := distributed(t, c)
		target := targetOf(t, url)
		const functions = "SELECT count(*) FROM pg_proc WHERE proname = 'create_task'"
		down := func(m migrate.Migrator) error { _, err := m.Down(t.Context(), true); return err }
		up := func(m migrate.Migrator) error { _, err := m.Up(t.Context()); return err }
		for n := range schema.Migrations {
			if err := schema.Migrate(t.Context(), target, down); err != nil {
				t.Fatalf("down %d: %v", n, err)
			}
			if got := pgtest.Count(t, url, functions); got != 0 {
				t.Errorf("%d functions with an older schema", got)
			}
			if n+1 == len(schema.Migrations) {
				break // without docket.tasks nothing is distributed any more
			}
			if err := schema.Migrate(t.Context(), target, up); err != nil {
				t.Fatalf("up again: %v", err)
			}
			if got := pgtest.Count(t, url, functions); got != 1 {
				t.Errorf("%d functions with this schema", got)
			}
			for range n + 1 {
				if err := schema.Migrate(t.Context(), target, down); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
	t.Run("unfinished", func(t *testing.T) {
		url := distributed(t, c)
		pgtest.Exec(t, url, "DROP FUNCTION docket.create_task")
		_, err := Open(t.Context(), Options{Target: targetOf(t, url), Log: slog.New(slog.DiscardHandler)})
		if err == nil || !strings.Contains(err.Error(), "docket migrate up") {
			t.Errorf("without the function Open returned %v", err)
		}
		storetest.Put(t, openWorkers(t, url).Store, "task") // it migrates
	})
	t.Run("meanwhile", func(t *testing.T) {
		url := c.Database(t)
		s := open(t, url)
		storetest.Put(t, s, "task")
		s.db.Pool.Reset()
		s.db.Checks.Reset()
		waitUntil(t, "the store has no connection", func() bool {
			return pgtest.Count(t, url, "SELECT count(*) - 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'docket'") <= 0
		})
		if err := schema.Distribute(t.Context(), targetOf(t, url), func(string) {}); err != nil {
			t.Fatal(err)
		}
		if _, err := storetest.Create(t.Context(), s, storetest.Draft("task")); docket.KindOf(err) != docket.Unavailable {
			t.Errorf("a store that does not know of the distribution wrote: %v", err)
		}
		if err := s.Ready(t.Context()); !errors.Is(err, errDistributed) {
			t.Errorf("Ready returned %v", err)
		}
	})
}

// distributeRows distributes a database that has rows, and finds them again.
func distributeRows(t *testing.T, url string) {
	target := targetOf(t, url)
	s, _, err := openStore(t.Context(), Options{Target: target, Migrate: true, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Error(err)
		return
	}
	for range 3 {
		if _, err := storetest.Create(t.Context(), s, storetest.Draft("task")); err != nil {
			t.Error(err)
		}
	}
	_ = s.Close()
	for _, want := range []int{9, 0} {
		var steps []string
		if err := schema.Distribute(t.Context(), target, func(step string) { steps = append(steps, step) }); err != nil || len(steps) != want {
			t.Errorf("%d steps, want %d: %v, %v", len(steps), want, steps, err)
		}
	}
	o, err := Open(t.Context(), Options{Target: target, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Error(err)
		return
	}
	defer func() { _ = o.Close() }()
	page, err := o.List(t.Context(), "alice", docket.ListQuery{Limit: 10})
	if err != nil || len(page.Tasks) != 3 {
		t.Errorf("%d tasks, %v", len(page.Tasks), err)
	}
}

// TestStatementsOnCitus reads the plan of each statement about one user: it is one task
// on one worker, without steps before it.
func TestStatementsOnCitus(t *testing.T) {
	c := pgtest.NewCitus(t, 2)
	url := distributed(t, c)
	conn := pgtest.Connect(t, url)
	all := maps.Clone(statements)
	maps.Copy(all, onShards)
	for _, name := range []string{"create", "create fresh", "create plain", "create many", "create many fresh"} {
		delete(all, name) // those of onShards take their place
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		plan, err := planOnCitus(t.Context(), conn, all[name])
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if strings.Count(plan, "Task Count: ") != 1 || !strings.Contains(plan, "Task Count: 1\n") || strings.Contains(plan, "Distributed Subplan") || strings.Contains(plan, "INSERT/SELECT method: pull") {
			t.Errorf("%s:\n%s", name, plan)
		}
	}
}

// samples are arguments by their types. Citus would leave out shards for null.
var samples = map[string]string{
	"text": "'alice'", "uuid": "'019a4e6f-1b2c-7d3e-8f40-000000000001'", "bigint": "1", "integer": "1", "smallint": "1", "boolean": "true", "bytea": `'\x00'`,
	"timestamp with time zone": "'2026-01-31T09:30:00Z'",

	"text[]": "'{a}'", "uuid[]": "'{019a4e6f-1b2c-7d3e-8f40-000000000001}'", "bigint[]": "'{1}'", "smallint[]": "'{1}'", "boolean[]": "'{true}'",
	"bytea[]": `'{"\\x00"}'`, "timestamp with time zone[]": "'{2026-01-31T09:30:00Z}'",
}

// planOnCitus returns the plan of a statement for alice.
func planOnCitus(ctx context.Context, conn *pgx.Conn, st compiled) (string, error) {
	var plan strings.Builder
	tx, err := conn.Begin(ctx)
	if err != nil {
		return "", err
	}
	defer func() { _ = tx.Rollback(ctx) }()
	if _, err := tx.Exec(ctx, "PREPARE q AS "+st.sql); err != nil {
		return "", err
	}
	defer func() { _, _ = conn.Exec(ctx, "DEALLOCATE ALL") }()
	rows, err := tx.Query(ctx, "SELECT t.name::text FROM pg_prepared_statements AS p, unnest(p.parameter_types) WITH ORDINALITY AS t (name, n) WHERE p.name = 'q' ORDER BY t.n", pgx.QueryExecModeExec)
	if err != nil {
		return "", err
	}
	arguments, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (string, error) {
		var name string
		err := row.Scan(&name)
		return samples[name], err
	})
	if err != nil {
		return "", err
	}
	rows, err = tx.Query(ctx, "EXPLAIN (VERBOSE, COSTS OFF) EXECUTE q ("+strings.Join(arguments, ", ")+")", pgx.QueryExecModeExec)
	if err != nil {
		return "", err
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	for _, line := range lines {
		plan.WriteString(strings.TrimSpace(line) + "\n")
	}
	return plan.String(), err
}
