package httpapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"docket"
	"docket/internal/contract"
	"docket/internal/edge"
	"docket/internal/headers"
	"docket/internal/problem"
	"docket/internal/transfer"
)

// The parameters of export and import.
var (
	exportFormat = param{
		in: inQuery, name: "format", shape: text,
		tag: `enum:"json,csv,ics,todotxt" doc:"The format of the file: JSON, CSV, iCalendar or todo.txt. Absent: json, which alone loses nothing." example:"csv"`,
		read: func(in *input, name string, values []string) {
			found, ok := transfer.Find(func(f *transfer.Format) bool { return f.Name == values[0] })
			if !ok {
				in.fault(queryFault(name, "unknown_format", "The parameter "+name+" must be json, csv, ics or todotxt."))
				return
			}
			in.format = found
		},
	}
	exportTrash = param{
		in: inQuery, name: "deleted", shape: boolean,
		tag:  `doc:"true: the deleted tasks that can be restored too, behind the others. Only in JSON." example:"false"`,
		read: func(in *input, name string, values []string) { in.trash = readBool(in, name, values[0]) },
	}
	dryRun = param{
		in: inQuery, name: "dry_run", shape: boolean,
		tag:  `doc:"true: tells what the import would do, and does nothing." example:"true"`,
		read: func(in *input, name string, values []string) { in.dryRun = readBool(in, name, values[0]) },
	}
)

func checkExport(in *input) {
	if in.format == nil {
		in.format = transfer.JSON
	}
	if in.trash && in.format != transfer.JSON {
		in.fault(queryFault("deleted", "not_in_format", "Only JSON can say which tasks are deleted: leave deleted out, or send format=json."))
	}
}

// mediaTypes are those of the formats of files.
func mediaTypes() (list []string) {
	for _, f := range transfer.Formats {
		list = append(list, f.MediaType)
	}
	return list
}

func (a *api) exportTasks(rt *route, w http.ResponseWriter, r *http.Request) error {
	in, err := a.decode(rt, w, r)
	if err != nil {
		return err
	}
	answer := &fileAnswer{w: w, head: r.Method == http.MethodHead}
	answer.set = func(h http.Header) {
		setFormat(h, in.format)
		h.Set("Content-Disposition", `attachment; filename="tasks`+in.format.Extension+`"`)
	}
	e := transfer.Export{Format: in.format, Trash: in.trash, Now: a.service.Time()}
	return answer.result(e.Write(answer, a.pages(r.Context(), in)))
}

func (a *api) calendar(rt *route, w http.ResponseWriter, r *http.Request) error {
	in, err := a.decode(rt, w, r)
	if err != nil {
		return err
	}
	q := docket.ListQuery{DueFrom: time.Time{}.Add(time.Microsecond)} // every due date
	mark := headers.NewPage(docket.MarkList(in.owner, q), 0, 0, "the calendar")
	q.Known = mark.KnownState(in.noneMatch)
	answer := &fileAnswer{w: w, head: r.Method == http.MethodHead}
	read, tag := a.pages(r.Context(), in), ""
	err = transfer.Export{Format: transfer.Calendar, Query: q, Now: a.service.Time()}.Write(answer, func(q docket.ListQuery) (docket.Page, error) {
		page, err := read(q)
		if err == nil && tag == "" {
			tag = mark.ETag(page.State)
			answer.set = func(h http.Header) {
				setFormat(h, transfer.Calendar)
				h.Set("ETag", tag)
				h["Cache-Control"] = revalidate
			}
			answer.unchanged = page.Unchanged || headers.MatchesAny(in.noneMatch, tag)
		}
		return page, err
	})
	return answer.result(err)
}

func setFormat(h http.Header, f *transfer.Format) {
	mediaType := f.MediaType
	if f != transfer.JSON {
		mediaType += "; charset=utf-8"
	}
	h.Set("Content-Type", mediaType)
}

// fileAnswer sends a file. It begins its answer with the first bytes, so that an error
// before them is answered as such.
type fileAnswer struct {
	w         http.ResponseWriter
	set       func(http.Header) // sets the headers
	head      bool              // only the headers are sent
	unchanged bool              // the client has the file
	begun     bool
}

// errAnswered ends a file of which nothing more is sent.
var errAnswered = errors.New("httpapi: the answer is complete")

