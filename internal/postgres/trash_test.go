package postgres

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"docket"
	"docket/internal/pgtest"
	"docket/internal/storetest"
)

// discard deletes tasks of alice, whose trash may hold so many, in one write.
func discard(t *testing.T, s *Store, most int64, tasks ...docket.Task) {
	t.Helper()
	w := docket.Write{Now: storetest.Draft("").CreatedAt, MaxTasks: most}
	for _, task := range tasks {
		w.Operations = append(w.Operations, docket.Operation{Action: docket.Delete, ID: task.ID})
	}
	if _, err := s.Write(context.WithoutCancel(t.Context()), "alice", w); err != nil {
		t.Fatal(err)
	}
}

// trash returns the titles in alice's trash.
func trash(t *testing.T, s *Store) string {
	t.Helper()
	page, err := s.List(t.Context(), "alice", docket.ListQuery{Deleted: true, Limit: docket.MaxList})
	if err != nil {
		t.Fatal(err)
	}
	var titles []string
	for _, task := range page.Tasks {
		titles = append(titles, task.Title)
	}
	return strings.Join(titles, " ")
}

// TestTrashBesideAnOlderProgram has a program before schema 4 delete tasks, which the
// owner's count misses, and restore or purge some, which leaves the count too high.
func TestTrashBesideAnOlderProgram(t *testing.T) {
	for counted, want := range map[string]string{"NULL": "b c", "9": "b c", "2": "b c"} {
		t.Run(counted, func(t *testing.T) {
			url := pgtest.Shared(t).Database(t)
			s := open(t, url)
			a, b, c := storetest.Put(t, s, "a"), storetest.Put(t, s, "b"), storetest.Put(t, s, "c")
			discard(t, s, 0, a, b)
			pgtest.Exec(t, url, "UPDATE docket.owners SET trash = "+counted)
			discard(t, s, 2, c)
			if got := trash(t, s); got != want {
				t.Errorf("the trash holds %s, want %s", got, want)
			}
			if n := pgtest.Count(t, url, "SELECT trash FROM docket.owners"); n != 2 {
				t.Errorf("%d are counted", n)
			}
			pgtest.Exec(t, url, "UPDATE docket.owners SET trash = 9")
			if _, err := act(s, docket.Restore, c); err != nil {
				t.Fatal(err)
			}
			discard(t, s, 2, c) // it is not full
			if got := trash(t, s); got != want {
				t.Errorf("then the trash holds %s, want %s", got, want)
			}
		})
	}
}

// TestDeleteRoundTrips counts the round trips of a delete: one, unless the trash is
// full.
func TestDeleteRoundTrips(t *testing.T) {
	direct := pgtest.Shared(t).Database(t)
	proxy := pgtest.NewProxy(t, direct, 0)
	s := open(t, proxy.URL(direct), func(o *Options) { o.MaxConns = 1 })
	for i, want := range []int64{1, 1, 1, 1, 3, 3} {
		task := storetest.Put(t, s, fmt.Sprint(i))
		before := proxy.RoundTrips()
		discard(t, s, 4, task)
		first := i == 0 || i == 4 // it prepares statements
		if took := proxy.RoundTrips() - before; took != want && !first {
			t.Errorf("delete %d took %d round trips, want %d", i, took, want)
		}
	}
}

// TestLiveReadsSkipTheTrash reads the plan of a list with 4,000 deleted tasks and no
// live one: it looks at none of them.
func TestLiveReadsSkipTheTrash(t *testing.T) {
	url := pgtest.Shared(t).Database(t)
	s := open(t, url)
	pgtest.Exec(t, url, `INSERT INTO docket.owners (user_id, epoch, counter, live, trash) VALUES ('alice', 1, 4000, 0, 4000)`,
		fmt.Sprintf(`INSERT INTO docket.tasks (user_id, id, title, completed, created_at, updated_at, version, deleted_at, title_folded)
SELECT 'alice', ('019a4e6f-1b2c-7d3e-8f40-' || lpad(to_hex(n), 12, '0'))::uuid, 'task', false, '%[1]s', '%[1]s', n, '%[1]s', 'TASK' FROM generate_series(1, 4000) n`, day))
	for _, descending := range []bool{false, true} {
		l := &listRequest{"alice", docket.ListQuery{Limit: 1, Sort: docket.Sort{Descending: descending}}}
		st, _ := l.statement()
		rows, err := s.db.Pool.Query(t.Context(), "EXPLAIN (ANALYZE, COSTS false, TIMING false) "+st.sql, st.args(l)...)
		if err != nil {
			t.Fatal(err)
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if plan := strings.Join(lines, "\n"); err != nil || !regexp.MustCompile(`tasks_live on tasks t \(actual rows=0 loops=1\)\n *Index Cond: .*\n(Planning|$)`).MatchString(plan) {
			t.Errorf("%v\n%s", err, plan)
		}
	}
}
