package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"docket"
	"docket/internal/pgtest"
	"docket/internal/storetest"
)

// compiled is a statement whose arguments are left aside.
type compiled struct {
	sql   string
	names []string // of the parameters
}

func compiledOf[A any](s *statement[A]) compiled { return compiled{s.sql, s.names} }

// statements are the statements about one user that requests run.
var statements = func() map[string]compiled {
	all := map[string]compiled{
		"get":    compiledOf(getSQL),
		"create": compiledOf(createSQL), "create fresh": compiledOf(createFreshSQL), "create plain": compiledOf(createPlainSQL),
		"create many": compiledOf(createManySQL), "create many fresh": compiledOf(createManyFreshSQL),
		"update": compiledOf(updateSQL), "update plain": compiledOf(updatePlainSQL),
		"toggle":    compiledOf(toggleSQL),
		"toggle if": compiledOf(toggleIfSQL),
		"delete":    compiledOf(deleteSQL),
		"restore":   compiledOf(restoreSQL),
		"claim key": compiledOf(claimKeySQL), "confirm key": compiledOf(confirmKeySQL),
		"guard key": compiledOf(guardKeySQL),
		"keep key":  compiledOf(keepKeySQL),
		"own":       compiledOf(ownSQL),
		"import":    compiledOf(importSQL),
		"count":     compiledOf(countSQL),
		"known":     compiledOf(knownSQL),
		"room":      compiledOf(roomSQL),
		"bury":      compiledOf(burySQL),

		"count kept": compiledOf(countKeptSQL),
		"kept":       compiledOf(keptSQL),

		"count trash": compiledOf(countTrashSQL),
		"trim trash":  compiledOf(trimTrashSQL),

		"changes":        compiledOf(changesSQL[changesStatement{}]),
		"changes, long":  compiledOf(changesSQL[changesStatement{long: true}]),
		"snapshot":       compiledOf(changesSQL[changesStatement{live: true}]),
		"snapshot, long": compiledOf(changesSQL[changesStatement{live: true, long: true}]),
		"own to erase":   compiledOf(ownToEraseSQL),
		"erase tasks":    compiledOf(eraseTasksSQL),
		"erase keys":     compiledOf(eraseKeysSQL),
		"erase owner":    compiledOf(eraseOwnerSQL),

		"API keys": compiledOf(apiKeysSQL), "find API key": compiledOf(findAPIKeySQL), "own API key": compiledOf(ownAPIKeySQL),
		"expire API keys": compiledOf(expireAPIKeysSQL), "count API keys": compiledOf(countAPIKeysSQL), "insert API key": compiledOf(insertAPIKeySQL),
		"revoke API key": compiledOf(revokeAPIKeySQL), "mark API key": compiledOf(markAPIKeySQL), "erase API keys": compiledOf(eraseAPIKeysSQL),
	}
	for l, s := range listSQL {
		name := "list by " + storetest.SortName(l.sort)
		if l.filtered {
			name += ", filtered"
		}
		if l.trash {
			name += ", trash"
		}
		if l.long {
			name += ", long"
		}
		all[name] = compiledOf(s)
	}
	return all
}()

// onShards are the statements about one user that only distributed tables need.
var onShards = map[string]compiled{
	"create on shard":               compiledOf(createOnShardSQL),
	"create many on shard, reserve": compiledOf(createManyOnShardSQL[0]),
	"create many on shard":          compiledOf(createManyOnShardSQL[1]),
	"purge of one user":             compiledOf(ownedPurgeSQL),
	"expire keys of one user":       compiledOf(ownedKeysSQL),
	"renew one user":                compiledOf(renewOwnedSQL),
}

// unowned are the statements that span all users. There are no others.
var unowned = map[string]compiled{
	"counters":    compiledOf(countersSQL),
	"purge":       compiledOf(purgeSQL),
	"expire keys": compiledOf(expireKeysSQL),

	"add database":  {sql: addDatabaseSQL},
	"read clock":    {sql: readClockSQL},
	"advance clock": {sql: advanceClockSQL, names: []string{"clock"}},
	"next owners":   compiledOf(nextOwnersSQL),
	"renew":         compiledOf(renewSQL),
	"due to purge":  compiledOf(duePurgeSQL),
	"due keys":      compiledOf(dueKeysSQL),

	"rights":          {sql: rightsSQL},
	"timeline":        {sql: timelineSQL},
	"record timeline": {sql: recordTimelineSQL, names: []string{"timeline", "replace"}},
}

