package postgres

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"docket/internal/pgtest"
	"docket/internal/storetest"
)

// TestErasureTakesTheOwnerFirst has a write with a key commit while an erasure waits
// for its owner.
func TestErasureTakesTheOwnerFirst(t *testing.T) {
	url := pgtest.Shared(t).Database(t)
	s := openPatient(t, url)
	storetest.Put(t, s, "task")
	write := lock(t, url, "SELECT 1 FROM docket.owners FOR UPDATE")
	erased := make(chan error, 1)
	go func() {
		done, err := s.Erase(context.Background(), "alice", 2, 500)
		if !done {
			err = fmt.Errorf("not done, %w", err)
		}
		erased <- err
	}()
	waitForLock(t, url)
	if _, err := write.Exec(t.Context(), "INSERT INTO docket.idempotency_keys (user_id, key, fingerprint, result, expires_at) VALUES ('alice', 'key', '', '[]', now())"); err != nil {
		t.Fatal(err)
	}
	if err := write.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-erased; err != nil {
		t.Fatal(err)
	}
	nothingLeft(t, url)
}

// nothingLeft looks for alice in every table that names users.
func nothingLeft(t *testing.T, url string) {
	t.Helper()
	for _, table := range []string{"owners", "tasks", "idempotency_keys", "api_keys"} {
		if n := pgtest.Count(t, url, "SELECT count(*) FROM docket."+table+" WHERE user_id = 'alice'"); n != 0 {
			t.Errorf("%d rows are left in %s", n, table)
		}
	}
	tables := "SELECT count(DISTINCT table_name) FROM information_schema.columns WHERE table_schema = 'docket' AND column_name = 'user_id'"
	if n := pgtest.Count(t, url, tables); n != 4 {
		t.Errorf("%d tables name users", n)
	}
}

// TestEraseUnknownOwner erases a user without a history, of whom a key is left.
func TestEraseUnknownOwner(t *testing.T) {
	url := pgtest.Shared(t).Database(t)
	s := open(t, url)
	for _, keys := range []int{0, 1, 7} {
		pgtest.Exec(t, url, fmt.Sprintf("INSERT INTO docket.idempotency_keys (user_id, key, fingerprint, result, expires_at) SELECT 'alice', n, '', '[]', now() FROM generate_series(1, %d) n", keys))
		for done, steps := false, 0; !done; steps++ {
			var err error
			if done, err = s.Erase(t.Context(), "alice", 2, 3); err != nil || steps > 3 {
				t.Fatalf("%d steps, %v", steps, err)
			}
		}
		nothingLeft(t, url)
	}
}

// TestEraseBesideKeyedWriters erases a user in small steps beside 16 writers with
// keys, on two instances, one of them behind a pooler. At every moment a key that
// replays has its task, and a last erasure leaves nothing.
func TestEraseBesideKeyedWriters(t *testing.T) {
	cluster := pgtest.Shared(t)
	url := cluster.Database(t)
	stores := []*Store{open(t, url), open(t, cluster.DefaultPooler(t).URL(url))}
	for _, s := range stores {
		patient(s)
	}
	erase := func(round int) {
		for done := false; !done; {
			var err error
			if done, err = stores[round%2].Erase(context.Background(), "alice", int64(round+1), 4); err != nil {
				t.Error(err)
				return
			}
		}
	}
	for round := range storetest.Erasures() {
		var running sync.WaitGroup
		for i := range 16 {
			s := stores[i%2]
			running.Go(func() {
				for n := range 3 {
					key := fmt.Sprint(round, " ", i, " ", n)
					if _, err := writeKeyed(s, key); err != nil {
						t.Errorf("a write returned %v", err)
					}
				}
			})
		}
		running.Go(func() { erase(round) })
		running.Go(func() { keysHaveTasks(t, stores[0]) })
		running.Wait()
		keysHaveTasks(t, stores[0])
		erase(round)
		nothingLeft(t, url)
		if written, err := writeKeyed(stores[0], fmt.Sprint(round, " 0 0")); err != nil || written.Replayed {
			t.Errorf("resent after the erasure: %+v, %v", written, err)
		}
		if t.Failed() {
			return
		}
	}
}

// keysHaveTasks looks, in one snapshot, for keys of alice that replay the creation of
// a task that is no more: there are as many keys as tasks or fewer, for a step of an
// erasure removes keys first.
func keysHaveTasks(t *testing.T, s *Store) {
	t.Helper()
	var keys, tasks int
	err := s.db.Pool.QueryRow(context.Background(), "SELECT (SELECT count(*) FROM docket.idempotency_keys WHERE user_id = 'alice'), (SELECT count(*) FROM docket.tasks WHERE user_id = 'alice')").Scan(&keys, &tasks)
	if err != nil || keys > tasks {
		t.Errorf("%d keys of %d tasks, %v", keys, tasks, err)
	}
}
