package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"docket/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Wrap(m).Run()) }

// pythonTable creates public.tasks as the Python version does.
const pythonTable = `CREATE TABLE tasks (
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(), user_id VARCHAR(255) NOT NULL, title VARCHAR(500) NOT NULL, description TEXT,
  completed BOOLEAN DEFAULT FALSE, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP)`

// legacyDatabase returns the URL of a database with n tasks in public.tasks.
func legacyDatabase(t *testing.T, n int) string {
	t.Helper()
	url := pgtest.Shared(t).Database(t)
	pgtest.Exec(t, url, pythonTable, "CREATE INDEX idx_tasks_user_id ON tasks(user_id)", fmt.Sprintf(
		`INSERT INTO tasks (user_id, title, description, completed, created_at, updated_at)
SELECT 'user-' || g %% 97, 'task ' || g, CASE WHEN g %% 2 = 0 THEN 'note ' || g END, g %% 3 = 0,
  timestamp '2025-01-01' + make_interval(secs => g * 0.001003), timestamp '2025-06-01 12:00:00.123456' FROM generate_series(1, %d) g`, n))
	return url
}

func runImport(ctx context.Context, url string, args ...string) (code int, stdout, stderr string) {
	return runImportWith(ctx, []string{"DATABASE_URL=" + url}, args...)
}

func runImportWith(ctx context.Context, environ []string, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = Run(ctx, append([]string{"import"}, args...), environ, &out, &errs)
	return code, out.String(), errs.String()
}

const (
	sameTasks = `SELECT count(*) FROM docket.tasks t JOIN public.tasks p
  ON p.user_id = t.user_id AND p.title = t.title AND p.description IS NOT DISTINCT FROM t.description AND p.completed = t.completed
  AND p.created_at = t.created_at AT TIME ZONE 'UTC' AND p.updated_at = t.updated_at AT TIME ZONE 'UTC'`
	// disorder counts the tasks whose order by id differs from the order by time.
	disorder = `SELECT count(*) FROM (SELECT t.created_at < lag(t.created_at) OVER (PARTITION BY t.user_id ORDER BY t.id) AS wrong FROM docket.tasks t) s WHERE s.wrong`
	// miscounted counts the owners whose counters do not match their tasks.
	miscounted = `SELECT count(*) FROM docket.owners o WHERE o.live <> (SELECT count(*) FROM docket.tasks t WHERE t.user_id = o.user_id)
  OR o.counter < (SELECT max(t.version) FROM docket.tasks t WHERE t.user_id = o.user_id)`
)

func TestImport(t *testing.T) {
	inDir(t, "")
	const n = 100_000
	url := legacyDatabase(t, n)
	code, out, errs := runImport(t.Context(), url)
	if code != 0 || !strings.Contains(out, "Imported 100000 tasks; 0 existed already.") {
		t.Fatalf("exit %d: %s%s", code, out, errs)
	}
	if got := pgtest.Count(t, url, sameTasks); got != n {
		t.Errorf("%d tasks are equal to their source", got)
	}
	if got := pgtest.Count(t, url, disorder); got != 0 {
		t.Errorf("%d tasks are out of order", got)
	}
	if got := pgtest.Count(t, url, miscounted); got != 0 {
		t.Errorf("%d owners are miscounted", got)
	}
	if got := pgtest.Count(t, url, "SELECT count(*) FROM public.tasks"); got != n {
		t.Errorf("%d tasks are left in the source", got)
	}
	if code, out, errs = runImport(t.Context(), url); code != 0 || !strings.Contains(out, "Imported 0 tasks; 100000 existed already.") {
		t.Errorf("the second import: exit %d: %s%s", code, out, errs)
	}
}

