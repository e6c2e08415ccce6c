package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"docket"
)

// column is a column of the table tasks.
type column struct {
	name  string
	dest  func(*docket.Task) any // where a scan stores the value; nil: it is never read
	value func(*docket.Task) any // what is written
}

// columns are those of the table tasks. Every statement lists them in this order.
// The first two are the primary key.
var columns = []column{
	{"user_id", func(t *docket.Task) any { return (*string)(&t.UserID) }, func(t *docket.Task) any { return string(t.UserID) }},
	{"id", func(t *docket.Task) any { return &t.ID }, func(t *docket.Task) any { return t.ID[:] }},
	{"title", func(t *docket.Task) any { return &t.Title }, func(t *docket.Task) any { return t.Title }},
	{"description", func(t *docket.Task) any { return &t.Description }, func(t *docket.Task) any { return t.Description }},
	{"completed", func(t *docket.Task) any { return &t.Completed }, func(t *docket.Task) any { return t.Completed }},
	{"created_at", func(t *docket.Task) any { return (*moment)(&t.CreatedAt) }, func(t *docket.Task) any { return microseconds(t.CreatedAt) }},
	{"updated_at", func(t *docket.Task) any { return (*moment)(&t.UpdatedAt) }, func(t *docket.Task) any { return microseconds(t.UpdatedAt) }},
	{"version", func(t *docket.Task) any { return &t.Version }, func(t *docket.Task) any { return t.Version }},
	{"deleted_at", func(t *docket.Task) any { return (*moment)(&t.DeletedAt) }, func(t *docket.Task) any { return microseconds(t.DeletedAt) }},
	{"title_folded", nil, func(t *docket.Task) any { return docket.Fold(t.Title) }},
	{"description_folded", nil, func(t *docket.Task) any { return docket.FoldOptional(t.Description) }},
}

// keyColumns is how many columns the primary key has.
const keyColumns = 2

// selectTask begins every statement that reads tasks with a scanner.
var selectTask = func() string {
	var names []string
	for _, c := range columns {
		if c.dest != nil {
			names = append(names, c.name)
		}
	}
	return "SELECT " + strings.Join(names, ", ") + " FROM tasks WHERE user_id = ?1"
}()

// insertSQL and updateSQL take values.
var insertSQL, updateSQL = func() (insert, update string) {
	var names, parameters, assignments []string
	for i, c := range columns {
		parameter := "?" + strconv.Itoa(i+1)
		names, parameters = append(names, c.name), append(parameters, parameter)
		if i >= keyColumns {
			assignments = append(assignments, c.name+" = "+parameter)
		}
	}
	return fmt.Sprintf("INSERT INTO tasks (%s)\nVALUES (%s)", strings.Join(names, ", "), strings.Join(parameters, ", ")),
		fmt.Sprintf("UPDATE tasks SET %s\nWHERE user_id = ?1 AND id = ?2", strings.Join(assignments, ", "))
}()

// values returns the values of all columns of t.
func values(t *docket.Task) []any {
	list := make([]any, len(columns))
	for i, c := range columns {
		list[i] = c.value(t)
	}
	return list
}

// moment scans a time from microseconds since 1970. NULL is the zero time.
type moment time.Time

// Scan implements sql.Scanner.
func (m *moment) Scan(src any) error {
	switch micros := src.(type) {
	case nil:
		*m = moment{}
	case int64:
		*m = moment(time.UnixMicro(micros).UTC())
	default:
		return fmt.Errorf("sqlite: a time is stored as %T", src)
	}
	return nil
}

// microseconds returns what moment scans as t.
func microseconds(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

// scanner reads the rows of one statement.
type scanner struct {
	task docket.Task
	dest []any
}

func newScanner() *scanner {
	s := &scanner{dest: make([]any, 0, len(columns))}
	for _, c := range columns {
		if c.dest != nil {
			s.dest = append(s.dest, c.dest(&s.task))
		}
	}
	return s
}

// scan returns the task of a row.
func (s *scanner) scan(row interface{ Scan(dest ...any) error }) (docket.Task, error) {
	err := row.Scan(s.dest...)
	return s.task, err
}

// getSQL reads a live task, findSQL also a deleted one.
var (
	findSQL = selectTask + " AND id = ?2"
	getSQL  = findSQL + " AND deleted_at IS NULL"
)

// Get implements docket.Store.
func (s *Store) Get(ctx context.Context, owner docket.UserID, id uuid.UUID) (t docket.Task, err error) {
	err = s.readers.use(ctx, func(r *reader) error {
		t, err = readTask(r.get, owner, id)
		return err
	})
	return t, err
}

// readTask runs getSQL or findSQL. The error is of kind NotFound when there is no
// row.
func readTask(stmt *sql.Stmt, owner docket.UserID, id uuid.UUID) (docket.Task, error) {
	t, err := newScanner().scan(stmt.QueryRow(string(owner), id[:]))
	if errors.Is(err, sql.ErrNoRows) {
		return docket.Task{}, docket.NoSuchTask()
	}
	return t, err
}
