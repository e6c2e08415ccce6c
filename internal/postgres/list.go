package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"docket"
)

// listStatement names a statement of List. Each has a plan of its own that suits
// every value of its parameters, so PostgreSQL plans it once and not for each
// request.
type listStatement struct {
	sort     docket.Sort
	filtered bool // it has conditions on the tasks, and may count
	trash    bool
}

// listSQL holds the statements of List. Each returns the rows that readPage reads, in
// the order of the list. It returns no tasks when the owner's state is the known one.
var listSQL = func() map[listStatement]*statement[*listRequest] {
	statements := map[listStatement]*statement[*listRequest]{}
	for _, key := range []docket.SortKey{docket.ByCreation, docket.ByUpdate, docket.ByTitle} {
		for _, descending := range []bool{false, true} {
			for _, filtered := range []bool{false, true} {
				for _, trash := range []bool{false, true} {
					l := listStatement{docket.Sort{Key: key, Descending: descending}, filtered, trash}
					statements[l] = listParameters.compile(l.source())
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
SELECT ` + noTask + `, ARRAY[o.epoch, o.counter, o.purged_through, ` + l.total() + `] FROM o
UNION ALL
(SELECT ` + selected + `, NULL FROM docket.tasks AS t
  WHERE ` + l.where() + ` AND ` + after + ` AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = @known_epoch::bigint AND o.counter = @known_counter::bigint AND o.purged_through = @known_purged_through::bigint)
  ORDER BY ` + order + ` LIMIT @limit::integer)`
}

// where returns the condition that t is one of the tasks to list.
func (l listStatement) where() string {
	where := "t.user_id = @user_id AND t.deleted_at IS NULL"
	if l.trash {
		// In these words, the condition excludes the index of the purge, which spans all users.
		where = "t.user_id = @user_id AND coalesce(t.deleted_at, 'infinity') < 'infinity'"
	}
	if l.filtered {
		where += ` AND (@completed::boolean IS NULL OR t.completed = @completed)
    AND (@search::text IS NULL OR strpos(t.title_folded, @search) > 0 OR strpos(t.description_folded, @search) > 0)`
	}
	return where
}

// total returns the expression that counts the tasks to list, or 0.
func (l listStatement) total() string {
	if !l.filtered {
		return "0"
	}
	total := "CASE WHEN NOT @count::boolean THEN 0"
	if !l.trash {
		total += " WHEN @completed::boolean IS NULL AND @search::text IS NULL THEN o.live"
	}
	return total + "\n    ELSE (SELECT count(*) FROM docket.tasks AS t WHERE " + l.where() + ") END"
}

// sequence returns the condition that t comes after the position, and the order. In
// the order of creation the first page has a position too, before all ids.
func (l listStatement) sequence() (after, order string) {
	comparison, direction := " > ", ""
	if l.sort.Descending {
		comparison, direction = " < ", " DESC"
	}
	sorted := func(column, parameter string) (after, order string) {
		return "(" + parameter + " IS NULL OR (" + column + ", t.id)" + comparison + "(" + parameter + ", @after_id::uuid))", column + direction + ", t.id" + direction
	}
	switch l.sort.Key {
	case docket.ByUpdate:
		return sorted("t.updated_at", "@after_updated_at::timestamptz")
	case docket.ByTitle:
		return sorted(`t.title COLLATE "C"`, "@after_title::text") // "C" is the order of code points
	default:
		return "t.id" + comparison + "@after_id::uuid", "t.id" + direction
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
	"after_id":             func(l *listRequest) any { return key(l.afterID()) },
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
	"completed": func(l *listRequest) any {
		if !l.Completed.Set {
			return nil
		}
		return l.Completed.Value
	},
	"search": func(l *listRequest) any {
		if l.Search == "" {
			return nil
		}
		return docket.Fold(l.Search)
	},
	"count": func(l *listRequest) any { return l.Count },
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
	filtered = l.Count || l.Completed.Set || l.Search != ""
	return listSQL[listStatement{l.Sort, filtered, l.Deleted}], filtered
}

// maxLanePage bounds the pages that are read in a lane: what comes behind one waits for it.
const maxLanePage = 100

// List implements docket.Store.
func (s *Store) List(ctx context.Context, owner docket.UserID, q docket.ListQuery) (docket.Page, error) {
	page, l := new(docket.Page), &listRequest{owner, q}
	st, filtered := l.statement()
	c := &call{
		owner: owner, sql: st.sql, args: st.args(l),
		read:    func(rows pgx.Rows) error { return readPage(page, rows, owner, q.Limit) },
		outcome: func(err error) error { return err },
	}
	short := !filtered && !q.Deleted && q.Sort.Key == docket.ByCreation && q.Limit <= maxLanePage
	if err := s.runPage(ctx, c, short); err != nil {
		return docket.Page{}, err
	}
	page.Unchanged = q.Known != nil && *q.Known == page.State
	return *page, nil
}

// runPage runs a statement that reads a page; a short page together with those of
// other requests.
func (s *Store) runPage(ctx context.Context, c *call, short bool) error {
	if short {
		return s.together(ctx, s.lanes.pages, c)
	}
	return s.alone(ctx, ctx, s.lanes.pages, c)
}

// readPage reads the rows of a statement of listSQL or changesSQL, and closes them.
// One row has the owner's state and the total of the list as four numbers, and no
// task. The others have a task and no state. There are no rows when there is no
// owner, and up to limit+1 tasks.
func readPage(page *docket.Page, rows pgx.Rows, owner docket.UserID, limit int) error {
	*page = docket.Page{Tasks: []docket.Task{}}
	defer rows.Close()
	var state []int64
	var task docket.Task
	row := &taskRow{owner: owner, task: &task, more: []any{&state}, texts: texts{page: true}}
	for rows.Next() {
		state = nil
		if err := rows.Scan(row); err != nil {
			return err
		}
		switch {
		case state != nil:
			page.State, page.Total = docket.State{Epoch: state[0], Counter: state[1], PurgedThrough: state[2]}, int(state[3])
		case len(page.Tasks) == limit:
			page.More = true
		case len(page.Tasks) == 0:
			page.Tasks = append(make([]docket.Task, 0, min(limit, 64)), task)
		default:
			page.Tasks = append(page.Tasks, task)
		}
	}
	return rows.Err()
}
