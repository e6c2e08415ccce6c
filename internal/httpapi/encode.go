package httpapi

import (
	"encoding/hex"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
)

// encodeChunk is about how many bytes of a list are held before they are sent.
const encodeChunk = 48 << 10

// output collects an answer and sends it in chunks.
type output struct {
	w     io.Writer
	bytes []byte
	begun bool
}

var outputs = sync.Pool{New: func() any { return new(output) }}

func newOutput(w io.Writer) *output {
	o, ok := outputs.Get().(*output)
	if !ok {
		o = new(output)
	}
	o.w, o.bytes, o.begun = w, o.bytes[:0], false
	return o
}

// next sends what there is when that is a chunk.
func (o *output) next() (err error) {
	if len(o.bytes) >= encodeChunk {
		o.begun = true
		_, err = o.w.Write(o.bytes)
		o.bytes = o.bytes[:0]
	}
	return err
}

// end sends the rest, and before it, when it is all, how long it is. Of a short
// answer net/http says so by itself, for less.
func (o *output) end() error {
	const short = 2 << 10
	if answer, ok := o.w.(http.ResponseWriter); ok && !o.begun && len(o.bytes) > short {
		answer.Header().Set("Content-Length", strconv.Itoa(len(o.bytes)))
	}
	_, err := o.w.Write(o.bytes)
	return err
}

// close gives o back.
func (o *output) close() {
	o.w = nil
	outputs.Put(o)
}

// encode writes v as JSON. Tasks, which nearly all answers are, are written
// without reflection: to the same bytes, for a fifth of the time.
func encode(w io.Writer, v any) error {
	switch v := v.(type) {
	case Task:
		return encodeTasks(w, []Task{v}, "", "")
	case []Task:
		return encodeTasks(w, v, "[", "]")
	case Changes:
		return encodeChanges(w, v)
	}
	return json.MarshalWrite(w, v)
}

func encodeTasks(w io.Writer, tasks []Task, start, end string) (err error) {
	o := newOutput(w)
	defer o.close()
	o.bytes = append(o.bytes, start...)
	for i := range tasks {
		if i > 0 {
			o.bytes = append(o.bytes, ',')
		}
		if o.bytes, err = appendTask(o.bytes, &tasks[i]); err != nil {
			return err
		}
		if err := o.next(); err != nil {
			return err
		}
	}
	o.bytes = append(o.bytes, end...)
	return o.end()
}

// appendTask appends a task in the order of the fields of Task. It fails on text
// that is not UTF-8.
func appendTask(b []byte, t *Task) (_ []byte, err error) {
	b = append(b, `{"id":"`...)
	b = appendUUID(b, t.ID)
	b = append(b, `","user_id":`...)
	if b, err = jsontext.AppendQuote(b, t.UserID); err != nil {
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
	b = append(b, `,"created_at":"`...)
	b = appendTimestamp(b, time.Time(t.CreatedAt))
	b = append(b, `","updated_at":"`...)
	b = appendTimestamp(b, time.Time(t.UpdatedAt))
	b = append(b, `","version":`...)
	b = strconv.AppendInt(b, t.Version, 10)
	if !time.Time(t.DeletedAt).IsZero() {
		b = append(b, `,"deleted_at":"`...)
		b = appendTimestamp(b, time.Time(t.DeletedAt))
		b = append(b, '"')
	}
	return append(b, '}'), nil
}

func appendUUID(b []byte, id uuid.UUID) []byte {
	b = append(hex.AppendEncode(b, id[:4]), '-')
	b = append(hex.AppendEncode(b, id[4:6]), '-')
	b = append(hex.AppendEncode(b, id[6:8]), '-')
	b = append(hex.AppendEncode(b, id[8:10]), '-')
	return hex.AppendEncode(b, id[10:])
}

// appendTimestamp appends a time of the years 0 to 9999 in timestampLayout.
func appendTimestamp(b []byte, t time.Time) []byte {
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
