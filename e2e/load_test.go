package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"docket/internal/pgtest"
)

// plainBinary is docket without the race detector, for tests whose figures
// would be the detector's.
var plainBinary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(filepath.Dir(binary), "docket-plain")
	build := exec.Command("go", "build", "-o", path, "./cmd/docket")
	build.Dir = ".."
	out, err := build.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, out)
	}
	return path, err
})

// startPlain is startServer without the race detector.
func startPlain(t testing.TB, env ...string) *server {
	t.Helper()
	path, err := plainBinary()
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(t, t.TempDir(), defaultDatabase)
	s.binary = path
	s.Start(t, env...)
	return s
}

// labour is what clients met who do ordinary work for some time.
type labour struct {
	mu       sync.Mutex
	took     []time.Duration // of those that succeeded
	statuses map[int]int
	refusals []time.Duration // how long 429 and 503 took
	faults   []string
}

// work has each of so many clients, one user each, create, read and toggle for
// the duration. A refused client waits a little.
func work(t *testing.T, url, user string, clients int, duration time.Duration) *labour {
	t.Helper()
	l := &labour{statuses: map[int]int{}}
	c := newClient(t, url, clients)
	ctx, cancel := context.WithTimeout(t.Context(), duration)
	defer cancel()
	var wait sync.WaitGroup
	for n := range clients {
		wait.Go(func() {
			path := tasksPath(fmt.Sprintf("%s-%d", user, n))
			for ctx.Err() == nil {
				l.step(ctx, c, path)
			}
		})
	}
	wait.Wait()
	return l
}

// step creates a task and reads, toggles and deletes it.
func (l *labour) step(ctx context.Context, c client, path string) {
	var made task
	for _, r := range [][3]string{{http.MethodPost, "", `{"title": "load"}`}, {http.MethodGet, "", ""}, {http.MethodPatch, "/complete", ""}, {http.MethodDelete, "", ""}} {
		where := path
		if r[0] != http.MethodPost {
			where += "/" + made.ID + r[1]
		}
		begun := time.Now()
		a, err := c.do(context.WithoutCancel(ctx), r[0], where, r[2])
		if !l.note(a, err, time.Since(begun)) {
			time.Sleep(rand.N(100 * time.Millisecond)) // as it was asked to
			return
		}
		if r[0] == http.MethodPost {
			if err := a.decode(&made); err != nil {
				return
			}
		}
	}
}

func (l *labour) note(a answer, err error, took time.Duration) (succeeded bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.statuses[a.Status]++
	switch {
	case err != nil:
		l.faults = append(l.faults, err.Error())
	case a.Status < 300:
		l.took = append(l.took, took)
		return true
	case (a.Status == 429 || a.Status == 503) && a.Header.Get("Retry-After") != "":
		l.refusals = append(l.refusals, took)
	default:
		l.faults = append(l.faults, fmt.Sprintf("%d %s", a.Status, a.Body))
	}
	return false
}

func (l *labour) check(t *testing.T) {
	t.Helper()
	for _, fault := range l.faults[:min(len(l.faults), 10)] {
		t.Error(fault)
	}
}

// TestSlowClients has clients that send their heads and bodies a byte at a time
// beside ordinary ones, who notice nothing, and are given up.
func TestSlowClients(t *testing.T) {
	heads, bodies := long(100, 1000), long(50, 500)
	s := startPlain(t)
	address := strings.TrimPrefix(s.URL, "http://")
	work(t, s.URL, "warm", 20, long(500*time.Millisecond, 3*time.Second)).check(t)
	var before, beside []time.Duration
	for round := range long(1, 3) {
		alone := work(t, s.URL, fmt.Sprint("alone-", round), 20, long(time.Second, 5*time.Second))
		alone.check(t)
		before = append(before, percentile(alone.took, 99))

		ended := make(chan time.Duration, heads+bodies)
		for n := range heads + bodies {
			first := "GET /api/u/tasks HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
			if n >= heads {
				first = "POST /api/u/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
			}
			conn, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			go drip(conn, first, ended)
		}
		disturbed := work(t, s.URL, fmt.Sprint("beside-", round), 20, long(time.Second, 4*time.Second))
		disturbed.check(t)
		beside = append(beside, percentile(disturbed.took, 99))
		var last time.Duration
		for range heads + bodies {
			select {
			case took := <-ended:
				last = max(last, took)
			case <-time.After(30 * time.Second):
				t.Fatal("a slow client is not given up")
			}
		}
		t.Logf("the last slow client was given up after %s", last)
	}
	s.Stop(t)
	p, q := percentile(before, 50), percentile(beside, 50)
	showf(t, fmt.Sprintf("%d slow heads, %d slow bodies", heads, bodies), "p99 of others within 1.5×", "p99 %s alone, %s beside: %.2f×", p.Round(10*time.Microsecond), q.Round(10*time.Microsecond), float64(q)/float64(p))
}

