package e2e

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"docket/internal/pgtest"
)

const (
	faultClients = 50
	faultUsers   = 10                     // so that clients share a version counter
	faultPause   = 300 * time.Millisecond // the longest before a fault
)

// fault is something that happens to a database while clients work. It returns
// when it is over and has reached a client.
type fault struct {
	name   string
	happen func(w *crew)
}

// TestRestart restarts the database while clients write and read: as an
// operator does, and as a crash does.
func TestRestart(t *testing.T) {
	alongside(t)
	for name, address := range kindsOf(map[string]func(t *testing.T, c *pgtest.Cluster, direct string) string{
		"postgres": func(_ *testing.T, _ *pgtest.Cluster, direct string) string { return direct },
		"pgbouncer": func(t *testing.T, c *pgtest.Cluster, direct string) string {
			// The seconds until pgbouncer tries again to connect; its default is 15.
			retry := map[string]string{"server_login_retry": fmt.Sprint(long(1, 15))}
			return pooledURL(c.Pooler(t, pgtest.PoolerOptions{Settings: retry}), direct)
		},
	}, "pgbouncer") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := pgtest.New(t, pgtest.Options{})
			s := newServer(t, t.TempDir(), address(t, c, c.Database(t)))
			s.Start(t)
			restart := func(mode pgtest.Mode) fault {
				return fault{string(mode) + " restart", func(w *crew) {
					c.Stop(t, mode)
					w.untilRefused(t)
					c.Start(t)
				}}
			}
			underFaults(t, s, long(1, 5), restart(pgtest.Fast), restart(pgtest.Immediate))
		})
	}
}

// TestConnectionsCut cuts all connections to a database when writes are done and
// their answers are still on their way, so that these are lost.
func TestConnectionsCut(t *testing.T) {
	alongside(t)
	const delay = 10 * time.Millisecond
	for name, address := range kindsOf(map[string]func(t *testing.T, proxy *pgtest.Proxy, direct string) string{
		"postgres": func(_ *testing.T, proxy *pgtest.Proxy, direct string) string { return proxy.URL(direct) },
		"pgbouncer": func(t *testing.T, proxy *pgtest.Proxy, direct string) string {
			return pooledURL(pgtest.Shared(t).Pooler(t, pgtest.PoolerOptions{Via: proxy}), direct)
		},
	}, "pgbouncer") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			direct := pgtest.Shared(t).Database(t)
			proxy := pgtest.NewProxy(t, direct, delay)
			s := newServer(t, t.TempDir(), address(t, proxy, direct))
			s.useRace(t)
			s.Start(t)
			written := countWrites(t, direct)
			underFaults(t, s, long(2, 50), fault{"cut", func(*crew) {
				eventually(t, "a write is done whose answer is held", func() bool {
					return cutBehindWrite(t, direct, proxy, written)
				})
			}})
		})
	}
}

// cutBehindWrite cuts the connections when a write is done whose answer is held. It
// returns false, and cuts nothing, when the write gave up waiting for its lock
// before the lock was released: its next attempt cannot arrive while answers are
// held.
func cutBehindWrite(t *testing.T, direct string, proxy *pgtest.Proxy, written func() int64) bool {
	t.Helper()
	lock := lockTasks(t, direct, "EXCLUSIVE") // which blocks writes
	eventually(t, "a write waits for the lock", func() bool { return lock.waiting(t) > 0 })
	before := written()
	proxy.HoldAnswers(true)
	defer proxy.HoldAnswers(false)
	lock.release(t)
	for attempt := time.Now(); written() == before; time.Sleep(5 * time.Millisecond) {
		if time.Since(attempt) > time.Second {
			return false
		}
	}
	proxy.Cut()
	return true
}

// countWrites returns a function whose result grows with each write that is
// committed, as long as no task is deleted.
func countWrites(t *testing.T, direct string) func() int64 {
	t.Helper()
	conn := pgtest.Connect(t, direct)
	return func() (sum int64) {
		t.Helper()
		if err := conn.QueryRow(t.Context(), "SELECT coalesce(sum(version), 0)::bigint FROM docket.tasks").Scan(&sum); err != nil {
			t.Fatal(err)
		}
		return sum
	}
}

// underFaults has clients work while each fault happens so many times. The
// service recovers by itself each time. In the end the stored tasks are as the
// answers said.
func underFaults(t *testing.T, s *server, times int, faults ...fault) {
	w := newCrew(t, s, faultClients, faultUsers)
	w.work()
	w.untilServed(t)
	for range times {
		for _, f := range faults {
			time.Sleep(rand.N(faultPause)) // so that each fault meets other requests
			w.count()
			began := time.Now()
			f.happen(w)
			took := time.Since(began)
			w.untilServed(t)
			t.Logf("%s in %s, and all clients served %s later: %s", f.name, took.Round(time.Millisecond), (time.Since(began) - took).Round(time.Millisecond), w.count())
		}
	}
	w.finish(t)
	for _, f := range faults {
		showf(t, fmt.Sprintf("Database: %s, %d times under %d clients", f.name, times, faultClients), "only success or an honest 503; recovers by itself; 0 lost, 0 doubled", "%s", w.total)
	}
	if w.total.failed() < times*len(faults) {
		t.Errorf("%d faults, and only %d requests did not succeed", times*len(faults), w.total.failed())
	}
}
