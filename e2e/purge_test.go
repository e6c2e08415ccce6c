package e2e

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"docket/internal/pgtest"
)

const (
	purgeUsers   = 1000
	purgeClients = 8
)

// TestPurgeBesideRequests has many deleted tasks purged while clients work. All
// are purged, and no request fails. Torture compares the latency of the requests
// with a time without a purge.
func TestPurgeBesideRequests(t *testing.T) {
	alongside(t)
	tombstones := long(2000, 1_000_000)
	fill := []string{
		`INSERT INTO %[1]sowners (user_id, epoch, counter, live, trash) SELECT 'gone-' || u, 1, %[2]d, 0, %[2]d FROM %[3]s`,
		`INSERT INTO %[8]s (user_id, id, title, completed, created_at, updated_at, version, deleted_at, title_folded)
SELECT 'gone-' || u, %[4]s, 'A task of ordinary length', %[5]s, %[6]s, %[6]s, n, %[6]s, 'A TASK OF ORDINARY LENGTH' FROM %[7]s`,
	}
	each := tombstones / purgeUsers
	tombstones = each * purgeUsers
	deleted := time.Now().Add(-60 * 24 * time.Hour)
	t.Run("sqlite", func(t *testing.T) {
		alongside(t)
		purgeBesideRequests(t, defaultDatabase, tombstones, func(dir string) {
			db, err := sql.Open("sqlite", filepath.Join(dir, "docket.db"))
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			users := fmt.Sprintf("(WITH RECURSIVE s(u) AS (SELECT 1 UNION ALL SELECT u + 1 FROM s WHERE u < %d) SELECT u FROM s)", purgeUsers)
			numbers := fmt.Sprintf("(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < %d) SELECT n FROM s), %s", each, users)
			for _, text := range fill {
				statement := fmt.Sprintf(text, "", each, users, "randomblob(16)", "0", fmt.Sprint(deleted.UnixMicro()), numbers, "trash")
				if _, err := db.ExecContext(t.Context(), statement); err != nil {
					t.Fatalf("%v in %s", err, statement)
				}
			}
		})
	})
	t.Run("postgres", func(t *testing.T) {
		alongside(t)
		database := pgtest.New(t, pgtest.Options{}).Database(t)
		purgeBesideRequests(t, database, tombstones, func(string) {
			users := fmt.Sprintf("generate_series(1, %d) AS u", purgeUsers)
			numbers := fmt.Sprintf("generate_series(1, %d) AS n, %s", each, users)
			for _, text := range fill {
				pgtest.Exec(t, database, fmt.Sprintf(text, "docket.", each, users, "gen_random_uuid()", "false", "'"+deleted.Format(time.RFC3339)+"'::timestamptz", numbers, "docket.tasks"))
			}
			pgtest.Exec(t, database, "ANALYZE docket.owners, docket.tasks")
		})
	})
}

func purgeBesideRequests(t *testing.T, database string, tombstones int, fill func(dir string)) {
	s := newServer(t, t.TempDir(), database)
	s.usePlain(t)
	s.Start(t)
	s.Stop(t)
	fill(s.dir)

	var alone, beside []time.Duration
	measure := func(took *[]time.Duration) {
		l := work(t, s.URL, "alive", purgeClients, long(200*time.Millisecond, 5*time.Second))
		l.check(t)
		*took = append(*took, l.took...)
	}
	s.Start(t, "TRASH_RETENTION=87600h")
	for range long(1, 3) {
		measure(&alone)
	}
	s.Stop(t)

	admin := freeAddress(t)
	s.Start(t, "ADMIN_ADDR="+admin)
	begin := time.Now()
	for purged := 0; purged < tombstones; {
		before := purged
		eventually(t, fmt.Sprintf("more than %d of %d deleted tasks are purged", before, tombstones), func() bool {
			measure(&beside)
			purged = int(scrape(t, admin)["docket_purged_tasks_total"])
			return purged > before
		})
	}
	duration := time.Since(begin)
	s.Stop(t)
	p99, during := percentile(alone, 99), percentile(beside, 99)
	showf(t, fmt.Sprintf("%d deleted tasks purged (%s)", tombstones, filepath.Base(t.Name())), "requests are served (p99 is measured only; aim: 2×)", "%s alone, %s during (%.2f×); purged in %s, %d requests meanwhile",
		p99.Round(100*time.Microsecond), during.Round(100*time.Microsecond), float64(during)/float64(p99), duration.Round(time.Second), len(beside))
}
