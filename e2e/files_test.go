package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestAttackByFiles has a user import and export as many of the largest tasks as can be.
func TestAttackByFiles(t *testing.T) {
	attackStores(t, func(t *testing.T, s *target) {
		const user = "/api/attacker"
		files, tasks := long(2, 20), long(50, 500)
		random := rand.New(rand.NewPCG(7, 7))
		c := newClient(t, s.URL, 1)
		s.resetPeak(t)
		alone := percentile(s.stand(t, "alone", long(2, 50)).took, 99)
		done := make(chan error, 1)
		go func() {
			for range files {
				var list []string
				for range tasks {
					list = append(list, largest(random))
				}
				a, err := c.do(t.Context(), http.MethodPost, user+"/import", "["+strings.Join(list, ",")+"]")
				if want := fmt.Sprintf(`{"added":%d,"unchanged":0,"skipped":[],"skipped_count":0}`, tasks); err != nil || string(a.Body) != want {
					done <- fmt.Errorf("an import was answered with %d %.300s, %w", a.Status, a.Body, err)
					return
				}
			}
			done <- nil
		}()
		var during []time.Duration
		for importing := true; importing; {
			select {
			case err := <-done:
				if importing = false; err != nil {
					t.Fatal(err)
				}
			default:
				during = append(during, s.stand(t, "others", 2).took...)
			}
		}
		showf(t, fmt.Sprintf("%d largest tasks are imported, %s", files*tasks, s.store), "p99 of others within 2×, peak under 256 MiB",
			"p99 %s alone, %s during the import, peak %d MiB", alone.Round(10*time.Microsecond), percentile(during, 99).Round(10*time.Microsecond), s.checkPeak(t))
		if n := countTasks(t, c, user); n != files*tasks {
			t.Errorf("%d tasks of %d were imported", n, files*tasks)
		}
		s.withstand(t, fmt.Sprintf("%d largest tasks are exported", files*tasks),
			attack{Clients: 1, Method: http.MethodGet, Path: user + "/export", Reads: wholeAnswer})
	})
}

// countTasks returns how many live tasks a user has.
func countTasks(t *testing.T, c client, user string) int {
	t.Helper()
	a := mustDo(t, c, http.StatusOK, http.MethodGet, user+"/tasks?limit=1", "", "Prefer: count=exact")
	n, err := strconv.Atoi(a.Header.Get("X-Total-Count"))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestImportIsCompleted kills the server in the middle of an import, and imports the file
// again.
func TestImportIsCompleted(t *testing.T) {
	attackStores(t, func(t *testing.T, s *target) {
		const user, tasks = "/api/alice", 10_000
		var file strings.Builder
		for i := range tasks {
			fmt.Fprintf(&file, "(A) 2026-12-01 task %d @home\n", i)
		}
		for kills := 0; kills < long(1, 10); {
			c := newClient(t, s.URL, 2)
			mustDo(t, c, http.StatusNoContent, http.MethodDelete, user, "")
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				_, _ = c.do(t.Context(), http.MethodPost, user+"/import", file.String(), "Content-Type: text/plain") // it is killed
			}()
			eventually(t, "tasks are imported", func() bool { return countTasks(t, c, user) > 0 })
			s.Kill(t)
			<-ended
			s.Start(t, s.env...)
			c = newClient(t, s.URL, 1)
			before := countTasks(t, c, user)
			if before%1000 != 0 {
				t.Errorf("a transaction of an import left %d tasks", before)
			}
			if before < tasks {
				kills++
			}
			want := fmt.Sprintf(`{"added":%d,"unchanged":%d,"skipped":[],"skipped_count":0}`, tasks-before, before)
			if a := mustDo(t, c, http.StatusOK, http.MethodPost, user+"/import", file.String(), "Content-Type: text/plain"); string(a.Body) != want {
				t.Errorf("after a kill at %d tasks the import was answered with %s", before, a.Body)
			}
			titles := map[string]bool{}
			var exported struct{ Tasks []struct{ Title string } }
			if err := json.Unmarshal(mustDo(t, c, http.StatusOK, http.MethodGet, user+"/export", "").Body, &exported); err != nil {
				t.Fatal(err)
			}
			for _, task := range exported.Tasks {
				titles[task.Title] = true
			}
			if len(titles) != tasks || len(exported.Tasks) != tasks {
				t.Errorf("%d tasks with %d titles were exported", len(exported.Tasks), len(titles))
			}
		}
		showf(t, "kill -9 in the middle of an import, "+s.store, "exactly the file's tasks, once", "%d kills, 10,000 tasks each", long(1, 10))
	})
}
