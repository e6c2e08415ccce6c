package transfer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"docket"
)

// jsonVersion is the version of the JSON format. A program of a lower version does not
// read it.
const jsonVersion = 1

// jsonTask is a task as the API has it.
type jsonTask struct {
	ID          string         `json:"id"`
	UserID      string         `json:"user_id"`
	Title       string         `json:"title"`
	Description *string        `json:"description"`
	Completed   bool           `json:"completed"`
	CompletedAt *string        `json:"completed_at"`
	Priority    string         `json:"priority"`
	DueDate     *string        `json:"due_date"`
	Tags        []string       `json:"tags"`
	Metadata    jsontext.Value `json:"metadata"`
	CreatedAt   string         `json:"created_at"`
	UpdatedAt   string         `json:"updated_at"`
	Version     int64          `json:"version"`
	DeletedAt   string         `json:"deleted_at,omitzero"`
}

type jsonWriter struct {
	w     io.Writer
	begun bool
}

func beginJSON(w io.Writer, now time.Time) (writer, error) {
	_, err := fmt.Fprintf(w, `{"docket":%d,"exported_at":"%s","tasks":[`, jsonVersion, formatTime(now))
	return &jsonWriter{w: w}, err
}

func (j *jsonWriter) task(t *docket.Task) error {
	separator := ",\n"
	if !j.begun {
		separator, j.begun = "\n", true
	}
	if _, err := io.WriteString(j.w, separator); err != nil {
		return err
	}
	return json.MarshalWrite(j.w, jsonTask{
		ID: t.ID.String(), UserID: string(t.UserID), Title: t.Title, Description: t.Description,
		Completed: t.Completed, CompletedAt: optional(formatTime(t.CompletedAt)), Priority: t.Priority.String(),
		DueDate: optional(string(t.DueDate)), Tags: t.Tags, Metadata: jsontext.Value(t.Metadata.JSON()),
		CreatedAt: formatTime(t.CreatedAt), UpdatedAt: formatTime(t.UpdatedAt), Version: t.Version, DeletedAt: formatTime(t.DeletedAt),
	})
}

func (j *jsonWriter) end() error {
	_, err := io.WriteString(j.w, "\n]}\n")
	return err
}

// jsonReader reads the JSON of an export, a bare array of tasks as lists answer, or the
// tasks of Google Takeout.
type jsonReader struct {
	*jsontext.Decoder

	lines *lineCounter
	to    *reading
}

func readJSON(r io.Reader, to *reading) error {
	j := &jsonReader{lines: &lineCounter{r: r}, to: to}
	j.Decoder = jsontext.NewDecoder(j.lines)
	err := j.file()
	if err == nil {
		if _, err = j.ReadToken(); err == nil {
			err = badFile(j.line(), "trailing_data", "The file goes on after its JSON value.")
		} else if errors.Is(err, io.EOF) {
			err = nil
		}
	}
	return j.explain(err)
}

func (j *jsonReader) file() error {
	switch j.PeekKind() {
	case '[':
		return j.each(j.docketTask)
	case '{':
		found := false
		list := func(element func() error) func() error {
			return func() error {
				found = found || j.PeekKind() == '['
				return j.each(element)
			}
		}
		err := j.members(map[string]func() error{"docket": j.version, "tasks": list(j.docketTask), "items": list(j.googleList)})
		if err == nil && !found {
			err = errNoTasks
		}
		return err
	}
	if _, err := j.ReadToken(); err != nil {
		return err
	}
	return errNoTasks
}

var errNoTasks = badFile(1, "no_tasks", "The file is neither an export of Docket (a JSON object with an array of tasks), nor an array of tasks, nor the Tasks.json of Google Takeout.")

// version checks which version of the format the file has.
func (j *jsonReader) version() error {
	v, err := j.ReadValue()
	if err == nil && string(v) != "1" {
		err = badFile(j.line(), "newer_version", "The file is of version %s of the format, and this server reads version %d. Import it into a newer server.", shorten(string(v)), jsonVersion)
	}
	return err
}

// each reads the elements of an array. Another value has none.
func (j *jsonReader) each(element func() error) error {
	if j.PeekKind() != '[' {
		return j.SkipValue()
	}
	if _, err := j.ReadToken(); err != nil {
		return err
	}
	for j.PeekKind() != ']' {
		if err := element(); err != nil {
			return err
		}
	}
	_, err := j.ReadToken()
	return err
}

