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
	"strings"
	"sync"
	"testing"
	"time"

	"docket/internal/pgtest"
)

// answers is what the clients of work were answered.
type answers struct {
	mu       sync.Mutex
	took     []time.Duration // of the successes
	refusals []time.Duration // of 429 and 503
	faults   []string
}

// work has clients, each with a user of its own, create, read, toggle and delete
// tasks for the duration. A client that is refused pauses.
func work(t *testing.T, url, user string, clients int, duration time.Duration) *answers {
	t.Helper()
	stop := startWork(t, url, user, clients)
	time.Sleep(duration)
	return stop()
}

// startWork starts work, and returns a function that ends it. Each client has
// worked once at least.
func startWork(t *testing.T, url, user string, clients int) (stop func() *answers) {
	t.Helper()
	l := &answers{}
	c := newClient(t, url, clients)
	ctx, cancel := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	for n := range clients {
		wait.Go(func() {
			path := tasksPath(fmt.Sprintf("%s-%d", user, n))
			l.step(ctx, c, path)
			for ctx.Err() == nil {
				l.step(ctx, c, path)
			}
		})
	}
	return func() *answers {
		cancel()
		wait.Wait()
		return l
	}
}

// step creates a task and reads, toggles and deletes it.
func (l *answers) step(ctx context.Context, c client, path string) {
	var made task
	for _, r := range [][3]string{{http.MethodPost, "", `{"title": "load"}`}, {http.MethodGet, "", ""}, {http.MethodPatch, "/complete", ""}, {http.MethodDelete, "", ""}} {
		where := path
		if r[0] != http.MethodPost {
			where += "/" + made.ID + r[1]
		}
		begun := time.Now()
		a, err := c.do(context.WithoutCancel(ctx), r[0], where, r[2])
		if !l.note(a, err, time.Since(begun)) {
			time.Sleep(rand.N(100 * time.Millisecond)) // as a client would
			return
		}
		if r[0] == http.MethodPost {
			if err := a.decode(&made); err != nil {
				return
			}
		}
	}
}

// note counts an answer. Everything but a success or a refusal that says when to
// try again is a fault.
func (l *answers) note(a answer, err error, took time.Duration) (succeeded bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err != nil:
		l.faults = append(l.faults, err.Error())
	case a.Status < 300:
		l.took = append(l.took, took)
		return true
	case (a.Status == 429 || a.Status == 503) && a.Header.Get("Retry-After") != "":
		l.refusals = append(l.refusals, took)
	case a.Status == 503 && bytes.Contains(a.Body, []byte(unknown)): // the database did not answer
	default:
		l.faults = append(l.faults, fmt.Sprintf("%d %s", a.Status, a.Body))
	}
	return false
}

// refused returns how many requests were refused so far.
func (l *answers) refused() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.refusals)
}

func (l *answers) check(t *testing.T) {
	t.Helper()
	for _, fault := range l.faults[:min(len(l.faults), 10)] {
		t.Error(fault)
	}
}

// TestSlowClients has clients that send their headers and bodies a byte at a time.
// Other clients are served meanwhile, and the server closes the connections of
// the slow ones.
func TestSlowClients(t *testing.T) {
	alongside(t)
	heads, bodies := long(20, 1000), long(10, 500)
	s := startPlain(t)
	address := strings.TrimPrefix(s.URL, "http://")
	work(t, s.URL, "warm", 20, long(100*time.Millisecond, 3*time.Second)).check(t)
	var before, beside []time.Duration
	for round := range long(1, 3) {
		alone := work(t, s.URL, fmt.Sprint("alone-", round), 20, long(200*time.Millisecond, 5*time.Second))
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
		disturbed := work(t, s.URL, fmt.Sprint("beside-", round), 20, long(200*time.Millisecond, 4*time.Second))
		disturbed.check(t)
		beside = append(beside, percentile(disturbed.took, 99))
		var last time.Duration
		for range heads + bodies {
			select {
			case took := <-ended:
				last = max(last, took)
			case <-time.After(patience):
				t.Fatal("the server keeps the connection of a slow client")
			}
		}
		t.Logf("the server closed the last slow connection after %s", last)
	}
	s.Stop(t)
	p, q := percentile(before, 50), percentile(beside, 50)
	showf(t, fmt.Sprintf("%d slow headers, %d slow bodies", heads, bodies), "p99 of others within 1.5×", "p99 %s alone, %s beside: %.2f×", p.Round(10*time.Microsecond), q.Round(10*time.Microsecond), float64(q)/float64(p))
}

