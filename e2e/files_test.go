package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
)

// ownAlone matches what an export tells of a task that another user's task has not.
var ownAlone = regexp.MustCompile(`(?m)"exported_at":"[^"]*",|"user_id":"\w+",|,"version":\d+`)

// TestExportIsExact exports random tasks, imports them for another user of another server,
// and exports them again.
func TestExportIsExact(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(9, 9))
	tasks := make([]map[string]any, long(500, 10_000))
	for i := range tasks {
		tasks[i] = randomTask(random, i)
	}
	file, err := json.Marshal(tasks)
	if err != nil {
		t.Fatal(err)
	}
	exported := string(file)
	for _, user := range []string{"alice", "bob", "carol"} {
		s := startServer(t)
		c := newClient(t, s.URL, 1)
		want := fmt.Sprintf(`{"added":%d,"unchanged":0,"skipped":[],"skipped_count":0}`, len(tasks))
		if a := mustDo(t, c, http.StatusOK, http.MethodPost, "/api/"+user+"/import", exported); string(a.Body) != want {
			t.Fatalf("the import of %s was answered with %.500s", user, a.Body)
		}
		again := string(mustDo(t, c, http.StatusOK, http.MethodGet, "/api/"+user+"/export?deleted=true", "").Body)
		if user != "alice" && ownAlone.ReplaceAllString(again, "") != ownAlone.ReplaceAllString(exported, "") {
			t.Errorf("the export of %s differs from that before it", user)
		}
		exported = again
	}
	showf(t, "export, import elsewhere, export", "the same but for owner and versions", "%d random tasks, twice", len(tasks))
}

// randomTask has texts of every class of Unicode, due dates of every form, and is deleted
// now and then.
func randomTask(random *rand.Rand, i int) map[string]any {
	text := func(most int) string {
		tables := []*unicode.RangeTable{unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Z, unicode.C}
		var b strings.Builder
		for range 1 + random.IntN(most) {
			r := rune(1 + random.IntN(0x10ffff))
			for table := tables[random.IntN(len(tables))]; r == 0 || !unicode.Is(table, r) || r >= 0xd800 && r < 0xe000; {
				r = rune(1 + random.IntN(0x30000))
			}
			b.WriteRune(r)
		}
		return b.String()
	}
	at := func() time.Time {
		return time.Now().UTC().Add(-time.Duration(random.Int64N(int64(20 * 24 * time.Hour)))).Truncate(time.Microsecond)
	}
	const layout = "2006-01-02T15:04:05.000000Z"
	made := at()
	task := map[string]any{
		"title": fmt.Sprintf("%d %s.", i, text(40)), "priority": []string{"low", "medium", "high"}[random.IntN(3)],
		"tags": []string{"tag" + text(10) + ".", "😀" + text(10) + "."}[:random.IntN(3)], "metadata": map[string]any{"n": random.Float64(), text(5): nil},
		"due_date":   []any{nil, made.Format("2006-01-02"), made.Format("2006-01-02T15:04:05"), made.Format(time.RFC3339)}[random.IntN(4)],
		"created_at": made.Format(layout), "updated_at": at().Format(layout),
	}
	if random.IntN(2) == 0 {
		task["description"] = text(300)
	}
	if random.IntN(3) == 0 {
		task["completed"], task["completed_at"] = true, at().Format(layout)
	}
	if random.IntN(5) == 0 {
		task["deleted_at"] = at().Format(layout)
	}
	return task
}

// mark begins the title of a maximal task, so that its file can be told from others.
const mark = "@@@@"

// maximal is a task each of whose fields takes the most bytes, 30 KB in all. They hardly
// compress.
func maximal(random *rand.Rand) string {
	tags := make([]string, 20)
	for i := range tags {
		tags[i] = `"` + randomText(random, 50) + `"`
	}
	return fmt.Sprintf(`{"title":"%s","description":"%s","tags":[%s],"metadata":{"":"%s"}}`,
		mark+randomText(random, 500-len(mark)), randomText(random, 5000), strings.Join(tags, ","), randomText(random, 1022))
}

// TestAttackByFiles has a user import and export as many maximal tasks as can be, in as
// large files as can be.
func TestAttackByFiles(t *testing.T) {
	attackStores(t, func(t *testing.T, s *target) {
		const user = "/api/attacker"
		files, tasks := long(2, 20), long(50, 500)
		random := rand.New(rand.NewPCG(7, 7))
		list := make([]string, tasks)
		for i := range list {
			list[i] = maximal(random)
		}
		file := "[" + strings.Join(list, ",") + "]" // made before anything is measured
		c := newClient(t, s.URL, 1)
		s.resetPeak(t)
		s.stand(t, "warm", 2)
		alone := percentile(s.stand(t, "alone", long(2, 2000)).took, 99)
		begun := time.Now()
		done := make(chan error, 1)
		go func() {
			for n := range files {
				a, err := c.do(t.Context(), http.MethodPost, user+"/import", strings.ReplaceAll(file, mark, fmt.Sprintf("%04d", n)))
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
		p := percentile(during, 99)
		showf(t, fmt.Sprintf("%d maximal tasks are imported, %s", files*tasks, s.store), "peak under 256 MiB (p99 is measured only; aim: 2×)",
			"p99 %s alone, %s during it: %.2f×, peak %d MiB, %s in all",
			alone.Round(10*time.Microsecond), p.Round(10*time.Microsecond), float64(p)/float64(alone), s.checkPeak(t), time.Since(begun).Round(time.Second))
		if n := countTasks(t, c, user); n != files*tasks {
			t.Errorf("%d tasks of %d were imported", n, files*tasks)
		}
		s.withstand(t, fmt.Sprintf("%d maximal tasks are exported", files*tasks),
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
			fmt.Fprintf(&file, "(A) 2026-01-01 task %d\n", i) // a thousand have less text than ends a transaction
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