// TestImportInterrupted interrupts the import repeatedly until it has finished.
func TestImportInterrupted(t *testing.T) {
	inDir(t, "")
	const n = 5000
	url := legacyDatabase(t, n)
	for interrupted := 0; ; interrupted++ {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		before := 0
		if interrupted > 0 {
			before = pgtest.Count(t, url, "SELECT count(*) FROM docket.tasks")
		}
		go func() {
			defer close(done)
			for interrupted > 0 && ctx.Err() == nil {
				if pgtest.Count(t, url, "SELECT count(*) FROM docket.tasks") >= min(before+1000, n) {
					cancel()
				}
			}
		}()
		if interrupted == 0 {
			cancel() // before it begins
		}
		code, _, errs := runImport(ctx, url)
		cancel()
		<-done
		if code == 0 {
			break
		}
		if interrupted > 20 {
			t.Fatalf("the import does not finish: %s", errs)
		}
		if interrupted == 0 {
			Run(t.Context(), []string{"migrate", "up"}, []string{"DATABASE_URL=" + url}, &bytes.Buffer{}, &bytes.Buffer{})
		}
	}
	if code, out, errs := runImport(t.Context(), url); code != 0 || !strings.Contains(out, "Imported 0 tasks; 5000 existed already.") {
		t.Fatalf("exit %d: %s%s", code, out, errs)
	}
	if got := pgtest.Count(t, url, sameTasks); got != n {
		t.Errorf("%d tasks are equal to their source", got)
	}
	if got := pgtest.Count(t, url, miscounted); got != 0 {
		t.Errorf("%d owners are miscounted", got)
	}
}

func TestImportOfInvalidRows(t *testing.T) {
	inDir(t, "")
	url := pgtest.Shared(t).Database(t)
	pgtest.Exec(t, url, pythonTable, `INSERT INTO tasks (user_id, title, description, completed, created_at, updated_at) VALUES
('a', '  trimmed  ', NULL, NULL, NULL, NULL), ('a', ' ', NULL, false, now(), now()), ('a', 'long', repeat('x', 5001), false, now(), now()),
('c', 'endless', NULL, false, 'infinity', '-infinity'), ('..', 'task', NULL, false, now(), now()), ('b', 'good', '', true, '2025-01-01', NULL)`)
	code, out, errs := runImport(t.Context(), url)
	if code != 1 || !strings.Contains(out, "Imported 3 tasks") || !strings.Contains(errs, "3 tasks could not be imported") {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	for _, want := range []string{`of user "a": The title is empty`, `of user "a": The description has 5001`, `of user "..": The user id may not be`} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in %s", want, out)
		}
	}
	if got := pgtest.Count(t, url, "SELECT count(*) FROM docket.tasks WHERE title = 'trimmed' AND created_at = 'epoch'"); got != 1 {
		t.Errorf("the task without times was imported %d times", got)
	}
}

// TestImportIntoSQLite checks where the source may be named. A password in --from,
// which other users can read, causes a warning.
func TestImportIntoSQLite(t *testing.T) {
	inDir(t, "")
	url := legacyDatabase(t, 500) + "&password=unused"
	code, out, errs := runImportWith(t.Context(), []string{"DATABASE_URL=sqlite:docket.db", "IMPORT_DATABASE_URL=" + url})
	if code != 0 || !strings.Contains(out, "Imported 500 tasks") || strings.Contains(errs, "list of processes") {
		t.Errorf("IMPORT_DATABASE_URL: exit %d: %s%s", code, out, errs)
	}
	code, out, errs = runImport(t.Context(), "sqlite:docket.db", "--from", url)
	if code != 0 || !strings.Contains(out, "500 existed already") || strings.Count(errs, "set IMPORT_DATABASE_URL instead") != 1 {
		t.Errorf("--from: exit %d: %s%s", code, out, errs)
	}
	if code, _, errs = runImport(t.Context(), "sqlite:docket.db"); code != 1 || !strings.Contains(errs, "--from URL") {
		t.Errorf("without a source: exit %d: %s", code, errs)
	}
}

