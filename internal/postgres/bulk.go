package postgres

import (
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"docket"
	"docket/internal/postgres/column"
	"docket/internal/postgres/dispatch"
)

// bulk is a number of new tasks of one owner, as the arguments of one statement.
type bulk struct {
	owner docket.UserID
	epoch int64
	limit int64 // of the owner's live tasks
	tasks []docket.Task
	done  docket.Imported // what an import does with them
}

var bulkParameters = func() parameters[*bulk] {
	p := parameters[*bulk]{
		"user_id": func(b *bulk) any { return string(b.owner) },
		"epoch":   func(b *bulk) any { return b.epoch },
		"limit":   func(b *bulk) any { return b.limit },
		"n":       func(b *bulk) any { return len(b.tasks) },
		"added":   func(b *bulk) any { return b.done.Added },
		"deleted": func(b *bulk) any { return b.done.Deleted },

		"deleted_id": func(b *bulk) any { ids, _ := b.deletions(); return column.UUIDs(ids) },
		"deleted_at": func(b *bulk) any { _, times := b.deletions(); return times },
	}
	for _, c := range column.All {
		if c.Array != nil {
			p[c.Name] = func(b *bulk) any { return c.Array(b.tasks) }
		}
	}
	return p
}()

// createManySQL and createManyFreshSQL are createSQL and createFreshSQL for a bulk. They
// return the version of its last task; the others have the ones before. They return no
// row, and make no task, when one of them cannot be made.
var (
	createManySQL = manyCreation{" AND NOT EXISTS (SELECT 1 FROM docket.tasks AS t WHERE t.user_id = @user_id AND t.id = ANY (@id::uuid[]))"}.compile()

	createManyFreshSQL = manyCreation{}.compile()
)

// manyCreation builds a statement that makes the tasks of a bulk.
type manyCreation struct{ unless string }

func (c manyCreation) compile() *statement[*bulk] {
	return bulkParameters.compile(`WITH o AS (
  INSERT INTO docket.owners AS x (user_id, epoch, counter, live, trash)
  SELECT @user_id::text, @epoch::bigint, @n::bigint, @n, 0 WHERE @n <= @limit::bigint` + c.unless + `
  ON CONFLICT (user_id) DO UPDATE SET counter = x.counter + @n, live = x.live + @n WHERE x.live <= @limit - @n
  RETURNING x.user_id, x.counter),
n AS (
  ` + insertMany("x.counter - @n + i.n", "o", "true") + `)
SELECT o.counter FROM o`)
}

// insertMany returns the statement that inserts those tasks of a bulk for which where
// holds. It gives each the version, and the user_id of the row x of from. Both
// expressions may use i, the task, and i.n, its number in the bulk from 1 on.
func insertMany(version, from, where string) string {
	var names, selected, arrays []string
	for _, c := range column.All {
		if c.Array != nil {
			names, selected = append(names, c.Name), append(selected, "i."+c.Name)
			arrays = append(arrays, fmt.Sprintf("@%s::%s[]", c.Name, c.SQLType))
		}
	}
	list := strings.Join(names, ", ")
	return `INSERT INTO docket.tasks AS t (user_id, version, ` + list + `)
  SELECT x.user_id, ` + version + `, ` + strings.Join(selected, ", ") + `
  FROM ` + from + ` AS x, unnest(` + strings.Join(arrays, ", ") + `)
    WITH ORDINALITY AS i (` + list + `, n)
  WHERE ` + where
}

// run returns how many operations of a write, from the first on, are creates of tasks
// with different ids.
func run(operations []docket.Operation) int {
	seen := map[uuid.UUID]bool{}
	for i, o := range operations {
		if o.Action != docket.Create || seen[o.ID] {
			return i
		}
		seen[o.ID] = true
	}
	return len(operations)
}

// bulkFor returns the bulk of the creates of a write, and its statement.
func bulkFor(owner docket.UserID, w *docket.Write, creates []docket.Operation) (*bulk, *statement[*bulk]) {
	b, s := &bulk{owner: owner, epoch: w.Epoch, limit: w.TaskLimit(), tasks: make([]docket.Task, 0, len(creates))}, createManyFreshSQL
	for _, o := range creates {
		b.tasks = append(b.tasks, w.NewTask(owner, o))
		if !o.Fresh {
			s = createManySQL
		}
	}
	return b, s
}

// result returns the tasks of the bulk with their versions, after err of its statement,
// which has returned the last version.
func (b *bulk) result(last int64, err error) ([]docket.Task, error) {
	switch {
	case errors.Is(err, pgx.ErrNoRows), isTaskTwice(err):
		return nil, dispatch.ErrApart
	case err != nil:
		return nil, err
	}
	for i := range b.tasks {
		b.tasks[i].Version = last - int64(len(b.tasks)-1-i)
	}
	return b.tasks, nil
}

// MergesWith implements dispatch.Part.
func (r *request) MergesWith(other dispatch.Part) bool {
	o, ok := other.(*request)
	return ok && r.write.MaxTasks == o.write.MaxTasks
}

// Merge implements dispatch.Part for creates.
func (r *request) Merge(creates []dispatch.Part) *dispatch.Call {
	b := &bulk{owner: r.owner, epoch: r.write.Epoch, limit: r.write.TaskLimit()}
	requests := make([]*request, 0, len(creates))
	for _, c := range creates {
		if create, ok := c.(*request); ok {
			requests, b.tasks = append(requests, create), append(b.tasks, create.task)
		}
	}
	return &dispatch.Call{
		Owner: r.owner, SQL: createManyFreshSQL.sql, Args: createManyFreshSQL.args(b),
		Read: func(rows pgx.Rows) error {
			var last int64
			err := dispatch.ScanOne(rows, &last)
			tasks, err := b.result(last, err)
			for i := range tasks {
				requests[i].task, requests[i].outcome = tasks[i], outcomeDone
			}
			return err
		},
	}
}
