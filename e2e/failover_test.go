package e2e

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"docket/internal/pgtest"
)

const (
	failoverWriters = 16
	failoverUsers   = 4               // so that writers share a version counter
	failoverTarget  = 5 * time.Second // from the promotion until writes work; printed, not asserted
)

// failoverWay is how a server reaches a pair of PostgreSQL servers, and how it
// is led to the new primary.
type failoverWay struct {
	database   string
	switchOver func()
}

var failoverWays = map[string]func(t *testing.T, p *pgtest.Pair, u string) failoverWay{
	"address": func(_ *testing.T, p *pgtest.Pair, u string) failoverWay {
		return failoverWay{u, p.Switch}
	},
	"hosts": func(t *testing.T, p *pgtest.Pair, u string) failoverWay {
		return failoverWay{hostsURL(t, u, p.Primary.Addr(), p.Standby.Addr()), func() {}}
	},
	"pgbouncer": func(t *testing.T, p *pgtest.Pair, u string) failoverWay {
		pooler := p.Pooler(t, pgtest.PoolerOptions{Settings: map[string]string{"server_login_retry": "1"}})
		return failoverWay{pooledURL(pooler, u), func() { p.SwitchPooler(t, pooler, u) }}
	},
}

// hostsURL names two servers, of which the client takes the one that writes.
func hostsURL(t *testing.T, u, first, second string) string {
	t.Helper()
	parsed, err := url.Parse(u)
	if err != nil {
		t.Fatal(err)
	}
	firstHost, firstPort, err := net.SplitHostPort(first)
	if err != nil {
		t.Fatal(err)
	}
	secondHost, secondPort, err := net.SplitHostPort(second)
	if err != nil {
		t.Fatal(err)
	}
	query := parsed.Query()
	query.Set("user", parsed.User.Username())
	query.Set("host", firstHost+","+secondHost)
	query.Set("port", firstPort+","+secondPort)
	query.Set("target_session_attrs", "read-write")
	parsed.User, parsed.Host, parsed.RawQuery = nil, "", query.Encode()
	return parsed.String()
}

// TestFailover loses the primary under load and promotes its standby. Commits
// wait for the standby, so every acknowledged write is in the history that
// survives, and is there once.
func TestFailover(t *testing.T) {
	alongside(t)
	for _, c := range []struct {
		way, loss string
		lose      func(t *testing.T, p *pgtest.Pair, w *crew)
		tortured  bool
	}{
		{"address", "the primary crashes", crashPrimary, false},
		{"pgbouncer", "the primary crashes", crashPrimary, false},
		{"hosts", "the primary crashes", crashPrimary, true},
		{"address", "the network splits", splitNetwork, true},
		{"address", "the standby is cut off first", cutOffStandby, true},
	} {
		if c.tortured && *torture == 0 {
			continue
		}
		t.Run(c.way+": "+c.loss, func(t *testing.T) {
			alongside(t)
			var slowest, first time.Duration
			rounds := long(1, 5)
			for range rounds {
				one, all := failOver(t, failoverWays[c.way], c.lose)
				first, slowest = max(first, one), max(slowest, all)
			}
			showf(t, fmt.Sprintf("Failover (%s): %s, %d times under %d writers", c.way, c.loss, rounds, failoverWriters),
				fmt.Sprintf("0 acknowledged writes lost or doubled; writes again within %s of the promotion", failoverTarget),
				"the first write after %s, %d writes after %s", first.Round(time.Millisecond), failoverWriters, slowest.Round(time.Millisecond))
		})
	}
}

func crashPrimary(t *testing.T, p *pgtest.Pair, _ *crew) { p.StopPrimary(t) }

func splitNetwork(_ *testing.T, p *pgtest.Pair, _ *crew) { p.Partition() }

// cutOffStandby has the primary commit what the standby does not get. A
// statement that is cancelled while it waits for the standby is committed on the
// primary alone, and PostgreSQL reports success with a warning.
func cutOffStandby(t *testing.T, p *pgtest.Pair, w *crew) {
	p.Isolate()
	w.untilAnswered(t, 1)
	p.Partition()
}

