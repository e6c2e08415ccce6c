package bench

import (
	"crypto/ed25519"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/jackc/pgx/v5"

	"docket/internal/pgtest"
)

var (
	runs    = flag.Int("runs", 5, "runs of each measurement in BenchmarkTable and BenchmarkGrowth")
	seconds = flag.Int("seconds", 4, "duration of a measurement")
	largest = flag.Int("largest", 10_000_000, "tasks of the large database in BenchmarkGrowth")
)

var workloads = []string{"get", "list", "create", "toggle", "mixed"}

// row is one measurement of a table, and its samples.
type row struct {
	name    string
	measure func(seconds int) sample
	samples []sample
}

// interleave measures each row once in each run, after a warm-up of one second.
func interleave(rows []*row) {
	for range *runs {
		for _, r := range rows {
			r.measure(1)
			r.samples = append(r.samples, r.measure(*seconds))
		}
	}
}

// median returns the median of each figure, and the sum of the errors.
func (r *row) median() sample {
	of := func(figure func(sample) float64) float64 {
		var list []float64
		for _, s := range r.samples {
			list = append(list, figure(s))
		}
		slices.Sort(list)
		return list[len(list)/2]
	}
	errors := 0
	for _, s := range r.samples {
		errors += s.Errors
	}
	return sample{
		of(func(s sample) float64 { return s.Rate }), of(func(s sample) float64 { return s.P50 }),
		of(func(s sample) float64 { return s.P99 }), errors, of(func(s sample) float64 { return s.cpu }),
	}
}

// BenchmarkTable prints the second table of README.md.
func BenchmarkTable(b *testing.B) {
	const d = dataset(100_000)
	binary := buildDocket(b)
	cluster := pgtest.New(b, pgtest.Options{})
	direct := cluster.Database(b)
	d.postgres(b, direct)
	d.plain(b, direct)
	pooled := cluster.Pooler(b, pgtest.PoolerOptions{PoolSize: 20}).URL(direct) + "&pgbouncer=true"
	auth, tokens := startIssuer(b, d.users())
	near := map[string]*process{
		"PostgreSQL":                startDocket(b, binary, direct),
		"PostgreSQL, pgbouncer":     startDocket(b, binary, pooled),
		"PostgreSQL, authenticated": startDocket(b, binary, direct, auth),
		"SQLite":                    startDocket(b, binary, d.sqlite(b)),
		"SQLite, authenticated":     startDocket(b, binary, d.sqlite(b), auth),
	}
	const tenth = "DATABASE_MAX_CONNS=10"
	far := map[string]*process{
		"5 ms away":              startDocket(b, binary, pgtest.Delay(b, direct, 5*time.Millisecond), tenth),
		"5 ms away, no batching": startDocket(b, binary, pgtest.Delay(b, direct, 5*time.Millisecond), tenth, "DATABASE_BATCHING=off"),
	}
	answers := map[string]*process{}
	for _, kind := range []string{"/019a4e6f-1b2c-7d3e-8f40-100000000000", "?limit=50"} {
		answers[kind] = startConstant(b, fetch(b, near["SQLite"].url+"/api/user-0/tasks"+kind))
	}

	fmt.Printf("\n100 connections, %d tasks of %d users, %d runs of %d s; cpu in cores of the server\n\n", d, d.users(), *runs, *seconds)
	fmt.Println("| | | requests/s | / L | p50 ms | p99 ms | cpu | errors |\n|---|---|---|---|---|---|---|---|")
	for _, workload := range workloads {
		var rows []*row
		kind := "/019a4e6f-1b2c-7d3e-8f40-100000000000"
		if workload == "list" || workload == "mixed" {
			kind = "?limit=50"
		}
		wrk := func(name string, p *process, connections int, extra ...string) {
			rows = append(rows, &row{name: name, measure: func(s int) sample { return p.wrk(b, d, workload, connections, s, extra...) }})
		}
		wrk("constant", answers[kind], 100)
		if statements[workload] != "" {
			rows = append(rows, &row{name: "pgbench -c 32", measure: d.pgbench(b, direct, workload)})
		}
		for _, name := range sorted(near) {
			if strings.Contains(name, "authenticated") {
				wrk(name, near[name], 100, tokens)
			} else {
				wrk(name, near[name], 100)
			}
		}
		for _, name := range sorted(far) {
			wrk(name, far[name], 100)
		}
		interleave(rows)
		printRows(workload, rows)
	}
	for _, name := range sorted(near) {
		fmt.Printf("peak resident memory, %s: %d MiB\n", name, near[name].memory(b))
	}
	twoInstances(b, d, binary, direct)
	coldStarts(b, binary)
}

