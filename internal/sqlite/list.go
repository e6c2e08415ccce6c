package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"docket"
)

const stateSQL = "SELECT epoch, counter, purged_through, live FROM owners WHERE user_id = ?1"

// filter holds a list to what its query asks for: ?2 is the value of completed
// or NULL, ?3 the folded text to search for or NULL.
const filter = `user_id = ?1 AND deleted_at IS NULL AND (?2 IS NULL OR completed = ?2)
AND (?3 IS NULL OR instr(title_folded, ?3) > 0 OR instr(description_folded, ?3) > 0)`

const countSQL = "SELECT count(*) FROM tasks WHERE " + filter

// listSQL is the statement of each order: ?4 is the limit, then comes the
// position, which the first page has before everything.
var listSQL = func() map[docket.Sort]string {
	statements := map[docket.Sort]string{}
	for key, column := range map[docket.SortKey]string{docket.ByUpdate: "updated_at", docket.ByTitle: "title"} {
		statements[docket.Sort{Key: key}] = fmt.Sprintf(
			"SELECT %s FROM tasks WHERE %s AND (?5 IS NULL OR (%[3]s, id) > (?5, ?6)) ORDER BY %[3]s, id LIMIT ?4", columns, filter, column)
		statements[docket.Sort{Key: key, Descending: true}] = fmt.Sprintf(
			"SELECT %s FROM tasks WHERE %s AND (?5 IS NULL OR (%[3]s, id) < (?5, ?6)) ORDER BY %[3]s DESC, id DESC LIMIT ?4", columns, filter, column)
	}
	statements[docket.Sort{}] = fmt.Sprintf("SELECT %s FROM tasks WHERE %s AND id > ?5 ORDER BY id LIMIT ?4", columns, filter)
	statements[docket.Sort{Descending: true}] = fmt.Sprintf("SELECT %s FROM tasks WHERE %s AND id < ?5 ORDER BY id DESC LIMIT ?4", columns, filter)
	return statements
}()

// Ids compare as bytes: these stand before the first and behind the last.
var (
	beforeAll = []byte{}
	behindAll = []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
)

// position returns the arguments from ?5 on.
func position(q docket.ListQuery) []any {
	switch {
	case q.Sort.Key == docket.ByCreation && q.After != nil:
		return []any{q.After.ID[:]}
	case q.Sort.Key == docket.ByCreation && q.Sort.Descending:
		return []any{behindAll}
	case q.Sort.Key == docket.ByCreation:
		return []any{beforeAll}
	case q.After == nil:
		return []any{nil, nil}
	case q.Sort.Key == docket.ByUpdate:
		return []any{q.After.UpdatedAt.UnixMicro(), q.After.ID[:]}
	}
	return []any{q.After.Title, q.After.ID[:]}
}

// List implements docket.Store.
func (s *Store) List(ctx context.Context, owner docket.UserID, q docket.ListQuery) (page docket.Page, err error) {
	err = s.readers.use(ctx, func(r *reader) error {
		return r.snapshot(func() error {
			page, err = r.page(ctx, owner, q)
			return err
		})
	})
	return page, err
}

func (r *reader) page(ctx context.Context, owner docket.UserID, q docket.ListQuery) (docket.Page, error) {
	page := docket.Page{Tasks: []docket.Task{}}
	var live int
	err := r.state.QueryRowContext(ctx, string(owner)).Scan(&page.State.Epoch, &page.State.Counter, &page.State.PurgedThrough, &live)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	if err != nil {
		return page, err
	}
	filters := filtersOf(owner, q)
	switch {
	case !q.Count:
	case q.Completed.Set || q.Search != "":
		err = r.count.QueryRowContext(ctx, filters...).Scan(&page.Total)
	default:
		page.Total = live
	}
	if page.Unchanged = q.Known != nil && *q.Known == page.State; page.Unchanged || err != nil {
		return page, err
	}
	err = r.fill(ctx, &page, q, filters)
	return page, err
}

// filtersOf returns the arguments ?1 to ?3.
func filtersOf(owner docket.UserID, q docket.ListQuery) []any {
	filters := []any{string(owner), nil, nil}
	if q.Completed.Set {
		filters[1] = q.Completed.Value
	}
	if q.Search != "" {
		filters[2] = docket.Fold(q.Search)
	}
	return filters
}

// fill reads the tasks of a page.
func (r *reader) fill(ctx context.Context, page *docket.Page, q docket.ListQuery, filters []any) error {
	rows, err := r.list[q.Sort].QueryContext(ctx, append(append(filters, q.Limit+1), position(q)...)...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		t, err := scanTask(rows)
		if err != nil {
			return err
		}
		if page.More = len(page.Tasks) == q.Limit; page.More {
			break
		}
		page.Tasks = append(page.Tasks, t)
	}
	return rows.Err()
}
