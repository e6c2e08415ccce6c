package postgres

import (
	"context"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"docket"
	"docket/internal/postgres/column"
	"docket/internal/postgres/dispatch"
)

// listStatement names a statement of List. Each has a plan of its own that suits
// every value of its parameters, so PostgreSQL plans it once and not for each
// request.
type listStatement struct {
	sort     docket.Sort
	filtered bool // it has conditions on the tasks, and may count and skip
	trash    bool
	long     bool // its page has more than maxBatchedPage tasks
}

// listSQL holds the statements of List. Each returns the rows that readPage reads, in
// the order of the list. It returns no tasks when the owner's state is the known one.
var listSQL = func() map[listStatement]*statement[*listRequest] {
	statements := map[listStatement]*statement[*listRequest]{}
	for _, key := range []docket.SortKey{docket.ByCreation, docket.ByUpdate, docket.ByTitle, docket.ByDueDate, docket.ByPriority} {
		for _, descending := range []bool{false, true} {
			for _, filtered := range []bool{false, true} {
				for _, trash := range []bool{false, true} {
					for _, long := range []bool{false, true} {
						l := listStatement{docket.Sort{Key: key, Descending: descending}, filtered, trash, long}
						statements[l] = listParameters.compile(l.source())
					}
				}
			}
		}
	}
	return statements
}()

// source returns the source of the statement.
func (l listStatement) source() string {
	after, order := l.sequence()
	return `WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = @user_id)
SELECT ` + column.NoTask + `, ARRAY[o.epoch, o.counter, o.purged_through, ` + l.total() + `] FROM o
UNION ALL
` + pageQuery(l.where()+` AND `+after+` AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = @known_epoch::bigint AND o.counter = @known_counter::bigint AND o.purged_through = @known_purged_through::bigint)`, order, l.filtered, l.long)
}

// pageOrder is the order of a page.
type pageOrder struct {
	by    string // as in ORDER BY, about a table t
	reads string // a column that by reads besides those of column.Selected, or ""
}

// pageQuery returns the query for the tasks of a page. A long one ends where its
// texts exceed MaxPageBytes, and returns the task that does: readPage ends the page
// there or before, and the rest need not be sent.
func pageQuery(where string, order pageOrder, skips, long bool) string {
	rows := `
  FROM docket.tasks AS t
  WHERE ` + where + `
  ORDER BY ` + order.by + ` LIMIT @limit::integer`
	if skips {
		rows += " OFFSET @offset::integer"
	}
	if !long {
		return "(SELECT " + column.Selected + ", NULL" + rows + ")"
	}
	columns, bytes := column.Selected, column.TextBytes
	if order.reads != "" {
		columns += ", " + order.reads
	}
	if skips { // what is skipped is not summed
		rows = " FROM (\n  SELECT " + columns + ", " + bytes + " AS bytes" + rows + ") AS t"
		bytes = "t.bytes"
	}
	return "(SELECT " + column.Selected + `, NULL FROM (
  SELECT ` + columns + `,
    sum(` + bytes + ") OVER (ORDER BY " + order.by + " ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before" + rows + `) AS t
  WHERE coalesce(t.before, 0) <= ` + strconv.Itoa(docket.MaxPageBytes) + ` ORDER BY ` + order.by + `)`
}

// where returns the condition that t is one of the tasks to list.
func (l listStatement) where() string {
	where := "t.user_id = @user_id AND t.deleted_at IS NULL"
	if l.trash {
		// In these words, the condition excludes the index of the purge, which spans all
		// users, and is that of the index of one user's trash.
		where = "t.user_id = @user_id AND coalesce(t.deleted_at, 'infinity') < 'infinity'"
	}
	if l.filtered {
		// The first alternative also has the planner expect that many tasks pass.
		where += ` AND (NOT @filtered::boolean OR (@completed::boolean IS NULL OR t.completed = @completed)
    AND (@priorities::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY (@priorities))
    AND (@due_from::timestamptz IS NULL OR t.due_at >= @due_from) AND (@due_before::timestamptz IS NULL OR t.due_at < @due_before)
    AND (@tags::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest(@tags) AS g (tag)))
    AND (@search::bytea IS NULL OR ` + strings.Join([]string{holds(utf8("title_folded")), holds(utf8("description_folded")), holds("t.tags_folded")}, " OR ") + "))"
	}
	return where
}

