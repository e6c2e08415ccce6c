package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"docket/internal/pgtest"
)

const (
	retrySenders = 50 // of each create, all at once
	retryAtOnce  = 2  // keys under way
	retryPause   = 200 * time.Millisecond
)

// TestRetries has many senders send each write again and again, under one key,
// until it is answered, while the server is killed or its database restarted:
// each write is carried out once, and everybody gets the same answer.
func TestRetries(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		s := newServer(t, t.TempDir(), defaultDatabase)
		s.Start(t)
		r := &retries{url: &atomic.Value{}}
		r.url.Store(s.URL)
		r.run(t, func() {
			s.Kill(t)
			r.url.Store(s.Start(t))
		})
		s.Stop(t)
	})
	for name, url := range map[string]func(t *testing.T, c *pgtest.Cluster, direct string) string{
		"postgres": func(_ *testing.T, _ *pgtest.Cluster, direct string) string { return direct },
		"pgbouncer": func(t *testing.T, c *pgtest.Cluster, direct string) string {
			return pooledURL(c.Pooler(t, pgtest.PoolerOptions{Settings: map[string]string{"server_login_retry": "1"}}), direct)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := pgtest.New(t, pgtest.Options{})
			s := newServer(t, t.TempDir(), url(t, c, c.Database(t)))
			s.Start(t)
			r := &retries{url: &atomic.Value{}}
			r.url.Store(s.URL)
			how := []pgtest.Mode{pgtest.Fast, pgtest.Immediate}
			n := 0
			r.run(t, func() {
				c.Restart(t, how[n%len(how)])
				n++
			})
			s.Stop(t)
		})
	}
}

// retries is a crowd of senders, and what they met.
type retries struct {
	url *atomic.Value // of the server: a string

	sent, failed, replayed atomic.Int64
}

// run creates a task for each of many keys, changes it and deletes half of
// them, while trouble comes again and again.
func (r *retries) run(t *testing.T, trouble func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), long(2*time.Minute, 15*time.Minute))
	defer cancel()
	keys := make(chan int)
	kept := make([]task, long(8, 1000)) // by key; the zero task when it was deleted
	var wait sync.WaitGroup
	for range retryAtOnce {
		c := newClient(t, "", retrySenders)
		wait.Go(func() {
			for i := range keys {
				kept[i] = r.live(ctx, t, c, i)
			}
		})
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(keys)
		for i := range kept {
			select {
			case keys <- i:
			case <-ctx.Done():
				return
			}
		}
	}()
	troubles, served := 0, int64(0)
	for running := true; running; {
		select {
		case <-done:
			running = false
		case <-time.After(rand.N(retryPause)): // its moment is random on purpose
			if now := r.sent.Load() - r.failed.Load(); now >= served+long[int64](1, 20)*retrySenders {
				trouble()
				troubles, served = troubles+1, now
			}
		}
	}
	wait.Wait()
	if ctx.Err() != nil || t.Failed() {
		t.Fatalf("not every write was answered as it should be: %v", ctx.Err())
	}

	c := newClient(t, r.url.Load().(string), 1)
	for i, want := range kept {
		var stored []task
		c.get(t, tasksPath(retryUser(i)), &stored)
		switch {
		case want == (task{}) && len(stored) > 0, want != (task{}) && (len(stored) != 1 || stored[0] != want):
			t.Errorf("key %d: %+v is there, want %+v", i, stored, want)
		}
	}
	showf(t, "Writes retried with their keys through kills and restarts", "each is carried out once", "%s: %d keys, %d troubles, %d requests, %d of them failed, %d answers were replayed", t.Name(), len(kept), troubles, r.sent.Load(), r.failed.Load(), r.replayed.Load())
	if r.failed.Load() == 0 || troubles == 0 {
		t.Error("nothing went wrong, so that nothing was shown")
	}
}

func retryUser(key int) string { return fmt.Sprintf("retry-%d", key) }

// live creates a task, changes it at the version that it has, and deletes every
// other one.
func (r *retries) live(ctx context.Context, t *testing.T, c client, i int) task {
	path := tasksPath(retryUser(i))
	answers := make([]answer, retrySenders)
	var wait sync.WaitGroup
	for n := range answers {
		wait.Go(func() {
			answers[n] = r.send(ctx, c, http.MethodPost, path, `{"title": "made once"}`, "Idempotency-Key: create")
		})
	}
	wait.Wait()
	var made task
	for _, a := range answers {
		if a.Status != http.StatusCreated || string(a.Body) != string(answers[0].Body) || a.Header.Get("ETag") != `"1"` {
			t.Errorf("key %d: %d %s, and another answer is %s", i, a.Status, a.Body, answers[0].Body)
			return made
		}
	}
	if err := answers[0].decode(&made); err != nil {
		t.Error(err)
		return made
	}
	path = taskPath(made.UserID, made.ID)
	changed := r.send(ctx, c, http.MethodPut, path, `{"title": "changed once"}`, "Idempotency-Key: change", `If-Match: "1"`)
	var got task
	if err := changed.decode(&got); err != nil || changed.Status != http.StatusOK || got.Version != 2 {
		t.Errorf("key %d: a change was answered with %d %s", i, changed.Status, changed.Body)
	}
	if i%2 == 0 {
		return got
	}
	for range 2 { // the second as if the answer to the first had been lost
		if a := r.send(ctx, c, http.MethodDelete, path, "", "Idempotency-Key: delete", `If-Match: "2"`); a.Status != http.StatusNoContent {
			t.Errorf("key %d: a delete was answered with %d %s", i, a.Status, a.Body)
		}
	}
	return task{}
}

// send sends a request until it is answered by more than that it should be
// sent again.
func (r *retries) send(ctx context.Context, c client, method, path, body string, headers ...string) answer {
	for {
		c.url = r.url.Load().(string)
		attempt, cancel := context.WithTimeout(ctx, crewPatience)
		a, err := c.do(attempt, method, path, body, headers...)
		cancel()
		r.sent.Add(1)
		again := err != nil || a.Status == http.StatusServiceUnavailable || a.Status == http.StatusConflict
		switch {
		case ctx.Err() != nil || !again:
			if a.Header.Get("Idempotent-Replayed") == "true" {
				r.replayed.Add(1)
			}
			return a
		default:
			r.failed.Add(1)
			time.Sleep(20*time.Millisecond + rand.N(80*time.Millisecond)) // as a client would
		}
	}
}
