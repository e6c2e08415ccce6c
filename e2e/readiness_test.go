package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptrace"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"docket/internal/pgtest"
)

// breakage is something that an operator does to a database under a running
// server, and what undoes it. Both are SQL.
type breakage struct {
	name        string
	spoil, mend []string
	readsFail   bool // else only writes do
}

// postgresBreakages are those that need a role or a schema.
var postgresBreakages = []breakage{
	{"rights on the tasks revoked", []string{"REVOKE ALL ON docket.tasks FROM docket"}, []string{"GRANT ALL ON docket.tasks TO docket"}, true},
	{"rights on the owners revoked", []string{"REVOKE ALL ON docket.owners FROM docket"}, []string{"GRANT ALL ON docket.owners TO docket"}, false},
	{"rights to write revoked", []string{"REVOKE INSERT, UPDATE ON docket.tasks FROM docket"}, []string{"GRANT ALL ON docket.tasks TO docket"}, false},
	// The owner of the schema has its rights whatever is revoked.
	{"rights on the schema revoked", []string{"ALTER SCHEMA docket OWNER TO postgres", "REVOKE ALL ON SCHEMA docket FROM docket"}, []string{"ALTER SCHEMA docket OWNER TO docket"}, true},
	{"table renamed", []string{"ALTER TABLE docket.tasks RENAME TO elsewhere"}, []string{"ALTER TABLE docket.elsewhere RENAME TO tasks"}, true},
	{"column renamed", []string{"ALTER TABLE docket.tasks RENAME title TO headline"}, []string{"ALTER TABLE docket.tasks RENAME headline TO title"}, true},
	{
		"newer schema",
		[]string{"INSERT INTO docket.schema_migrations (version, name, compatible, applied_at) VALUES (1000, 'newer', 1000, now())", "ALTER TABLE docket.tasks RENAME TO elsewhere"},
		[]string{"ALTER TABLE docket.elsewhere RENAME TO tasks", "DELETE FROM docket.schema_migrations WHERE version = 1000"},
		true,
	},
}

var sqliteBreakages = []breakage{
	{"table renamed", []string{"ALTER TABLE tasks RENAME TO elsewhere"}, []string{"ALTER TABLE elsewhere RENAME TO tasks"}, true},
	{"column renamed", []string{"ALTER TABLE tasks RENAME title TO headline"}, []string{"ALTER TABLE tasks RENAME headline TO title"}, true},
	{
		"newer schema",
		[]string{"INSERT INTO schema_migrations (version, name, compatible, applied_at) VALUES (1000, 'newer', 1000, 0)", "ALTER TABLE tasks RENAME TO elsewhere"},
		[]string{"ALTER TABLE elsewhere RENAME TO tasks", "DELETE FROM schema_migrations WHERE version = 1000"},
		true,
	},
}

// TestReadinessFollowsRequests breaks the database so that requests fail while
// connections work. From the first failure on the server is not ready, however
// often it is asked. Mended, it is ready again after one request, and else at the
// first check.
func TestReadinessFollowsRequests(t *testing.T) {
	alongside(t)
	postgres := pgtest.Shared(t).Database(t)
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		s := newServer(t, t.TempDir(), postgres)
		s.Start(t)
		for _, b := range postgresBreakages {
			followRequests(t, s, b, func(sql ...string) { pgtest.Exec(t, pgtest.AsSuperuser(postgres), sql...) })
		}
		s.Stop(t)
	})
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		s := startServer(t)
		for _, b := range sqliteBreakages {
			followRequests(t, s, b, func(sql ...string) { execFile(t, s, sql...) })
		}
		s.Stop(t)
	})
}

