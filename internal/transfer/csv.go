package transfer

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"docket"
)

// csvColumn is a column of our files.
type csvColumn struct {
	name  string
	value func(t *docket.Task) string
	set   func(d *docket.Draft, value string) (ok bool) // value is not empty
}

var csvColumns = []csvColumn{
	{"id", func(t *docket.Task) string { return t.ID.String() }, func(d *docket.Draft, v string) bool { d.ID = v; return true }},
	{"title", func(t *docket.Task) string { return t.Title }, func(d *docket.Draft, v string) bool { d.Title = v; return true }},
	{"description", func(t *docket.Task) string { return textOf(t.Description) }, func(d *docket.Draft, v string) bool { d.Description = &v; return true }},
	{"completed", func(t *docket.Task) string { return map[bool]string{true: "true", false: "false"}[t.Completed] }, setCompleted},
	{"completed_at", func(t *docket.Task) string { return formatTime(t.CompletedAt) }, func(d *docket.Draft, v string) bool { return parseTime(v, &d.CompletedAt) }},
	{"priority", func(t *docket.Task) string { return t.Priority.String() }, func(d *docket.Draft, v string) bool { d.Priority = priorityOf(strings.ToLower(v)); return true }},
	{"due_date", func(t *docket.Task) string { return string(t.DueDate) }, func(d *docket.Draft, v string) bool { d.DueDate = dueOf(v); return true }},
	{"tags", func(t *docket.Task) string { return joinTags(t.Tags) }, setTags},
	{"metadata", func(t *docket.Task) string { return string(t.Metadata) }, func(d *docket.Draft, v string) bool { d.Metadata = metadataOf(v); return true }},
	{"created_at", func(t *docket.Task) string { return formatTime(t.CreatedAt) }, func(d *docket.Draft, v string) bool { return parseTime(v, &d.CreatedAt) }},
	{"updated_at", func(t *docket.Task) string { return formatTime(t.UpdatedAt) }, func(d *docket.Draft, v string) bool { return parseTime(v, &d.UpdatedAt) }},
}

func setCompleted(d *docket.Draft, v string) bool {
	d.Completed = strings.EqualFold(v, "true") // spreadsheets write TRUE
	return d.Completed || strings.EqualFold(v, "false")
}

func setTags(d *docket.Draft, v string) (ok bool) {
	d.Tags, ok = splitTags(v)
	return ok
}

// joinTags writes tags as one record of a CSV file of their own.
func joinTags(tags []string) string {
	if len(tags) == 0 {
		return ""
	}
	var b strings.Builder
	w := csv.NewWriter(&b)
	_ = w.Write(tags) // a Builder takes everything
	w.Flush()
	return strings.TrimSuffix(b.String(), "\n")
}

// splitTags is the inverse of joinTags. Spaces may follow the commas.
func splitTags(text string) ([]string, bool) {
	r := csv.NewReader(strings.NewReader(text))
	r.TrimLeadingSpace = true
	tags, err := r.Read()
	if _, more := r.Read(); err != nil || !errors.Is(more, io.EOF) {
		return nil, false
	}
	return slices.DeleteFunc(tags, func(tag string) bool { return strings.TrimSpace(tag) == "" }), true
}

// A spreadsheet runs a cell as a formula if it begins with one of these (LF is what is
// read of CRLF). A cell that would, or that looks guarded already, gets an apostrophe in
// front, and loses it again.
var (
	needsGuard = regexp.MustCompile(`^'*[=+\-@\t\r\n]`)
	hasGuard   = regexp.MustCompile(`^'+[=+\-@\t\r\n]`)
)

func guard(cell string) string {
	if needsGuard.MatchString(cell) {
		return "'" + cell
	}
	return cell
}

func unguard(cell string) string {
	if hasGuard.MatchString(cell) {
		return cell[1:]
	}
	return cell
}

type csvWriter struct{ *csv.Writer }

