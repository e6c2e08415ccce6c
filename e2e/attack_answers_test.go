package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"
)

const (
	attackLists   = 4
	attackReaders = 20
	attackStreams = 32
)

// TestAttackByAnswers has a user with as much as can be ask for all of it at once:
// by clients that read, and by clients that do not.
func TestAttackByAnswers(t *testing.T) {
	attackStores(t, func(t *testing.T, s *target) {
		batches := long(6, 100)
		since := loadLargest(t, newClient(t, s.URL, 1), batches)
		list := tasksPath("attacker")
		s.withstand(t, fmt.Sprintf("%d clients list %d largest tasks", attackLists, 100*batches),
			attack{Clients: attackLists, Method: http.MethodGet, Path: list, Reads: everyPage, Tasks: 100 * batches})
		s.withstand(t, fmt.Sprintf("%d clients do not read their list", attackReaders),
			attack{Clients: attackReaders, Method: http.MethodGet, Path: list, Reads: onlyTheStatus})
		s.withstand(t, fmt.Sprintf("%d clients do not read their stream", attackStreams),
			attack{Clients: attackStreams, Method: http.MethodGet, Path: "/api/attacker/events?since=" + since, Reads: onlyTheStatus})
	})
}

// loadLargest makes so many batches of tasks that are as large as can be, and
// returns a sync token from before them.
func loadLargest(t *testing.T, c client, batches int) (since string) {
	t.Helper()
	path := tasksPath("attacker")
	id := created(t, mustDo(t, c, http.StatusCreated, http.MethodPost, path, `{"title": "begin"}`))
	mustDo(t, c, http.StatusNoContent, http.MethodDelete, path+"/"+id, "", minimal)
	var changes struct{ Next string }
	if err := json.Unmarshal(mustDo(t, c, http.StatusOK, http.MethodGet, "/api/attacker/changes", "").Body, &changes); err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(5, 5))
	body := batchOf(100, func(int) string { return `{"op":"create","task":` + largest(random) + `}` })
	for range batches {
		mustDo(t, c, http.StatusOK, http.MethodPost, path+"/batch", body)
	}
	return changes.Next
}
