package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"docket"
)

const stateSQL = "SELECT epoch, counter, purged_through, live FROM owners WHERE user_id = ?1"

// filter holds a list to what its query asks for: ?2 is the value of completed
// or NULL, ?3 the folded text to search for or NULL. It is of the live tasks;
// ofTrash makes it that of the deleted ones.
const filter = `user_id = ?1 AND deleted_at IS NULL AND (?2 IS NULL OR completed = ?2)
AND (?3 IS NULL OR instr(title_folded, ?3) > 0 OR instr(description_folded, ?3) > 0)`

const countSQL = "SELECT count(*) FROM tasks WHERE " + filter

// The plus keeps it from the index of the purge, which is of all users.
func ofTrash(sql string) string {
	return strings.Replace(sql, "deleted_at IS NULL", "+deleted_at IS NOT NULL", 1)
}

// listSQL is the statement of each order, for live tasks: ?4 is the limit, then comes the
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
		return r.atOnce(func() error {
			page, err = r.page(ctx, owner, q)
			return err
		})
	})
	return page, err
}

func (r *reader) page(ctx context.Context, owner docket.UserID, q docket.ListQuery) (docket.Page, error) {
	page := docket.Page{Tasks: []docket.Task{}}
	var live int
	var err error
	page.State, live, err = r.stateOf(ctx, owner)
	if err != nil {
		return page, err
	}
	filters, statements := filtersOf(owner, q), r.live
	if q.Deleted {
		statements = r.trash
	}
	switch {
	case !q.Count:
	case q.Deleted || q.Completed.Set || q.Search != "":
		err = statements.count.QueryRowContext(ctx, filters...).Scan(&page.Total)
	default:
		page.Total = live
	}
	if page.Unchanged = q.Known != nil && *q.Known == page.State; page.Unchanged || err != nil {
		return page, err
	}
	err = readTasks(&page, q.Limit, func() (*sql.Rows, error) {
		return statements.list[q.Sort].QueryContext(ctx, append(append(filters, q.Limit+1), position(q)...)...)
	})
	return page, err
}

// stateOf reads the owner's state and number of live tasks.
func (r *reader) stateOf(ctx context.Context, owner docket.UserID) (s docket.State, live int, err error) {
	err = r.state.QueryRowContext(ctx, string(owner)).Scan(&s.Epoch, &s.Counter, &s.PurgedThrough, &live)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return s, live, err
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

// readTasks reads the tasks of a page, of which there is one more than limit when
// there are more.
func readTasks(page *docket.Page, limit int, query func() (*sql.Rows, error)) error {
	rows, err := query()
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		t, err := scanTask(rows)
		if err != nil {
			return err
		}
		if page.More = len(page.Tasks) == limit; page.More {
			break
		}
		page.Tasks = append(page.Tasks, t)
	}
	return rows.Err()
}
