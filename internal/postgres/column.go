package postgres

import (
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"

	"docket"
)

// columns are the columns of docket.tasks except user_id. Every statement and
// every scan takes them in this order.
var columns = []column{
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
	derived("title_folded", textType, func(t *docket.Task) string { return docket.Fold(t.Title) }).setWith("title"),
	derived("description_folded", optionalTextType, func(t *docket.Task) *string { return docket.FoldOptional(t.Description) }).setWith("description"),
}

// column is a column of docket.tasks.
type column struct {
	name    string
	sqlType string

	// What follows is nil in a column that no scan reads.
	size   int                    // of the binary format, in bytes; 0 when it varies
	finite bool                   // a time, which the server would also have as infinite
	decode func(*taskRow, []byte) // reads a value in the binary format that is not null
	dest   func(*docket.Task) any // where to scan a value in the text format

	// What follows is nil in a column that statements write without an argument.
	value func(*docket.Task) any  // the argument that writes the column
	array func([]docket.Task) any // the argument that writes it in many rows

	// set is the name of the parameter that says whether an update sets the column,
	// "" when none does. isSet is its argument; nil when the argument is that of
	// another column.
	set   string
	isSet func(*docket.TaskUpdate) bool
}

// field is a column that holds what at points to.
func field[T any](name string, k kind[T], at func(*docket.Task) *T) column {
	c := derived(name, k, func(t *docket.Task) T { return *at(t) })
	c.size, c.finite = k.size, k.sqlType == timestamp
	c.decode = func(r *taskRow, b []byte) { *at(r.task) = k.decode(&r.texts, b) }
	c.dest = func(t *docket.Task) any { return k.dest(at(t)) }
	return c
}

// derived is a column that is written from other fields and never read.
func derived[T any](name string, k kind[T], of func(*docket.Task) T) column {
	return column{
		name: name, sqlType: k.sqlType,
		value: func(t *docket.Task) any { return k.value(of(t)) },
		array: func(tasks []docket.Task) any {
			values := make([]T, len(tasks))
			for i := range tasks {
				values[i] = of(&tasks[i])
			}
			return k.array(values)
		},
	}
}

// setBy makes c one that an update sets when isSet says so.
func (c column) setBy(isSet func(*docket.TaskUpdate) bool) column {
	c.set, c.isSet = "set_"+c.name, isSet
	return c
}

// setWith makes c one that an update sets whenever it sets the column other.
func (c column) setWith(other string) column {
	c.set = "set_" + other
	return c
}

// readOnly makes c one that statements write without an argument.
func (c column) readOnly() column {
	c.value, c.array = nil, nil
	return c
}

// columnNames names all columns, each after prefix.
func columnNames(prefix string) string {
	var names []string
	for _, c := range columns {
		names = append(names, prefix+c.name)
	}
	return strings.Join(names, ", ")
}

// kind says how values of type T are stored.
type kind[T any] struct {
	sqlType string
	size    int
	decode  func(*texts, []byte) T
	dest    func(*T) any
	value   func(T) any
	array   func([]T) any
}

var (
	uuidType = kind[uuid.UUID]{
		"uuid", 16, func(_ *texts, b []byte) uuid.UUID { return uuid.UUID(b) }, pointer[uuid.UUID],
		func(id uuid.UUID) any { return key(id) }, uuidTexts,
	}
	textType         = kind[string]{"text", 0, (*texts).keep, pointer[string], boxed[string], boxed[[]string]}
	optionalTextType = kind[*string]{"text", 0, (*texts).keepOptional, pointer[*string], boxed[*string], boxed[[]*string]}
	booleanType      = kind[bool]{"boolean", 1, func(_ *texts, b []byte) bool { return b[0] != 0 }, pointer[bool], boxed[bool], boxed[[]bool]}
	bigintType       = kind[int64]{"bigint", 8, func(_ *texts, b []byte) int64 { return number(b) }, pointer[int64], boxed[int64], boxed[[]int64]}
	timeType         = kind[time.Time]{
		timestamp, 8, func(_ *texts, b []byte) time.Time { return moment(b) },
		func(t *time.Time) any { return (*utcTime)(t) }, boxed[time.Time], boxed[[]time.Time],
	}
)

func pointer[T any](p *T) any { return p }

func boxed[T any](v T) any { return v }

// key is an id as pgx encodes it without parsing its text.
func key(id uuid.UUID) pgtype.UUID { return pgtype.UUID{Bytes: id, Valid: true} }

// uuidTexts are ids as every exec mode encodes them in an array.
func uuidTexts(ids []uuid.UUID) any {
	list := make([]string, len(ids))
	for i, id := range ids {
		list[i] = id.String()
	}
	return list
}

// timestamp is the type of times.
const timestamp = "timestamptz"

// isInfinite reports whether a timestamptz is infinity or -infinity.
func isInfinite(b []byte) bool { return number(b) == math.MaxInt64 || number(b) == math.MinInt64 }

// number decodes a bigint.
func number(b []byte) int64 { return int64(binary.BigEndian.Uint64(b)) } //nolint:gosec // two's complement

// moment decodes a timestamptz: microseconds since the year 2000.
func moment(b []byte) time.Time {
	const y2000 = 946_684_800_000_000
	return time.UnixMicro(y2000 + number(b)).UTC()
}

// utcTime scans a timestamptz that is not null from the text format.
type utcTime time.Time

// ScanTimestamptz implements pgtype.TimestamptzScanner.
func (t *utcTime) ScanTimestamptz(v pgtype.Timestamptz) error {
	if v.InfinityModifier != pgtype.Finite {
		return errors.New("the time is infinite")
	}
	*t = utcTime(v.Time.UTC())
	return nil
}
