package column

import (
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"docket"
)

// readColumns are the columns that Row reads.
var readColumns = func() []Column {
	var list []Column
	for _, c := range All {
		if c.decode != nil {
			list = append(list, c)
		}
	}
	return list
}()

// Selected names the columns of a table t that Row reads.
var Selected = readList(func(c Column) string { return "t." + c.Name })

// NoTask is as many nulls of their types, in the place of a task.
var NoTask = readList(func(c Column) string { return "NULL::" + c.SQLType })

func readList(expression func(Column) string) string {
	expressions := make([]string, len(readColumns))
	for i, c := range readColumns {
		expressions[i] = expression(c)
	}
	return strings.Join(expressions, ", ")
}

// TextBytes counts the bytes of the columns of a table t that vary in length. A task
// has no more of them than docket.Task.Size.
var TextBytes = func() string {
	var lengths []string
	for _, c := range readColumns {
		if c.length != "" {
			lengths = append(lengths, "coalesce("+c.length+", 0)")
		}
	}
	return strings.Join(lengths, " + ")
}()

// Row scans rows of Selected, and of further columns. It implements
// pgx.RowScanner because the general way to scan costs a list more than everything
// else that is done with its rows.
type Row struct {
	Owner docket.UserID
	Task  *docket.Task // set anew by each row; only its owner when the columns are null
	More  []any        // where to scan the further columns; null leaves them as they are
	Page  bool         // it scans many rows, whose texts share allocations
	texts texts
	dest  []any // where to scan the text format
}

// ScanRow implements pgx.RowScanner.
func (r *Row) ScanRow(rows pgx.Rows) error {
	values := rows.RawValues()
	if want := len(readColumns) + len(r.More); len(values) != want {
		return fmt.Errorf("postgres: a row of %d columns instead of %d", len(values), want)
	}
	*r.Task, r.texts.page = docket.Task{UserID: r.Owner}, r.Page
	read := r.scanText
	if rows.FieldDescriptions()[0].Format == pgx.BinaryFormatCode {
		read = r.decode
	}
	if err := read(rows); err != nil {
		return err
	}
	r.Task.Settle()
	return scanValues(rows, len(readColumns), r.More)
}

// decode reads the task in the binary format.
func (r *Row) decode(rows pgx.Rows) error {
	values := rows.RawValues()
	for i := range readColumns {
		c, v := &readColumns[i], values[i]
		if v == nil {
			continue
		}
		if c.size != 0 && len(v) != c.size {
			return fmt.Errorf("postgres: column %s has %d bytes instead of %d", c.Name, len(v), c.size)
		}
		if c.finite && isInfinite(v) {
			return fmt.Errorf("postgres: column %s is infinite", c.Name)
		}
		c.decode(r, v)
	}
	return r.texts.bad
}

// scanText reads the task in the text format.
func (r *Row) scanText(rows pgx.Rows) error {
	if r.dest == nil {
		for _, c := range readColumns {
			r.dest = append(r.dest, c.dest(r.Task))
		}
	}
	return scanValues(rows, 0, r.dest)
}

// scanValues scans the values from index first on that are not null.
func scanValues(rows pgx.Rows, first int, dest []any) error {
	values, fields := rows.RawValues(), rows.FieldDescriptions()
	for i, d := range dest {
		value, field := values[first+i], fields[first+i]
		if value == nil {
			continue
		}
		if err := rows.Conn().TypeMap().Scan(field.DataTypeOID, field.Format, value, d); err != nil {
			return fmt.Errorf("postgres: column %s: %w", field.Name, err)
		}
	}
	return nil
}

// texts copies the texts of rows. Those of a page share allocations.
type texts struct {
	page     bool
	bytes    strings.Builder
	optional []string
	bad      error // of a text that is not in its format
}

func (t *texts) keep(b []byte) string {
	if !t.page {
		return string(b)
	}
	if t.bytes.Cap()-t.bytes.Len() < len(b) {
		t.bytes.Reset()
		t.bytes.Grow(max(len(b), 8<<10))
	}
	start := t.bytes.Len()
	t.bytes.Write(b)
	return t.bytes.String()[start:]
}

func (t *texts) keepOptional(b []byte) *string {
	if !t.page {
		return new(string(b))
	}
	if len(t.optional) == cap(t.optional) {
		t.optional = make([]string, 0, 64)
	}
	t.optional = append(t.optional, t.keep(b))
	return &t.optional[len(t.optional)-1]
}
