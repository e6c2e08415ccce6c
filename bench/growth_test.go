package bench

import (
	"fmt"
	"testing"

	"docket/internal/pgtest"
)

// BenchmarkGrowth compares a database of 10,000 tasks with a much larger one. Each
// user has a hundred tasks; BenchmarkLastPage has a user with a million.
func BenchmarkGrowth(b *testing.B) {
	binary := buildDocket(b)
	cluster := pgtest.New(b, pgtest.Options{Settings: map[string]string{"max_wal_size": "8GB"}})
	postgres := func(d dataset) *process {
		url := cluster.Database(b)
		d.postgres(b, url)
		return startDocket(b, binary, url)
	}
	sqlite := func(d dataset) *process { return startDocket(b, binary, d.sqlite(b)) }
	few, many := dataset(10_000), dataset(*largest)
	for name, open := range map[string]func(dataset) *process{"PostgreSQL": postgres, "SQLite": sqlite} {
		small, large := open(few), open(many)
		for _, workload := range []string{"get", "list", "create"} {
			rows := []*row{
				{measure: func(s int) sample { return small.wrk(b, few, workload, 100, s) }},
				{measure: func(s int) sample { return large.wrk(b, many, workload, 100, s) }},
			}
			interleave(rows)
			x, y := rows[0].median(), rows[1].median()
			fmt.Printf("growth, %s, %s: %.0f requests/s of %d tasks, %.0f of %d: %.2f times\n", name, workload, x.Rate, few, y.Rate, many, x.Rate/y.Rate)
		}
	}
}
