package e2e

import (
	"context"
	"errors"
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
		c := newClient(t, s.URL, attackClients)
		create := fmt.Sprintf(`{"op":"create","task":{"title":"x","description":"%s"}}`, strings.Repeat("😀", 5000))
		for range batches {
			mustDo(t, c, http.StatusOK, http.MethodPost, tasksPath("attacker")+"/batch", batchOf(100, func(int) string { return create }))
		}
		alone := s.alone(t)
		search := tasksPath("attacker") + "?q=" + url.QueryEscape("🎉"+strings.Repeat("😀", 99))
		title := fmt.Sprintf("%d clients search %d tasks", attackClients, 100*batches)
		s.withstand(t, title, alone, func() (func() bool, func()) {
			a := attack(t, attackClients, func(ctx context.Context, _ int) (int, error) {
				found, err := c.do(ctx, http.MethodGet, search, "")
				if err == nil && found.Status == http.StatusOK && string(found.Body) != "[]" {
					err = fmt.Errorf("the search found %.100s", found.Body)
				}
				return found.Status, err
			})
			return func() bool { return a.answered.Load() >= attackClients }, func() { a.end(t) }
		})
	}, "RATE_LIMIT=600")
}

// TestAttackByReplays has many clients of one user repeat a write whose result is
// large.
func TestAttackByReplays(t *testing.T) {
	attackStores(t, func(t *testing.T, s *target) {
		c := newClient(t, s.URL, attackClients)
		body := alternating(twoLong(t, c, "attacker"))
		path, key := tasksPath("attacker")+"/batch", "Idempotency-Key: replayed"
		mustDo(t, c, http.StatusOK, http.MethodPost, path, body, key)
		alone := s.alone(t)
		title := fmt.Sprintf("%d clients replay a batch", attackClients)
		s.withstand(t, title, alone, func() (func() bool, func()) {
			a := attack(t, attackClients, func(ctx context.Context, _ int) (int, error) {
				replayed, err := skim(ctx, c, http.MethodPost, path, body, key)
				if err == nil && replayed.Status == http.StatusOK && replayed.Header.Get("Idempotent-Replayed") != "true" {
					err = errors.New("the batch was carried out again")
				}
				return replayed.Status, err
			})
			return func() bool { return a.answered.Load() >= attackClients }, func() { a.end(t) }
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
