package bench

import (
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"docket/internal/pgtest"
)

// A dataset is a number of tasks, a hundred for each user, inserted directly into
// the database. Task n belongs to user-(n/100), and its id ends in 100000000000 + n.
type dataset int

const (
	description = "Two pages, by Friday. Ask Ann for the figures of the last quarter."
	folded      = "TWO PAGES, BY FRIDAY. ASK ANN FOR THE FIGURES OF THE LAST QUARTER."
)

func (d dataset) users() int { return int(d) / 100 }

// sqlite writes it to a new file.
func (d dataset) sqlite(b testing.TB) (url string) {
	b.Helper()
	path := filepath.Join(b.TempDir(), "docket.db")
	must(b, openSQLite(b, path).Close())
	db, err := sql.Open("sqlite", path)
	must(b, err)
	defer func() { must(b, db.Close()) }()
	for _, statement := range []string{
		fmt.Sprintf(`WITH RECURSIVE n(n) AS (VALUES (0) UNION ALL SELECT n + 1 FROM n WHERE n < %d - 1)
INSERT INTO owners (user_id, epoch, counter, live) SELECT 'user-' || n, 1, 100, 100 FROM n ORDER BY 1`, d.users()),
		fmt.Sprintf(`WITH RECURSIVE n(n) AS (VALUES (0) UNION ALL SELECT n + 1 FROM n WHERE n < %d - 1)
INSERT INTO tasks (user_id, id, title, description, completed, created_at, updated_at, version, title_folded, description_folded)
SELECT 'user-' || (n / 100), unhex('019a4e6f1b2c7d3e8f40' || (100000000000 + n)), 'Write report ' || n, '%s', 0, n, n, n %% 100 + 1, 'WRITE REPORT ' || n, '%s' FROM n`, d, description, folded),
		"PRAGMA wal_checkpoint(TRUNCATE)",
	} {
		_, err := db.ExecContext(b.Context(), statement)
		must(b, err)
	}
	return "sqlite:" + path
}

// postgres writes it to the database at url.
func (d dataset) postgres(b testing.TB, url string) {
	b.Helper()
	must(b, openPostgres(b, url).Close())
	pgtest.Exec(b, url, fmt.Sprintf("INSERT INTO docket.owners (user_id, epoch, counter, live) SELECT 'user-' || n, 1, 100, 100 FROM generate_series(0, %d - 1) n ORDER BY 1", d.users()))
	const step = 1_000_000 // pgtest bounds a statement
	for from := 0; from < int(d); from += step {
		pgtest.Exec(b, url, fmt.Sprintf(`INSERT INTO docket.tasks (user_id, id, title, description, completed, created_at, updated_at, version, title_folded, description_folded)
SELECT 'user-' || n / 100, ('019a4e6f-1b2c-7d3e-8f40-' || 100000000000 + n)::uuid, 'Write report ' || n, '%s', false, timestamptz 'epoch' + n * interval '1 s', timestamptz 'epoch' + n * interval '1 s', n %% 100 + 1, 'WRITE REPORT ' || n, '%s'
FROM generate_series(%d, %d - 1) n`, description, folded, from, min(from+step, int(d))))
	}
	pgtest.Exec(b, url, "VACUUM ANALYZE docket.tasks", "VACUUM ANALYZE docket.owners")
	pgtest.Exec(b, pgtest.AsSuperuser(url), "CHECKPOINT")
}

// plain writes the same tasks to the table that pgbench uses, of a schema without
// a counter. postgres must have run before.
func (dataset) plain(b *testing.B, url string) {
	b.Helper()
	pgtest.Exec(b, url,
		`CREATE TABLE public.tasks (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), user_id text NOT NULL, title text NOT NULL, description text,
completed boolean NOT NULL DEFAULT false, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now())`,
		`INSERT INTO public.tasks SELECT id, user_id, title, description, completed, created_at, updated_at FROM docket.tasks`,
		`CREATE INDEX ON public.tasks (user_id, created_at)`,
		"VACUUM ANALYZE public.tasks")
	pgtest.Exec(b, pgtest.AsSuperuser(url), "CHECKPOINT")
}

// statements are those of a schema without a counter: the minimum work of each
// workload for PostgreSQL.
var statements = map[string]string{
	"get":    `SELECT id, user_id, title, description, completed, created_at, updated_at FROM public.tasks WHERE user_id = 'user-' || :n / 100 AND id = ('019a4e6f-1b2c-7d3e-8f40-' || 100000000000 + :n)::uuid;`,
	"list":   `SELECT id, user_id, title, description, completed, created_at, updated_at FROM public.tasks WHERE user_id = 'user-' || :n / 100 ORDER BY created_at LIMIT 50;`,
	"create": `INSERT INTO public.tasks (user_id, title, description) VALUES ('user-' || :n / 100, 'Write the report', 'Two pages, by Friday.') RETURNING *;`,
	"toggle": `UPDATE public.tasks SET completed = NOT completed, updated_at = now() WHERE user_id = 'user-' || :n / 100 AND id = ('019a4e6f-1b2c-7d3e-8f40-' || 100000000000 + :n)::uuid RETURNING *;`,
}

// pgbench returns a function that runs the statement of a workload with 32 clients.
func (d dataset) pgbench(b *testing.B, url, workload string) func(seconds int) sample {
	b.Helper()
	script := filepath.Join(b.TempDir(), workload+".sql")
	must(b, os.WriteFile(script, fmt.Appendf(nil, "\\set n random(0, %d - 1)\n%s\n", d, statements[workload]), 0o600))
	return func(seconds int) sample {
		out, err := exec.CommandContext(b.Context(), program("pgbench"), "-n", "-M", "prepared", "-c", "32", "-j", "2", "-T", fmt.Sprint(seconds), "-f", script, url).CombinedOutput()
		if err != nil {
			b.Fatalf("pgbench: %v\n%s", err, out)
		}
		return parsePgbench(b, out)
	}
}