// TestImportOfLaterColumns has tables of the Python version that tell more of a task, in
// the types that its versions have used.
func TestImportOfLaterColumns(t *testing.T) {
	inDir(t, "")
	for name, test := range map[string]struct {
		columns string // the types of priority, due_date, tags and completed_at
		rows    []string
		want    []string // priority, due_date, tags and completed_at of each task, as they are stored
		faults  []string
	}{
		"texts": {
			"priority VARCHAR(20), due_date TEXT, tags TEXT, completed_at TIMESTAMP",
			[]string{
				`'HIGH', '2026-12-01T09:00', ' home,, two words ,', '2026-01-02 03:04:05'`, `'Urgent', '2026-12-01 09:00:00+00', '["a, b", "c"]', NULL`, `NULL, NULL, NULL, 'infinity'`, `' low ', '', '', NULL`,
				`'p1', 'soon', '[a', NULL`,
			},
			[]string{`1 2026-12-01T09:00:00 ["home","two words"] 2026-01-02 03:04:05+00`, `1 2026-12-01T09:00:00Z ["a, b","c"] 2025-01-02 00:00:00+00`, `- - - 2025-01-02 00:00:00+00`, `-1 - - 2025-01-02 00:00:00+00`},
			[]string{"The priority must be", "The due date must be", "The tags must be"},
		},
		"dates and arrays": {
			"priority TEXT, due_date DATE, tags TEXT[], completed_at TIMESTAMPTZ",
			[]string{`'medium', '2026-12-01', ARRAY['a,b', NULL, '', 'c"'], '2026-01-02 03:04:05+02'`, `'critical', NULL, '{}', NULL`, `'', 'infinity', NULL, NULL`, `'', '10000-01-01', NULL, NULL`, `'', NULL, '{{a},{b}}', NULL`},
			[]string{`- 2026-12-01 ["a,b","c\""] 2026-01-02 01:04:05+00`, `1 - - 2025-01-02 00:00:00+00`},
			[]string{"The due date must be", "The due date must be", "The tags must be"},
		},
		"local times and JSON": {
			"due_date TIMESTAMP, tags JSONB",
			[]string{`'2026-12-01 09:00:00.5', '["a", "b"]'`, `'2026-12-01', 'null'`, `NULL, '{"a": 1}'`, `NULL, '[1]'`},
			[]string{`- 2026-12-01T09:00:00 ["a","b"] 2025-01-02 00:00:00+00`, `- 2026-12-01T00:00:00 - 2025-01-02 00:00:00+00`},
			[]string{"The tags must be", "The tags must be"},
		},
		"instants and an enumeration": {
			"priority level, due_date TIMESTAMPTZ, tags JSON",
			[]string{`'Low', '2026-12-01 09:00:00+02', '["a"]'`, `'Other', '0001-01-01 BC', '"a"'`},
			[]string{`-1 2026-12-01T07:00:00Z ["a"] 2025-01-02 00:00:00+00`},
			[]string{"The priority must be", "The due date must be", "The tags must be"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			url := pgtest.Shared(t).Database(t)
			pgtest.Exec(t, url, "CREATE TYPE level AS ENUM ('Low', 'Other')", strings.TrimSuffix(pythonTable, ")")+", "+test.columns+")")
			var names []string
			for column := range strings.SplitSeq(test.columns, ", ") {
				names = append(names, strings.Fields(column)[0])
			}
			for i, row := range test.rows {
				pgtest.Exec(t, url, fmt.Sprintf("INSERT INTO tasks (user_id, title, completed, created_at, updated_at, %s) VALUES ('a', '%d', true, '2025-01-01 00:00:%02d', '2025-01-02', %s)", strings.Join(names, ", "), i, i, row))
			}
			code, out, errs := runImport(t.Context(), url)
			if !strings.Contains(out, fmt.Sprintf("Imported %d tasks;", len(test.want))) || code != 1 || !strings.Contains(errs, fmt.Sprintf("%d tasks could not", len(test.rows)-len(test.want))) {
				t.Errorf("exit %d: %s%s", code, out, errs)
			}
			for i, want := range test.want {
				if n := pgtest.Count(t, url, fmt.Sprintf(`SELECT count(*) FROM docket.tasks WHERE title = '%d'
  AND concat_ws(' ', coalesce(priority::text, '-'), coalesce(due_date, '-'), coalesce(tags, '-'), (completed_at AT TIME ZONE 'UTC')::text || '+00') = '%s'`, i, want)); n != 1 {
					t.Errorf("row %d was not imported as %s", i, want)
				}
			}
			for _, want := range test.faults {
				if i := strings.Index(out, want); i < 0 {
					t.Errorf("no %q in %s", want, out)
				} else {
					out = out[i+len(want):]
				}
			}
		})
	}
}