// failOver returns how long after the promotion one write had succeeded, and as
// many as there are writers.
func failOver(t *testing.T, way func(*testing.T, *pgtest.Pair, string) failoverWay, lose func(*testing.T, *pgtest.Pair, *crew)) (first, all time.Duration) {
	t.Helper()
	p := pgtest.NewPair(t)
	u := p.Database(t)
	to := way(t, p, u)
	s := newServer(t, t.TempDir(), to.database)
	s.Start(t)
	w := newCrew(t, s, failoverWriters, failoverUsers)
	w.work()
	w.untilServed(t)

	lose(t, p, w)
	for range 2 { // and it stays so
		untilReadiness(t, s, http.StatusServiceUnavailable)
	}
	p.Promote(t)
	promoted := time.Now()
	to.switchOver()
	first, all = untilWritten(t, w, promoted)
	t.Logf("after the promotion: the first write after %s, %d writes after %s", first, failoverWriters, all)
	finishFailover(t, s, w)
	return first, all
}

// untilWritten returns when as many writes have succeeded as there are writers.
func untilWritten(t *testing.T, w *crew, since time.Time) (first, all time.Duration) {
	t.Helper()
	w.count()
	written := 0
	eventually(t, "writes succeed after the promotion", func() bool {
		written += w.count().counts["write "+string(succeeded)]
		if written > 0 && first == 0 {
			first = time.Since(since)
		}
		return written >= failoverWriters
	})
	return first, time.Since(since)
}

// finishFailover finds all clients served, the server ready, and every write as
// it was answered.
func finishFailover(t *testing.T, s *server, w *crew) {
	t.Helper()
	w.untilCalm(t)
	w.rest()
	newClient(t, s.URL, 1).wantReadiness(t, http.StatusOK, "after requests have succeeded")
	w.finish(t)
}

func untilReadiness(t *testing.T, s *server, status int) {
	t.Helper()
	c := newClient(t, s.URL, 1)
	eventually(t, fmt.Sprint("/readyz is ", status), func() bool {
		return c.must(t, http.MethodGet, "/readyz", "").Status == status
	})
}

// TestDemotedPrimaryUnderLoad leaves the old primary running, read-only: no
// connection breaks, and those to it still read. Writers read what they wrote
// last, so one connection that is kept shows them the past.
func TestDemotedPrimaryUnderLoad(t *testing.T) {
	alongside(t)
	for name := range failoverWays {
		if name != "address" && *torture == 0 {
			continue
		}
		t.Run(name, func(t *testing.T) {
			alongside(t)
			p := pgtest.NewPair(t)
			u := p.Database(t)
			way := failoverWays[name](t, p, u)
			s := newServer(t, t.TempDir(), way.database)
			s.Start(t)
			w := newCrew(t, s, failoverWriters, failoverUsers)
			w.work()
			w.untilServed(t)

			p.Demote(t)
			untilReadiness(t, s, http.StatusServiceUnavailable)
			p.Promote(t)
			promoted := time.Now()
			way.switchOver()
			first, all := untilWritten(t, w, promoted)
			finishFailover(t, s, w)
			showf(t, fmt.Sprintf("Failover (%s): the old primary stays, read-only, under %d writers", name, failoverWriters),
				fmt.Sprintf("0 acknowledged writes lost or doubled; writes again within %s of the promotion", failoverTarget),
				"the first write after %s, %d writes after %s", first.Round(time.Millisecond), failoverWriters, all.Round(time.Millisecond))
		})
	}
}