// named are the statements as the code names them. The last ones name no table.
var named = []string{
	"getSQL", "createSQL", "createFreshSQL", "createPlainSQL", "createManySQL", "createManyFreshSQL", "updateSQL", "updatePlainSQL", "toggleSQL", "toggleIfSQL", "deleteSQL", "restoreSQL", "listSQL",
	"claimKeySQL", "confirmKeySQL", "guardKeySQL", "keepKeySQL", "ownSQL", "importSQL", "countSQL", "knownSQL", "roomSQL", "burySQL",
	"keptSQL", "countKeptSQL", "countTrashSQL", "trimTrashSQL",
	"changesSQL", "ownToEraseSQL", "eraseTasksSQL", "eraseKeysSQL", "eraseOwnerSQL",
	"apiKeysSQL", "findAPIKeySQL", "ownAPIKeySQL", "expireAPIKeysSQL", "countAPIKeysSQL", "insertAPIKeySQL", "revokeAPIKeySQL", "markAPIKeySQL", "eraseAPIKeysSQL",
	"countersSQL", "purgeSQL", "expireKeysSQL",
	"createOnShardSQL", "createManyOnShardSQL", "ownedPurgeSQL", "ownedKeysSQL", "renewOwnedSQL", "duePurgeSQL", "dueKeysSQL",
	"addDatabaseSQL", "readClockSQL", "advanceClockSQL", "nextOwnersSQL", "renewSQL", "rightsSQL", "timelineSQL", "recordTimelineSQL",
	"placementSQL", "clusterSQL", "meetWorkerSQL", "isDistributedSQL", "hasCitusSQL", "writesFirstSQL", "pagesFirstSQL",
}

// builders are the methods that make statements for those variables.
var builders = []string{"change.compile", "creation.compile", "manyCreation.compile", "insertMany", "pageQuery", "listStatement.source", "listStatement.where", "listStatement.total"}

// TestEveryStatementIsNamed finds the statements in the code of this package and of those
// below it, except what makes and changes the schema.
func TestEveryStatementIsNamed(t *testing.T) {
	var found []string
	table := regexp.MustCompile(`docket\.(owners|tasks|idempotency_keys|api_keys|database)\b`)
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (name == "schema" || name == "testdata") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				return !slices.Contains(builders, methodName(n))
			case *ast.ValueSpec:
				if strings.HasSuffix(n.Names[0].Name, "SQL") {
					found = append(found, n.Names[0].Name)
					return false
				}
			case *ast.BasicLit:
				if table.MatchString(n.Value) {
					t.Errorf("%s has a statement without a name: %s", name, n.Value)
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(found)
	if want := slices.Sorted(slices.Values(named)); !slices.Equal(found, want) {
		t.Errorf("found the statements %v, want %v", found, want)
	}
}

// methodName returns the name of a method with that of its type.
func methodName(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return f.Name.Name
	}
	receiver, ok := f.Recv.List[0].Type.(*ast.Ident)
	if !ok {
		return f.Name.Name
	}
	return receiver.Name + "." + f.Name.Name
}

const day = "2026-01-31T09:30:00Z"

var (
	tables  = regexp.MustCompile(`docket\.(\w+)\b( AS (\w+))?`)
	inserts = regexp.MustCompile(`INSERT INTO docket\.(\w+)`)
)

