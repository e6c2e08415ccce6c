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
// each server held to the same share of a core, so that its CPU is the limit. It needs
// -citus, and root for the control groups.
func BenchmarkWorkers(b *testing.B) {
	const d = dataset(100_000)
	binary := buildDocket(b)
	cluster := pgtest.NewCitus(b, 4)
	plain := pgtest.New(b, pgtest.Options{Unsafe: true}) // as the nodes of the cluster are
	var rows []*row
	var servers []*process
	add := func(name, url string) {
		d.postgres(b, url)
		p := startDocket(b, binary, url)
		servers, rows = append(servers, p), append(rows, &row{name: name})
	}
	for _, n := range []int{1, 2, 4} {
		add(fmt.Sprintf("%d workers", n), spread(b, cluster, binary, n))
	}
	add("one PostgreSQL", plain.Database(b))
	for _, server := range append(cluster.Workers, cluster.Coordinator, plain) {
		server.Limit(b, *share)
	}
	for _, workload := range []string{"get", "create"} {
		for i, r := range rows {
			r.samples, r.measure = nil, func(s int) sample { return servers[i].wrk(b, d, workload, 64, s) }
		}
		interleave(rows)
		one := rows[0].median()
		for _, r := range rows {
			m := r.median()
			fmt.Printf("%s, %s: %.0f requests/s, %.2f times one worker, p50 %.1f ms, p99 %.1f ms, %d errors\n", workload, r.name, m.Rate, m.Rate/one.Rate, m.P50, m.P99, m.Errors)
		}
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
