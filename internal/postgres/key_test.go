package postgres

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"docket"
	"docket/internal/pgtest"
	"docket/internal/storetest"
)

// writeKeyed creates a task under a key.
func writeKeyed(s *Store, text string) (docket.Written, error) {
	return s.Write(context.Background(), "alice", docket.Write{
		Operations: []docket.Operation{{Action: docket.Create, ID: uuid.Must(uuid.NewV7()), New: docket.NewTask{Fields: docket.Fields{Title: "task"}}}},
		Key:        &docket.Key{Text: text}, Now: storetest.Draft("").CreatedAt, Epoch: 1,
	})
}

// TestKeyInFlight has another instance be at work on a write with the same key.
func TestKeyInFlight(t *testing.T) {
	directAndPooled(t, func(t *testing.T, direct, url string) {
		s := open(t, url)
		claim := lock(t, direct, `INSERT INTO docket.idempotency_keys (user_id, key, fingerprint, expires_at) VALUES ('alice', 'key', '', now())`)
		repetition := make(chan error, 1)
		go func() {
			_, err := writeKeyed(s, "key")
			repetition <- err
		}()
		waitForLock(t, direct) // it waits for the claim,
		if err := <-repetition; docket.KindOf(err) != docket.KeyInFlight {
			t.Errorf("a repetition returned %v", err) // but not for ever
		}
		if _, err := writeKeyed(s, "another key"); err != nil {
			t.Errorf("another key: %v", err)
		}
		go func() {
			written, err := writeKeyed(s, "key")
			if written.Replayed {
				t.Error("a write that was not carried out was replayed")
			}
			repetition <- err
		}()
		waitForLock(t, direct)
		if err := claim.Rollback(t.Context()); err != nil { // the other instance fails
			t.Fatal(err)
		}
		if err := <-repetition; err != nil {
			t.Error(err)
		}
		if tasks, err := storetest.List(s); err != nil || len(tasks) != 2 {
			t.Errorf("%d tasks, %v", len(tasks), err)
		}
	})
}

// TestLostCommit loses the answer to a commit. With a key, the store finds that the
// write was committed, which is no replay.
func TestLostCommit(t *testing.T) {
	direct := pgtest.Shared(t).Database(t)
	proxy := pgtest.NewProxy(t, direct, 0)
	s := open(t, proxy.URL(direct), func(o *Options) { o.MaxConns = 2 })
	storetest.Put(t, s, "task")
	// The statement before the commit, sent together with it, waits for a lock of the test.
	pgtest.Exec(t, direct,
		`CREATE FUNCTION docket.wait() RETURNS trigger LANGUAGE plpgsql SET lock_timeout = 0 AS 'BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NEW; END'`,
		`CREATE TRIGGER wait BEFORE UPDATE ON docket.idempotency_keys FOR EACH ROW WHEN (NEW.result IS NOT NULL AND OLD.result IS NULL) EXECUTE FUNCTION docket.wait()`)
	gate := lock(t, direct, "SELECT pg_advisory_xact_lock(1)")
	result := make(chan error, 1)
	var written docket.Written
	go func() {
		var err error
		written, err = writeKeyed(s, "key")
		result <- err
	}()
	waitForLock(t, direct)
	proxy.Freeze(true)
	if err := gate.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	waitFor(t, direct, "SELECT count(*) FROM docket.idempotency_keys WHERE result IS NOT NULL")
	proxy.Cut()
	proxy.Freeze(false)
	if err := <-result; err != nil || written.Replayed || len(written.Tasks) != 1 {
		t.Errorf("the write returned %+v, %v", written, err)
	}
	tasks, err := storetest.List(s)
	if err != nil || len(tasks) != 2 || tasks[1].ID != written.Tasks[0].ID {
		t.Errorf("the tasks are %+v, %v", tasks, err)
	}
}

// TestRenewedKeyIsKept has a key be claimed again while its removal waits for it.
func TestRenewedKeyIsKept(t *testing.T) {
	url := pgtest.Shared(t).Database(t)
	s := open(t, url)
	pgtest.Exec(t, url, `INSERT INTO docket.idempotency_keys (user_id, key, fingerprint, result, expires_at) VALUES ('alice', 'key', '', '[]', now() - interval '1 hour')`)
	tx := lock(t, url, `UPDATE docket.idempotency_keys SET expires_at = now() + interval '1 day'`)
	removed := make(chan int, 1)
	go func() {
		n, err := s.ExpireKeys(context.Background(), time.Now(), 500)
		if err != nil {
			t.Error(err)
		}
		removed <- n
	}()
	waitForLock(t, url)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := <-removed; n != 0 {
		t.Errorf("%d keys were removed", n)
	}
}

// TestReplayWaitsForNobody replays a write while another transaction holds the owner's
// lock.
func TestReplayWaitsForNobody(t *testing.T) {
	url := pgtest.Shared(t).Database(t)
	s := open(t, url)
	if _, err := writeKeyed(s, "key"); err != nil {
		t.Fatal(err)
	}
	lock(t, url, "SELECT 1 FROM docket.owners WHERE user_id = 'alice' FOR UPDATE") // until the test ends
	written, err := writeKeyed(s, "key")
	if err != nil || !written.Replayed {
		t.Errorf("%+v, %v", written, err)
	}
	if n := pgtest.Count(t, url, waiting); n != 0 {
		t.Errorf("%d statements wait", n)
	}
}
