package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"docket"
)

// column is a column of the tables tasks and trash.
type column struct {
	name  string
	dest  func(*docket.Task) any // where a scan stores the value; nil: it is never read
	value func(*docket.Task) any // what is written
}

// columns are those of both tables. Every statement lists them in this order. The
// first two are the primary key. A text or a list that a task does not have is NULL.
var columns = []column{
	{"user_id", nil, func(t *docket.Task) any { return string(t.UserID) }},
	{"id", func(t *docket.Task) any { return &t.ID }, func(t *docket.Task) any { return t.ID[:] }},
	{"title", func(t *docket.Task) any { return &t.Title }, func(t *docket.Task) any { return t.Title }},
	{"description", func(t *docket.Task) any { return description{&t.Description} }, func(t *docket.Task) any { return t.Description }},
	{"completed", func(t *docket.Task) any { return &t.Completed }, func(t *docket.Task) any { return t.Completed }},
	{"priority", func(t *docket.Task) any { return integer[docket.Priority]{&t.Priority} }, func(t *docket.Task) any { return int64(t.Priority) }},
	{"due_date", func(t *docket.Task) any { return (*text)(&t.DueDate) }, func(t *docket.Task) any { return orNull(string(t.DueDate)) }},
	{"tags", func(t *docket.Task) any { return (*tagList)(&t.Tags) }, func(t *docket.Task) any { return tagsOrNull(t.Tags) }},
	{"metadata", func(t *docket.Task) any { return (*text)(&t.Metadata) }, func(t *docket.Task) any { return orNull(string(t.Metadata)) }},
	{"created_at", func(t *docket.Task) any { return (*moment)(&t.CreatedAt) }, func(t *docket.Task) any { return microseconds(t.CreatedAt) }},
	{"updated_at", func(t *docket.Task) any { return (*moment)(&t.UpdatedAt) }, func(t *docket.Task) any { return microseconds(t.UpdatedAt) }},
	{"completed_at", func(t *docket.Task) any { return (*moment)(&t.CompletedAt) }, func(t *docket.Task) any { return microseconds(t.CompletedAt) }},
	{"version", func(t *docket.Task) any { return integer[int64]{&t.Version} }, func(t *docket.Task) any { return t.Version }},
	{"title_folded", nil, func(t *docket.Task) any { return docket.Fold(t.Title) }},
	{"description_folded", nil, func(t *docket.Task) any { return docket.FoldOptional(t.Description) }},
	{"tags_folded", nil, func(t *docket.Task) any { return foldedTags(t.Tags) }},
	{"due_at", nil, func(t *docket.Task) any { return dueAt(t.DueDate) }},
}

// deletedAt is the column that the trash has besides.
var deletedAt = column{"deleted_at", func(t *docket.Task) any { return (*moment)(&t.DeletedAt) }, func(t *docket.Task) any { return microseconds(t.DeletedAt) }}

// keyColumns is how many columns the primary key has.
const keyColumns = 2

// fromLive and fromTrash select the tasks of an owner.
const (
	fromLive  = " FROM tasks WHERE user_id = ?1"
	fromTrash = " FROM trash WHERE user_id = ?1"
)

// readColumns are those that a scanner reads, in order.
var readColumns = slices.DeleteFunc(slices.Clone(columns), func(c column) bool { return c.dest == nil })

// selectColumns begins every statement that reads tasks. selectLive goes on for a
// scanner, selectTrash for a trash scanner.
var (
	selectColumns = "SELECT " + strings.Join(names(readColumns), ", ")
	selectLive    = selectColumns + fromLive
	selectTrash   = selectColumns + ", " + deletedAt.name + fromTrash
)

func names(columns []column) (list []string) {
	for _, c := range columns {
		list = append(list, c.name)
	}
	return list
}

// insertSQL and updateSQL take values, updateSQL with the key last; insertTrashSQL also
// takes the value of deletedAt. Their parameters have no numbers: the driver looks each
// of those up by name.
var insertSQL, updateSQL, insertTrashSQL = func() (insert, update, trash string) {
	all := names(append(slices.Clip(columns), deletedAt))
	into := func(table string, n int) string {
		return fmt.Sprintf("INSERT INTO %s (%s)\nVALUES (?%s)", table, strings.Join(all[:n], ", "), strings.Repeat(", ?", n-1))
	}
	return into("tasks", len(columns)),
		fmt.Sprintf("UPDATE tasks SET %s = ?\nWHERE %s = ?", strings.Join(all[keyColumns:len(columns)], " = ?, "), strings.Join(all[:keyColumns], " = ? AND ")),
		into("trash", len(all))
}()

// values returns the values of columns.
func values(t *docket.Task) []any {
	list := make([]any, len(columns), len(columns)+1)
	for i, c := range columns {
		list[i] = c.value(t)
	}
	return list
}

// scanner holds the task of the last row that was scanned into dest. All rows are of
// one owner.
type scanner struct {
	task docket.Task
	dest []any
}

func newScanner(owner docket.UserID) *scanner {
	s := &scanner{task: docket.Task{UserID: owner}, dest: make([]any, 0, len(readColumns)+1)}
	for _, c := range readColumns {
		s.dest = append(s.dest, c.dest(&s.task))
	}
	return s
}

// newTrashScanner returns a scanner of rows that have deletedAt as their last column.
func newTrashScanner(owner docket.UserID) *scanner {
	s := newScanner(owner)
	s.dest = append(s.dest, deletedAt.dest(&s.task))
	return s
}

// getSQL reads a live task, findTrashSQL a deleted one.
var (
	getSQL       = selectLive + " AND id = ?2"
	findTrashSQL = selectTrash + " AND id = ?2"
)

// Get implements docket.Store.
func (s *Store) Get(ctx context.Context, owner docket.UserID, id uuid.UUID) (t docket.Task, err error) {
	err = s.readers.use(ctx, func(ctx context.Context, r *reader) error {
		t, err = readTask(ctx, r.get, newScanner(owner), id)
		return err
	})
	return t, err
}

// readTask runs getSQL, or findTrashSQL with a trash scanner. The error is of kind
// NotFound when there is no row.
func readTask(ctx context.Context, stmt *sql.Stmt, s *scanner, id uuid.UUID) (docket.Task, error) {
	err := stmt.QueryRowContext(ctx, string(s.task.UserID), id[:]).Scan(s.dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return docket.Task{}, docket.NoSuchTask()
	}
	return s.task, err
}