// TestStatementsKeepToOneUser checks the rules that let a table be spread over
// machines by user, and that keep users apart: each table that a statement names is
// held to the user by a condition under the table's own name, and nothing is
// selected by *.
func TestStatementsKeepToOneUser(t *testing.T) {
	of := maps.Clone(statements)
	maps.Copy(of, onShards)
	delete(of, "create on shard") // a call of a function
	for name, st := range of {
		held := fmt.Sprintf("user_id = $%d", 1+slices.Index(st.names, "user_id"))
		inserted := map[string]bool{}
		for _, m := range inserts.FindAllStringSubmatch(st.sql, -1) {
			inserted[m[1]] = true
		}
		for _, m := range tables.FindAllStringSubmatch(st.sql, -1) {
			if inserted[m[1]] {
				continue // its user_id is a value
			}
			if m[3] == "" || !strings.Contains(st.sql, m[3]+"."+held) {
				t.Errorf("%s: %s is not held to %s.%s", name, m[0], m[3], held)
			}
		}
		if uses := len(tables.FindAllString(st.sql, -1)) - len(inserts.FindAllString(st.sql, -1)); strings.Count(st.sql, held) < uses {
			t.Errorf("%s: %d uses of tables and %d conditions", name, uses, strings.Count(st.sql, held))
		}
		if strings.Contains(strings.ReplaceAll(st.sql, "count(*)", ""), "*") || strings.Contains(st.sql, "clock_timestamp") || strings.Contains(st.sql, "now()") {
			t.Errorf("%s selects by * or uses the database's clock", name)
		}
	}
}

// TestOneRoundTrip counts the round trips of each request on a warm store.
func TestOneRoundTrip(t *testing.T) {
	cluster := pgtest.Shared(t)
	for _, mode := range []string{"cache_statement", "cache_describe"} {
		t.Run(mode, func(t *testing.T) {
			proxy := pgtest.NewProxy(t, cluster.Database(t), 0)
			s := open(t, proxy.URL(cluster.Database(t)), func(o *Options) { o.ExecMode, o.MaxConns = mode, 1 })
			ctx := t.Context()
			task := storetest.Put(t, s, "task")
			title := docket.TaskUpdate{Title: docket.Some("new")}
			toggle := docket.Operation{Action: docket.Toggle, ID: task.ID}
			keyed := func(key docket.Key) error {
				_, err := s.Write(ctx, "alice", docket.Write{Operations: []docket.Operation{toggle}, Key: &key, Now: task.CreatedAt})
				return err
			}
			calls := map[string]func() error{
				"get":    func() error { _, err := s.Get(ctx, "alice", task.ID); return err },
				"list":   func() error { _, err := s.List(ctx, "alice", docket.ListQuery{Limit: 10, Count: true}); return err },
				"create": func() error { _, err := storetest.Create(ctx, s, storetest.Draft("more")); return err },
				"update": func() error {
					_, err := storetest.Do(ctx, s, "alice", docket.Operation{Action: docket.Update, ID: task.ID, Update: title}, task.CreatedAt)
					return err
				},
				"create again": func() error {
					again := docket.Operation{Action: docket.Create, ID: task.ID, New: docket.NewTask{Fields: task.Fields}}
					if _, err := storetest.Do(ctx, s, "alice", again, task.CreatedAt); !errors.Is(err, docket.AlreadyExists()) {
						return fmt.Errorf("a task was made twice: %w", err)
					}
					return nil
				},
				"toggle": func() error { _, err := act(s, docket.Toggle, task); return err },
				"delete and restore": func() error {
					_, err := act(s, docket.Delete, task)
					_, back := act(s, docket.Restore, task)
					return errors.Join(err, back)
				},
				"keyed":    func() error { return keyed(docket.Key{Text: uuid.NewString()}) },
				"replayed": func() error { return keyed(docket.Key{Text: "key"}) },
				"hundred": func() error {
					_, err := s.Write(ctx, "alice", docket.Write{Operations: slices.Repeat([]docket.Operation{toggle}, docket.MaxBatch), Now: task.CreatedAt})
					return err
				},
			}
			trips := map[string]int64{"delete and restore": 2, "keyed": 2, "replayed": 2, "hundred": 2}
			for name, call := range calls {
				var took int64
				for range 2 { // the first call prepares
					before := proxy.RoundTrips()
					if err := call(); err != nil {
						t.Fatalf("%s: %v", name, err)
					}
					took = proxy.RoundTrips() - before
				}
				if want := cmp.Or(trips[name], 1); took != want {
					t.Errorf("%s took %d round trips, want %d", name, took, want)
				}
			}
		})
	}
}