// beginCSV writes the header, behind a byte order mark: without it Excel does not take
// the file for UTF-8.
func beginCSV(w io.Writer, _ time.Time) (writer, error) {
	if _, err := io.WriteString(w, "\ufeff"); err != nil {
		return nil, err
	}
	c := csvWriter{csv.NewWriter(w)}
	names := make([]string, len(csvColumns))
	for i, column := range csvColumns {
		names[i] = column.name
	}
	err := c.Write(names)
	return c, err
}

func (c csvWriter) task(t *docket.Task) error {
	cells := make([]string, len(csvColumns))
	for i, column := range csvColumns {
		cells[i] = guard(column.value(t))
	}
	return c.Write(cells)
}

func (c csvWriter) end() error {
	c.Flush()
	return c.Error()
}

// csvRows reads the records of a file, each of at most maxRecord bytes.
type csvRows struct {
	*csv.Reader

	file *csvFile
}

func newCSVRows(r io.Reader) *csvRows {
	file := &csvFile{r: r}
	rows := &csvRows{csv.NewReader(file), file}
	rows.FieldsPerRecord = -1
	rows.ReuseRecord = true
	return rows
}

// next returns the next record and its line. A record that is not well formed is told
// by bad, and the next one returned. At the end the error is io.EOF.
func (c *csvRows) next(bad func(line int, code, detail string)) (line int, cells []string, err error) {
	for {
		c.file.left = maxRecord
		cells, err := c.Read()
		fault, malformed := errors.AsType[*csv.ParseError](err)
		switch {
		case malformed && c.cutOff(fault):
			return 0, nil, badFile(fault.StartLine, "truncated", "The file ends in a quoted cell: it was cut off, or the quotation mark is not closed.")
		case malformed:
			bad(fault.StartLine, "stray_quote", "The record was left out: a quotation mark stands inside a cell. Put the cell in quotation marks, and write those in it twice.")
			continue
		case err != nil:
			return 0, nil, err
		}
		line, _ = c.FieldPos(0)
		return line, cells, nil
	}
}

// cutOff reports whether a fault is that the file ends inside of quotation marks, and not
// that one stands before the end of a cell.
func (c *csvRows) cutOff(fault *csv.ParseError) bool {
	return errors.Is(fault, csv.ErrQuote) && c.file.ended && c.InputOffset() == c.file.read && fault.Column >= c.file.lastLine()
}

// csvFile is the file that a csv.Reader reads. It ends with an error when left bytes are
// read.
type csvFile struct {
	r              io.Reader
	left           int
	read           int64
	lines          int
	ended          bool
	line, lineDone int // the lengths of the line that is read, and of the one before
}

func (f *csvFile) Read(p []byte) (int, error) {
	if f.left <= 0 {
		return 0, badFile(f.lines+1, "record_too_long", "The record that ends here has more than %d bytes: a quotation mark before it is probably not closed.", maxRecord)
	}
	n, err := f.r.Read(p)
	f.left, f.read, f.ended = f.left-n, f.read+int64(n), errors.Is(err, io.EOF)
	for rest := p[:n]; len(rest) > 0; {
		end := bytes.IndexByte(rest, '\n') + 1
		if end == 0 {
			f.line += len(rest)
			break
		}
		f.lineDone, f.line, rest = f.line+end, 0, rest[end:]
		f.lines++
	}
	return n, err
}

// lastLine is the length of the last line.
func (f *csvFile) lastLine() int {
	if f.line > 0 {
		return f.line
	}
	return f.lineDone
}

// readCSV reads the columns that the header names, ours or those of another service.
func readCSV(r io.Reader, to *reading) error {
	rows := newCSVRows(r)
	read, err := readHeader(rows, to)
	if err != nil {
		return err
	}
	for {
		line, cells, err := rows.next(to.skip)
		if errors.Is(err, io.EOF) {
			return read(0, nil)
		}
		if err != nil {
			return err
		}
		if err := read(line, cells); err != nil {
			return err
		}
	}
}

