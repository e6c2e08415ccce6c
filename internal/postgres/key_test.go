package postgres

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"docket"
	"docket/internal/pgtest"
)

// writeKeyed creates a task under a key.
func writeKeyed(s *Store, text string) (docket.Written, error) {
	return s.Write(context.Background(), "alice", docket.Write{
		Operations: []docket.Operation{{Action: docket.Create, ID: uuid.Must(uuid.NewV7()), New: docket.NewTask{Fields: docket.Fields{Title: "task"}}}},
		Key:        &docket.Key{Text: text}, Now: draft("").CreatedAt, Epoch: 1,
	})
}

// TestKeyInFlight has another instance be at work on a write with the same key.
func TestKeyInFlight(t *testing.T) {
	cluster := pgtest.Shared(t)
	for name, via := range map[string]func(string) string{
		"direct": func(url string) string { return url }, "pooler": cluster.DefaultPooler(t).URL,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			direct := cluster.Database(t)
			s := open(t, via(direct))
			tx := lock(t, direct, `INSERT INTO docket.idempotency_keys (user_id, key, fingerprint, expires_at) VALUES ('alice', 'key', '', now())`)
			start := time.Now()
			_, err := writeKeyed(s, "key")
			if took := time.Since(start); docket.KindOf(err) != docket.KeyInFlight || took < acquireTimeout || took > 2*acquireTimeout {
				t.Errorf("a repetition returned %v after %s", err, took)
			}
			if _, err := writeKeyed(s, "another key"); err != nil {
				t.Errorf("another key: %v", err)
			}
			waiting := make(chan error, 1)
			go func() {
				written, err := writeKeyed(s, "key")
				if written.Replayed {
					t.Error("a write that was not carried out was replayed")
				}
				waiting <- err
			}()
			waitForLock(t, direct)
			if err := tx.Rollback(t.Context()); err != nil { // the other instance fails
				t.Fatal(err)
			}
			if err := <-waiting; err != nil {
				t.Error(err)
			}
			if tasks, err := list(s); err != nil || len(tasks) != 2 {
				t.Errorf("%d tasks, %v", len(tasks), err)
			}
		})
	}
}

// TestLostCommit loses the answer to a commit: with a key, the write is found
// to be done.
func TestLostCommit(t *testing.T) {
	direct := pgtest.Shared(t).Database(t)
	proxy := pgtest.NewProxy(t, direct, 0)
	s := open(t, proxy.URL(direct), func(o *Options) { o.MaxConns = 2 })
	put(t, s, "task")
	// The statement before the commit, sent together with it, takes a while.
	pgtest.Exec(t, direct,
		`CREATE FUNCTION docket.wait() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.5); RETURN NEW; END'`,
		`CREATE TRIGGER wait BEFORE UPDATE ON docket.idempotency_keys FOR EACH ROW WHEN (NEW.result IS NOT NULL AND OLD.result IS NULL) EXECUTE FUNCTION docket.wait()`)
	result := make(chan error, 1)
	var written docket.Written
	go func() {
		var err error
		written, err = writeKeyed(s, "key")
		result <- err
	}()
	waitFor(t, direct, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'")
	proxy.Freeze(true)
	waitFor(t, direct, "SELECT count(*) FROM docket.idempotency_keys WHERE result IS NOT NULL")
	proxy.Cut()
	proxy.Freeze(false)
	if err := <-result; err != nil || !written.Replayed {
		t.Errorf("the write returned %+v, %v", written, err)
	}
	tasks, err := list(s)
	if err != nil || len(tasks) != 2 || tasks[1].ID != written.Tasks[0].ID {
		t.Errorf("the tasks are %+v, %v", tasks, err)
	}
}

// TestRenewedKeyIsKept has a key be claimed anew while its removal waits for it.
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

// TestReplayWaitsForNobody replays a write while another one holds the owner.
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
	if n := waitingNow(t, url); n != 0 {
		t.Errorf("%d statements wait", n)
	}
}

func waitingNow(t *testing.T, url string) (n int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if err := conn.QueryRow(t.Context(), waiting).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
