package postgres

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"docket"
	"docket/internal/pgtest"
	"docket/internal/storetest"
)

// TestSearchIsContains holds the search to strings.Contains of folded texts. The
// texts have what is special in patterns, and characters that begin alike in UTF-8.
func TestSearchIsContains(t *testing.T) {
	s := openPatient(t, pgtest.Shared(t).Database(t))
	texts := rapid.StringOfN(rapid.SampledFrom([]rune(`aAbſsKK%_\*.+?[](){}^$|-:='" `+"\n\t\u0085éÉßẞ😀😁İıﬀ\U0010fffd")), 1, 12, -1)
	users := 0
	rapid.Check(t, func(r *rapid.T) {
		users++
		owner := docket.UserID(fmt.Sprint("user ", users))
		tasks := make([]docket.Task, 3)
		for i := range tasks {
			draft := of(owner, "x"+texts.Draw(r, "title")+"x")
			if rapid.Bool().Draw(r, "described") {
				draft.Description = new(texts.Draw(r, "description"))
			}
			if draft.Tags = rapid.SliceOfN(texts, 0, 2).Draw(r, "tags"); len(draft.Tags) == 0 {
				draft.Tags = nil
			}
			var err error
			if tasks[i], err = storetest.Create(t.Context(), s, draft); err != nil {
				r.Fatal(err)
			}
		}
		for range 5 {
			needle := texts.Draw(r, "needle")
			if rapid.Bool().Draw(r, "part") {
				runes := []rune(tasks[0].Title)
				begin := rapid.IntRange(0, len(runes)-1).Draw(r, "begin")
				needle = string(runes[begin:rapid.IntRange(begin+1, len(runes)).Draw(r, "end")])
			}
			var want []uuid.UUID
			for _, task := range tasks {
				if contains(task.Title, needle) || task.Description != nil && contains(*task.Description, needle) ||
					slices.ContainsFunc(task.Tags, func(tag string) bool { return contains(tag, needle) }) {
					want = append(want, task.ID)
				}
			}
			page, err := s.List(t.Context(), owner, docket.ListQuery{Limit: 10, Search: needle, Count: true})
			var got []uuid.UUID
			for _, task := range page.Tasks {
				got = append(got, task.ID)
			}
			if err != nil || fmt.Sprint(got) != fmt.Sprint(want) || page.Total != len(want) {
				r.Fatalf("a search for %q in %+v found %v, total %d, %v; want %v", needle, tasks, got, page.Total, err, want)
			}
		}
	})
}

func contains(text, needle string) bool {
	return strings.Contains(docket.Fold(text), docket.Fold(needle))
}

// TestSearchHasNoWorstText pins the one operator whose cost has a bound for each
// character of the text: BenchmarkSearch has the figures.
func TestSearchHasNoWorstText(t *testing.T) {
	searches, folds := 0, regexp.MustCompile(`(?i)strpos|like|~|regexp|lower\(|upper\(`)
	for name, st := range statements {
		if folds.MatchString(st.sql) {
			t.Errorf("%s searches or folds in another way: %s", name, st.sql)
		}
		searches += strings.Count(st.sql, "position(")
	}
	if want := (3 + 1) * 40 * 2; searches != want { // columns and tags to find, filtered statements, the count and the page
		t.Errorf("%d searches, want %d", searches, want)
	}
}

