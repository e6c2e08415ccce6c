package e2e

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

const attackClients = 24

// TestAttackBySearches has many clients of one user search long texts for what
// nearly all of their places begin with.
func TestAttackBySearches(t *testing.T) {
	attackStores(t, func(t *testing.T, s *target) {
		batches := 6
		if s.store == "sqlite" {
			batches = long(5, 100)
		}
		c := newClient(t, s.URL, 1)
		create := fmt.Sprintf(`{"op":"create","task":{"title":"x","description":"%s"}}`, strings.Repeat("😀", 5000))
		for range batches {
			mustDo(t, c, http.StatusOK, http.MethodPost, tasksPath("attacker")+"/batch", batchOf(100, func(int) string { return create }))
		}
		s.withstand(t, fmt.Sprintf("%d clients search %d tasks", attackClients, 100*batches), attack{
			Clients: attackClients,
			Method:  http.MethodGet,
			Path:    tasksPath("attacker") + "?q=" + url.QueryEscape("🎉"+strings.Repeat("😀", 99)),
			Reads:   everyPage, // there is one, without tasks
			Passes:  true,
		})
	}, "RATE_LIMIT=600")
}

// TestAttackByReplays has many clients of one user repeat a write whose result is
// large.
func TestAttackByReplays(t *testing.T) {
	attackStores(t, func(t *testing.T, s *target) {
		c := newClient(t, s.URL, 1)
		body := alternating(twoLong(t, c, "attacker"))
		path, key := tasksPath("attacker")+"/batch", "Idempotency-Key: replayed"
		mustDo(t, c, http.StatusOK, http.MethodPost, path, body, key)
		s.withstand(t, fmt.Sprintf("%d clients replay a batch", attackClients), attack{
			Clients: attackClients,
			Method:  http.MethodPost,
			Path:    path,
			Body:    body,
			Headers: []string{key},
			Wanted:  "Idempotent-Replayed: true",
		})
	})
}

// twoLong makes two tasks with descriptions of 20 KB.
func twoLong(t *testing.T, c client, user string) (ids [2]string) {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 1))
	for i := range ids {
		body := fmt.Sprintf(`{"title":"long","description":"%s"}`, randomText(random, 5000))
		ids[i] = created(t, mustDo(t, c, http.StatusCreated, http.MethodPost, tasksPath(user), body))
	}
	return ids
}

// alternating is a short batch with a long result: each of its 100 operations
// changes one of two tasks. Its last operations undo its first ones, so that it
// can be sent again under another key.
func alternating(ids [2]string) string {
	return batchOf(100, func(i int) string {
		return fmt.Sprintf(`{"op":"complete","id":"%s","task":{"completed":%t}}`, ids[i%2], i/2%2 == 0)
	})
}
