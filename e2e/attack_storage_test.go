package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// grow measures what f, which sends requests, adds to the database, and fails when
// that is out of proportion to what it sends: while the server runs, and, of what
// SQLite's log then leaves in the file, when it has stopped.
func (s *target) grow(t *testing.T, title string, f func(t *testing.T, c client)) {
	t.Helper()
	before := s.restart(t)
	c, sent := meteredClient(t, s.URL)
	f(t, c)
	running, log := s.size(t)
	peak := s.checkPeak(t)
	stays := s.restart(t) - before
	total := running + log - before
	most := attackGrowth * sent.Load()
	if stays > most+attackFirst {
		t.Errorf("%s: %d bytes sent leave %d bytes in the database: %.1f×", title, sent.Load(), stays, times(stays, sent))
	}
	if total > most+attackLog {
		t.Errorf("%s: %d bytes sent grow the files by %d bytes, of which %d are the log: %.1f×", title, sent.Load(), total, log, times(total, sent))
	}
	showf(t, title+", "+s.store, "files grow by at most 4 bytes for each byte sent",
		"%.2f MiB sent, files %+.2f MiB (%.1f×), of which stay %+.2f MiB (%.1f×), peak %d MiB",
		mib(sent.Load()), mib(total), times(total, sent), mib(stays), times(stays, sent), peak)
}

func mib(n int64) float64 { return float64(n) / (1 << 20) }

func times(n int64, sent *atomic.Int64) float64 { return float64(n) / float64(sent.Load()) }

// TestAttackByKeptResults sends short writes with keys, whose results are long and
// kept for a day.
func TestAttackByKeptResults(t *testing.T) {
	attackStores(t, func(t *testing.T, s *target) {
		ids := twoLong(t, newClient(t, s.URL, 1), "attacker")
		batches := long(5, 160)
		s.grow(t, fmt.Sprintf("%d keyed batches of two tasks", batches), func(t *testing.T, c client) {
			for n := range batches {
				mustDo(t, c, http.StatusOK, http.MethodPost, tasksPath("attacker")+"/batch", alternating(ids), fmt.Sprint("Idempotency-Key: key-", n))
				if n%10 == 4 { // in the short form once
					s.vacuum(t)
				}
			}
		})
		checkKeptBound(t, newClient(t, s.URL, 1))
	})
}

// vacuum does to PostgreSQL's tables whose rows the attack changes what autovacuum
// would: the space of row versions and index entries that no one can read any more
// is used again. Autovacuum looks once a minute, and the attack takes seconds
// instead of the day for which results are kept.
func (s *target) vacuum(t *testing.T) {
	t.Helper()
	if s.store != "postgres" {
		return
	}
	conn, err := pgx.Connect(t.Context(), s.database)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }() // it has done its work
	if _, err := conn.Exec(t.Context(), "VACUUM docket.tasks, docket.owners"); err != nil {
		t.Fatal(err)
	}
}

// checkKeptBound keeps results until the user may keep no more, which must come
// before four times as much as a user may keep, 16 MiB, has been answered. Then the
// user's other writes and the keyed writes of others go on.
func checkKeptBound(t *testing.T, c client) {
	t.Helper()
	random := rand.New(rand.NewPCG(2, 2))
	body := batchOf(100, func(int) string { return `{"op":"create","task":` + largest(random) + `}` })
	const most = 4 * (16 << 20)
	kept := 0
	for n := 0; ; n++ {
		a, err := c.do(t.Context(), http.MethodPost, tasksPath("hoarder")+"/batch", body, fmt.Sprint("Idempotency-Key: key-", n))
		if err == nil && a.Status == http.StatusServiceUnavailable { // a slow machine: nothing was written
			continue
		}
		if err == nil && a.Status == http.StatusForbidden {
			checkProblem(t, a, "quota-exceeded")
			break
		}
		if err != nil || a.Status != http.StatusOK {
			t.Fatalf("%d %.300s, %v", a.Status, a.Body, err)
		}
		if kept += len(a.Body); kept > most {
			t.Errorf("the results of %d writes of one user are kept, %d MiB of answers, and the next one would be too", n+1, kept>>20)
			return
		}
	}
	const small = `{"title": "small"}`
	mustDo(t, c, http.StatusCreated, http.MethodPost, tasksPath("hoarder"), small)
	mustDo(t, c, http.StatusCreated, http.MethodPost, tasksPath("other"), small, "Idempotency-Key: key")
	checkProblem(t, mustDo(t, c, http.StatusForbidden, http.MethodPost, tasksPath("hoarder")+"/batch", body, "Idempotency-Key: last"), "quota-exceeded")
}

func checkProblem(t *testing.T, a answer, code string) {
	t.Helper()
	var problem struct{ Type string }
	if err := json.Unmarshal(a.Body, &problem); err != nil || problem.Type != "/problems/"+code {
		t.Errorf("the problem is not %s: %d %.300s, %v", code, a.Status, a.Body, err)
	}
}