// TestPassHasItsOwnTimeLimit has a pass over a user's tasks, and a read of one, wait
// for a lock. The pass is canceled on the server, and says nothing about the database.
func TestPassHasItsOwnTimeLimit(t *testing.T) {
	directAndPooled(t, func(t *testing.T, direct, url string) {
		s := openPatient(t, url)
		task := storetest.Put(t, s, "task")
		tx := lock(t, direct, "LOCK TABLE docket.tasks")
		read := make(chan error, 1)
		go func() {
			_, err := s.Get(context.Background(), "alice", task.ID)
			read <- err
		}()
		waitForLock(t, direct)
		s.db.Limits.Pass = 100 * time.Millisecond
		for pass, q := range map[string]docket.ListQuery{
			"search": {Search: "x"}, "filter": {Completed: docket.Some(true)}, "order": {Sort: docket.Sort{Key: docket.ByTitle}}, "trash": {Deleted: true},
		} {
			if q.Limit = 10; !q.Pass() {
				t.Errorf("%s: no pass", pass)
			}
			if _, err := s.List(t.Context(), "alice", q); docket.KindOf(err) != docket.Unavailable {
				t.Errorf("%s: List returned %v", pass, err)
			}
		}
		waitUntil(t, "only the read waits", func() bool { return pgtest.Count(t, direct, waiting) == 1 })
		if s.db.Troubled() {
			t.Error("the store is marked as troubled")
		}
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := <-read; err != nil {
			t.Errorf("the read returned %v", err)
		}
	})
}

// TestLongPagesEndOnTheServer counts the tasks that the server sends: where the page
// ends by its bytes, at most one more.
func TestLongPagesEndOnTheServer(t *testing.T) {
	url := pgtest.Shared(t).Database(t)
	s := open(t, url)
	pgtest.Exec(t, url, `INSERT INTO docket.owners (user_id, epoch, counter, live) VALUES ('alice', 1, 600, 600)`,
		fmt.Sprintf(`INSERT INTO docket.tasks (user_id, id, title, description, completed, created_at, updated_at, version, title_folded)
SELECT 'alice', ('019a4e6f-1b2c-7d3e-8f40-' || lpad(to_hex(n), 12, '0'))::uuid, 'task', repeat(U&'\+01F600', 5000), false, '%[1]s', '%[1]s', n, 'TASK' FROM generate_series(1, 600) n`, day))
	conn, err := s.db.Pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	const fit = docket.MaxPageBytes / 20_004
	for _, q := range []docket.ListQuery{
		{Limit: docket.MaxList},
		{Limit: fit + 1},
		{Limit: maxBatchedPage + 1},
		{Limit: docket.MaxList, Offset: 100},
		{Limit: docket.MaxList, Offset: 300},
		{Limit: docket.MaxList, Offset: 300, Sort: docket.Sort{Key: docket.ByDueDate}},
	} {
		l := &listRequest{"alice", q}
		st, _ := l.statement()
		rows, err := conn.Query(t.Context(), st.sql, st.args(l)...)
		if err != nil {
			t.Fatal(err)
		}
		sent := -1 // without the row of the state
		for rows.Next() {
			sent++
		}
		if want := min(min(q.Limit, fit)+1, 600-q.Offset); rows.Err() != nil || sent != want {
			t.Errorf("limit %d, offset %d: the server sent %d tasks, want %d: %v", q.Limit, q.Offset, sent, want, rows.Err())
		}
	}
}

// BenchmarkSearch searches 600 tasks of the longest descriptions.
func BenchmarkSearch(b *testing.B) {
	s := open(b, pgtest.Shared(b).Database(b))
	for name, test := range map[string]struct{ text, needle string }{
		"one emoji, another first": {strings.Repeat("😀", docket.MaxDescription), "😁" + strings.Repeat("😀", docket.MaxSearch-1)},
		"one emoji, another last":  {strings.Repeat("😀", docket.MaxDescription), strings.Repeat("😀", docket.MaxSearch-1) + "😁"},
		"ordinary":                 {strings.Repeat("the quick brown task meets a report about the budget ", 94), "budgets"},
	} {
		owner := docket.UserID(name)
		for range 600 {
			draft := of(owner, "task")
			draft.Description = &test.text
			if _, err := storetest.Create(b.Context(), s, draft); err != nil {
				b.Fatal(err)
			}
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := s.List(b.Context(), owner, docket.ListQuery{Limit: 10, Search: test.needle}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