// printRows prints the rows of one workload. L comes from the first two, except for mixed.
func printRows(workload string, rows []*row) {
	limit := 0.0
	if statements[workload] != "" {
		limit = 1 / (1/rows[0].median().Rate + 1/rows[1].median().Rate)
	}
	for _, r := range rows {
		m := r.median()
		ratio, latency := "", "| | | "
		if limit > 0 {
			ratio = fmt.Sprintf("%.2f", m.Rate/limit)
		}
		if m.P50 > 0 { // pgbench reports neither latency nor CPU time
			latency = fmt.Sprintf("| %.1f | %.1f | %.2f", m.P50, m.P99, m.cpu)
		}
		fmt.Printf("| %s | %s | %.0f | %s %s | %d |\n", workload, r.name, m.Rate, ratio, latency, m.Errors)
	}
}

// twoInstances measures two instances that write to one database for 30 s.
func twoInstances(b *testing.B, d dataset, binary, url string) {
	b.Helper()
	count := func() int {
		conn, err := pgx.Connect(b.Context(), url)
		must(b, err)
		defer func() { must(b, conn.Close(b.Context())) }()
		var n int
		must(b, conn.QueryRow(b.Context(), "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()").Scan(&n))
		return n
	}
	before := count()
	first, second := startDocket(b, binary, url), startDocket(b, binary, url)
	done := make(chan sample)
	for _, work := range []struct {
		p        *process
		workload string
	}{{first, "create"}, {second, "toggle"}} {
		go func() { done <- work.p.wrk(b, d, work.workload, 100, 30) }()
	}
	x, y := <-done, <-done
	time.Sleep(time.Second) // PostgreSQL publishes its statistics with a delay
	fmt.Printf("two instances, 30 s: %.0f writes/s, %d errors, %d deadlocks\n", x.Rate+y.Rate, x.Errors+y.Errors, count()-before)
}

// coldStarts measures the time from the start of the process to its first
// response, on an existing database.
func coldStarts(b *testing.B, binary string) {
	b.Helper()
	database := dataset(10_000).sqlite(b)
	var took []time.Duration
	for range 11 {
		start := time.Now()
		p := startDocket(b, binary, database)
		fetch(b, p.url+"/api/user-0/tasks?limit=1")
		took = append(took, time.Since(start))
		must(b, p.cmd.Process.Kill())
	}
	info, err := os.Stat(binary)
	must(b, err)
	fmt.Printf("start to first response, SQLite: %s; binary: %.1f MB\n", median(took).Round(time.Millisecond), float64(info.Size())/1e6)
}

// startIssuer serves a key set. It returns the variable that configures it, and a
// file with one token for each user.
func startIssuer(b *testing.B, users int) (setting, tokens string) {
	b.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	must(b, err)
	keys, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: public, KeyID: "1", Algorithm: "EdDSA", Use: "sig"}}})
	must(b, err)
	issuer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(keys) }))
	b.Cleanup(issuer.Close)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: jose.JSONWebKey{Key: private, KeyID: "1"}}, nil)
	must(b, err)
	var lines strings.Builder
	for n := range users {
		signed, err := signer.Sign(fmt.Appendf(nil, `{"sub":"user-%d","exp":%d}`, n, time.Now().Add(24*time.Hour).Unix()))
		must(b, err)
		token, err := signed.CompactSerialize()
		must(b, err)
		fmt.Fprintln(&lines, token)
	}
	tokens = filepath.Join(b.TempDir(), "tokens")
	must(b, os.WriteFile(tokens, []byte(lines.String()), 0o600))
	return "AUTH_JWKS_URL=" + issuer.URL, tokens
}