// header tells which cells of a record are in which column, the first one of its name.
type header struct{ at map[string]int }

func headerOf(names []string) header {
	h := header{map[string]int{}}
	for i, name := range names {
		name = columnName(name)
		if _, known := h.at[name]; !known {
			h.at[name] = i
		}
	}
	return h
}

func columnName(text string) string { return strings.ToLower(strings.TrimSpace(text)) }

// cell returns the cell of a column in a record; "" when there is none.
func (h header) cell(cells []string, column string) string {
	i, known := h.at[column]
	if !known || i >= len(cells) {
		return ""
	}
	return unguard(cells[i])
}

func (h header) has(columns ...string) bool {
	return !slices.ContainsFunc(columns, func(column string) bool { _, known := h.at[column]; return !known })
}

// rowReader takes in the records behind a header, and nil at the end of the file.
type rowReader func(line int, cells []string) error

// maxPreamble is how many records may precede a header: TickTick writes some.
const maxPreamble = 20

// readHeader finds the header of a file, and returns what reads the records behind it.
func readHeader(rows *csvRows, to *reading) (rowReader, error) {
	for range maxPreamble {
		line, cells, err := rows.next(func(int, string, string) {})
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		cells = rows.splitOtherwise(cells)
		h := headerOf(cells)
		switch {
		case h.has("type", "content"):
			return (&todoistReader{h: h, to: to, zones: zones{}}).row, nil
		case h.has("title", "list name"), h.has("title", "taskid"):
			return tickTickReader{h, to, zones{}}.row, nil
		case h.has("title"):
			h.tellUnknown(line, cells, to)
			return docketReader{h, len(cells), to}.row, nil
		}
	}
	return nil, badFile(1, "no_header", "The file has no header row with a column title, or the columns of an export of Todoist (TYPE, CONTENT) or TickTick (Title, List Name).")
}

// splitOtherwise splits a header that is separated by semicolons or tabs, as
// spreadsheets write where the comma is a decimal point, and the records behind it.
func (c *csvRows) splitOtherwise(cells []string) []string {
	if len(cells) != 1 {
		return cells
	}
	for _, comma := range ";\t" {
		if names := strings.Split(cells[0], string(comma)); len(names) > 1 {
			c.Comma = comma
			for i := range names {
				names[i] = strings.Trim(names[i], `"`)
			}
			return names
		}
	}
	return cells
}

// tellUnknown says which columns are not ours, or are there already.
func (h header) tellUnknown(line int, names []string, to *reading) {
	for i, name := range names {
		name = columnName(name)
		switch {
		case name == "":
		case !slices.ContainsFunc(csvColumns, func(c csvColumn) bool { return c.name == name }):
			to.skip(line, "unknown_column", `The column "`+shorten(name)+`" was left out: Docket has no such field.`)
		case h.at[name] != i:
			to.skip(line, "repeated_column", `The second column "`+name+`" was left out.`)
		}
	}
}

// docketReader reads records in our columns.
type docketReader struct {
	h       header
	columns int
	to      *reading
}

func (r docketReader) row(line int, cells []string) error {
	if cells == nil || len(bytes.TrimSpace([]byte(strings.Join(cells, "")))) == 0 {
		return nil
	}
	var d docket.Draft
	for _, column := range csvColumns {
		if v := r.h.cell(cells, column.name); v != "" && !column.set(&d, v) {
			r.to.skip(line, "invalid_"+column.name, "The task was left out: its "+column.name+" is not one that Docket can read.")
			return nil
		}
	}
	if slices.ContainsFunc(cells[min(r.columns, len(cells)):], func(cell string) bool { return cell != "" }) {
		r.to.skip(line, "surplus_cells", "The task is kept, without what the record has behind the last column.")
	}
	return r.to.add(line, d)
}
