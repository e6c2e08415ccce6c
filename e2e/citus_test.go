package e2e

import (
	"context"
	"fmt"
	"net/http"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"docket/internal/pgtest"
)

// distributed makes a database on a Citus cluster and has docket distribute it.
func distributed(t testing.TB, c *pgtest.Citus) string {
	t.Helper()
	database := c.Database(t)
	for _, arguments := range [][]string{{"migrate", "up"}, {"distribute"}} {
		cmd := exec.CommandContext(t.Context(), binary, arguments...)
		cmd.Env = append(cleanEnv(), "DATABASE_URL="+database)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("docket %v: %v\n%s", arguments, err, out)
		}
	}
	return database
}

// TestScriptsOnCitus runs the scripts on distributed databases.
func TestScriptsOnCitus(t *testing.T) {
	c := pgtest.NewCitus(t, 2)
	runScripts(t, "testdata", func(t testing.TB) string { return distributed(t, c) })
}

// query runs a query that returns one row.
func query(t testing.TB, database, sql string, dest ...any) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if err := conn.QueryRow(ctx, sql).Scan(dest...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// portOf returns the port by which the cluster knows a worker.
func portOf(t testing.TB, c *pgtest.Citus, worker int, database string) (port int) {
	t.Helper()
	parsed, err := pgx.ParseConfig(c.Proxies[worker].URL(database))
	if err != nil {
		t.Fatal(err)
	}
	return int(parsed.Port)
}

// TestShardsMoveOnCitus moves shards between three workers while 16 clients write to all
// of them. Each write is carried out as often as it was acknowledged.
func TestShardsMoveOnCitus(t *testing.T) {
	c := pgtest.NewCitus(t, 3)
	for _, mode := range []string{"block_writes", "force_logical"} {
		t.Run(mode, func(t *testing.T) {
			database := distributed(t, c)
			s := newServer(t, t.TempDir(), database)
			s.Start(t)
			w := newCrew(t, s, 16, 16)
			w.work()
			w.untilServed(t)
			w.count()
			moves := long(2, 10)
			for n := range moves {
				moveShard(t, c, database, n, mode)
				w.untilServed(t)
			}
			moved := w.count()
			w.untilCalm(t)
			w.finish(t)
			showf(t, fmt.Sprintf("Citus: %d shards moved under 16 clients (%s)", moves, mode), "0 writes lost or doubled, 0 answers of 500", "%s", moved)
		})
	}
}

// moveShard moves the nth shard of the users, and those with it, to the next worker.
func moveShard(t *testing.T, c *pgtest.Citus, database string, n int, mode string) {
	t.Helper()
	var shard int64
	var from int
	admin := pgtest.AsSuperuser(database)
	query(t, admin, fmt.Sprintf("SELECT shardid, nodeport FROM citus_shards WHERE table_name = 'docket.owners'::regclass ORDER BY shardid LIMIT 1 OFFSET %d", n%8), &shard, &from)
	ports := []int{portOf(t, c, 0, database), portOf(t, c, 1, database), portOf(t, c, 2, database)}
	to := ports[(slices.Index(ports, from)+1)%len(ports)]
	pgtest.Exec(t, admin, fmt.Sprintf("SELECT citus_move_shard_placement(%d, '127.0.0.1', %d, '127.0.0.1', %d, '%s')", shard, from, to, mode))
}

// TestWorkerFailsOnCitus has one of two workers crash and start again, and then hang. The
// other's users notice nothing.
func TestWorkerFailsOnCitus(t *testing.T) {
	for _, fault := range []struct {
		name string
		do   func(t *testing.T, c *pgtest.Citus, w *crew, healthy []string)
	}{
		{"crashes", func(t *testing.T, c *pgtest.Citus, w *crew, _ []string) {
			c.Workers[0].Stop(t, pgtest.Immediate)
			w.untilRefused(t)
			w.untilAnswered(t, 1)
			c.Workers[0].Start(t)
		}},
		{"hangs", func(t *testing.T, c *pgtest.Citus, w *crew, healthy []string) {
			c.Proxies[0].Freeze(true)
			streamsBegin(t, w.server.URL, w.writers[0].user, healthy)
			time.Sleep(8 * time.Second) // longer than every time limit of a request
			w.untilRefused(t)
			c.Proxies[0].Freeze(false)
		}},
	} {
		t.Run(fault.name, func(t *testing.T) {
			c := pgtest.NewCitus(t, 2)
			database := distributed(t, c)
			s := newServer(t, t.TempDir(), database)
			s.usePlain(t)
			s.Start(t)
			w := newCrew(t, s, 16, 16)
			for i, user := range usersOf(t, c, database, 0, "writer-%d", 16) {
				w.writers[i].user = user
			}
			var others []*answers
			for _, user := range usersOf(t, c, database, 1, "other-%d-0", 4) {
				others = append(others, startWork(t, s.URL, user[:len(user)-len("-0")], 1, 1<<30))
			}
			w.work()
			w.untilServed(t)
			fault.do(t, c, w, usersOf(t, c, database, 1, "reader-%d", 10))
			w.untilCalm(t)
			var slowest time.Duration
			for _, l := range others {
				l.stop().check(t)
				if len(l.refusals) > 0 {
					t.Errorf("%d requests of the other worker's users were refused", len(l.refusals))
				}
				slowest = max(slowest, slices.Max(l.took))
			}
			w.finish(t)
			showf(t, "Citus: one of two workers "+fault.name, "no error for the other's users, none of whom waits for 0.5 s; 0 writes lost or doubled", "the slowest answer to them %s", slowest.Round(time.Millisecond))
		})
	}
}

// streamsBegin opens a stream of each healthy user while one of sick waits for a worker
// that hangs.
func streamsBegin(t *testing.T, url, sick string, healthy []string) {
	t.Helper()
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/api/"+sick+"/events", http.NoBody)
		if err != nil {
			t.Error(err)
			return
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Error(err)
			return
		}
		_ = res.Body.Close()
	}()
	for _, user := range healthy {
		ctx, leave := context.WithCancel(t.Context())
		listen(ctx, t, url, user, "")
		leave()
	}
	select {
	case <-answered:
		t.Errorf("the last of %d streams began after the answer that a worker which hangs held up", len(healthy))
	default:
		<-answered
	}
}

// usersOf returns n users whose rows a worker has, with names in the given form.
func usersOf(t *testing.T, c *pgtest.Citus, database string, worker int, form string, n int) (users []string) {
	t.Helper()
	for i := 0; len(users) < n; i++ {
		user := fmt.Sprintf(form, i)
		var port int
		query(t, database, "SELECT nodeport FROM citus_shards WHERE shardid = get_shard_id_for_distribution_column('docket.owners', '"+user+"'::text)", &port)
		if port == portOf(t, c, worker, database) {
			users = append(users, user)
		}
	}
	return users
}
