package postgres

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"docket"
	"docket/internal/pgtest"
	"docket/internal/postgres/connect"
	"docket/internal/postgres/pgerror"
	"docket/internal/storetest"
)

// TestUndecodableResult has a key whose result no program can read. Its write is an
// internal error, once, and the database is not in trouble.
func TestUndecodableResult(t *testing.T) {
	s, spy := openSabotaged(t)
	if _, err := writeKeyed(s, "key"); err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, s.db.Pool.Config().ConnString(), `UPDATE docket.idempotency_keys SET result = '{"v":1,"tasks":'`)
	attempts := 0
	spy.batch = func(context.Context) { attempts++ }
	_, err := writeKeyed(s, "key")
	if docket.KindOf(err) != docket.Internal || !pgerror.IsBadResult(err) || s.db.Troubled() || attempts != 1 {
		t.Errorf("%d attempts returned %v; troubled: %t", attempts, err, s.db.Troubled())
	}
	if err := s.Ready(t.Context()); err != nil {
		t.Error(err)
	}
}

func kept(t *testing.T, url string) int {
	t.Helper()
	return pgtest.Count(t, url, "SELECT kept FROM docket.owners WHERE user_id = 'alice'")
}

// TestKeptBesideAnOlderProgram has a program before schema 4 remove keys, which
// leaves kept too high, and keep results, which kept does not count.
func TestKeptBesideAnOlderProgram(t *testing.T) {
	url := pgtest.Shared(t).Database(t)
	s := open(t, url)
	write := func(text string) {
		t.Helper()
		if _, err := writeKeyed(s, text); err != nil {
			t.Fatal(err)
		}
	}
	write("first")
	size := kept(t, url)
	if stored := pgtest.Count(t, url, "SELECT sum(octet_length(result)) FROM docket.idempotency_keys"); size != stored || size == 0 {
		t.Errorf("kept is %d where %d bytes are stored", size, stored)
	}
	pgtest.Exec(t, url, fmt.Sprintf("UPDATE docket.owners SET kept = %d", docket.MaxKeptBytes))
	write("second")
	if got, want := kept(t, url), pgtest.Count(t, url, "SELECT sum(size) FROM docket.idempotency_keys"); got != want || got <= size {
		t.Errorf("kept is %d instead of %d", got, want)
	}
	pgtest.Exec(t, url, "INSERT INTO docket.idempotency_keys (user_id, key, fingerprint, result, expires_at) VALUES ('alice', 'older', '', repeat('x', 1000)::bytea, now())")
	if n, err := s.ExpireKeys(t.Context(), time.Now().Add(48*time.Hour), 500); err != nil || n != 3 {
		t.Errorf("%d keys were removed, %v", n, err)
	}
	if got := kept(t, url); got != 0 {
		t.Errorf("kept is %d without keys", got)
	}
}

// TestKeysDoNotDeadlock has writes with keys, some of them repetitions, the removal of
// keys, erasures and other writes of a few users run at once.
func TestKeysDoNotDeadlock(t *testing.T) {
	url := pgtest.Shared(t).Database(t)
	target, err := connect.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	s := openPatient(t, url)
	users := []docket.UserID{"alice", "bob", "carol"}
	var writers, others sync.WaitGroup
	var stop atomic.Bool
	for i := range 12 {
		writers.Go(func() {
			for n := range 25 {
				create := docket.Operation{ID: storetest.Draft("").ID, New: docket.NewTask{Fields: docket.Fields{Title: "task"}}}
				w := docket.Write{Operations: []docket.Operation{create}, Now: storetest.Draft("").CreatedAt, Epoch: 1}
				if n%4 > 0 {
					w.Key = &docket.Key{Text: fmt.Sprint("key ", (i+n)%7)}
				}
				if _, err := s.Write(context.Background(), users[(i+n)%len(users)], w); err != nil {
					t.Error(err)
				}
			}
		})
	}
	until := func(f func(n int) error) {
		others.Go(func() {
			for n := 0; !stop.Load(); n++ {
				if err := f(n); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 2 {
		until(func(int) error {
			_, err := s.ExpireKeys(context.Background(), time.Now().Add(48*time.Hour), 3)
			return err
		})
		until(func(n int) error {
			_, err := s.Erase(context.Background(), users[n%len(users)], int64(n), 3)
			return err
		})
	}
	writers.Wait()
	stop.Store(true)
	others.Wait()
	if _, err := s.ExpireKeys(t.Context(), time.Now().Add(48*time.Hour), 500); err != nil {
		t.Fatal(err)
	}
	if n := pgtest.Count(t, url, "SELECT count(*) FROM docket.owners WHERE kept <> 0"); n != 0 {
		t.Errorf("%d users have results without keys", n)
	}
	s.db.Pool.Reset()
	super := pgtest.AsSuperuser(url)
	waitUntil(t, "the sessions have ended, and have reported", func() bool {
		return pgtest.Count(t, super, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend' AND application_name = '"+target.Config().RuntimeParams["application_name"]+"'") <= 1
	})
	if n := pgtest.Count(t, super, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"); n != 0 {
		t.Errorf("%d deadlocks", n)
	}
}

// TestKeyedWriteWaitsOnce looks at the time limit of the round trip that has all the
// waits for locks.
func TestKeyedWriteWaitsOnce(t *testing.T) {
	s, spy := openSabotaged(t)
	limits := make(chan time.Duration, 10)
	spy.batch = func(ctx context.Context) {
		deadline, _ := ctx.Deadline()
		limits <- time.Until(deadline)
	}
	s.db.Limits.Acquire = time.Minute / 2
	if _, err := writeKeyed(s, "key"); err != nil {
		t.Fatal(err)
	}
	if first, second := <-limits, <-limits; first > s.db.Limits.Acquire || second <= s.db.Limits.Acquire {
		t.Errorf("the time limits are %s and %s", first, second)
	}
}
