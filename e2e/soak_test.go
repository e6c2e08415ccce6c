package e2e

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"docket/internal/pgtest"
)

// TestSoak has clients write and read for a long time while the server is killed
// (SQLite) or its database fails over (PostgreSQL) every few seconds. No
// acknowledged write is lost, no answer is impossible, and no resource grows.
func TestSoak(t *testing.T) {
	alongside(t)
	rounds, every := long(2, 60), long(200*time.Millisecond, 10*time.Second)
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		s := newServer(t, t.TempDir(), defaultDatabase)
		writers := newWriters(crashWriters, crashUsers)
		for range rounds {
			s.Start(t)
			verify(t, s, writers)
			soakRound(t, s, writers, every)
			checkIntegrity(t, filepath.Join(s.dir, "docket.db"))
			if t.Failed() {
				t.FailNow()
			}
		}
		done := verifyAtLast(t, s, writers)
		showf(t, fmt.Sprintf("Killed %d times, every %s (SQLite)", rounds, every), "0 acknowledged writes lost", "%d writes done, 0 lost", done)
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		c := pgtest.New(t, pgtest.Options{})
		s := newServer(t, t.TempDir(), c.Database(t))
		admin := freeAddress(t)
		s.Start(t, "ADMIN_ADDR="+admin)
		w := newCrew(t, s, faultClients, faultUsers)
		w.work()
		w.untilServed(t)
		var first map[string]float64
		for n := range rounds {
			time.Sleep(every)
			c.Restart(t, []pgtest.Mode{pgtest.Fast, pgtest.Immediate}[n%2])
			w.untilServed(t)
			if n == rounds/4 {
				first = scrape(t, admin)
			}
		}
		last := scrape(t, admin)
		growth := fmt.Sprintf("goroutines %.0f → %.0f, files %.0f → %.0f, memory %.0f → %.0f MiB", first["go_goroutines"], last["go_goroutines"],
			first["process_open_fds"], last["process_open_fds"], first["process_resident_memory_bytes"]/(1<<20), last["process_resident_memory_bytes"]/(1<<20))
		for name, slack := range map[string]float64{"go_goroutines": 100, "process_open_fds": 50} { // the requests of 50 clients in flight account for so many
			if last[name] > first[name]+slack {
				t.Errorf("%s grew from %.0f to %.0f", name, first[name], last[name])
			}
		}
		w.finish(t)
		showf(t, fmt.Sprintf("%d failovers, every %s (PostgreSQL)", rounds, every), "0 lost, 0 impossible answers, nothing grows", "%s; %s", w.total, growth)
	})
}

// soakRound has the writers write for about this time, and then kills the server.
func soakRound(t *testing.T, s *server, writers []*writer, about time.Duration) {
	t.Helper()
	written := make(chan struct{})
	go func() {
		defer close(written)
		writeUntilKilled(t, s, writers, func(task) {})
	}()
	time.Sleep(about/2 + rand.N(about/2)) // so that each kill meets other requests
	s.Kill(t)
	<-written
}