// drip sends a byte now and then until the server hangs up, and tells when.
func drip(conn net.Conn, first string, ended chan<- time.Duration) {
	begun := time.Now()
	defer conn.Close()
	go func() {
		_, err := io.WriteString(conn, first)
		for err == nil {
			time.Sleep(500 * time.Millisecond)
			_, err = io.WriteString(conn, " ")
		}
	}()
	_, _ = io.Copy(io.Discard, conn) // until it is closed, politely or not
	ended <- time.Since(begun)
}

// TestTooManyClients sends more than the server takes: those that it takes are
// served as fast in sum as before, the others are told at once, and when they
// have left all is as before.
func TestTooManyClients(t *testing.T) {
	duration := long(3*time.Second, 10*time.Second)
	// Four connections to a database that is 10 ms away are what is scarce, not
	// this machine, which the clients need too.
	direct := pgtest.Shared(t).Database(t)
	s := startPlain(t, "DATABASE_URL="+pgtest.Delay(t, direct, 10*time.Millisecond), "DATABASE_MAX_CONNS=4")
	work(t, s.URL, "warm", 100, duration/2).check(t)
	peak := work(t, s.URL, "peak", 100, duration)
	peak.check(t)
	over := work(t, s.URL, "over", 500, duration)
	over.check(t)
	begun := time.Now()
	after := work(t, s.URL, "after", 10, time.Second)
	after.check(t)
	if len(after.refusals) > 0 {
		t.Errorf("%d requests were refused after the others had left", len(after.refusals))
	}
	memory := s.Memory(t)["VmHWM"]
	s.Stop(t)
	if len(over.refusals) == 0 {
		t.Error("nobody was refused")
	}
	showf(t, "5× the clients of the peak", "goodput ≥ 80 %, refused fast, memory bounded",
		"goodput %.0f %%, %d refused in a median of %s, peak memory %d MiB, served again at once (p99 %s within %s)",
		100*float64(len(over.took))/float64(len(peak.took)), len(over.refusals), percentile(over.refusals, 50).Round(time.Microsecond), memory>>10, percentile(after.took, 99).Round(10*time.Microsecond), time.Since(begun).Round(time.Second))
}

// TestOneUserFloods has one user send as fast as a crowd of connections can; the
// limit keeps that from the others. The flood comes from a process that gives
// way to all others, as if it were on a machine of its own.
func TestOneUserFloods(t *testing.T) {
	duration := long(time.Second, 5*time.Second)
	s := startPlain(t, "RATE_LIMIT=3000")
	work(t, s.URL, "warm", 4, duration).check(t)
	var before, during []time.Duration
	total := map[string]int{}
	for round := range long(1, 5) {
		before = append(before, percentile(work(t, s.URL, fmt.Sprint("alone-", round), 4, duration).took, 99))
		exhaust(t, s.URL, "flood")
		stop := flood(t, s.URL+tasksPath("flood"), 64)
		others := work(t, s.URL, fmt.Sprint("others-", round), 4, duration)
		for status, n := range stop() {
			total[status] += n
		}
		others.check(t)
		if len(others.refusals) > 0 {
			t.Errorf("%d requests of others were refused", len(others.refusals))
		}
		during = append(during, percentile(others.took, 99))
	}
	s.Stop(t)
	if total["429"] == 0 {
		t.Errorf("the flood was answered with %v", total)
	}
	p, q := percentile(before, 50), percentile(during, 50)
	showf(t, "One user floods, on 64 connections", "p99 of others within 2×", "p99 %s before, %s during: %.2f× (the flood was answered with %v)", p.Round(10*time.Microsecond), q.Round(10*time.Microsecond), float64(q)/float64(p), total)
}

// exhaust has a user send until the limit is reached.
func exhaust(t *testing.T, url, user string) {
	t.Helper()
	c := newClient(t, url, 16)
	var wait sync.WaitGroup
	for range 16 {
		wait.Go(func() {
			for {
				a, err := c.do(t.Context(), http.MethodGet, tasksPath(user), "")
				if err != nil || a.Status != http.StatusOK {
					if a.Status != http.StatusTooManyRequests {
						t.Errorf("%d, %v", a.Status, err)
					}
					return
				}
			}
		})
	}
	wait.Wait()
}

// flood starts one and returns a function that ends it, which tells how often it
// was answered with each status.
func flood(t *testing.T, url string, connections int) (stop func() map[string]int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "nice", "-n", "19", "node", "testdata/flood.mjs", url, fmt.Sprint(connections))
	in, err := cmd.StdinPipe()
	var out bytes.Buffer
	cmd.Stdout = &out
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() (statuses map[string]int) {
		t.Helper()
		if err := errors.Join(in.Close(), cmd.Wait()); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(out.Bytes(), &statuses); err != nil {
			t.Fatalf("%v in %q", err, &out)
		}
		return statuses
	}
}
