package e2e

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"docket/internal/pgtest"
)

const (
	troubleClients = 50
	troubleUsers   = 10 // so that clients share an owner's counter
	troubleLongest = 300 * time.Millisecond
)

// happening is something that is done to a database under load.
type happening struct {
	name string
	do   func()
}

// TestRestart restarts the database while clients write and read: as an
// operator does, and as a crash does.
func TestRestart(t *testing.T) {
	for name, url := range map[string]func(t *testing.T, c *pgtest.Cluster, direct string) string{
		"postgres": func(_ *testing.T, _ *pgtest.Cluster, direct string) string { return direct },
		"pgbouncer": func(t *testing.T, c *pgtest.Cluster, direct string) string {
			// When it could not connect, pgbouncer waits so many seconds; 15 is its default.
			retry := map[string]string{"server_login_retry": long("1", "15")}
			return pooledURL(c.Pooler(t, pgtest.PoolerOptions{Settings: retry}), direct)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := pgtest.New(t, pgtest.Options{})
			s := newServer(t, t.TempDir(), url(t, c, c.Database(t)))
			s.Start(t)
			trouble(t, s, long(1, 5),
				happening{"fast restart", func() { c.Restart(t, pgtest.Fast) }},
				happening{"immediate restart", func() { c.Restart(t, pgtest.Immediate) }})
		})
	}
}

// TestConnectionsCut cuts all connections to a database that is some way off,
// so that the answers of writes that were done are lost on their way.
func TestConnectionsCut(t *testing.T) {
	const away = 10 * time.Millisecond
	for name, url := range map[string]func(t *testing.T, way *pgtest.Proxy, direct string) string{
		"postgres": func(_ *testing.T, way *pgtest.Proxy, direct string) string { return way.URL(direct) },
		"pgbouncer": func(t *testing.T, way *pgtest.Proxy, direct string) string {
			return pooledURL(pgtest.Shared(t).Pooler(t, pgtest.PoolerOptions{Via: way}), direct)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			direct := pgtest.Shared(t).Database(t)
			way := pgtest.NewProxy(t, direct, away)
			s := newServer(t, t.TempDir(), url(t, way, direct))
			s.Start(t)
			trouble(t, s, long(5, 50), happening{"cut", way.Cut})
		})
	}
}

// trouble has clients work while things happen to the server's database, each
// so many times. The service recovers by itself each time. At the end every
// write is there, or not, as its answer said.
func trouble(t *testing.T, s *server, times int, happenings ...happening) {
	w := newCrew(t, s, troubleClients, troubleUsers)
	w.work()
	w.untilServed(t)
	for range times {
		for _, h := range happenings {
			time.Sleep(rand.N(troubleLongest)) // its moment is random on purpose
			w.count()
			began := time.Now()
			h.do()
			took := time.Since(began)
			w.untilServed(t)
			t.Logf("%s in %s, and %s later all are served: %s", h.name, took.Round(time.Millisecond), (time.Since(began) - took).Round(time.Millisecond), w.count())
		}
	}
	w.finish(t)
	for _, h := range happenings {
		showf(t, fmt.Sprintf("Database: %s, %d times under %d clients", h.name, times, troubleClients), "only success or an honest 503; recovers by itself; 0 lost, 0 doubled", "%s", w.total)
	}
	if w.total.failed() == 0 {
		t.Error("nobody noticed what happened")
	}
}