// holds returns the condition that bytes hold the text to search for. Bytes are
// compared because that costs at most one comparison for each character of the
// text, whatever is searched for: strpos and LIKE compare the whole text again at
// each character of a hostile one.
func holds(bytes string) string { return "position(@search IN " + bytes + ") > 0" }

// utf8 returns the expression for the bytes of a column.
func utf8(column string) string { return "convert_to(t." + column + ", 'UTF8')" }

// total returns the expression that counts the tasks to list, or 0.
func (l listStatement) total() string {
	if !l.filtered {
		return "0"
	}
	total := "CASE WHEN NOT @count::boolean THEN 0"
	if !l.trash {
		total += " WHEN NOT @filtered::boolean THEN o.live"
	}
	return total + "\n    ELSE (SELECT count(*) FROM docket.tasks AS t WHERE " + l.where() + ") END"
}

// sequence returns the condition that t comes after the position, and the order. In
// the order of creation the first page has a position too, before all ids.
func (l listStatement) sequence() (after string, order pageOrder) {
	comparison, direction, noDue := " > ", "", "'infinity'"
	if l.sort.Descending {
		comparison, direction, noDue = " < ", " DESC", "'-infinity'"
	}
	sorted := func(key, parameter string) (after string, order pageOrder) {
		return "(" + parameter + " IS NULL OR (" + key + ", t.id)" + comparison + "(" + parameter + ", @after_id::uuid))", pageOrder{by: key + direction + ", t.id" + direction}
	}
	switch l.sort.Key {
	case docket.ByUpdate:
		return sorted("t.updated_at", "@after_updated_at::timestamptz")
	case docket.ByTitle:
		return sorted(`t.title COLLATE "C"`, "@after_title::text") // "C" is the order of code points
	case docket.ByDueDate:
		after, order = sorted("coalesce(t.due_at, "+noDue+")", "@after_due::timestamptz")
		order.reads = "t.due_at"
		return after, order
	case docket.ByPriority:
		return sorted("coalesce(t.priority, 0)", "@after_priority::smallint")
	default:
		return "t.id" + comparison + "@after_id::uuid", pageOrder{by: "t.id" + direction}
	}
}

// listRequest holds the arguments of a statement of List.
type listRequest struct {
	owner docket.UserID
	docket.ListQuery
}

var listParameters = parameters[*listRequest]{
	"user_id":              func(l *listRequest) any { return string(l.owner) },
	"known_epoch":          func(l *listRequest) any { return l.known().Epoch },
	"known_counter":        func(l *listRequest) any { return l.known().Counter },
	"known_purged_through": func(l *listRequest) any { return l.known().PurgedThrough },
	"limit":                func(l *listRequest) any { return l.Limit + 1 }, // one more tells whether there are more
	"after_id":             func(l *listRequest) any { return column.UUID(l.afterID()) },
	"after_updated_at": func(l *listRequest) any {
		if l.After == nil {
			return nil
		}
		return l.After.UpdatedAt
	},
	"after_title": func(l *listRequest) any {
		if l.After == nil {
			return nil
		}
		return l.After.Title
	},
	"after_due": func(l *listRequest) any {
		switch {
		case l.After == nil:
			return nil
		case !l.After.Due.IsZero():
			return l.After.Due
		case l.Sort.Descending:
			return pgtype.Timestamptz{InfinityModifier: pgtype.NegativeInfinity, Valid: true}
		}
		return pgtype.Timestamptz{InfinityModifier: pgtype.Infinity, Valid: true}
	},
	"after_priority": func(l *listRequest) any {
		if l.After == nil {
			return nil
		}
		return int16(l.After.Priority)
	},
	"offset": func(l *listRequest) any { return l.Offset },
	"completed": func(l *listRequest) any {
		if !l.Completed.Set {
			return nil
		}
		return l.Completed.Value
	},
	"priorities": func(l *listRequest) any {
		if len(l.Priorities) == 0 {
			return nil
		}
		return column.Priorities(l.Priorities)
	},
	"due_from":   func(l *listRequest) any { return column.OptionalTime(l.DueFrom) },
	"due_before": func(l *listRequest) any { return column.OptionalTime(l.DueBefore) },
	"tags": func(l *listRequest) any {
		if len(l.Tags) == 0 {
			return nil
		}
		return column.TagsToFind(l.Tags)
	},
	"search": func(l *listRequest) any {
		if l.Search == "" {
			return nil
		}
		return []byte(docket.Fold(l.Search))
	},
	"count":    func(l *listRequest) any { return l.Count },
	"filtered": func(l *listRequest) any { return l.Filtered() },
}

