package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"docket"
)

const stateSQL = "SELECT epoch, counter, purged_through, live, trash FROM owners WHERE user_id = ?1"

// listStatement names a statement that lists tasks.
type listStatement struct {
	sort     docket.Sort
	trash    bool
	filtered bool
}

// listSQL holds the statements that list tasks, sizesSQL those that read only the
// sizes of the same tasks. Their parameters: ?1 the owner, ?2 the limit, ?3 and ?4 the
// position, ?5 the value of completed or NULL, ?6 the folded text to search for or
// NULL, ?7 the argument of in_time. Without a filter there are only the first four.
var listSQL, sizesSQL = func() (lists, sizes map[listStatement]string) {
	lists, sizes = map[listStatement]string{}, map[listStatement]string{}
	for _, key := range []docket.SortKey{docket.ByCreation, docket.ByUpdate, docket.ByTitle} {
		for n := range 8 {
			l := listStatement{docket.Sort{Key: key, Descending: n&1 != 0}, n&2 != 0, n&4 != 0}
			tasks, table := selectLive, fromLive
			if l.trash {
				tasks, table = selectTrash, fromTrash
			}
			lists[l] = tasks + l.rest()
			if key != docket.ByCreation {
				sizes[l] = sizeColumns + table + l.rest()
			}
		}
	}
	return lists, sizes
}()

const sizeColumns = "SELECT octet_length(title) + coalesce(octet_length(description), 0)"

// rest returns the statement without the columns and the owner.
func (l listStatement) rest() string {
	filters := ""
	if l.filtered {
		filters = filter
	}
	after, order := l.sequence()
	return filters + "\nAND " + after + " ORDER BY " + order + " LIMIT ?2"
}

// filter is the condition of a filtered list. The CASE has in_time called for each task.
const filter = ` AND CASE WHEN in_time(?7) THEN (?5 IS NULL OR completed = ?5)
AND (?6 IS NULL OR contains(title_folded, ?6) OR contains(description_folded, ?6)) END`

// sequence returns the condition that a task comes after the position, and the
// order of the list. The position of the first page comes before every task.
func (l listStatement) sequence() (after, order string) {
	switch l.sort.Key {
	case docket.ByCreation:
		after, order = "id > ?3", "id"
	case docket.ByUpdate:
		after, order = "(?3 IS NULL OR (updated_at, id) > (?3, ?4))", "updated_at, id"
	case docket.ByTitle:
		after, order = "(?3 IS NULL OR (title, id) > (?3, ?4))", "title, id"
	}
	if l.sort.Descending {
		after, order = strings.Replace(after, ">", "<", 1), strings.ReplaceAll(order, ",", " DESC,")+" DESC"
	}
	return after, order
}

// countSQL counts the live tasks that pass a filter, countTrashSQL deleted ones. They
// take the parameters of listSQL but ?2 to ?4.
const (
	countSQL      = "SELECT count(*)" + fromLive + filter
	countTrashSQL = "SELECT count(*)" + fromTrash + filter
)

// Ids compare as bytes: these come before the first id and after the last.
var (
	beforeAll = []byte{}
	afterAll  = []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
)

// position returns the arguments ?3 and ?4.
func position(q docket.ListQuery) [2]any {
	switch {
	case q.Sort.Key == docket.ByCreation && q.After != nil:
		return [2]any{q.After.ID[:]}
	case q.Sort.Key == docket.ByCreation && q.Sort.Descending:
		return [2]any{afterAll}
	case q.Sort.Key == docket.ByCreation:
		return [2]any{beforeAll}
	case q.After == nil:
		return [2]any{}
	case q.Sort.Key == docket.ByUpdate:
		return [2]any{q.After.UpdatedAt.UnixMicro(), q.After.ID[:]}
	}
	return [2]any{q.After.Title, q.After.ID[:]}
}

