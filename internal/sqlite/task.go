package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

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
// first two are the primary key.
var columns = []column{
	{"user_id", func(t *docket.Task) any { return (*string)(&t.UserID) }, func(t *docket.Task) any { return string(t.UserID) }},
	{"id", func(t *docket.Task) any { return &t.ID }, func(t *docket.Task) any { return t.ID[:] }},
	{"title", func(t *docket.Task) any { return &t.Title }, func(t *docket.Task) any { return t.Title }},
	{"description", func(t *docket.Task) any { return &t.Description }, func(t *docket.Task) any { return t.Description }},
	{"completed", func(t *docket.Task) any { return &t.Completed }, func(t *docket.Task) any { return t.Completed }},
	{"created_at", func(t *docket.Task) any { return (*moment)(&t.CreatedAt) }, func(t *docket.Task) any { return microseconds(t.CreatedAt) }},
	{"updated_at", func(t *docket.Task) any { return (*moment)(&t.UpdatedAt) }, func(t *docket.Task) any { return microseconds(t.UpdatedAt) }},
	{"version", func(t *docket.Task) any { return &t.Version }, func(t *docket.Task) any { return t.Version }},
	{"title_folded", nil, func(t *docket.Task) any { return docket.Fold(t.Title) }},
	{"description_folded", nil, func(t *docket.Task) any { return docket.FoldOptional(t.Description) }},
}

// deletedAt is the column that the trash has besides. A scanner reads it last.
var deletedAt = column{"deleted_at", func(t *docket.Task) any { return (*moment)(&t.DeletedAt) }, func(t *docket.Task) any { return microseconds(t.DeletedAt) }}

// keyColumns is how many columns the primary key has.
const keyColumns = 2

// fromLive and fromTrash select the tasks of an owner.
const (
	fromLive  = " FROM tasks WHERE user_id = ?1"
	fromTrash = " FROM trash WHERE user_id = ?1"
)

// selectLive and selectTrash begin every statement that reads tasks with a scanner.
var selectLive, selectTrash = func() (live, trash string) {
	var names []string
	for _, c := range columns {
		if c.dest != nil {
			names = append(names, c.name)
		}
	}
	list := "SELECT " + strings.Join(names, ", ")
	return list + ", NULL" + fromLive, list + ", " + deletedAt.name + fromTrash
}()

// insertSQL and updateSQL take values, insertTrashSQL also the value of deletedAt.
var insertSQL, updateSQL, insertTrashSQL = func() (insert, update, trash string) {
	var names, parameters, assignments []string
	for i, c := range append(slices.Clip(columns), deletedAt) {
		parameter := "?" + strconv.Itoa(i+1)
		names, parameters = append(names, c.name), append(parameters, parameter)
		if i >= keyColumns && i < len(columns) {
			assignments = append(assignments, c.name+" = "+parameter)
		}
	}
	into := func(table string, n int) string {
		return fmt.Sprintf("INSERT INTO %s (%s)\nVALUES (%s)", table, strings.Join(names[:n], ", "), strings.Join(parameters[:n], ", "))
	}
	return into("tasks", len(columns)),
		fmt.Sprintf("UPDATE tasks SET %s\nWHERE user_id = ?1 AND id = ?2", strings.Join(assignments, ", ")),
		into("trash", len(columns)+1)
}()

// values returns the values of columns.
func values(t *docket.Task) []any {
	list := make([]any, len(columns), len(columns)+1)
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
	s.dest = append(s.dest, deletedAt.dest(&s.task))
	return s
}

// scan returns the task of a row.
func (s *scanner) scan(row interface{ Scan(dest ...any) error }) (docket.Task, error) {
	err := row.Scan(s.dest...)
	return s.task, err
}

// getSQL reads a live task, findTrashSQL a deleted one.
var (
	getSQL       = selectLive + " AND id = ?2"
	findTrashSQL = selectTrash + " AND id = ?2"
)

// Get implements docket.Store.
func (s *Store) Get(ctx context.Context, owner docket.UserID, id uuid.UUID) (t docket.Task, err error) {
	err = s.readers.use(ctx, func(ctx context.Context, r *reader) error {
		t, err = readTask(ctx, r.get, owner, id)
		return err
	})
	return t, err
}

// readTask runs getSQL or findTrashSQL. The error is of kind NotFound when there is no
// row.
func readTask(ctx context.Context, stmt *sql.Stmt, owner docket.UserID, id uuid.UUID) (docket.Task, error) {
	t, err := newScanner().scan(stmt.QueryRowContext(ctx, string(owner), id[:]))
	if errors.Is(err, sql.ErrNoRows) {
		return docket.Task{}, docket.NoSuchTask()
	}
	return t, err
}
