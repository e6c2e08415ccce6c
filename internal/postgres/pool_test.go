package postgres

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"docket"
	"docket/internal/pgtest"
	"docket/internal/postgres/column"
	"docket/internal/postgres/dispatch"
	"docket/internal/storetest"
)

// TestFewerConnectionsThanThePool has the server allow fewer connections than the pool
// has. Requests share those.
func TestFewerConnectionsThanThePool(t *testing.T) {
	for _, noBatching := range []bool{false, true} {
		url := pgtest.Shared(t).Database(t)
		name := url[strings.LastIndex(url, "/")+1 : strings.Index(url, "?")]
		s := openPatient(t, url, func(o *Options) { o.NoBatching = noBatching })
		storetest.Put(t, s, "task")
		pgtest.Exec(t, pgtest.AsSuperuser(url), "ALTER DATABASE "+name+" CONNECTION LIMIT 3")
		var wait sync.WaitGroup
		for range 40 {
			wait.Go(func() {
				err := s.db.Run(context.Background(), dispatch.Reading, func(ctx context.Context, conn *pgx.Conn) error {
					_, err := conn.Exec(ctx, "SELECT pg_sleep(0.02)")
					return err
				})
				_, read := storetest.List(s)
				_, written := storetest.Create(context.Background(), s, storetest.Draft("task"))
				if err := errors.Join(err, read, written); err != nil {
					t.Errorf("noBatching=%t: %v", noBatching, err)
				}
			})
		}
		wait.Wait()
		trouble(t, s) // the check finds no place for a connection of its own
		if err := s.Ready(t.Context()); err != nil {
			t.Errorf("noBatching=%t: Ready returned %v", noBatching, err)
		}
	}
}

// TestStateComesAnywhere has the row of the owner's state come first, between the
// tasks, after them, and after the task that ends the page.
func TestStateComesAnywhere(t *testing.T) {
	s := open(t, pgtest.Shared(t).Database(t))
	var tasks []docket.Task
	for range 4 {
		tasks = append(tasks, storetest.Put(t, s, "task"))
	}
	for place := range 5 {
		rows, err := s.db.Pool.Query(t.Context(), "SELECT "+column.Selected+", t.state FROM (SELECT "+column.Selected+", NULL::bigint[] AS state, t.version AS place FROM docket.tasks AS t UNION ALL SELECT "+
			column.NoTask+", ARRAY[7, 8, 9, 10]::bigint[], $1::integer + 0.5) AS t ORDER BY t.place", place)
		if err != nil {
			t.Fatal(err)
		}
		page := new(docket.Page)
		if err := readPage(page, rows, "alice", 3); err != nil {
			t.Fatal(err)
		}
		if page.State != (docket.State{Epoch: 7, Counter: 8, PurgedThrough: 9}) || page.Total != 10 || !page.More || len(page.Tasks) != 3 {
			t.Errorf("state at %d: %+v", place, page)
		}
		for i := range page.Tasks {
			if page.Tasks[i].ID != tasks[i].ID {
				t.Errorf("state at %d: task %d is %s", place, i, page.Tasks[i].ID)
			}
		}
	}
}