// drip sends a byte every 500 ms until the server closes the connection, and sends
// to ended how long that took.
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
	_, _ = io.Copy(io.Discard, conn) // until it is closed or reset
	ended <- time.Since(begun)
}

// TestTooManyClients has more clients than the server serves at a time: it refuses
// the others at once, and when they have left it refuses no one.
func TestTooManyClients(t *testing.T) {
	alongside(t)
	duration := long(100*time.Millisecond, 10*time.Second)
	// What limits the server is four connections to a database 10 ms away, and not
	// this machine, which the clients need too.
	direct := pgtest.Shared(t).Database(t)
	proxy := pgtest.NewProxy(t, direct, 10*time.Millisecond)
	s := startPlain(t, "DATABASE_URL="+proxy.URL(direct), "DATABASE_MAX_CONNS=4")
	work(t, s.URL, "warm", 100, duration/2).check(t)
	peak := work(t, s.URL, "peak", 100, duration)
	peak.check(t)

	over := work(t, s.URL, "over", 500, duration)
	over.check(t)
	refuseWhileHeld(t, s.URL, proxy)

	after := serveAll(t, s.URL)
	memory := s.Memory(t)["VmHWM"]
	s.Stop(t)
	showf(t, "5× the clients of the peak", "goodput ≥ 80 %, refused fast, memory bounded",
		"goodput %.0f %%, %d refused in a median of %s, peak memory %d MiB, p99 %s when they have left",
		100*float64(len(over.took))/float64(len(peak.took)), len(over.refusals), percentile(over.refusals, 50).Round(time.Microsecond), memory>>10, percentile(after.took, 99).Round(10*time.Microsecond))
}

// refuseWhileHeld has the database hang under 500 clients until some of them are
// refused.
func refuseWhileHeld(t *testing.T, url string, proxy *pgtest.Proxy) {
	t.Helper()
	proxy.Freeze(true)
	held := startWork(t, url, "held", 500)
	defer func() { held().check(t) }()
	defer proxy.Freeze(false)
	read := newClient(t, url, 1)
	eventually(t, "a client is refused at once", func() bool {
		a, err := read.do(t.Context(), http.MethodGet, tasksPath("u"), "")
		return err == nil && a.Status == http.StatusServiceUnavailable && strings.Contains(string(a.Body), "more requests than it can take")
	})
}

// serveAll has ten clients work until none of them is refused.
func serveAll(t *testing.T, url string) (last *answers) {
	t.Helper()
	eventually(t, "no client is refused any more", func() bool {
		last = work(t, url, "after", 10, long(100*time.Millisecond, time.Second))
		last.check(t)
		return len(last.refusals) == 0
	})
	return last
}

// TestOneUserFloods has one user send as fast as 64 connections can. The user is
// refused, and no other user is.
func TestOneUserFloods(t *testing.T) {
	alongside(t)
	duration := long(200*time.Millisecond, 5*time.Second)
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

// exhaust sends requests of a user until one is refused.
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

// flood starts a flood and returns a function that ends it when a request was
// refused. The function returns how many answers had each status. In torture the
// flood has the lowest priority, as if it ran on another machine.
func flood(t *testing.T, url string, connections int) (stop func() map[string]int) {
	t.Helper()
	command := []string{"node", "testdata/flood.mjs", url, fmt.Sprint(connections)}
	if *torture > 0 {
		command = append([]string{"nice", "-n", "19"}, command...)
	}
	cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
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
