package sqlite

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"docket"
)

// column is a column of the tables tasks and trash.
type column struct {
	name string
	bind func(*statement, *docket.Task)
	read func(s *statement, at int, t *docket.Task) error // nil: it is never read
}

// columns are those of both tables. Every statement lists them in this order. The
// first two are the primary key. A text or a list that a task does not have is NULL.
var columns = []column{
	{"user_id", func(s *statement, t *docket.Task) { s.text(string(t.UserID)) }, nil},
	{"id", func(s *statement, t *docket.Task) { s.blob(t.ID[:]) }, func(s *statement, at int, t *docket.Task) (err error) { t.ID, err = s.idAt(at); return err }},
	{"title", func(s *statement, t *docket.Task) { s.text(t.Title) }, func(s *statement, at int, t *docket.Task) error { t.Title = s.ColumnText(at); return nil }},
	{"description", func(s *statement, t *docket.Task) { s.optional(t.Description) }, func(s *statement, at int, t *docket.Task) error { t.Description = s.optionalAt(at); return nil }},
	{"completed", func(s *statement, t *docket.Task) { s.flag(t.Completed) }, func(s *statement, at int, t *docket.Task) error { t.Completed = s.ColumnBool(at); return nil }},
	{"priority", func(s *statement, t *docket.Task) { s.num(int64(t.Priority)) }, func(s *statement, at int, t *docket.Task) error {
		t.Priority = docket.Priority(s.ColumnInt64(at))
		return nil
	}},
	{"due_date", func(s *statement, t *docket.Task) { s.textOrNull(string(t.DueDate)) }, func(s *statement, at int, t *docket.Task) error {
		t.DueDate = docket.DueDate(s.ColumnText(at))
		return nil
	}},
	{"tags", func(s *statement, t *docket.Task) { s.tags(t.Tags) }, func(s *statement, at int, t *docket.Task) (err error) { t.Tags, err = s.tagsAt(at); return err }},
	{"metadata", func(s *statement, t *docket.Task) { s.textOrNull(string(t.Metadata)) }, func(s *statement, at int, t *docket.Task) error {
		t.Metadata = docket.Metadata(s.ColumnText(at))
		return nil
	}},
	{"created_at", func(s *statement, t *docket.Task) { s.moment(t.CreatedAt) }, func(s *statement, at int, t *docket.Task) error { t.CreatedAt = s.momentAt(at); return nil }},
	{"updated_at", func(s *statement, t *docket.Task) { s.moment(t.UpdatedAt) }, func(s *statement, at int, t *docket.Task) error { t.UpdatedAt = s.momentAt(at); return nil }},
	{"completed_at", func(s *statement, t *docket.Task) { s.moment(t.CompletedAt) }, func(s *statement, at int, t *docket.Task) error { t.CompletedAt = s.momentAt(at); return nil }},
	{"version", func(s *statement, t *docket.Task) { s.num(t.Version) }, func(s *statement, at int, t *docket.Task) error { t.Version = s.ColumnInt64(at); return nil }},
	{"title_folded", func(s *statement, t *docket.Task) { s.text(docket.Fold(t.Title)) }, nil},
	{"description_folded", func(s *statement, t *docket.Task) { s.optional(docket.FoldOptional(t.Description)) }, nil},
	{"tags_folded", func(s *statement, t *docket.Task) { s.blob(foldedTags(t.Tags)) }, nil},
	{"due_at", func(s *statement, t *docket.Task) { s.due(t.DueDate) }, nil},
}

// deletedAt is the column that the trash has besides.
var deletedAt = column{"deleted_at", func(s *statement, t *docket.Task) { s.moment(t.DeletedAt) }, func(s *statement, at int, t *docket.Task) error { t.DeletedAt = s.momentAt(at); return nil }}

// task binds the columns of a task, and deletedAt when it is deleted.
func (s *statement) task(t *docket.Task) *statement {
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
func (s *statement) taskAt(owner docket.UserID, t *docket.Task) error {
	*t = docket.Task{UserID: owner}
	for i := range readColumns {
		if err := readColumns[i].read(s, i, t); err != nil {
			return err
		}
	}
	if s.ColumnCount() > len(readColumns) {
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
	err = s.readers.use(ctx, func(r *reader) error {
		t, err = readTask(r.conn.stmt(getSQL), owner, id)
		return err
	})
	return t, err
}

// readTask runs getSQL or findTrashSQL. The error is of kind NotFound when there is no
// row.
func readTask(s *statement, owner docket.UserID, id uuid.UUID) (t docket.Task, err error) {
	var unreadable error
	found, err := s.text(string(owner)).blob(id[:]).row(func() { unreadable = s.taskAt(owner, &t) })
	if err == nil && !found {
		err = docket.NoSuchTask()
	}
	return t, cmp.Or(err, unreadable)
}
