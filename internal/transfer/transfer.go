// Package transfer takes tasks out of the service and into it, in the formats that
// other programs have: JSON, CSV, iCalendar and todo.txt. docs/data.md says what each
// format keeps.
//
// A format is written as tasks come, and read as the file comes: neither the tasks nor
// the file are ever held as a whole.
package transfer

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"docket"
)

// MaxTasks is the most tasks in a file that a request imports.
const MaxTasks = 10_000

// Format is a format of files.
type Format struct {
	Name      string // as the parameter format has it
	MediaType string // without parameters
	Extension string // of file names, with its dot

	begin func(w io.Writer, now time.Time) (writer, error)
	read  func(r io.Reader, to *reading) error
}

// The formats.
var (
	JSON     = &Format{"json", "application/json", ".json", beginJSON, readJSON}
	CSV      = &Format{"csv", "text/csv", ".csv", beginCSV, readCSV}
	Calendar = &Format{"ics", "text/calendar", ".ics", beginCalendar, readCalendar}
	TodoTxt  = &Format{"todotxt", "text/plain", ".txt", beginTodoTxt, readTodoTxt}
)

// Formats are all formats, the one that loses nothing first.
var Formats = []*Format{JSON, CSV, Calendar, TodoTxt}

// Find returns the format for which is holds.
func Find(is func(*Format) bool) (*Format, bool) {
	i := slices.IndexFunc(Formats, is)
	if i < 0 {
		return nil, false
	}
	return Formats[i], true
}

// writer writes the tasks of a file, and then its end.
type writer interface {
	task(t *docket.Task) error
	end() error
}

// reading takes what a parser finds in a file. Lines count from 1.
type reading struct {
	// add takes a task. Its error ends the parse.
	add func(line int, d docket.Draft) error
	// skip takes what cannot be kept: a task, or a part of one that is kept without it.
	skip func(line int, code, detail string)
}

// Malformed are the codes of FileErrors that say that a file is not in its format, or not
// all of it is there.
var Malformed = []string{
	"compressed", "not_text", "not_utf8", "not_utf16", "truncated", "not_json", "duplicate_name", "trailing_data", "not_icalendar", "malformed", "too_deep",
}

// FileError says why nothing of a file can be imported.
type FileError struct {
	Line   int    // 0 when the fault is in no line
	Code   string // as docket.Fault has it
	Detail string
}

func (e *FileError) Error() string {
	if e.Line == 0 {
		return e.Detail
	}
	return fmt.Sprintf("Line %d: %s", e.Line, e.Detail)
}

func badFile(line int, code, format string, args ...any) error {
	return &FileError{Line: line, Code: code, Detail: fmt.Sprintf(format, args...)}
}

// orTruncated returns err, the error of reading a file, or says that the file ends early.
func orTruncated(line int, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return badFile(line, "truncated", "The file ends in the middle. Export it again, or send all of it.")
	}
	return err
}

// timeLayout is how JSON and CSV have times: in UTC, to the microsecond.
const timeLayout = "2006-01-02T15:04:05.000000Z"

func formatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(timeLayout)
}

// priorityOf returns the priority of a name; of another name, one that Normalize refuses.
func priorityOf(name string) docket.Priority {
	p, known := docket.ParsePriority(name)
	if !known {
		return 127
	}
	return p
}

// dueOf returns the due date of a text; of a text that has none, one that Normalize
// refuses.
func dueOf(text string) docket.DueDate {
	due, ok := docket.ParseDueDate(text)
	if !ok {
		return docket.DueDate(text)
	}
	return due
}

// metadataOf returns the metadata of a text; of a text that is not valid JSON, one that
// Normalize refuses.
func metadataOf(text string) docket.Metadata {
	if !jsontext.Value(text).IsValid() {
		return "null"
	}
	return docket.Metadata(text)
}

// optional returns nil for the empty text.
func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func textOf(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// shorten bounds a text of the file that a message repeats, on one line.
func shorten(text string) string {
	const most = 60
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r <= 0x9f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}