// TestCommitWithoutStandby has a write wait for a standby that is cut off. When
// the statement's time is up, PostgreSQL cancels the wait, reports the commit as
// a success, and warns that the standby may lack it. That is no success: a
// failover would lose what was acknowledged.
func TestCommitWithoutStandby(t *testing.T) {
	t.Parallel()
	p := pgtest.NewPair(t)
	s := newServer(t, t.TempDir(), p.Database(t))
	s.Start(t)
	c := newClient(t, s.URL, 1)
	if a := c.must(t, http.MethodPost, tasksPath("u"), `{"title": "on both servers"}`); a.Status != http.StatusCreated {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	p.Isolate()
	a := c.must(t, http.MethodPost, tasksPath("u"), `{"title": "on the primary alone"}`)
	if result, err := judge(a, true); err != nil || result != unknown {
		t.Errorf("a write that the standby may lack is answered with %d %s", a.Status, a.Body)
	}
	s.Kill(t)
}

// TestLaggingStandby promotes a standby that lacks acknowledged writes. The
// server warns of the other timeline and stays ready. docket renew then makes
// what clients hold of the lost history void.
func TestLaggingStandby(t *testing.T) {
	t.Parallel()
	p := pgtest.NewPair(t)
	u := p.Database(t)
	s := newServer(t, t.TempDir(), u)
	s.Start(t)
	c := newClient(t, s.URL, 1)
	h := &seen{texts: map[int64]task{}}
	kept := h.write(t, c, "kept", "changed", "deleted")
	counter := h.newest()
	p.Asynchronous(t)
	p.Isolate()
	h.change(t, c, kept["changed"], `{"title": "lost"}`)
	h.delete(t, c, kept["deleted"])
	h.write(t, c, "lost")

	p.StopPrimary(t)
	p.Promote(t)
	p.Switch()
	eventually(t, "requests succeed after the failover", func() bool {
		return c.must(t, http.MethodGet, taskPath("u", kept["kept"].ID), "").Status == http.StatusOK
	})
	if !logsTrouble(t, s, "timeline") {
		t.Error("no warning in the log tells of the other timeline")
	}
	if a := c.must(t, http.MethodGet, "/readyz", ""); a.Status != http.StatusOK || !strings.Contains(string(a.Body), "timeline") {
		t.Errorf("on another timeline /readyz is %d %s", a.Status, a.Body)
	}
	docket(t, []string{"DATABASE_URL=" + u}, "renew")
	h.checkRenewed(t, c, kept["changed"], counter)
	eventually(t, "/readyz warns no more", func() bool {
		return string(c.must(t, http.MethodGet, "/readyz", "").Body) == `{"status":"ok"}`
	})
	s.Stop(t)
}

// TestReadOnlyConnectionsAreClosed has one client write until it succeeds: a
// connection that has answered 25006 is not used again, so there are at most as
// many failures as connections. Until a write succeeds the server is not ready,
// although reads succeed.
func TestReadOnlyConnectionsAreClosed(t *testing.T) {
	t.Parallel()
	const connections = 4
	p := pgtest.NewPair(t)
	u := p.Database(t)
	s := newServer(t, t.TempDir(), u)
	s.Start(t, fmt.Sprint("DATABASE_MAX_CONNS=", connections))
	c := newClient(t, s.URL, 2*connections)
	write := func() (answer, error) { return c.do(t.Context(), http.MethodPost, tasksPath("u"), `{"title": "x"}`) }
	together := func() {
		var requests sync.WaitGroup
		for range 2 * connections {
			requests.Go(func() {
				if a, err := write(); err != nil || a.Status != http.StatusCreated {
					t.Errorf("%d %s, %v", a.Status, a.Body, err)
				}
			})
		}
		requests.Wait()
	}
	together() // now there are several connections

	p.Demote(t)
	eventually(t, "a write to a read-only server is refused", func() bool {
		a, err := write()
		result, fault := judge(a, true)
		if err != nil || fault != nil {
			t.Fatalf("%v, %v", err, fault)
		}
		return result == refused
	})
	c.wantReadiness(t, http.StatusServiceUnavailable, "after a write to a read-only server")
	c.must(t, http.MethodGet, tasksPath("u"), "")
	c.wantReadiness(t, http.StatusServiceUnavailable, "after a read from a read-only server")

	p.Promote(t)
	p.Switch()
	for failures := 0; ; failures++ {
		a, err := write()
		if err == nil && a.Status == http.StatusCreated {
			break
		}
		if _, fault := judge(a, true); err != nil || fault != nil {
			t.Fatalf("%v, %v", err, fault)
		}
		if failures == connections {
			t.Fatalf("write %d after the failover is refused, with %d connections: %s", failures+1, connections, a.Body)
		}
	}
	c.wantReadiness(t, http.StatusOK, "after a write has succeeded")
	together()
	s.Stop(t)
}
