package postgres

import (
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"docket"
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

		"deleted_id": func(b *bulk) any { ids, _ := b.deletions(); return keys(ids) },
		"deleted_at": func(b *bulk) any { _, times := b.deletions(); return timeType.array(times) },
	}
	for _, c := range columns {
		if c.array != nil {
			p[c.name] = func(b *bulk) any { return c.array(b.tasks) }
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
	for _, c := range columns {
		if c.array != nil {
			names, selected = append(names, c.name), append(selected, "i."+c.name)
			arrays = append(arrays, fmt.Sprintf("@%s::%s[]", c.name, c.sqlType))
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

// errApart says that the tasks of a bulk cannot be made together. The error of one of
// them shows when each is made by itself.
var errApart = errors.New("postgres: the tasks of a bulk cannot be made together")

// result returns the tasks of the bulk with their versions, after err of its statement,
// which has returned the last version.
func (b *bulk) result(last int64, err error) ([]docket.Task, error) {
	switch {
	case errors.Is(err, pgx.ErrNoRows), isTaskTwice(err):
		return nil, errApart
	case err != nil:
		return nil, err
	}
	for i := range b.tasks {
		b.tasks[i].Version = last - int64(len(b.tasks)-1-i)
	}
	return b.tasks, nil
}

// merge makes one call of creates that follow each other in a group and can be made
// together.
func merge(group []*call) []*call {
	calls := make([]*call, 0, len(group))
	for len(group) > 0 {
		c, n := group[0], 1
		for n < len(group) && c.mergesWith(group[n]) {
			n++
		}
		if n > 1 {
			c = asOne(group[:n])
		}
		calls, group = append(calls, c), group[n:]
	}
	return calls
}

func (c *call) mergesWith(other *call) bool {
	return c.create != nil && other.create != nil && c.owner == other.owner && c.create.write.MaxTasks == other.create.write.MaxTasks
}

// asOne returns the call that makes the tasks of creates.
func asOne(creates []*call) *call {
	first := creates[0].create
	b := &bulk{owner: first.owner, epoch: first.write.Epoch, limit: first.write.TaskLimit()}
	for _, c := range creates {
		b.tasks = append(b.tasks, c.create.task)
	}
	return &call{
		owner: first.owner, sql: createManyFreshSQL.sql, args: createManyFreshSQL.args(b), members: creates,
		read: func(rows pgx.Rows) error {
			var last int64
			err := scanOne(rows, &last)
			tasks, err := b.result(last, err)
			for i := range tasks {
				creates[i].create.task, creates[i].create.outcome = tasks[i], outcomeDone
			}
			return err
		},
	}
}
