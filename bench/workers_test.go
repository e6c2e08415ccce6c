package bench

import (
	"flag"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"docket/internal/pgtest"
)

var share = flag.Int("share", 15, "percent of a core that each server has in BenchmarkWorkers")

// BenchmarkWorkers compares one, two and four workers of Citus with one PostgreSQL,
// each server held to the same share of a core, so that its CPU is the limit. There is
// one database at a time, because Citus itself works for each. It needs -citus, and
// root for the control groups.
func BenchmarkWorkers(b *testing.B) {
	const (
		d           = dataset(100_000)
		connections = 96 // 24 for each of four workers: smaller groups cost more for each request
	)
	binary := buildDocket(b)
	cluster := pgtest.NewCitus(b, 4)
	plain := pgtest.New(b, pgtest.Options{Unsafe: true}) // as the nodes of the cluster are
	one := plain.Database(b)
	d.postgres(b, one)
	for _, n := range []int{1, 2, 4} {
		b.Run(fmt.Sprintf("%d", n), func(b *testing.B) {
			url := spread(b, cluster, binary, n)
			d.postgres(b, url)
			first, second := startDocket(b, binary, url), startDocket(b, binary, one)
			for _, server := range append(cluster.Workers, cluster.Coordinator, plain) {
				server.Limit(b, *share)
			}
			for _, workload := range []string{"get", "create"} {
				rows := []*row{
					{measure: func(s int) sample { return first.wrk(b, d, workload, connections, s) }},
					{measure: func(s int) sample { return second.wrk(b, d, workload, connections, s) }},
				}
				interleave(rows)
				x, y := rows[0].median(), rows[1].median()
				fmt.Printf("%s, %d workers: %.0f requests/s, %.2f times the %.0f of one PostgreSQL, p99 %.0f and %.0f ms, %d errors\n",
					workload, n, x.Rate, x.Rate/y.Rate, y.Rate, x.P99, y.P99, x.Errors+y.Errors)
			}
		})
	}
}

// spread makes a database whose shards are on the first n workers, which the cluster
// reaches without the proxies.
func spread(b *testing.B, c *pgtest.Citus, binary string, n int) (url string) {
	b.Helper()
	url = c.Database(b)
	statements := []string{"SELECT citus_remove_node(nodename, nodeport) FROM pg_dist_node WHERE groupid > 0"}
	for _, worker := range c.Workers[:n] {
		host, port, _ := strings.Cut(worker.Addr(), ":")
		statements = append(statements, fmt.Sprintf("SELECT citus_add_node('%s', %s)", host, port))
	}
	pgtest.Exec(b, pgtest.AsSuperuser(url), statements...)
	for _, arguments := range [][]string{{"migrate", "up"}, {"distribute"}} {
		cmd := exec.CommandContext(b.Context(), binary, arguments...)
		cmd.Env = []string{"DATABASE_URL=" + url}
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("docket %v: %v\n%s", arguments, err, out)
		}
	}
	return url
}
