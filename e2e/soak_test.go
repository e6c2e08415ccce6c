package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"docket/internal/pgtest"
)

// TestSoak has clients write and read for a long time while the server is killed
// (SQLite) or its database fails over (PostgreSQL) every few seconds: nothing
// acknowledged is lost, nothing impossible is told, nothing grows.
func TestSoak(t *testing.T) {
	duration, every := long(6*time.Second, 10*time.Minute), long(2*time.Second, 10*time.Second)
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		s := newServer(t, t.TempDir(), defaultDatabase)
		writers := newWriters(crashWriters, crashUsers)
		kills := 0
		for begin := time.Now(); time.Since(begin) < duration; kills++ {
			s.Start(t)
			verify(t, s, writers)
			soakRound(t, s, writers, every)
			checkIntegrity(t, filepath.Join(s.dir, "docket.db"))
			if t.Failed() {
				t.FailNow()
			}
		}
		done := verifyAtLast(t, s, writers)
		showf(t, fmt.Sprintf("Killed every %s for %s (SQLite)", every, duration), "0 acknowledged writes lost", "%d kills, %d writes done, 0 lost", kills, done)
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		c := pgtest.New(t, pgtest.Options{})
		s := newServer(t, t.TempDir(), c.Database(t))
		admin := freePort(t)
		s.Start(t, "ADMIN_ADDR="+admin)
		w := newCrew(t, s, troubleClients, troubleUsers)
		w.work()
		w.untilServed(t)
		var first map[string]float64
		failovers, begin := 0, time.Now()
		for time.Since(begin) < duration {
			time.Sleep(every)
			c.Restart(t, []pgtest.Mode{pgtest.Fast, pgtest.Immediate}[failovers%2])
			failovers++
			w.untilServed(t)
			if first == nil && time.Since(begin) > duration/4 {
				first = scrape(t, admin)
			}
		}
		last := scrape(t, admin)
		growth := fmt.Sprintf("goroutines %.0f → %.0f, files %.0f → %.0f, memory %.0f → %.0f MiB", first["go_goroutines"], last["go_goroutines"],
			first["process_open_fds"], last["process_open_fds"], first["process_resident_memory_bytes"]/(1<<20), last["process_resident_memory_bytes"]/(1<<20))
		for name, slack := range map[string]float64{"go_goroutines": 100, "process_open_fds": 50} { // what 50 clients can have more at one time than at another
			if last[name] > first[name]+slack {
				t.Errorf("%s grew from %.0f to %.0f", name, first[name], last[name])
			}
		}
		w.finish(t)
		showf(t, fmt.Sprintf("Failover every %s for %s (PostgreSQL)", every, duration), "0 lost, 0 impossible answers, nothing grows", "%d failovers, %s; %s", failovers, w.total, growth)
	})
}

// soakRound has the writers write for about so long, then kills the server.
func soakRound(t *testing.T, s *server, writers []*writer, about time.Duration) {
	t.Helper()
	written := make(chan struct{})
	go func() {
		defer close(written)
		writeUntilKilled(t, s, writers, func(task) {})
	}()
	time.Sleep(about/2 + rand.N(about/2)) // the moment is random on purpose
	s.Kill(t)
	<-written
}

func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// scrape reads the metrics at an address: the sum of each name's values.
func scrape(t testing.TB, address string) map[string]float64 {
	t.Helper()
	c := newClient(t, "http://"+address, 1)
	a, err := c.do(t.Context(), http.MethodGet, "/metrics", "")
	if err != nil || a.Status != http.StatusOK {
		t.Fatalf("%d, %v", a.Status, err)
	}
	sums := map[string]float64{}
	for lines := bufio.NewScanner(bytes.NewReader(a.Body)); lines.Scan(); {
		line := lines.Text()
		name, _, _ := strings.Cut(line, "{")
		name, _, _ = strings.Cut(name, " ")
		value, err := strconv.ParseFloat(line[strings.LastIndexByte(line, ' ')+1:], 64)
		if err == nil && !strings.HasPrefix(line, "#") {
			sums[name] += value
		}
	}
	return sums
}

// TestOperatorsListener looks at what operators get, and that others do not get
// it, and holds the dashboard and the alerts against the metrics that exist.
func TestOperatorsListener(t *testing.T) {
	exist := map[string]bool{}
	for name, database := range map[string]string{"sqlite": defaultDatabase, "postgres": pgtest.Shared(t).Database(t)} {
		admin := freePort(t)
		s := newServer(t, t.TempDir(), database)
		s.Start(t, "ADMIN_ADDR="+admin)
		c := newClient(t, s.URL, 1)
		for _, path := range []string{"/metrics", "/debug/pprof/", "/debug/pprof/heap"} {
			if a, err := c.do(t.Context(), http.MethodGet, path, ""); err != nil || a.Status != http.StatusNotFound {
				t.Errorf("%s: everybody gets %s: %d, %v", name, path, a.Status, err)
			}
		}
		if a, err := c.do(t.Context(), http.MethodPost, tasksPath("u"), `{"title": "counted"}`); err != nil || a.Status != http.StatusCreated {
			t.Fatalf("%d, %v", a.Status, err)
		}
		sums := scrape(t, admin)
		if sums["docket_ready"] != 1 || sums["docket_build_info"] != 1 {
			t.Errorf("%s: ready is %v", name, sums["docket_ready"])
		}
		for metric := range sums {
			exist[metric] = true
		}
		operator := newClient(t, "http://"+admin, 1)
		if a, err := operator.do(t.Context(), http.MethodGet, "/debug/pprof/goroutine?debug=1", ""); err != nil || a.Status != http.StatusOK || !bytes.Contains(a.Body, []byte("goroutine profile")) {
			t.Errorf("%s: %d, %v", name, a.Status, err)
		}
		s.Stop(t)
	}
	for _, file := range []string{"../deploy/grafana/docket.json", "../deploy/prometheus/alerts.yaml"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		used := regexp.MustCompile(`\b(docket|go|process)_[a-z_]+`).FindAllString(string(text), -1)
		slices.Sort(used)
		used = slices.Compact(used)
		for _, metric := range used {
			if !exist[metric] {
				t.Errorf("%s uses %s, which there is not", file, metric)
			}
		}
		if len(used) < 5 {
			t.Errorf("%s uses %v", file, used)
		}
	}
}
