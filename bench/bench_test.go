// Package bench measures throughput and cost. A benchmark measures what it
// compares in turn, in one run, and reports ratios of medians, because absolute
// times depend on the machine. `make bench` runs all benchmarks.
package bench

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	_ "modernc.org/sqlite" // the datasets are written through database/sql

	"docket"
	"docket/internal/httpapi"
	"docket/internal/pgtest"
	"docket/internal/postgres"
	"docket/internal/postgres/connect"
	"docket/internal/sqlite"
)

func TestMain(m *testing.M) {
	if answer := os.Getenv(serveConstant); answer != "" {
		constant(answer)
	}
	os.Exit(pgtest.Wrap(m).Run())
}

// compare times first and second in turn and reports the ratio of their medians,
// second to first, under the name.
func compare(b *testing.B, name string, first, second func()) {
	b.Helper()
	var firsts, seconds []time.Duration
	timed := func(f func()) time.Duration {
		start := time.Now()
		f()
		return time.Since(start)
	}
	first()
	second()
	for b.Loop() {
		for range 5 { // at least 5, even if one fills the benchmark's time
			firsts, seconds = append(firsts, timed(first)), append(seconds, timed(second))
		}
	}
	x, y := median(firsts), median(seconds)
	b.ReportMetric(float64(y)/float64(x), name)
	b.ReportMetric(float64(x.Microseconds()), "first-µs")
	b.ReportMetric(float64(y.Microseconds()), "second-µs")
}

func median(list []time.Duration) time.Duration {
	slices.Sort(list)
	return list[len(list)/2]
}

// stores open each kind of store with this number of tasks of one user, "user",
// inserted directly into the database.
var stores = map[string]func(b *testing.B, tasks int) docket.Store{
	"sqlite": func(b *testing.B, tasks int) docket.Store {
		path := filepath.Join(b.TempDir(), "docket.db")
		must(b, openSQLite(b, path).Close())
		db, err := sql.Open("sqlite", path)
		must(b, err)
		defer db.Close()
		for _, statement := range []string{
			fmt.Sprintf("INSERT INTO owners (user_id, epoch, counter, live) VALUES ('user', 1, %[1]d, %[1]d)", tasks),
			fmt.Sprintf(`WITH RECURSIVE n(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM n WHERE n < %d)
INSERT INTO tasks (user_id, id, title, completed, created_at, updated_at, version, title_folded)
SELECT 'user', unhex('019a4e6f1b2c7d3e8f40' || printf('%%012x', n)), 'task', 0, n, n, n, 'TASK' FROM n`, tasks),
		} {
			_, err := db.ExecContext(b.Context(), statement)
			must(b, err)
		}
		return openSQLite(b, path)
	},
	"postgres": func(b *testing.B, tasks int) docket.Store {
		url := pgtest.Shared(b).Database(b)
		s := openPostgres(b, url)
		pgtest.Exec(b, url,
			fmt.Sprintf("INSERT INTO docket.owners (user_id, epoch, counter, live) VALUES ('user', 1, %[1]d, %[1]d)", tasks),
			fmt.Sprintf(`INSERT INTO docket.tasks (user_id, id, title, completed, created_at, updated_at, version, title_folded)
SELECT 'user', ('019a4e6f-1b2c-7d3e-8f40-' || lpad(to_hex(n), 12, '0'))::uuid, 'task', false, 'epoch', 'epoch', n, 'TASK' FROM generate_series(1, %d) n`, tasks),
			"VACUUM ANALYZE docket.tasks")
		return s
	},
}

