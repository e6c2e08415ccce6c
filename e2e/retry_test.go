package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"docket/internal/pgtest"
)

const (
	retrySenders = 50 // of each create, all at the same time
	retryKeys    = 2  // in use at the same time
)

// TestRetries sends each write many times under one key, and again until it is
// answered, while the server is killed or its database restarted. Each write is
// carried out once, and all senders get the same answer.
func TestRetries(t *testing.T) {
	alongside(t)
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		s := newServer(t, t.TempDir(), defaultDatabase)
		s.Start(t)
		r := newRetries(t, s.URL)
		r.run(func(int) {
			s.Kill(t)
			r.untilRefused()
			r.url.Store(s.Start(t))
		})
		s.Stop(t)
	})
	for name, address := range kindsOf(map[string]func(t *testing.T, c *pgtest.Cluster, direct string) string{
		"postgres": func(_ *testing.T, _ *pgtest.Cluster, direct string) string { return direct },
		"pgbouncer": func(t *testing.T, c *pgtest.Cluster, direct string) string {
			return pooledURL(c.Pooler(t, pgtest.PoolerOptions{Settings: map[string]string{"server_login_retry": "1"}}), direct)
		},
	}, "pgbouncer") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := pgtest.New(t, pgtest.Options{})
			s := newServer(t, t.TempDir(), address(t, c, c.Database(t)))
			s.Start(t)
			r := newRetries(t, s.URL)
			r.run(func(n int) {
				c.Stop(t, []pgtest.Mode{pgtest.Fast, pgtest.Immediate}[n%2])
				r.untilRefused()
				c.Start(t)
			})
			s.Stop(t)
		})
	}
}

// retries is a group of senders, and what they have met.
type retries struct {
	t      *testing.T
	ctx    context.Context
	cancel context.CancelFunc
	url    atomic.Value // of the server: a string

	sent, failed, replayed atomic.Int64

	mu   sync.Mutex
	kept []task // by key; the zero task when it was deleted
}

func newRetries(t *testing.T, url string) *retries {
	r := &retries{t: t}
	r.ctx, r.cancel = untilDeadline(t)
	r.url.Store(url)
	return r
}

// run has senders use one key after the other until the fault has happened so
// many times. Each time it happens while they send, and after it was answered by
// at least as many requests as one key has.
func (r *retries) run(fault func(n int)) {
	r.t.Helper()
	var wait sync.WaitGroup
	var over atomic.Bool
	defer wait.Wait()
	defer r.cancel() // when the test has failed
	for range retryKeys {
		c := newClient(r.t, "", retrySenders)
		wait.Go(func() {
			for !over.Load() && !r.t.Failed() {
				r.useKey(c)
			}
		})
	}
	faults := long(3, 60)
	for n := range faults {
		goal := r.answered() + retrySenders
		eventually(r.t, "requests are answered", func() bool { return r.answered() >= goal || r.t.Failed() })
		time.Sleep(rand.N(200 * time.Millisecond)) // so that each fault meets other requests
		fault(n)
	}
	over.Store(true)
	wait.Wait()
	if r.t.Failed() {
		return
	}
	r.verify()
	showf(r.t, "Writes retried with their keys through kills and restarts", "each is carried out once", "%s: %d keys, %d faults, %d requests, %d of them failed, %d answers were replayed",
		r.t.Name(), len(r.kept), faults, r.sent.Load(), r.failed.Load(), r.replayed.Load())
}

// answered returns how many requests had an answer that does not ask to send
// them again.
func (r *retries) answered() int64 { return r.sent.Load() - r.failed.Load() }

// untilRefused waits until a request fails: the fault has reached a sender.
func (r *retries) untilRefused() {
	r.t.Helper()
	before := r.failed.Load()
	eventually(r.t, "a sender notices the fault", func() bool { return r.failed.Load() > before })
}

// verify compares the stored tasks of each key with what its senders were told.
func (r *retries) verify() {
	r.t.Helper()
	c := newClient(r.t, r.url.Load().(string), 1)
	for key, want := range r.kept {
		var stored []task
		c.get(r.t, tasksPath(retryUser(key)), &stored)
		if deleted := want == (task{}); deleted && len(stored) > 0 || !deleted && (len(stored) != 1 || stored[0] != want) {
			r.t.Errorf("key %d: %+v is stored, want %+v", key, stored, want)
		}
	}
}

func retryUser(key int) string { return fmt.Sprintf("retry-%d", key) }

// useKey takes the next key and notes the task that its writes leave.
func (r *retries) useKey(c client) {
	r.mu.Lock()
	key := len(r.kept)
	r.kept = append(r.kept, task{})
	r.mu.Unlock()
	kept := r.live(c, key)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.kept[key] = kept
}

// live creates a task, changes it, and for every other key deletes it. It returns
// the task as it is then.
func (r *retries) live(c client, key int) task {
	path := tasksPath(retryUser(key))
	answers := make([]answer, retrySenders)
	var wait sync.WaitGroup
	for n := range answers {
		wait.Go(func() {
			answers[n] = r.send(c, http.MethodPost, path, `{"title": "made once"}`, "Idempotency-Key: create")
		})
	}
	wait.Wait()
	var made task
	for _, a := range answers {
		if a.Status != http.StatusCreated || string(a.Body) != string(answers[0].Body) || a.Header.Get("ETag") != `"1"` {
			r.t.Errorf("key %d: %d %s, and another answer is %s", key, a.Status, a.Body, answers[0].Body)
			return made
		}
	}
	if err := answers[0].decode(&made); err != nil {
		r.t.Error(err)
		return made
	}
	path = taskPath(made.UserID, made.ID)
	changed := r.send(c, http.MethodPut, path, `{"title": "changed once"}`, "Idempotency-Key: change", `If-Match: "1"`)
	var got task
	if err := changed.decode(&got); err != nil || changed.Status != http.StatusOK || got.Version != 2 {
		r.t.Errorf("key %d: a change was answered with %d %s", key, changed.Status, changed.Body)
	}
	if key%2 == 0 {
		return got
	}
	for range 2 { // the second time as if the first answer had been lost
		var gone tombstone
		a := r.send(c, http.MethodDelete, path, "", "Idempotency-Key: delete", `If-Match: "2"`)
		if err := a.decode(&gone); err != nil || a.Status != http.StatusOK || gone.ID != made.ID || gone.Version != 3 {
			r.t.Errorf("key %d: a delete was answered with %d %s", key, a.Status, a.Body)
		}
	}
	return task{}
}

// send sends a request again and again until the answer does not ask for it.
func (r *retries) send(c client, method, path, body string, headers ...string) answer {
	for {
		c.url = r.url.Load().(string)
		attempt, cancel := context.WithTimeout(r.ctx, patience)
		a, err := c.do(attempt, method, path, body, headers...)
		cancel()
		r.sent.Add(1)
		// 429: more senders of one user than are carried out at a time.
		again := err != nil || slices.Contains([]int{http.StatusServiceUnavailable, http.StatusConflict, http.StatusTooManyRequests}, a.Status)
		if r.ctx.Err() != nil || !again {
			if a.Header.Get("Idempotent-Replayed") == "true" {
				r.replayed.Add(1)
			}
			return a
		}
		r.failed.Add(1)
		time.Sleep(20*time.Millisecond + rand.N(80*time.Millisecond)) // as a client would
	}
}
