// Package column is the table of the columns of docket.tasks: how each is stored, which
// field of a task it holds, how an update sets it, and how rows are read. A new field of a
// task is one row here, in All.
package column

import (
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"docket"
)

// All are the columns of docket.tasks except user_id. Every statement and
// every scan takes them in this order.
var All = []Column{
	field("id", uuidType, func(t *docket.Task) *uuid.UUID { return &t.ID }),
	field("title", textType, func(t *docket.Task) *string { return &t.Title }).
		setBy(func(u *docket.TaskUpdate) bool { return u.Title.Set }),
	field("description", optionalTextType, func(t *docket.Task) **string { return &t.Description }).
		setBy(func(u *docket.TaskUpdate) bool { return u.Description.Set }),
	field("completed", booleanType, func(t *docket.Task) *bool { return &t.Completed }).
		setBy(func(u *docket.TaskUpdate) bool { return u.Completed.Set }),
	field("created_at", timeType, func(t *docket.Task) *time.Time { return &t.CreatedAt }),
	field("updated_at", timeType, func(t *docket.Task) *time.Time { return &t.UpdatedAt }),
	field("version", bigintType, func(t *docket.Task) *int64 { return &t.Version }).readOnly(),
	field("deleted_at", timeType, func(t *docket.Task) *time.Time { return &t.DeletedAt }).readOnly(),
	field("priority", priorityType, func(t *docket.Task) *docket.Priority { return &t.Priority }).
		setBy(func(u *docket.TaskUpdate) bool { return u.Priority.Set }),
	field("due_date", emptyAsNull[docket.DueDate](), func(t *docket.Task) *docket.DueDate { return &t.DueDate }).
		setBy(func(u *docket.TaskUpdate) bool { return u.DueDate.Set }),
	field("tags", tagsType, func(t *docket.Task) *[]string { return &t.Tags }).
		setBy(func(u *docket.TaskUpdate) bool { return u.Tags.Set }).
		measuredBy("tags_folded"), // escapes make this column longer than docket.Task.Size has it, and folding only makes tags shorter
	field("metadata", emptyAsNull[docket.Metadata](), func(t *docket.Task) *docket.Metadata { return &t.Metadata }).
		setBy(func(u *docket.TaskUpdate) bool { return u.Metadata.Set }),
	field("completed_at", optionalTimeType, func(t *docket.Task) *time.Time { return &t.CompletedAt }),
	derived("title_folded", textType, func(t *docket.Task) string { return docket.Fold(t.Title) }).setWith("title"),
	derived("description_folded", optionalTextType, func(t *docket.Task) *string { return docket.FoldOptional(t.Description) }).setWith("description"),
	derived("due_at", optionalTimeType, dueAt).setWith("due_date"),
	derived("tags_folded", bytesType, func(t *docket.Task) []byte { return foldedTags(t.Tags) }).setWith("tags"),
}

// Column is a column of docket.tasks.
type Column struct {
	Name    string
	SQLType string

	// What follows is nil in a column that no scan reads.
	size   int                    // of the binary format, in bytes; 0 when it varies
	length string                 // the expression for its bytes; "" when size is not 0
	finite bool                   // a time, which the server would also have as infinite
	decode func(*Row, []byte)     // reads a value in the binary format that is not null
	dest   func(*docket.Task) any // where to scan a value in the text format

	// Value and Array are nil in a column that statements write without an argument.
	Value func(*docket.Task) any  // the argument that writes the column
	Array func([]docket.Task) any // the argument that writes it in many rows

	// Null tells whether a task has null in the column; nil where that is unusual. A
	// statement for tasks that have null in all the others need not name them.
	Null func(*docket.Task) bool

	// Set is the name of the parameter that says whether an update sets the column,
	// "" when none does. IsSet is its argument; nil when the argument is that of
	// another column.
	Set   string
	IsSet func(*docket.TaskUpdate) bool
}

// field is a column that holds what at points to.
func field[T any](name string, k kind[T], at func(*docket.Task) *T) Column {
	c := derived(name, k, func(t *docket.Task) T { return *at(t) })
	c.size, c.finite = k.size, k.sqlType == timestamp
	if c.size == 0 {
		c = c.measuredBy(name)
	}
	c.decode = func(r *Row, b []byte) { *at(r.Task) = k.decode(&r.texts, b) }
	c.dest = func(t *docket.Task) any { return k.dest(at(t)) }
	return c
}

// derived is a column that is written from other fields and never read.
func derived[T any](name string, k kind[T], of func(*docket.Task) T) Column {
	c := Column{
		Name: name, SQLType: k.sqlType,
		Value: func(t *docket.Task) any { return k.value(of(t)) },
		Array: func(tasks []docket.Task) any {
			values := make([]T, len(tasks))
			for i := range tasks {
				values[i] = of(&tasks[i])
			}
			if k.null != nil && !slices.ContainsFunc(values, func(v T) bool { return !k.null(v) }) {
				return nil // which unnest makes as long as the other arrays
			}
			return k.array(values)
		},
	}
	if k.null != nil {
		c.Null = func(t *docket.Task) bool { return k.null(of(t)) }
	}
	return c
}

// setBy makes c one that an update sets when isSet says so.
func (c Column) setBy(isSet func(*docket.TaskUpdate) bool) Column {
	c.Set, c.IsSet = "set_"+c.Name, isSet
	return c
}

// setWith makes c one that an update sets whenever it sets the column other.
func (c Column) setWith(other string) Column {
	c.Set = "set_" + other
	return c
}

// measuredBy takes the length of the column other for that of c.
func (c Column) measuredBy(other string) Column {
	c.length = "octet_length(t." + other + ")"
	return c
}

// readOnly makes c one that statements write without an argument.
func (c Column) readOnly() Column {
	c.Value, c.Array = nil, nil
	return c
}

// IsPlain reports whether a task has null in every column where that is usual.
func IsPlain(t *docket.Task) bool {
	for i := range All {
		if c := &All[i]; c.Value != nil && c.Null != nil && !c.Null(t) {
			return false
		}
	}
	return true
}

// IsPlainUpdate reports whether an update sets no column in which null is usual.
func IsPlainUpdate(u *docket.TaskUpdate) bool {
	for i := range All {
		if c := &All[i]; c.IsSet != nil && c.Null != nil && c.IsSet(u) {
			return false
		}
	}
	return true
}

// Names names all columns, each after prefix.
func Names(prefix string) string {
	var names []string
	for _, c := range All {
		names = append(names, prefix+c.Name)
	}
	return strings.Join(names, ", ")
}