func (f *fileAnswer) Write(b []byte) (int, error) {
	if !f.begun {
		f.begun = true
		f.set(f.w.Header())
		if f.unchanged {
			f.w.WriteHeader(http.StatusNotModified)
		}
	}
	if f.head || f.unchanged {
		return 0, errAnswered
	}
	return f.w.Write(b)
}

// result returns the error of a file that was written.
func (f *fileAnswer) result(err error) error {
	if errors.Is(err, errAnswered) {
		return nil
	}
	return err
}

// pages returns a function that reads pages of the user's tasks. It holds one at a time,
// and waits for its share when the first one has been sent.
func (a *api) pages(ctx context.Context, in *input) func(docket.ListQuery) (docket.Page, error) {
	first := true
	return func(q docket.ListQuery) (docket.Page, error) {
		edge.Hold(ctx, 0)
		const attempts = 15
		for n := 1; ; n++ {
			page, err := edge.Admit(ctx, edge.Cost{Pass: true, Bytes: edge.BytesOf(q.Limit)}, func() (docket.Page, error) {
				return a.service.Tasks(ctx, in.owner, q)
			})
			if err == nil {
				first = false
				edge.HoldTasks(ctx, page.Tasks)
			}
			if first || n == attempts || !isBusy(err) {
				return page, err
			}
			select {
			case <-ctx.Done():
				return page, err
			case <-time.After(time.Second):
			}
		}
	}
}

// file is the body of a request in parts of fileChunk bytes. A slice that grows would
// take twice as much.
type file [][]byte

const fileChunk = 64 << 10

func readFile(r io.Reader) (f file, err error) {
	for {
		chunk := make([]byte, fileChunk)
		n, err := io.ReadFull(r, chunk)
		if n > 0 {
			f = append(f, chunk[:n])
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return f, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// open returns the file from its beginning.
func (f file) open() (io.Reader, error) {
	parts := make([]io.Reader, len(f))
	for i, chunk := range f {
		parts[i] = bytes.NewReader(chunk)
	}
	return io.MultiReader(parts...), nil
}

// readFileBody reads a body that is a file in one of the formats.
func (rt *route) readFileBody(in *input, r *http.Request) (err error) {
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")) // it was checked
	in.format, _ = transfer.Find(func(f *transfer.Format) bool { return f.MediaType == mediaType })
	in.file, err = readFile(r.Body)
	return err
}

func (a *api) importTasks(rt *route, w http.ResponseWriter, r *http.Request) error {
	in, err := a.decode(rt, w, r)
	if err != nil {
		return err
	}
	i := transfer.Import{
		Service: a.service, Owner: in.owner, Format: in.format, Open: in.file.open, DryRun: in.dryRun, MaxTasks: transfer.MaxTasks, Rest: edge.Rests(r.Context()),
	}
	result, err := edge.Admit(r.Context(), edge.Cost{Pass: true}, func() (transfer.Result, error) { return i.Run(r.Context()) })
	if err != nil {
		return explainFile(err)
	}
	return writeImport(w, result)
}

// explainFile returns err; that of a file that cannot be imported is of kind Malformed
// when it is not what its media type says, and Invalid otherwise.
func explainFile(err error) error {
	e, ok := errors.AsType[*transfer.FileError](err)
	if !ok {
		return err
	}
	fault := bodyFault("", e.Code, e.Error())
	if slices.Contains(transfer.Malformed, e.Code) {
		return &docket.Error{Kind: problem.Malformed, Detail: fault.Detail + " Nothing was imported.", Faults: []docket.Fault{fault}}
	}
	invalid := docket.InvalidInput(fault)
	invalid.Detail += " Nothing was imported."
	return invalid
}

func writeImport(w http.ResponseWriter, result transfer.Result) error {
	body := contract.ImportResult{Added: result.Added, Unchanged: result.Unchanged, SkippedCount: result.Skipped.Total, Skipped: []contract.ImportSkip{}}
	for _, s := range result.Skipped.List {
		body.Skipped = append(body.Skipped, contract.ImportSkip(s))
	}
	text, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("httpapi: the result of an import: %w", err)
	}
	a := newAnswer(w, http.StatusOK)
	defer a.close()
	a.bytes = append(a.bytes, text...)
	return a.end()
}