// TestAttackByTrash creates and deletes tasks as large as can be, one at a time, by
// a user who may have one.
func TestAttackByTrash(t *testing.T) {
	attackStores(t, func(t *testing.T, s *target) {
		pairs, last := long(30, 250), ""
		random := rand.New(rand.NewPCG(3, 3))
		s.grow(t, fmt.Sprintf("%d creates and deletes", pairs), func(t *testing.T, c client) {
			for range pairs {
				last = created(t, mustDo(t, c, http.StatusCreated, http.MethodPost, tasksPath("attacker"), largest(random)))
				mustDo(t, c, http.StatusNoContent, http.MethodDelete, taskPath("attacker", last), "", minimal)
			}
		})
		checkTrash(t, newClient(t, s.URL, 1), []string{last})
	}, "MAX_TASKS_PER_USER=1")
}

// TestAttackByTrashInBatches replaces all tasks of a user, who may have 50, again
// and again.
func TestAttackByTrashInBatches(t *testing.T) {
	attackStores(t, func(t *testing.T, s *target) {
		batches := long(4, 80)
		random := rand.New(rand.NewPCG(4, 4))
		create := func(int) string { return `{"op":"create","task":` + largest(random) + `}` }
		var live, deleted []string
		s.grow(t, fmt.Sprintf("%d batches of 50 deletes and creates", batches), func(t *testing.T, c client) {
			for range batches {
				deleted = live
				body := batchOf(len(deleted)+50, func(i int) string {
					if i < len(deleted) {
						return `{"op":"delete","id":"` + deleted[i] + `"}`
					}
					return create(i)
				})
				live = createdBy(t, mustDo(t, c, http.StatusOK, http.MethodPost, tasksPath("attacker")+"/batch", body))
			}
		})
		checkTrash(t, newClient(t, s.URL, 1), deleted)
	}, "MAX_TASKS_PER_USER=50")
}

// created returns the id of a task that was made.
func created(t *testing.T, a answer) string {
	t.Helper()
	var made task
	if err := json.Unmarshal(a.Body, &made); err != nil || made.ID == "" {
		t.Fatalf("%.300s: %v", a.Body, err)
	}
	return made.ID
}

// createdBy returns the ids of the tasks that a batch made.
func createdBy(t *testing.T, a answer) (ids []string) {
	t.Helper()
	var answered struct {
		Results []struct {
			Status int
			Task   task
		}
	}
	if err := json.Unmarshal(a.Body, &answered); err != nil {
		t.Fatalf("%.300s: %v", a.Body, err)
	}
	for _, result := range answered.Results {
		if result.Status == http.StatusCreated {
			ids = append(ids, result.Task.ID)
		}
	}
	return ids
}

// checkTrash fails unless the attacker's trash has these tasks alone.
func checkTrash(t *testing.T, c client, want []string) {
	t.Helper()
	var trash []task
	a := mustDo(t, c, http.StatusOK, http.MethodGet, tasksPath("attacker")+"?deleted=true", "")
	if err := json.Unmarshal(a.Body, &trash); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, found := range trash {
		got = append(got, found.ID)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the trash has %d tasks, instead of the %d deleted last", len(got), len(want))
	}
}

// TestFullTrash lists the live tasks of a user whose trash is full: it is right,
// and torture prints what it takes.
func TestFullTrash(t *testing.T) {
	attackStores(t, func(t *testing.T, s *target) {
		c := newClient(t, s.URL, 1)
		batches := long(2, 40)
		random := rand.New(rand.NewPCG(6, 6))
		creates := batchOf(100, func(int) string { return `{"op":"create","task":` + largest(random) + `}` })
		for range batches {
			ids := createdBy(t, mustDo(t, c, http.StatusOK, http.MethodPost, tasksPath("full")+"/batch", creates))
			mustDo(t, c, http.StatusOK, http.MethodPost, tasksPath("full")+"/batch", batchOf(100, func(i int) string { return `{"op":"delete","id":"` + ids[i] + `"}` }))
		}
		const lists = 50
		var full, empty []time.Duration
		first := func(user string, want int) time.Duration {
			begun := time.Now()
			a := mustDo(t, c, http.StatusOK, http.MethodGet, tasksPath(user)+"?limit=1", "")
			took := time.Since(begun)
			if strings.Count(string(a.Body), `"id":`) != want || a.Header.Get("Link") != "" {
				t.Errorf("%s has %d live tasks: %.300s, Link %q", user, want, a.Body, a.Header.Get("Link"))
			}
			return took
		}
		for range lists {
			full, empty = append(full, first("full", 0)), append(empty, first("empty", 0))
		}
		mustDo(t, c, http.StatusCreated, http.MethodPost, tasksPath("full"), `{"title": "live"}`)
		first("full", 1)
		p, q := percentile(empty, 50), percentile(full, 50)
		showf(t, fmt.Sprintf("%d tasks in the trash, %s", 100*batches, s.store), "the list of live tasks is right, and costs the same",
			"median of limit=1 %s with an empty trash, %s with a full one: %.2f×", p.Round(10*time.Microsecond), q.Round(10*time.Microsecond), float64(q)/float64(p))
	})
}