// arguments returns those of listSQL, with room for the limit.
func arguments(ctx context.Context, owner docket.UserID, q docket.ListQuery) []any {
	at := position(q)
	args := []any{string(owner), nil, at[0], at[1], nil, nil, inTimeArg(ctx)}
	if q.Completed.Set {
		args[4] = q.Completed.Value
	}
	if q.Search != "" {
		args[5] = docket.Fold(q.Search)
	}
	return args
}

// List implements docket.Store.
func (s *Store) List(ctx context.Context, owner docket.UserID, q docket.ListQuery) (docket.Page, error) {
	return atOnce(ctx, s.readersFor(q), func(ctx context.Context, r *reader) (docket.Page, error) { return r.page(ctx, owner, q) })
}

func (r *reader) page(ctx context.Context, owner docket.UserID, q docket.ListQuery) (docket.Page, error) {
	page := docket.Page{Tasks: []docket.Task{}}
	state, live, trash, err := r.stateOf(ctx, owner)
	if err != nil {
		return page, err
	}
	page.State = state
	args, filtered := arguments(ctx, owner, q), q.Completed.Set || q.Search != ""
	switch {
	case !q.Count:
	case filtered && q.Deleted:
		err = r.countTrash.QueryRowContext(ctx, args...).Scan(&page.Total)
	case filtered:
		err = r.count.QueryRowContext(ctx, args...).Scan(&page.Total)
	case q.Deleted:
		page.Total = trash
	default:
		page.Total = live
	}
	if page.Unchanged = q.Known != nil && *q.Known == page.State; page.Unchanged || err != nil {
		return page, err
	}
	l := listStatement{q.Sort, q.Deleted, filtered}
	if !filtered {
		args = args[:4]
	}
	limit, err := r.fitting(ctx, l, q.Limit, args)
	if err != nil {
		return page, err
	}
	args[1] = limit
	page.Tasks, page.More, err = readTasks(q.Limit, func() (*sql.Rows, error) { return r.lists[l].QueryContext(ctx, args...) })
	return page, err
}

// fitting returns how many tasks the statement l should read for a page of up to limit
// tasks: one more than fit. SQLite sorts whole tasks in memory, so their sizes are
// read first when there may be too many.
func (r *reader) fitting(ctx context.Context, l listStatement, limit int, args []any) (int, error) {
	if l.sort.Key == docket.ByCreation || limit <= alwaysFit {
		return limit + 1, nil
	}
	args[1] = limit
	rows, err := r.sizes[l].QueryContext(ctx, args...)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	n, left := 1, int64(docket.MaxPageBytes)
	for ; rows.Next() && left >= 0; n++ {
		var text int64
		if err := rows.Scan(&text); err != nil {
			return 0, err
		}
		left -= text + bareSize
	}
	return n, rows.Err()
}

var (
	bareSize = (&docket.Task{}).Size()
	// alwaysFit is how many tasks of the largest size make a page.
	alwaysFit = int(docket.MaxPageBytes / (bareSize + 4*(docket.MaxTitle+docket.MaxDescription)))
)

// stateOf reads the owner's state and number of live and deleted tasks.
func (r *reader) stateOf(ctx context.Context, owner docket.UserID) (s docket.State, live, trash int, err error) {
	err = r.state.QueryRowContext(ctx, string(owner)).Scan(&s.Epoch, &s.Counter, &s.PurgedThrough, &live, &trash)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return s, live, trash, err
}

// readTasks reads a page of up to limit tasks. The query asks for one more, to tell
// whether there are more.
func readTasks(limit int, query func() (*sql.Rows, error)) (tasks []docket.Task, more bool, err error) {
	rows, err := query()
	if err != nil {
		return nil, false, err
	}
	defer rows.Close()
	tasks = []docket.Task{}
	room := docket.NewRoom(limit)
	for scanner := newScanner(); rows.Next(); {
		t, err := scanner.scan(rows)
		if err != nil {
			return nil, false, err
		}
		if !room.Take(&t) {
			return tasks, true, nil
		}
		tasks = append(tasks, t)
	}
	return tasks, false, rows.Err()
}
