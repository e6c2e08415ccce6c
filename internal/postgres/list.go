package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"docket"
)

// filter holds a list to what its query asks for: $2 is the value of completed
// or null, $3 the folded text to search for or null.
const filter = `t.user_id = $1 AND t.deleted_at IS NULL AND ($2::boolean IS NULL OR t.completed = $2)
    AND ($3::text IS NULL OR strpos(t.title_folded, $3) > 0 OR strpos(t.description_folded, $3) > 0)`

// listSQL is the statement of each order. It has one row for the owner, also
// when no task is read, and a loop over the tasks in it, which keeps their
// order. $4 to $6 are the state that the client knows, $7 says whether to count
// what the filters leave, $8 is the limit; then comes the position.
var listSQL = func() map[docket.Sort]string {
	const shape = `SELECT o.epoch, o.counter, o.purged_through,
  CASE WHEN NOT $7::boolean THEN 0 WHEN $2::boolean IS NULL AND $3::text IS NULL THEN o.live
    ELSE (SELECT count(*) FROM docket.tasks AS t WHERE %[1]s) END,
  t.user_id, t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version
FROM docket.owners AS o LEFT JOIN LATERAL (
  SELECT %[2]s FROM docket.tasks AS t
  WHERE %[1]s
    AND NOT (o.epoch = $4::bigint AND o.counter = $5::bigint AND o.purged_through = $6::bigint)
    AND %[3]s
  ORDER BY %[4]s LIMIT $8::integer) AS t ON true
WHERE o.user_id = $1`
	statements := map[docket.Sort]string{
		{}:                 fmt.Sprintf(shape, filter, columns, "t.id > $9::uuid", "t.id"),
		{Descending: true}: fmt.Sprintf(shape, filter, columns, "t.id < $9::uuid", "t.id DESC"),
	}
	for key, column := range map[docket.SortKey][2]string{
		docket.ByUpdate: {"t.updated_at", "timestamptz"}, docket.ByTitle: {`t.title COLLATE "C"`, "text"}, // "C" is the order of code points
	} {
		statements[docket.Sort{Key: key}] = fmt.Sprintf(shape, filter, columns,
			fmt.Sprintf("($10::%s IS NULL OR (%s, t.id) > ($10, $9::uuid))", column[1], column[0]), column[0]+", t.id")
		statements[docket.Sort{Key: key, Descending: true}] = fmt.Sprintf(shape, filter, columns,
			fmt.Sprintf("($10::%s IS NULL OR (%s, t.id) < ($10, $9::uuid))", column[1], column[0]), column[0]+" DESC, t.id DESC")
	}
	return statements
}()

// position returns the arguments from $9 on. The first page is behind an id that
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
		return []any{id}
	case q.After == nil:
		return []any{id, nil}
	case q.Sort.Key == docket.ByUpdate:
		return []any{id, q.After.UpdatedAt}
	}
	return []any{id, q.After.Title}
}

func listArgs(owner docket.UserID, q docket.ListQuery) []any {
	known := docket.State{Epoch: -1} // of no owner
	if q.Known != nil {
		known = *q.Known
	}
	args := []any{string(owner), nil, nil, known.Epoch, known.Counter, known.PurgedThrough, q.Count, q.Limit + 1}
	if q.Completed.Set {
		args[1] = q.Completed.Value
	}
	if q.Search != "" {
		args[2] = docket.Fold(q.Search)
	}
	return append(args, position(q)...)
}

// List implements docket.Store.
func (s *Store) List(ctx context.Context, owner docket.UserID, q docket.ListQuery) (page docket.Page, err error) {
	args := listArgs(owner, q)
	err = s.read(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		page = docket.Page{Tasks: []docket.Task{}} // afresh in each attempt
		rows, err := conn.Query(ctx, listSQL[q.Sort], args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			if err := addRow(&page, rows, q.Limit); err != nil {
				return err
			}
		}
		return rows.Err()
	})
	page.Unchanged = q.Known != nil && *q.Known == page.State
	return page, err
}

// addRow adds a row of listSQL to a page. When there is no task in it, all of
// the task's columns are null.
func addRow(page *docket.Page, rows pgx.Rows, limit int) error {
	var (
		owner, title     *string
		id               *uuid.UUID
		description      *string
		completed        *bool
		created, updated *time.Time
		version          *int64
	)
	err := rows.Scan(&page.State.Epoch, &page.State.Counter, &page.State.PurgedThrough, &page.Total,
		&owner, &id, &title, &description, &completed, &created, &updated, &version)
	if err != nil || id == nil {
		return err
	}
	if page.More = len(page.Tasks) == limit; page.More {
		return nil
	}
	page.Tasks = append(page.Tasks, docket.Task{
		UserID: docket.UserID(*owner), ID: *id, Title: *title, Description: description, Completed: *completed,
		CreatedAt: created.UTC(), UpdatedAt: updated.UTC(), Version: *version,
	})
	return nil
}