// members reads the members of an object that have a reader, and skips the others.
// Another value has none.
func (j *jsonReader) members(read map[string]func() error) error {
	if j.PeekKind() != '{' {
		return j.SkipValue()
	}
	if _, err := j.ReadToken(); err != nil {
		return err
	}
	for j.PeekKind() != '}' {
		name, err := j.ReadToken()
		if err != nil {
			return err
		}
		value := j.SkipValue
		if known := read[name.String()]; known != nil {
			value = known
		}
		if err := value(); err != nil {
			return err
		}
	}
	_, err := j.ReadToken()
	return err
}

// decode reads the next value into to. It reports false, and says so, when the value
// does not fit.
func (j *jsonReader) decode(to any) (line int, ok bool, err error) {
	v, err := j.ReadValue()
	line = j.line() - bytes.Count(v, []byte("\n"))
	if err != nil {
		return line, false, err
	}
	if len(v) > maxRecord {
		j.to.skip(line, "record_too_long", fmt.Sprintf("The task was left out: it has more than %d bytes.", maxRecord))
		return line, false, nil
	}
	if err := json.Unmarshal(v, to); err != nil {
		place := ""
		if e, is := errors.AsType[*json.SemanticError](err); is {
			place = shorten(string(e.JSONPointer))
		}
		j.to.skip(line, "wrong_type", fmt.Sprintf("The task was left out: the value at %q has the wrong type.", place))
		return line, false, nil
	}
	return line, true, nil
}

func (j *jsonReader) docketTask() error {
	var t struct {
		jsonTask

		Deleted bool `json:"deleted"` // of a change
	}
	line, ok, err := j.decode(&t)
	if err != nil || !ok {
		return err
	}
	if t.Deleted && t.DeletedAt == "" {
		j.to.skip(line, "no_deleted_at", "The task was left out: it is deleted, and deleted_at does not say when.")
		return nil
	}
	d := docket.Draft{ID: t.ID, NewTask: docket.NewTask{Fields: docket.Fields{
		Title: t.Title, Description: t.Description, Completed: t.Completed, Tags: t.Tags,
	}}}
	if t.Priority != "" {
		d.Priority = priorityOf(t.Priority)
	}
	if t.DueDate != nil {
		d.DueDate = dueOf(*t.DueDate)
	}
	if t.Metadata.Kind() != 'n' {
		d.Metadata = docket.Metadata(t.Metadata)
	}
	for _, at := range []struct {
		name, text string
		time       *time.Time
	}{
		{"created_at", t.CreatedAt, &d.CreatedAt},
		{"updated_at", t.UpdatedAt, &d.UpdatedAt},
		{"completed_at", textOf(t.CompletedAt), &d.CompletedAt},
		{"deleted_at", t.DeletedAt, &d.DeletedAt},
	} {
		if !parseTime(at.text, at.time) {
			j.to.skip(line, "invalid_time", "The task was left out: "+at.name+" is not a time as RFC 3339 has it.")
			return nil
		}
	}
	return j.to.add(line, d)
}

// parseTime sets the time that a text holds, if it holds any.
func parseTime(text string, to *time.Time) bool {
	if text == "" {
		return true
	}
	t, err := time.Parse(time.RFC3339Nano, strings.ToUpper(text))
	*to = t
	return err == nil
}

// line is the line of the last token or value.
func (j *jsonReader) line() int {
	return 1 + j.lines.read - bytes.Count(j.UnreadBuffer(), []byte("\n"))
}

// explain says what the decoder found to be wrong.
func (j *jsonReader) explain(err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*FileError](err); ok { // without where the decoder was
		return e
	}
	syntax, ok := errors.AsType[*jsontext.SyntacticError](err)
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return orTruncated(1+j.lines.read, err)
	case errors.Is(err, jsontext.ErrDuplicateName):
		return badFile(j.line(), "duplicate_name", "A name appears twice in one JSON object.")
	case ok:
		return badFile(j.line(), "not_json", "The file is not valid JSON: the fault is at byte %d.", syntax.ByteOffset)
	}
	return err
}

// lineCounter counts the ends of the lines that were read. It reads little at a time, so
// that what is read ahead is little.
type lineCounter struct {
	r    io.Reader
	read int
}

func (l *lineCounter) Read(p []byte) (int, error) {
	n, err := l.r.Read(p[:min(len(p), 4<<10)])
	l.read += bytes.Count(p[:n], []byte("\n"))
	return n, err
}