// known returns the state that the client knows; that of no owner when there is none.
func (l *listRequest) known() docket.State {
	if l.Known == nil {
		return docket.State{Epoch: -1}
	}
	return *l.Known
}

func (l *listRequest) afterID() uuid.UUID {
	switch {
	case l.After != nil:
		return l.After.ID
	case l.Sort.Descending:
		return uuid.Max
	}
	return uuid.Nil
}

// statement returns the statement that answers the request.
func (l *listRequest) statement() (st *statement[*listRequest], filtered bool) {
	filtered = l.Count || l.Filtered() || l.Offset > 0
	return listSQL[listStatement{l.Sort, filtered, l.Deleted, l.Limit > maxBatchedPage}], filtered
}

// maxBatchedPage bounds the tasks of a page that is read in a group, for the calls behind it wait for it.
const maxBatchedPage = 100

// List implements docket.Store.
func (s *Store) List(ctx context.Context, owner docket.UserID, q docket.ListQuery) (docket.Page, error) {
	page, l := new(docket.Page), &listRequest{owner, q}
	st, filtered := l.statement()
	c := &dispatch.Call{
		Owner: owner, SQL: st.sql, Args: st.args(l),
		Read:    func(rows pgx.Rows) error { return readPage(page, rows, owner, q.Limit) },
		Outcome: func(err error) error { return err },
	}
	short, p := !filtered && !q.Pass() && q.Limit <= maxBatchedPage, dispatch.Reading
	if q.Pass() {
		p = dispatch.Passing
	}
	if err := s.runPage(ctx, p, c, short); err != nil {
		return docket.Page{}, err
	}
	page.Unchanged = q.Known != nil && *q.Known == page.State
	return *page, nil
}

// runPage runs a statement that reads a page; a short page together with those of
// other requests.
func (s *Store) runPage(ctx context.Context, p dispatch.Policy, c *dispatch.Call, short bool) error {
	if short {
		return s.db.Batch(ctx, s.db.Pages, c)
	}
	return s.db.Alone(ctx, p, s.db.Pages, c)
}

// readPage reads the rows of a statement of listSQL or changesSQL, and closes them.
// One row, wherever it comes, has the owner's state and the total of the list as
// four numbers, and no task. The others have a task and no state, in the order of
// the page: their part of the UNION ALL is sorted, and its rows stay in that order.
// There are no rows when there is no owner, and up to limit+1 tasks.
func readPage(page *docket.Page, rows pgx.Rows, owner docket.UserID, limit int) error {
	*page = docket.Page{Tasks: []docket.Task{}}
	defer rows.Close()
	room := docket.NewRoom(limit)
	var state []int64
	var task docket.Task
	row := &column.Row{Owner: owner, Task: &task, More: []any{&state}, Page: true}
	for rows.Next() {
		state = nil
		if err := rows.Scan(row); err != nil {
			return err
		}
		switch {
		case state != nil:
			page.State, page.Total = docket.State{Epoch: state[0], Counter: state[1], PurgedThrough: state[2]}, int(state[3])
		case page.More || !room.Take(&task):
			page.More = true
		case len(page.Tasks) == 0:
			page.Tasks = append(make([]docket.Task, 0, min(limit, maxBatchedPage)), task)
		default:
			page.Tasks = append(page.Tasks, task)
		}
	}
	return rows.Err()
}
