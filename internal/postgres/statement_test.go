package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"docket"
	"docket/internal/pgtest"
)

// requests are the statements that requests run, and the number of their
// parameters.
var requests = func() map[string]statement {
	all := map[string]statement{
		"get":       {getSQL, 2},
		"create":    {createSQL, 10},
		"toggle":    {toggleSQL, 3},
		"update":    {updateSQL, 13},
		"toggle if": {toggleIfSQL, 5},
		"delete":    {deleteSQL, 5},
	}
	for order, sql := range listSQL {
		all[fmt.Sprintf("list %+v", order)] = statement{sql, len(listArgs("user", docket.ListQuery{Sort: order}))}
	}
	return all
}()

type statement struct {
	sql  string
	args int
}

const day = "2026-01-31T09:30:00Z"

var (
	tables  = regexp.MustCompile(`docket\.(\w+)( AS (\w+))?`)
	inserts = regexp.MustCompile(`INSERT INTO docket\.(\w+)`)
)

// TestStatementsKeepToOneUser checks the rules that let a table be spread over
// machines by user, and that keep users apart: each table that a statement
// names is held to user_id = $1 under its own name, nothing is selected by *.
func TestStatementsKeepToOneUser(t *testing.T) {
	for name, request := range requests {
		inserted := map[string]bool{}
		for _, m := range inserts.FindAllStringSubmatch(request.sql, -1) {
			inserted[m[1]] = true
		}
		for _, m := range tables.FindAllStringSubmatch(request.sql, -1) {
			if inserted[m[1]] {
				continue // its user_id is $1 as a value
			}
			if m[3] == "" || strings.Count(request.sql, m[3]+".user_id = $1") == 0 {
				t.Errorf("%s: %s is not held to %s.user_id = $1", name, m[0], m[3])
			}
		}
		if uses := len(tables.FindAllString(request.sql, -1)) - len(inserts.FindAllString(request.sql, -1)); strings.Count(request.sql, "user_id = $1") < uses {
			t.Errorf("%s: %d uses of tables and %d conditions", name, uses, strings.Count(request.sql, "user_id = $1"))
		}
		if strings.Contains(strings.ReplaceAll(request.sql, "count(*)", ""), "*") || strings.Contains(request.sql, "clock_timestamp") || strings.Contains(request.sql, "now()") {
			t.Errorf("%s selects by * or uses the database's clock", name)
		}
	}
}

