package postgres

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"docket"
)

// listStatement names a statement: one for each order, with conditions on
// the tasks and a count or without. Each has a plan of its own that suits every
// value, so that PostgreSQL plans it once and not at each request.
type listStatement struct {
	sort     docket.Sort
	filtered bool
	trash    bool
}

// listSQL has a row of the owner's state, then the tasks in their order, with
// no state; of the trash, with the time of their deletion at the end. $2 to $4 are the state that the client knows, $5 is the limit and $6
// the id of the position; then comes its key, in the orders that have one, and
// of a filtered list the value of completed or null, the folded text to search
// for or null, and whether to count what these leave.
var listSQL = func() map[listStatement]string {
	const (
		shape = `WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, ARRAY[o.epoch, o.counter, o.purged_through, %[1]s]%[5]s FROM o
UNION ALL
(SELECT ` + columns + `, NULL%[6]s FROM docket.tasks AS t
  WHERE %[2]s AND %[3]s AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $2::bigint AND o.counter = $3::bigint AND o.purged_through = $4::bigint)
  ORDER BY %[4]s LIMIT $5::integer)`
		ofUser  = "t.user_id = $1 AND t.deleted_at IS NULL"
		inTrash = "t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity'" // said so that the index of the purge, which is of all users, does not serve
		matches = `%[1]s AND ($%[2]d::boolean IS NULL OR t.completed = $%[2]d)
    AND ($%[3]d::text IS NULL OR strpos(t.title_folded, $%[3]d) > 0 OR strpos(t.description_folded, $%[3]d) > 0)`
		count = `CASE WHEN NOT $%[1]d::boolean THEN 0 WHEN $%[2]d::boolean IS NULL AND $%[3]d::text IS NULL AND %[5]t THEN o.live
    ELSE (SELECT count(*) FROM docket.tasks AS t WHERE %[4]s) END`
	)
	statements := map[listStatement]string{}
	add := func(sort docket.Sort, args int, after, order string) {
		for _, trash := range []bool{false, true} {
			all, none, deleted := ofUser, "", ""
			if trash {
				all, none, deleted = inTrash, ", NULL::timestamptz", ", t.deleted_at"
			}
			filter := fmt.Sprintf(matches, all, args+1, args+2)
			statements[listStatement{sort, false, trash}] = fmt.Sprintf(shape, "0", all, after, order, none, deleted)
			statements[listStatement{sort, true, trash}] = fmt.Sprintf(shape, fmt.Sprintf(count, args+3, args+1, args+2, filter, !trash), filter, after, order, none, deleted)
		}
	}
	add(docket.Sort{}, 6, "t.id > $6::uuid", "t.id")
	add(docket.Sort{Descending: true}, 6, "t.id < $6::uuid", "t.id DESC")
	for key, column := range map[docket.SortKey][2]string{
		docket.ByUpdate: {"t.updated_at", "timestamptz"}, docket.ByTitle: {`t.title COLLATE "C"`, "text"}, // "C" is the order of code points
	} {
		const after = "($7::%s IS NULL OR (%s, t.id) %s ($7, $6::uuid))"
		add(docket.Sort{Key: key}, 7, fmt.Sprintf(after, column[1], column[0], ">"), column[0]+", t.id")
		add(docket.Sort{Key: key, Descending: true}, 7, fmt.Sprintf(after, column[1], column[0], "<"), column[0]+" DESC, t.id DESC")
	}
	return statements
}()

// position returns the arguments from $6 on. The first page is behind an id that
// stands before all.
func position(q docket.ListQuery) []any {
	id := uuid.Nil
	if q.Sort.Descending {
		id = uuid.Max
	}
	if q.After != nil {
		id = q.After.ID
	}
	switch {
	case q.Sort.Key == docket.ByCreation:
		return []any{key(id)}
	case q.After == nil:
		return []any{key(id), nil}
	case q.Sort.Key == docket.ByUpdate:
		return []any{key(id), q.After.UpdatedAt}
	}
	return []any{key(id), q.After.Title}
}

// listRequest returns the statement of a list and its arguments, and whether it
// is filtered.
func listRequest(owner docket.UserID, q docket.ListQuery) (sql string, args []any, filtered bool) {
	known := docket.State{Epoch: -1} // of no owner
	if q.Known != nil {
		known = *q.Known
	}
	filtered = q.Count || q.Completed.Set || q.Search != ""
	args = append([]any{string(owner), known.Epoch, known.Counter, known.PurgedThrough, q.Limit + 1}, position(q)...)
	if filtered {
		var completed, search any
		if q.Completed.Set {
			completed = q.Completed.Value
		}
		if q.Search != "" {
			search = docket.Fold(q.Search)
		}
		args = append(args, completed, search, q.Count)
	}
	return listSQL[listStatement{q.Sort, filtered, q.Deleted}], args, filtered
}

// maxBatchedPage bounds the tasks of a page that is read in a group, for the calls behind it wait for it.
const maxBatchedPage = 100

// List implements docket.Store.
func (s *Store) List(ctx context.Context, owner docket.UserID, q docket.ListQuery) (docket.Page, error) {
	page := new(docket.Page)
	c := &call{owner: owner, read: func(rows pgx.Rows) error { return scanPage(page, rows, owner, q) }, outcome: func(err error) error { return err }}
	var filtered bool
	c.sql, c.args, filtered = listRequest(owner, q)
	short := !filtered && !q.Deleted && q.Sort.Key == docket.ByCreation && q.Limit <= maxBatchedPage
	if err := s.readPage(ctx, c, short); err != nil {
		return docket.Page{}, err
	}
	page.Unchanged = q.Known != nil && *q.Known == page.State
	return *page, nil
}

// readPage runs a statement that reads a page, a short one with those of others.
func (s *Store) readPage(ctx context.Context, c *call, short bool) error {
	if short {
		return s.batch(ctx, s.batchers.pages, c)
	}
	return s.alone(ctx, ctx, s.batchers.pages, c)
}

// scanPage reads the rows of listSQL, and closes them.
func scanPage(page *docket.Page, rows pgx.Rows, owner docket.UserID, q docket.ListQuery) error {
	*page = docket.Page{Tasks: make([]docket.Task, 0, min(q.Limit, 64))}
	defer rows.Close()
	var state []int64
	var task docket.Task
	row := &taskRow{task: &task, more: []any{&state}, texts: texts{page: true}}
	if q.Deleted {
		row.more = append(row.more, &task.DeletedAt)
	}
	for rows.Next() {
		task, state = docket.Task{UserID: owner}, nil
		if err := rows.Scan(row); err != nil {
			return err
		}
		if state != nil {
			page.State, page.Total = docket.State{Epoch: state[0], Counter: state[1], PurgedThrough: state[2]}, int(state[3])
			continue
		}
		if page.More = len(page.Tasks) == q.Limit; !page.More {
			page.Tasks = append(page.Tasks, task)
		}
	}
	return rows.Err()
}