// TestStatementsUseTheKey loads 100,000 tasks and reads the plan of each statement:
// every table is reached by an index that begins with user_id, and a list in the order
// of creation is not sorted. The few API keys of a user are.
func TestStatementsUseTheKey(t *testing.T) {
	url := pgtest.Shared(t).Database(t)
	s := openPatient(t, url)
	pgtest.Exec(t, url,
		`INSERT INTO docket.owners (user_id, epoch, counter, live) SELECT 'user-' || u, 1, 100, 100 FROM generate_series(1, 1000) u`,
		fmt.Sprintf(`INSERT INTO docket.tasks (user_id, id, title, completed, created_at, updated_at, version, title_folded)
SELECT 'user-' || u, ('019a4e6f-1b2c-7d3e-8f40-' || lpad(to_hex(n), 12, '0'))::uuid, 'task', false, '%[1]s', '%[1]s', n, 'TASK'
FROM generate_series(1, %[2]d) n, generate_series(1, 1000) u`, day, 100),
		fmt.Sprintf(`INSERT INTO docket.api_keys (user_id, id, hash, created_at, scopes, name)
SELECT 'user-' || u, ('019a4e6f-1b2c-7d3e-8f40-' || lpad(to_hex(n), 12, '0'))::uuid, sha256('key'), '%s', 'tasks:read', 'key'
FROM generate_series(1, %d) n, generate_series(1, 1000) u`, day, docket.MaxAPIKeys),
		`ANALYZE docket.owners, docket.tasks, docket.api_keys`)
	conn, err := s.db.Pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	for name, st := range statements {
		plan := explain(t, conn.Conn(), st.sql, len(st.names))
		if strings.Contains(plan, "Seq Scan") || !strings.Contains(plan, "tasks_pkey") && !strings.Contains(plan, "tasks_live") && !strings.Contains(plan, "tasks_trash") && !strings.Contains(plan, "tasks_version") && !strings.Contains(plan, "idempotency_keys_pkey") && !strings.Contains(plan, "api_keys_pkey") && !slices.Contains([]string{"create", "create fresh", "create plain", "create many fresh", "claim key", "own", "own to erase", "kept", "import", "count", "room", "erase owner", "own API key", "insert API key"}, name) {
			t.Errorf("%s:\n%s", name, plan)
		}
		unfiltered := strings.HasPrefix(name, "list by creation") && !strings.Contains(name, "trash")
		if unfiltered && !strings.Contains(plan, "tasks_live") || strings.HasSuffix(name, " trash") && !strings.Contains(name, "list") && !strings.Contains(plan, "tasks_trash") {
			t.Errorf("%s passes over the live tasks and the trash:\n%s", name, plan)
		}
		if sorted := name == "API keys" || strings.Contains(name, "list by") && !strings.Contains(name, "by creation"); strings.Contains(plan, "Sort") && !sorted {
			t.Errorf("%s sorts:\n%s", name, plan)
		}
	}
}

// TestPlansAreKept runs the most frequent statements often. PostgreSQL keeps a generic
// plan only when it seems no worse than the plans for each set of arguments, and
// planning a list takes as long as reading it.
func TestPlansAreKept(t *testing.T) {
	s := open(t, pgtest.Shared(t).Database(t), func(o *Options) { o.MaxConns = 1 })
	task := storetest.Put(t, s, "task")
	for range 200 {
		storetest.Put(t, s, "other")
	}
	pgtest.Exec(t, s.db.Pool.Config().ConnString(), "ANALYZE docket.owners, docket.tasks")
	for range 10 {
		for _, q := range []docket.ListQuery{{Limit: 50}, {Limit: 50, Sort: docket.Sort{Descending: true}}, {Limit: docket.MaxList}, {Limit: 1}} {
			if _, err := s.List(t.Context(), "alice", q); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.Get(t.Context(), "alice", task.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := act(s, docket.Toggle, task); err != nil {
			t.Fatal(err)
		}
	}
	rows, err := s.db.Pool.Query(t.Context(), "SELECT statement FROM pg_prepared_statements WHERE generic_plans + custom_plans >= 10 AND custom_plans > 5")
	if err != nil {
		t.Fatal(err)
	}
	planned, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(planned) > 0 {
		t.Errorf("planned at each execution: %v\n%s", err, strings.Join(planned, "\n\n"))
	}
}

func deallocate(tx pgx.Tx) error {
	_, err := tx.Exec(context.Background(), "DEALLOCATE q")
	return err
}

// explain returns the generic plan of a statement, which the server uses for a prepared
// statement after some executions.
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
