package httpapi

import (
	"encoding/hex"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"docket"
	"docket/internal/contract"
	"docket/internal/headers"
)

// answerChunk is the approximate size of the parts in which an answer is sent, in bytes.
const answerChunk = 48 << 10

// answer collects a JSON answer and sends it in chunks.
type answer struct {
	w      http.ResponseWriter
	status int
	begun  bool
	bytes  []byte
}

var answers = sync.Pool{New: func() any { return new(answer) }}

// revalidate is the Cache-Control of answers with an entity tag.
var revalidate = []string{contract.Revalidate}

var applicationJSON = []string{"application/json"}

// newAnswer begins an answer, which close ends.
func newAnswer(w http.ResponseWriter, status int) *answer {
	a, ok := answers.Get().(*answer)
	if !ok {
		a = new(answer)
	}
	a.w, a.status, a.begun, a.bytes = w, status, false, a.bytes[:0]
	return a
}

func (a *answer) close() {
	a.w = nil
	answers.Put(a)
}

// flush sends the bytes when they fill a chunk.
func (a *answer) flush() error {
	if len(a.bytes) < answerChunk {
		return nil
	}
	return a.send()
}

// end sends the rest. When nothing was sent before, it sets Content-Length; for short
// answers net/http does so at lower cost.
func (a *answer) end() error {
	const short = 2 << 10
	if !a.begun && len(a.bytes) > short {
		a.w.Header().Set("Content-Length", strconv.Itoa(len(a.bytes)))
	}
	return a.send()
}

func (a *answer) send() error {
	if !a.begun {
		a.begun = true
		a.w.Header()["Content-Type"] = applicationJSON
		a.w.WriteHeader(a.status)
	}
	_, err := a.w.Write(a.bytes)
	a.bytes = a.bytes[:0]
	return err
}

// writeHealthy answers that the server is well, with what its operator should look at.
func writeHealthy(w http.ResponseWriter, warnings []string) error {
	w.Header()["Cache-Control"] = []string{"no-store"}
	return writeValue(w, http.StatusOK, contract.Health{Status: "ok", Warnings: warnings})
}

// writeValue answers with a value whose type is its shape.
func writeValue(w http.ResponseWriter, status int, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	a := newAnswer(w, status)
	defer a.close()
	a.bytes = append(a.bytes, text...)
	return a.end()
}

// writeTask answers with a task and its entity tag.
func writeTask(w http.ResponseWriter, status int, t docket.Task) (err error) {
	a := newAnswer(w, status)
	defer a.close()
	if a.bytes, err = appendTask(a.bytes, &t); err != nil {
		return err
	}
	w.Header()["Etag"] = []string{headers.ETag(t.Version)}
	w.Header()["Cache-Control"] = revalidate
	return a.end()
}