func must(b testing.TB, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func openSQLite(b testing.TB, path string) docket.Store {
	b.Helper()
	s, err := sqlite.Open(b.Context(), path, slog.New(slog.DiscardHandler))
	must(b, err)
	return s
}

func openPostgres(b testing.TB, url string) docket.Store {
	b.Helper()
	target, err := connect.ParseURL(url)
	must(b, err)
	s, err := postgres.Open(b.Context(), postgres.Options{Target: target, Migrate: true, Log: slog.New(slog.DiscardHandler)})
	must(b, err)
	return s
}

// TestDatasets reads a task of each dataset.
func TestDatasets(t *testing.T) {
	d, id := dataset(200), uuid.MustParse("019a4e6f-1b2c-7d3e-8f40-100000000150")
	open := func(name string, open func() docket.Store) {
		store := open()
		defer func() {
			if err := store.Close(); err != nil {
				t.Error(err)
			}
		}()
		if task, err := store.Get(t.Context(), "user-1", id); err != nil || task.Title != "Write report 150" {
			t.Errorf("%s: %+v, %v", name, task, err)
		}
	}
	open("SQLite", func() docket.Store { return openSQLite(t, strings.TrimPrefix(d.sqlite(t), "sqlite:")) })
	open("PostgreSQL", func() docket.Store {
		url := pgtest.Shared(t).Database(t)
		d.postgres(t, url)
		return openPostgres(t, url)
	})
}

// BenchmarkLastPage compares the first page of 100 tasks with the ten-thousandth,
// for a user with a million tasks.
func BenchmarkLastPage(b *testing.B) {
	const size, pages = 100, 10_000
	for name, open := range stores {
		b.Run(name, func(b *testing.B) {
			store := open(b, size*pages)
			defer store.Close()
			service := docket.NewService(store)
			read := func(after *docket.Position) func() {
				return func() {
					page, err := service.Tasks(b.Context(), "user", docket.ListQuery{Limit: size, After: after})
					if err != nil || len(page.Tasks) != size {
						b.Fatalf("%d tasks, %v", len(page.Tasks), err)
					}
				}
			}
			last := docket.Position{ID: uuid.MustParse(fmt.Sprintf("019a4e6f-1b2c-7d3e-8f40-%012x", size*(pages-1)))}
			compare(b, "page-10000/page-1", read(nil), read(&last))
		})
	}
}

// BenchmarkUnchangedList compares a list of 1,000 tasks with the 304 to a client
// that has it, over HTTP.
func BenchmarkUnchangedList(b *testing.B) {
	for name, open := range stores {
		b.Run(name, func(b *testing.B) {
			store := open(b, 1000)
			defer store.Close()
			server := httptest.NewServer(httpapi.New(docket.NewService(store), httpapi.Options{}))
			defer server.Close()
			tag := get(b, server.URL, "", http.StatusOK)
			compare(b, "304/200",
				func() { get(b, server.URL, "", http.StatusOK) },
				func() { get(b, server.URL, tag, http.StatusNotModified) })
		})
	}
}

// get reads the list and returns its entity tag.
func get(b *testing.B, url, tag string, status int) string {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, url+"/api/user/tasks", http.NoBody)
	must(b, err)
	if tag != "" {
		r.Header.Set("If-None-Match", tag)
	}
	answer, err := http.DefaultClient.Do(r)
	must(b, err)
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil || answer.StatusCode != status {
		b.Fatalf("%d, %v", answer.StatusCode, err)
	}
	return answer.Header.Get("ETag")
}

// BenchmarkBatch compares one batch of 100 creates with 100 sequential creates, on
// a database with a round trip of 5 ms.
func BenchmarkBatch(b *testing.B) {
	direct := pgtest.Shared(b).Database(b)
	store := openPostgres(b, pgtest.Delay(b, direct, 5*time.Millisecond))
	defer store.Close()
	service := docket.NewService(store)
	create := docket.Operation{Action: docket.Create, New: docket.NewTask{Fields: docket.Fields{Title: "task"}}}
	compare(b, "100-singles/batch",
		func() {
			_, err := service.Batch(context.Background(), "batch", slices.Repeat([]docket.Operation{create}, docket.MaxBatch), nil)
			must(b, err)
		},
		func() {
			for range docket.MaxBatch {
				_, _, err := service.Do(context.Background(), "single", create, nil)
				must(b, err)
			}
		})
}