// TestMigrationsAreSpreadable checks that the schema has nothing that ties a
// row to the machine it is on.
func TestMigrationsAreSpreadable(t *testing.T) {
	err := fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(files, path)
		for _, word := range []string{"TRIGGER", "SERIAL", "SEQUENCE", "GENERATED", "REFERENCES", "pg_notify", "now()", "DEFAULT gen_"} {
			if strings.Contains(strings.ToUpper(string(text)), strings.ToUpper(word)) {
				t.Errorf("%s has %s", path, word)
			}
		}
		for _, key := range regexp.MustCompile(`(?:PRIMARY KEY|UNIQUE|UNIQUE INDEX \w+ ON docket\.\w+) \((\w+)`).FindAllStringSubmatch(string(text), -1) {
			if key[1] != "user_id" {
				t.Errorf("%s has a key that begins with %s", path, key[1])
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestOneRoundTrip counts what each request of a warm store costs.
func TestOneRoundTrip(t *testing.T) {
	cluster := pgtest.Shared(t)
	for _, mode := range []string{"cache_statement", "cache_describe"} {
		t.Run(mode, func(t *testing.T) {
			proxy := pgtest.NewProxy(t, cluster.Database(t), 0)
			s := open(t, proxy.URL(cluster.Database(t)), func(o *Options) { o.ExecMode, o.MaxConns = mode, 1 })
			ctx := t.Context()
			task := put(t, s, "task")
			title := docket.TaskUpdate{Title: docket.Some("new")}
			calls := map[string]func() error{
				"get":    func() error { _, err := s.Get(ctx, "alice", task.ID); return err },
				"list":   func() error { _, err := s.List(ctx, "alice", docket.ListQuery{Limit: 10, Count: true}); return err },
				"create": func() error { _, err := s.Create(ctx, draft("more"), 1); return err },
				"update": func() error {
					_, err := s.Update(ctx, "alice", task.ID, title, docket.Precondition{}, task.CreatedAt)
					return err
				},
				"toggle": func() error {
					_, err := s.Toggle(ctx, "alice", task.ID, docket.Precondition{}, task.CreatedAt)
					return err
				},
				"delete": func() error {
					return s.Delete(ctx, "alice", put(t, s, "gone").ID, docket.Precondition{}, task.CreatedAt)
				},
			}
			for round := range 2 { // the first one prepares
				for name, call := range calls {
					before := proxy.RoundTrips()
					if err := call(); err != nil {
						t.Fatalf("%s: %v", name, err)
					}
					want := int64(1)
					if name == "delete" { // and the create of what it deletes
						want = 2
					}
					if got := proxy.RoundTrips() - before; round == 1 && got != want {
						t.Errorf("%s took %d round trips, want %d", name, got, want)
					}
				}
			}
		})
	}
}

// TestStatementsUseTheKey loads a million tasks and reads the plan of each
// statement: every table is reached by an index that begins with user_id, and
// a list is never sorted.
func TestStatementsUseTheKey(t *testing.T) {
	url := pgtest.Shared(t).Database(t)
	s := open(t, url)
	pgtest.Exec(t, url,
		`INSERT INTO docket.owners (user_id, epoch, counter, live) SELECT 'user-' || u, 1, 1000, 1000 FROM generate_series(1, 1000) u`,
		fmt.Sprintf(`INSERT INTO docket.tasks (user_id, id, title, completed, created_at, updated_at, version, title_folded)
SELECT 'user-' || u, ('019a4e6f-1b2c-7d3e-8f40-' || lpad(to_hex(n), 12, '0'))::uuid, 'task', false, '%[1]s', '%[1]s', n, 'TASK'
FROM generate_series(1, %[2]d) n, generate_series(1, 1000) u`, day, 1000),
		`ANALYZE docket.owners, docket.tasks`)
	conn, err := s.pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	for name, request := range requests {
		plan := explain(t, conn.Conn(), request.sql, request.args)
		if strings.Contains(plan, "Seq Scan") || !strings.Contains(plan, "tasks_pkey") && !strings.Contains(plan, "tasks_version") && name != "create" {
			t.Errorf("%s:\n%s", name, plan)
		}
		if sorted := strings.Contains(name, "Key:1") || strings.Contains(name, "Key:2"); strings.Contains(plan, "Sort") && !sorted {
			t.Errorf("%s sorts:\n%s", name, plan)
		}
	}
}

func deallocate(tx pgx.Tx) error {
	_, err := tx.Exec(context.Background(), "DEALLOCATE q")
	return err
}

// explain returns the generic plan of a statement, which does not depend on
// the arguments, as the server comes to use it for a prepared one.
func explain(t *testing.T, conn *pgx.Conn, sql string, args int) string {
	t.Helper()
	var plan strings.Builder
	err := pgx.BeginFunc(context.Background(), conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), "SET LOCAL plan_cache_mode = force_generic_plan"); err != nil {
			return err
		}
		if _, err := tx.Exec(t.Context(), "PREPARE q AS "+sql); err != nil {
			return err
		}
		nulls := strings.Repeat(", NULL", args)[2:] // a generic plan does not look at them
		rows, err := tx.Query(t.Context(), "EXPLAIN EXECUTE q ("+nulls+")", pgx.QueryExecModeExec)
		if err != nil {
			return err
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		plan.WriteString(strings.Join(lines, "\n"))
		return errors.Join(err, deallocate(tx))
	})
	if err != nil {
		t.Fatalf("%v in %s", err, sql)
	}
	return plan.String()
}
