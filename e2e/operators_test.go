package e2e

import (
	"bufio"
	"bytes"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"docket/internal/pgtest"
)

// TestOperatorsListener checks that the operators' address serves metrics and
// profiles, that the public address does not, and that the dashboard and the
// alerts use metrics that exist.
func TestOperatorsListener(t *testing.T) {
	t.Parallel()
	exist := map[string]bool{}
	for name, database := range map[string]string{"sqlite": defaultDatabase, "postgres": pgtest.Shared(t).Database(t)} {
		admin := freeAddress(t)
		s := newServer(t, t.TempDir(), database)
		s.Start(t, "ADMIN_ADDR="+admin)
		c := newClient(t, s.URL, 1)
		for _, path := range []string{"/metrics", "/debug/pprof/", "/debug/pprof/heap"} {
			if a, err := c.do(t.Context(), http.MethodGet, path, ""); err != nil || a.Status != http.StatusNotFound {
				t.Errorf("%s: the public address serves %s: %d, %v", name, path, a.Status, err)
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
				t.Errorf("%s uses %s, which does not exist", file, metric)
			}
		}
		if len(used) < 5 {
			t.Errorf("%s uses only %v", file, used)
		}
	}
}

// freeAddress returns a host and a port on which a server can listen.
func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// scrape reads the metrics at an address and returns the sum of the values of
// each name.
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