// writeTombstone answers a delete: without a body when the client wants none, or when
// the answer was kept by a program that kept no tombstones.
func writeTombstone(w http.ResponseWriter, t docket.Task, minimal bool) (err error) {
	none := keptWithoutTombstone(&t)
	if !none {
		w.Header()["Etag"] = []string{headers.ETag(t.Version)}
		w.Header()["Cache-Control"] = revalidate
	}
	if minimal {
		applied(w, "return=minimal")
	}
	if minimal || none {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	a := newAnswer(w, http.StatusOK)
	defer a.close()
	if a.bytes, err = appendChange(a.bytes, &t); err != nil {
		return err
	}
	return a.end()
}

// keptWithoutTombstone reports whether t is what a delete had as its result before it
// had a tombstone.
func keptWithoutTombstone(t *docket.Task) bool { return t.ID == uuid.Nil }

// writeTasks answers with an array of tasks.
func writeTasks(w http.ResponseWriter, tasks []docket.Task) (err error) {
	a := newAnswer(w, http.StatusOK)
	defer a.close()
	a.bytes = append(a.bytes, '[')
	for i := range tasks {
		if i > 0 {
			a.bytes = append(a.bytes, ',')
		}
		if a.bytes, err = appendTask(a.bytes, &tasks[i]); err != nil {
			return err
		}
		if err := a.flush(); err != nil {
			return err
		}
	}
	a.bytes = append(a.bytes, ']')
	return a.end()
}

// appendTask appends a task as the schema Task has it. It fails on text that is
// not UTF-8.
func appendTask(b []byte, t *docket.Task) (_ []byte, err error) {
	b = append(b, `{"id":"`...)
	b = appendUUID(b, t.ID)
	b = append(b, `","user_id":`...)
	if b, err = jsontext.AppendQuote(b, string(t.UserID)); err != nil {
		return b, err
	}
	b = append(b, `,"title":`...)
	if b, err = jsontext.AppendQuote(b, t.Title); err != nil {
		return b, err
	}
	b = append(b, `,"description":`...)
	if t.Description == nil {
		b = append(b, "null"...)
	} else if b, err = jsontext.AppendQuote(b, *t.Description); err != nil {
		return b, err
	}
	b = append(b, `,"completed":`...)
	b = strconv.AppendBool(b, t.Completed)
	b = append(b, `,"completed_at":`...)
	b = appendOptionalTime(b, t.CompletedAt)
	b = append(append(b, `,"priority":"`...), t.Priority.String()...)
	b = append(b, `","due_date":`...)
	b = appendDueDate(b, t.DueDate)
	b = append(b, `,"tags":`...)
	if b, err = appendTags(b, t.Tags); err != nil {
		return b, err
	}
	b = append(append(b, `,"metadata":`...), t.Metadata.JSON()...)
	b = append(b, `,"created_at":"`...)
	b = appendTime(b, t.CreatedAt)
	b = append(b, `","updated_at":"`...)
	b = appendTime(b, t.UpdatedAt)
	b = append(b, `","version":`...)
	b = strconv.AppendInt(b, t.Version, 10)
	if !t.DeletedAt.IsZero() {
		b = append(b, `,"deleted_at":"`...)
		b = appendTime(b, t.DeletedAt)
		b = append(b, '"')
	}
	return append(b, '}'), nil
}

func appendOptionalTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(b, "null"...)
	}
	return append(appendTime(append(b, '"'), t), '"')
}

func appendDueDate(b []byte, d docket.DueDate) []byte {
	if d == "" {
		return append(b, "null"...)
	}
	return append(append(append(b, '"'), d...), '"')
}

func appendTags(b []byte, tags []string) (_ []byte, err error) {
	b = append(b, '[')
	for i, tag := range tags {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = jsontext.AppendQuote(b, tag); err != nil {
			return b, err
		}
	}
	return append(b, ']'), nil
}

// appendChange appends the latest state of a task: as the schema Task or, when
// it is deleted, as Tombstone.
func appendChange(b []byte, t *docket.Task) ([]byte, error) {
	if t.DeletedAt.IsZero() {
		return appendTask(b, t)
	}
	b = append(b, `{"id":"`...)
	b = appendUUID(b, t.ID)
	b = append(b, `","deleted":true,"deleted_at":"`...)
	b = appendTime(b, t.DeletedAt)
	b = append(b, `","version":`...)
	b = strconv.AppendInt(b, t.Version, 10)
	return append(b, '}'), nil
}

func appendUUID(b []byte, id uuid.UUID) []byte {
	b = append(hex.AppendEncode(b, id[:4]), '-')
	b = append(hex.AppendEncode(b, id[4:6]), '-')
	b = append(hex.AppendEncode(b, id[6:8]), '-')
	b = append(hex.AppendEncode(b, id[8:10]), '-')
	return hex.AppendEncode(b, id[10:])
}

// appendTime appends a time of the years 0 to 9999 as RFC 3339 has it: in UTC,
// always with six digits of fraction.
func appendTime(b []byte, t time.Time) []byte {
	t = t.UTC()
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	b = append(appendDigits(b, year, 4), '-')
	b = append(appendDigits(b, int(month), 2), '-')
	b = append(appendDigits(b, day, 2), 'T')
	b = append(appendDigits(b, hour, 2), ':')
	b = append(appendDigits(b, minute, 2), ':')
	b = append(appendDigits(b, second, 2), '.')
	return append(appendDigits(b, t.Nanosecond()/1000, 6), 'Z')
}

// appendDigits appends the last digits of n.
func appendDigits(b []byte, n, digits int) []byte {
	b = append(b, "000000"[:digits]...)
	for i := len(b) - 1; n > 0 && digits > 0; i, digits = i-1, digits-1 {
		b[i] = byte('0' + n%10)
		n /= 10
	}
	return b
}