// execFile runs SQL on a server's file, from another process than the server.
func execFile(t *testing.T, s *server, sql ...string) {
	t.Helper()
	db := openFile(t, filepath.Join(s.dir, "docket.db"), "rw")
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, statement := range append([]string{"PRAGMA busy_timeout = 10000"}, sql...) {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

func followRequests(t *testing.T, s *server, b breakage, exec func(...string)) {
	t.Run(b.name, func(t *testing.T) {
		c := newClient(t, s.URL, 1)
		request := func(want int) {
			t.Helper()
			method, body := http.MethodPost, `{"title": "x"}`
			if b.readsFail {
				method, body = http.MethodGet, ""
			}
			if a := c.must(t, method, tasksPath("u"), body); a.Status/100 != want {
				t.Errorf("%s is answered with %d %s", method, a.Status, a.Body)
			}
		}
		c.wantReadiness(t, http.StatusOK, "before anything happens")
		for _, by := range []string{"a check", "a request"} {
			exec(b.spoil...)
			request(5)
			for check := range 3 {
				c.wantReadiness(t, http.StatusServiceUnavailable, fmt.Sprintf("after a request that failed, at check %d,", check+1))
			}
			request(5)
			c.wantReadiness(t, http.StatusServiceUnavailable, "after another")
			exec(b.mend...)
			if by == "a request" {
				request(2)
			}
			c.wantReadiness(t, http.StatusOK, "mended, after "+by)
			request(2)
		}
	})
}

// must sends a request that must be answered.
func (c client) must(t *testing.T, method, path, body string, headers ...string) answer {
	t.Helper()
	a, err := c.do(t.Context(), method, path, body, headers...)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

func (c client) wantReadiness(t *testing.T, status int, when string) {
	t.Helper()
	if a := c.must(t, http.MethodGet, "/readyz", ""); a.Status != status {
		t.Errorf("%s /readyz is %d, not %d: %s", when, a.Status, status, a.Body)
	}
}

// TestReadinessChecksTogether has many ask at once while the first check waits
// for the database: none is refused because another asks.
func TestReadinessChecksTogether(t *testing.T) {
	t.Parallel()
	const checks = 16
	direct := pgtest.Shared(t).Database(t)
	way := pgtest.NewProxy(t, direct, 0)
	s := newServer(t, t.TempDir(), way.URL(direct))
	s.Start(t)
	c := newClient(t, s.URL, checks)
	pgtest.Exec(t, pgtest.AsSuperuser(direct), "REVOKE ALL ON docket.tasks FROM docket")
	if a := c.must(t, http.MethodGet, tasksPath("u"), ""); a.Status < 500 {
		t.Fatalf("without rights: %d", a.Status)
	}
	pgtest.Exec(t, pgtest.AsSuperuser(direct), "GRANT ALL ON docket.tasks TO docket")

	way.Freeze(true)
	var sent, answered sync.WaitGroup
	var refused atomic.Int32
	sent.Add(checks)
	for range checks {
		answered.Go(func() {
			var once sync.Once
			defer once.Do(sent.Done)
			ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
				WroteRequest: func(httptrace.WroteRequestInfo) { once.Do(sent.Done) },
			})
			a, err := c.do(ctx, http.MethodGet, "/readyz", "")
			if err != nil || a.Status != http.StatusOK {
				refused.Add(1)
			}
		})
	}
	sent.Wait()
	for range checks { // which gives the server time to begin with the checks
		if a := newClient(t, s.URL, 1).must(t, http.MethodGet, "/healthz", ""); a.Status != http.StatusOK {
			t.Errorf("/healthz is %d", a.Status)
		}
	}
	way.Freeze(false)
	answered.Wait()
	if n := refused.Load(); n > 0 {
		t.Errorf("%d of %d checks are refused", n, checks)
	}
	s.Stop(t)
}

// TestUndecodableRow spoils one task and one stored result. Requests for them
// fail, all others do not, and the server stays ready.
func TestUndecodableRow(t *testing.T) {
	alongside(t)
	postgres := pgtest.Shared(t).Database(t)
	for name, c := range map[string]struct {
		database string
		spoil    func(t *testing.T, s *server, id string)
	}{
		"postgres": {postgres, func(t *testing.T, _ *server, id string) {
			pgtest.Exec(t, postgres, fmt.Sprintf("UPDATE docket.tasks SET created_at = 'infinity' WHERE id = '%s'", id),
				`UPDATE docket.idempotency_keys SET result = '\xff'`)
		}},
		"sqlite": {defaultDatabase, func(t *testing.T, s *server, id string) {
			execFile(t, s, fmt.Sprintf("UPDATE tasks SET title = CAST(x'ff' AS TEXT) WHERE id = x'%s'", strings.ReplaceAll(id, "-", "")),
				"UPDATE idempotency_keys SET result = x'ff'")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, t.TempDir(), c.database)
			s.Start(t)
			client := newClient(t, s.URL, 1)
			var tasks [2]task
			for i := range tasks {
				if err := client.must(t, http.MethodPost, tasksPath("u"), `{"title": "x"}`, fmt.Sprint("Idempotency-Key: ", i)).decode(&tasks[i]); err != nil {
					t.Fatal(err)
				}
			}
			c.spoil(t, s, tasks[0].ID)
			for _, r := range []struct {
				method, path, body string
				want               int
			}{
				{http.MethodGet, taskPath("u", tasks[0].ID), "", http.StatusInternalServerError},
				{http.MethodGet, tasksPath("u"), "", http.StatusInternalServerError},
				{http.MethodPost, tasksPath("u"), `{"title": "x"}`, http.StatusInternalServerError}, // a replay
				{http.MethodGet, taskPath("u", tasks[1].ID), "", http.StatusOK},
				{http.MethodGet, tasksPath("v"), "", http.StatusOK},
			} {
				if a := client.must(t, r.method, r.path, r.body, "Idempotency-Key: 1"); a.Status != r.want {
					t.Errorf("%s %s: %d %s, not %d", r.method, r.path, a.Status, a.Body, r.want)
				}
				client.wantReadiness(t, http.StatusOK, "after "+r.method+" "+r.path)
			}
			s.Stop(t)
		})
	}
}
