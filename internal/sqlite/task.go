package sqlite

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"docket"
	"docket/internal/sqlite/engine"
)

// column is a column of the tables tasks and trash.
type column struct {
	name string
	bind func(*engine.Stmt, *docket.Task)
	read func(s *engine.Stmt, at int, t *docket.Task) error // nil: it is never read
}

// columns are those of both tables. Every statement lists them in this order. The
// first two are the primary key. A text or a list that a task does not have is NULL.
var columns = []column{
	{"user_id", func(s *engine.Stmt, t *docket.Task) { s.Text(string(t.UserID)) }, nil},
	{"id", func(s *engine.Stmt, t *docket.Task) { s.Blob(t.ID[:]) }, func(s *engine.Stmt, at int, t *docket.Task) (err error) { t.ID, err = idAt(s, at); return err }},
	{"title", func(s *engine.Stmt, t *docket.Task) { s.Text(t.Title) }, func(s *engine.Stmt, at int, t *docket.Task) error { t.Title = s.TextAt(at); return nil }},
	{"description", func(s *engine.Stmt, t *docket.Task) { s.Optional(t.Description) }, func(s *engine.Stmt, at int, t *docket.Task) error { t.Description = s.OptionalAt(at); return nil }},
	{"completed", func(s *engine.Stmt, t *docket.Task) { s.Flag(t.Completed) }, func(s *engine.Stmt, at int, t *docket.Task) error { t.Completed = s.FlagAt(at); return nil }},
	{"priority", func(s *engine.Stmt, t *docket.Task) { s.Num(int64(t.Priority)) }, func(s *engine.Stmt, at int, t *docket.Task) error {
		t.Priority = docket.Priority(s.Int64At(at))
		return nil
	}},
	{"due_date", func(s *engine.Stmt, t *docket.Task) { s.TextOrNull(string(t.DueDate)) }, func(s *engine.Stmt, at int, t *docket.Task) error {
		t.DueDate = docket.DueDate(s.TextAt(at))
		return nil
	}},
	{"tags", func(s *engine.Stmt, t *docket.Task) { bindTags(s, t.Tags) }, func(s *engine.Stmt, at int, t *docket.Task) (err error) { t.Tags, err = tagsAt(s, at); return err }},
	{"metadata", func(s *engine.Stmt, t *docket.Task) { s.TextOrNull(string(t.Metadata)) }, func(s *engine.Stmt, at int, t *docket.Task) error {
		t.Metadata = docket.Metadata(s.TextAt(at))
		return nil
	}},
	{"created_at", func(s *engine.Stmt, t *docket.Task) { s.Moment(t.CreatedAt) }, func(s *engine.Stmt, at int, t *docket.Task) error { t.CreatedAt = s.MomentAt(at); return nil }},
	{"updated_at", func(s *engine.Stmt, t *docket.Task) { s.Moment(t.UpdatedAt) }, func(s *engine.Stmt, at int, t *docket.Task) error { t.UpdatedAt = s.MomentAt(at); return nil }},
	{"completed_at", func(s *engine.Stmt, t *docket.Task) { s.Moment(t.CompletedAt) }, func(s *engine.Stmt, at int, t *docket.Task) error { t.CompletedAt = s.MomentAt(at); return nil }},
	{"version", func(s *engine.Stmt, t *docket.Task) { s.Num(t.Version) }, func(s *engine.Stmt, at int, t *docket.Task) error { t.Version = s.Int64At(at); return nil }},
	{"title_folded", func(s *engine.Stmt, t *docket.Task) { s.Text(docket.Fold(t.Title)) }, nil},
	{"description_folded", func(s *engine.Stmt, t *docket.Task) { s.Optional(docket.FoldOptional(t.Description)) }, nil},
	{"tags_folded", func(s *engine.Stmt, t *docket.Task) { s.Blob(foldedTags(t.Tags)) }, nil},
	{"due_at", func(s *engine.Stmt, t *docket.Task) { bindDue(s, t.DueDate) }, nil},
}

// deletedAt is the column that the trash has besides.
var deletedAt = column{"deleted_at", func(s *engine.Stmt, t *docket.Task) { s.Moment(t.DeletedAt) }, func(s *engine.Stmt, at int, t *docket.Task) error { t.DeletedAt = s.MomentAt(at); return nil }}

// bindTask binds the columns of a task, and deletedAt when it is deleted.
func bindTask(s *engine.Stmt, t *docket.Task) *engine.Stmt {
	for i := range columns {
		columns[i].bind(s, t)
	}
	if !t.DeletedAt.IsZero() {
		deletedAt.bind(s, t)
	}
	return s
}

// taskAt reads the task of a row of readColumns, which is owner's, and of deletedAt
// when the row has it.
func taskAt(s *engine.Stmt, owner docket.UserID, t *docket.Task) error {
	*t = docket.Task{UserID: owner}
	for i := range readColumns {
		if err := readColumns[i].read(s, i, t); err != nil {
			return err
		}
	}
	if s.Columns() > len(readColumns) {
		return deletedAt.read(s, len(readColumns), t)
	}
	return nil
}

// keyColumns is how many columns the primary key has.
const keyColumns = 2

// fromLive and fromTrash select the tasks of an owner.
const (
	fromLive  = " FROM tasks WHERE user_id = ?1"
	fromTrash = " FROM trash WHERE user_id = ?1"
)

// readColumns are those that taskAt reads, in order.
var readColumns = slices.DeleteFunc(slices.Clone(columns), func(c column) bool { return c.read == nil })

// selectColumns begins every statement that reads tasks.
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

// insertSQL, updateSQL and insertTrashSQL take the columns of a task, insertSQL also
// whether it is fresh.
var insertSQL, updateSQL, insertTrashSQL = func() (insert, update, trash string) {
	all := names(columns)
	into := func(table, besides string) string {
		return fmt.Sprintf("INSERT INTO %s (%s, %s)\nVALUES (?%s)", table, strings.Join(all, ", "), besides, strings.Repeat(", ?", len(all)))
	}
	set := make([]string, len(columns))
	for i := range columns {
		set[i] = fmt.Sprintf("%s = ?%d", all[i], i+1)
	}
	return into("tasks", "fresh"),
		fmt.Sprintf("UPDATE tasks SET %s\nWHERE %s", strings.Join(set[keyColumns:], ", "), strings.Join(set[:keyColumns], " AND ")),
		into("trash", deletedAt.name)
}()

// getSQL reads a live task, findTrashSQL a deleted one.
var (
	getSQL       = selectLive + " AND id = ?2"
	findTrashSQL = selectTrash + " AND id = ?2"
)

// Get implements docket.Store.
func (s *Store) Get(ctx context.Context, owner docket.UserID, id uuid.UUID) (t docket.Task, err error) {
	err = s.readers.lookUp(ctx, func(r *reader) error {
		t, err = readTask(r.conn.Stmt(getSQL), owner, id)
		return err
	})
	return t, err
}

// readTask runs getSQL or findTrashSQL. The error is of kind NotFound when there is no
// row.
func readTask(s *engine.Stmt, owner docket.UserID, id uuid.UUID) (t docket.Task, err error) {
	var unreadable error
	found, err := s.Text(string(owner)).Blob(id[:]).Row(func() { unreadable = taskAt(s, owner, &t) })
	if err == nil && !found {
		err = docket.NoSuchTask()
	}
	return t, cmp.Or(err, unreadable)
}
