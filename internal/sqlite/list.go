package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
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
// sizes of the same tasks. Their parameters are those of arguments. Without a filter
// there are only the first five.
var listSQL, sizesSQL = func() (lists, sizes map[listStatement]string) {
	lists, sizes = map[listStatement]string{}, map[listStatement]string{}
	for _, key := range []docket.SortKey{docket.ByCreation, docket.ByUpdate, docket.ByTitle, docket.ByDueDate, docket.ByPriority} {
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

// sizeColumns is docket.Task.Size without bareSize.
const sizeColumns = `SELECT octet_length(title) + coalesce(octet_length(description), 0) + coalesce(octet_length(metadata), 0)
+ CASE WHEN tags IS NULL THEN 0 ELSE size_of_tags(tags) END`

// rest returns the statement without the columns and the owner.
func (l listStatement) rest() string {
	filters := ""
	if l.filtered {
		filters = filter
	}
	after, order := l.sequence()
	return filters + "\nAND " + after + " ORDER BY " + order + " LIMIT ?2 OFFSET ?3"
}

// filter is the condition of a filtered list. SQLite evaluates what follows WHEN from
// left to right, as far as it must, for each task: first in_time.
const filter = ` AND CASE WHEN in_time(?6) AND (?7 IS NULL OR completed = ?7) AND (?8 IS NULL OR ?8 >> (priority + 1) & 1)
AND (?9 IS NULL OR due_at >= ?9) AND (?10 IS NULL OR due_at < ?10) AND (?11 IS NULL OR has_tags(tags_folded, ?11))
AND (?12 IS NULL OR contains(title_folded, ?12) OR contains(description_folded, ?12) OR tags_folded IS NOT NULL AND contains(tags_folded, ?12)) THEN 1 END`

// sequence returns the condition that a task comes after the position, and the
// order of the list. The position of the first page comes before every task.
func (l listStatement) sequence() (after, order string) {
	after, order = "id > ?4", "id"
	if l.sort.Key != docket.ByCreation {
		key := l.key()
		after, order = fmt.Sprintf("(?4 IS NULL OR (%s, id) > (?4, ?5))", key), key+", id"
	}
	if l.sort.Descending {
		after, order = strings.Replace(after, ">", "<", 1), strings.ReplaceAll(order, ", id", " DESC, id")+" DESC"
	}
	return after, order
}

// key returns the expression that the list is ordered by, before the id.
func (l listStatement) key() string {
	switch l.sort.Key {
	case docket.ByUpdate:
		return "updated_at"
	case docket.ByTitle:
		return "title"
	case docket.ByDueDate:
		return fmt.Sprintf("coalesce(due_at, %d)", noDueDate(l.sort))
	default:
		return "priority"
	}
}

// noDueDate returns the key of the tasks without a due date, which come last in each
// direction.
func noDueDate(s docket.Sort) int64 {
	if s.Descending {
		return -math.MaxInt64
	}
	return math.MaxInt64
}

// countSQL counts the live tasks that pass a filter, countTrashSQL deleted ones. They
// take the parameters of listSQL but ?2 to ?5.
const (
	countSQL      = "SELECT count(*)" + fromLive + filter
	countTrashSQL = "SELECT count(*)" + fromTrash + filter
)

// Ids compare as bytes: these come before the first id and after the last.
var (
	beforeAll = []byte{}
	afterAll  = []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
)

// position returns what comes before the list, as listStatement.sequence compares it:
// the key and the id, or the id alone.
func position(q docket.ListQuery) (first, second any) {
	switch {
	case q.Sort.Key == docket.ByCreation && q.After != nil:
		return q.After.ID[:], nil
	case q.Sort.Key == docket.ByCreation && q.Sort.Descending:
		return afterAll, nil
	case q.Sort.Key == docket.ByCreation:
		return beforeAll, nil
	case q.After == nil:
		return nil, nil
	}
	var key any
	switch q.Sort.Key {
	case docket.ByUpdate:
		key = q.After.UpdatedAt.UnixMicro()
	case docket.ByTitle:
		key = q.After.Title
	case docket.ByDueDate:
		if key = microseconds(q.After.Due); key == nil {
			key = noDueDate(q.Sort)
		}
	case docket.ByPriority:
		key = int64(q.After.Priority)
	}
	return key, q.After.ID[:]
}

// arguments returns those of listSQL, with room for the limit. What the list is not
// filtered by is NULL.
func arguments(ctx context.Context, owner docket.UserID, q docket.ListQuery) []any {
	first, second := position(q)
	args := []any{string(owner), nil, q.Offset, first, second}
	if !q.Filtered() {
		return args
	}
	var completed, priorities any
	if q.Completed.Set {
		completed = q.Completed.Value
	}
	if len(q.Priorities) > 0 {
		set := int64(0)
		for _, p := range q.Priorities {
			set |= 1 << (p + 1)
		}
		priorities = set
	}
	return append(args, inTimeArg(ctx), completed, priorities,
		microseconds(q.DueFrom), microseconds(q.DueBefore), foldedTags(q.Tags), orNull(docket.Fold(q.Search)))
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
	args, filtered := arguments(ctx, owner, q), q.Filtered()
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
	limit, err := r.fitting(ctx, l, q.Limit, args)
	if err != nil {
		return page, err
	}
	args[1] = limit
	rows, expected := newScanner(owner), live
	if q.Deleted {
		rows, expected = newTrashScanner(owner), trash
	}
	page.Tasks, page.More, err = readTasks(rows, q.Limit, expected, func() (*sql.Rows, error) { return r.list(ctx, listSQL[l], args...) })
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
	rows, err := r.list(ctx, sizesSQL[l], args...)
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
	alwaysFit = int(docket.MaxPageBytes / largest.Size())
	largest   = docket.Task{Fields: docket.Fields{
		Title: longest(docket.MaxTitle), Description: new(longest(docket.MaxDescription)),
		Tags: slices.Repeat([]string{longest(docket.MaxTag)}, docket.MaxTags), Metadata: docket.Metadata(strings.Repeat("x", docket.MaxMetadata)),
	}}
)

// longest returns a text of so many characters and the most bytes.
func longest(characters int) string { return strings.Repeat("\U0010ffff", characters) }

// stateOf reads the owner's state and number of live and deleted tasks.
func (r *reader) stateOf(ctx context.Context, owner docket.UserID) (s docket.State, live, trash int, err error) {
	err = r.state.QueryRowContext(ctx, string(owner)).Scan(&s.Epoch, &s.Counter, &s.PurgedThrough, &live, &trash)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return s, live, trash, err
}

// readTasks reads a page of up to limit of about as many tasks as expected. The query
// asks for one more, to tell whether there are more.
func readTasks(s *scanner, limit, expected int, query func() (*sql.Rows, error)) (tasks []docket.Task, more bool, err error) {
	rows, err := query()
	if err != nil {
		return nil, false, err
	}
	defer rows.Close()
	tasks = make([]docket.Task, 0, min(limit, expected, 100))
	for room := docket.NewRoom(limit); rows.Next(); {
		if err := rows.Scan(s.dest...); err != nil {
			return nil, false, err
		}
		if !room.Take(&s.task) {
			return tasks, true, nil
		}
		tasks = append(tasks, s.task)
	}
	return tasks, false, rows.Err()
}
