package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"docket"
)

const stateSQL = "SELECT epoch, counter, purged_through, live FROM owners WHERE user_id = ?1"

// listStatement names a statement that lists tasks.
type listStatement struct {
	sort  docket.Sort
	trash bool
}

// listSQL holds the statements that list tasks. Their parameters: ?1 the owner,
// ?2 the value of completed or NULL, ?3 the folded text to search for or NULL, ?4
// the limit, ?5 and ?6 the position.
var listSQL = func() map[listStatement]string {
	statements := map[listStatement]string{}
	for _, key := range []docket.SortKey{docket.ByCreation, docket.ByUpdate, docket.ByTitle} {
		for _, descending := range []bool{false, true} {
			for _, trash := range []bool{false, true} {
				l := listStatement{docket.Sort{Key: key, Descending: descending}, trash}
				statements[l] = l.sql()
			}
		}
	}
	return statements
}()

// sql returns the statement.
func (l listStatement) sql() string {
	after, order := l.sequence()
	return selectTask + filter(l.trash) + "\nAND " + after + " ORDER BY " + order + " LIMIT ?4"
}

// sequence returns the condition that a task comes after the position, and the
// order of the list. The position of the first page comes before every task.
func (l listStatement) sequence() (after, order string) {
	switch l.sort.Key {
	case docket.ByCreation:
		after, order = "id > ?5", "id"
	case docket.ByUpdate:
		after, order = "(?5 IS NULL OR (updated_at, id) > (?5, ?6))", "updated_at, id"
	case docket.ByTitle:
		after, order = "(?5 IS NULL OR (title, id) > (?5, ?6))", "title, id"
	}
	if l.sort.Descending {
		after, order = strings.Replace(after, ">", "<", 1), strings.ReplaceAll(order, ",", " DESC,")+" DESC"
	}
	return after, order
}

// countSQL counts live tasks, countTrashSQL deleted ones. They take the first
// three parameters of listSQL.
var (
	countSQL      = "SELECT count(*) FROM tasks WHERE user_id = ?1" + filter(false)
	countTrashSQL = "SELECT count(*) FROM tasks WHERE user_id = ?1" + filter(true)
)

// filter returns the conditions of a query on the tasks of an owner.
func filter(trash bool) string {
	deleted := "deleted_at IS NULL"
	if trash {
		deleted = "+deleted_at IS NOT NULL" // the plus excludes the index of the purge, which spans all users
	}
	return " AND " + deleted + ` AND (?2 IS NULL OR completed = ?2)
AND (?3 IS NULL OR instr(title_folded, ?3) > 0 OR instr(description_folded, ?3) > 0)`
}

// Ids compare as bytes: these come before the first id and after the last.
var (
	beforeAll = []byte{}
	afterAll  = []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
)

// position returns the arguments from ?5 on.
func position(q docket.ListQuery) []any {
	switch {
	case q.Sort.Key == docket.ByCreation && q.After != nil:
		return []any{q.After.ID[:]}
	case q.Sort.Key == docket.ByCreation && q.Sort.Descending:
		return []any{afterAll}
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
	filters := filtersOf(owner, q)
	switch {
	case !q.Count:
	case q.Deleted:
		err = r.countTrash.QueryRowContext(ctx, filters...).Scan(&page.Total)
	case q.Completed.Set || q.Search != "":
		err = r.count.QueryRowContext(ctx, filters...).Scan(&page.Total)
	default:
		page.Total = live
	}
	if page.Unchanged = q.Known != nil && *q.Known == page.State; page.Unchanged || err != nil {
		return page, err
	}
	err = readTasks(&page, q.Limit, func() (*sql.Rows, error) {
		return r.lists[listStatement{q.Sort, q.Deleted}].QueryContext(ctx, append(append(filters, q.Limit+1), position(q)...)...)
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

// readTasks reads up to limit tasks into the page. The query asks for one more, to
// tell whether there are more.
func readTasks(page *docket.Page, limit int, query func() (*sql.Rows, error)) error {
	rows, err := query()
	if err != nil {
		return err
	}
	defer rows.Close()
	for scanner := newScanner(); rows.Next(); {
		t, err := scanner.scan(rows)
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
