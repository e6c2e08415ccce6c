package sqlite

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"docket"
	"docket/internal/sqlite/engine"
)

const stateSQL = "SELECT epoch, counter, purged_through, live, trash FROM owners WHERE user_id = ?1"

// listStatement names a statement that lists tasks.
type listStatement struct {
	sort     docket.Sort
	trash    bool
	filtered bool
}

// listSQL holds the statements that list tasks, sizesSQL those that read only the
// sizes of the same tasks. They take what bindList binds.
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
	filters := " AND (?3 = 0 OR in_time())"
	switch {
	case l.filtered:
		filters = filter
	case l.sort.Key != docket.ByCreation: // all tasks are read, to sort them
		filters = " AND in_time()"
	}
	after, order := l.sequence()
	return filters + "\nAND " + after + " ORDER BY " + order + " LIMIT ?2 OFFSET ?3"
}

// filter is the condition of a filtered list. SQLite evaluates what follows WHEN from
// left to right, as far as it must, for each task: first in_time.
const filter = ` AND CASE WHEN in_time() AND (?6 IS NULL OR completed = ?6) AND (?7 IS NULL OR ?7 >> (priority + 1) & 1)
AND (?8 IS NULL OR due_at >= ?8) AND (?9 IS NULL OR due_at < ?9) AND (?10 IS NULL OR has_tags(tags_folded, ?10))
AND (?11 IS NULL OR contains(title_folded, ?11) OR contains(description_folded, ?11) OR tags_folded IS NOT NULL AND contains(tags_folded, ?11)) THEN 1 END`

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
// take what bindList binds, and ignore the page.
const (
	countSQL      = "SELECT count(*)" + fromLive + filter
	countTrashSQL = "SELECT count(*)" + fromTrash + filter
)

// Ids compare as bytes: these come before the first id and after the last.
var (
	beforeAll = []byte{}
	afterAll  = []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
)

// bindPosition binds what comes before the list, as listStatement.sequence compares it: the
// key and the id, or the id alone.
func bindPosition(s *engine.Stmt, q docket.ListQuery) *engine.Stmt {
	switch {
	case q.Sort.Key == docket.ByCreation && q.After != nil:
		return s.Blob(q.After.ID[:])
	case q.Sort.Key == docket.ByCreation && q.Sort.Descending:
		return s.Blob(afterAll)
	case q.Sort.Key == docket.ByCreation:
		return s.Blob(beforeAll)
	case q.After == nil:
		return s.Null().Null()
	}
	switch q.Sort.Key {
	case docket.ByUpdate:
		s.Num(q.After.UpdatedAt.UnixMicro())
	case docket.ByTitle:
		s.Text(q.After.Title)
	case docket.ByDueDate:
		if q.After.Due.IsZero() {
			s.Num(noDueDate(q.Sort))
		} else {
			s.Moment(q.After.Due)
		}
	case docket.ByPriority:
		s.Num(int64(q.After.Priority))
	}
	return s.Blob(q.After.ID[:])
}

// bindList binds the owner, the page with room for limit tasks, and the filters. What
// the list is not filtered by is NULL.
func bindList(s *engine.Stmt, owner docket.UserID, q docket.ListQuery, limit int) *engine.Stmt {
	bindPosition(s.Text(string(owner)).Num(int64(limit)).Num(int64(q.Offset)), q)
	if !q.Filtered() {
		return s
	}
	if q.Sort.Key == docket.ByCreation { // its position has no second part
		s.Null()
	}
	if q.Completed.Set {
		s.Flag(q.Completed.Value)
	} else {
		s.Null()
	}
	if len(q.Priorities) > 0 {
		set := int64(0)
		for _, p := range q.Priorities {
			set |= 1 << (p + 1)
		}
		s.Num(set)
	} else {
		s.Null()
	}
	return s.Moment(q.DueFrom).Moment(q.DueBefore).Blob(foldedTags(q.Tags)).TextOrNull(docket.Fold(q.Search))
}

// List implements docket.Store.
func (s *Store) List(ctx context.Context, owner docket.UserID, q docket.ListQuery) (docket.Page, error) {
	return atOnce(ctx, s.readersFor(q), func(r *reader) (docket.Page, error) { return r.page(owner, q) })
}

func (r *reader) page(owner docket.UserID, q docket.ListQuery) (docket.Page, error) {
	page := docket.Page{Tasks: []docket.Task{}}
	state, live, trash, err := r.stateOf(owner)
	if err != nil {
		return page, err
	}
	page.State = state
	filtered := q.Filtered()
	switch {
	case filtered && q.Count:
		count := r.conn.Stmt(countSQL)
		if q.Deleted {
			count = r.conn.Stmt(countTrashSQL)
		}
		_, err = bindList(count, owner, q, 0).Row(func() { page.Total = count.IntAt(0) })
	case !q.Count:
	case q.Deleted:
		page.Total = trash
	default:
		page.Total = live
	}
	if page.Unchanged = q.Known != nil && *q.Known == page.State; page.Unchanged || err != nil {
		return page, err
	}
	l := listStatement{q.Sort, q.Deleted, filtered}
	limit, err := r.fitting(l, owner, q)
	if err != nil {
		return page, err
	}
	list := r.conn.Stmt(listSQL[l])
	expected := live
	if q.Deleted {
		expected = trash
	}
	page.Tasks, page.More, err = readTasks(bindList(list, owner, q, limit), owner, q.Limit, expected)
	return page, err
}

// fitting returns how many tasks the statement l should read for q: one more than fit
// on the page. SQLite sorts whole tasks in memory, so their sizes are read first when
// there may be too many.
func (r *reader) fitting(l listStatement, owner docket.UserID, q docket.ListQuery) (int, error) {
	if l.sort.Key == docket.ByCreation || q.Limit <= alwaysFit {
		return q.Limit + 1, nil
	}
	sizes := r.conn.Stmt(sizesSQL[l])
	n, left := 1, int64(docket.MaxPageBytes)
	err := bindList(sizes, owner, q, q.Limit).Each(func() bool {
		n++
		left -= sizes.Int64At(0) + bareSize
		return left >= 0
	})
	return n, err
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
func (r *reader) stateOf(owner docket.UserID) (state docket.State, live, trash int, err error) {
	s := r.conn.Stmt(stateSQL)
	_, err = s.Text(string(owner)).Row(func() {
		state = docket.State{Epoch: s.Int64At(0), Counter: s.Int64At(1), PurgedThrough: s.Int64At(2)}
		live, trash = s.IntAt(3), s.IntAt(4)
	})
	return state, live, trash, err
}

// readTasks reads a page of up to limit of about as many tasks as expected. The
// statement returns one more, to tell whether there are more.
func readTasks(s *engine.Stmt, owner docket.UserID, limit, expected int) (tasks []docket.Task, more bool, err error) {
	tasks = make([]docket.Task, 0, min(limit, expected, 100))
	room := docket.NewRoom(limit)
	var t docket.Task
	var unreadable error
	err = s.Each(func() bool {
		if unreadable = taskAt(s, owner, &t); unreadable != nil {
			return false
		}
		if more = !room.Take(&t); !more {
			tasks = append(tasks, t)
		}
		return !more
	})
	return tasks, more, cmp.Or(err, unreadable)
}
