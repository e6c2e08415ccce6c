package transfer

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"docket"
)

// Import adds the tasks of a file to those of a user. A task whose id the user has, in
// the trash too, is left as it is, so an import can be repeated.
//
// The file is read twice: first all of it is checked and nothing is written, then it is
// written in transactions of up to docket.MaxImport tasks. When the import ends early,
// another one of the same file completes it.
type Import struct {
	Service  *docket.Service
	Owner    docket.UserID
	Format   *Format
	Open     func() (io.Reader, error) // the file from its beginning
	DryRun   bool                      // nothing is written
	MaxTasks int                       // in the file; 0 is no bound
	Progress func(done, of int)        // called after each transaction; may be nil
	Rest     func() error              // called now and then, to let others go first; may be nil
}

// Result is what an import did, or would do.
type Result struct {
	Added     int
	Unchanged int // tasks whose ids the user had
	Skipped   Skips
}

// Skips are the faults of a file that did not keep it from being imported.
type Skips struct {
	Total int
	List  []Skip // the first docket.MaxFaults
}

// Skip is a task of a file that was left out, or a part of one.
type Skip struct {
	Line   int // of the file, from 1
	Code   string
	Detail string // a sentence, safe to show
}

func (s *Skips) add(line int, code, detail string) {
	s.Total++
	if len(s.List) < docket.MaxFaults {
		s.List = append(s.List, Skip{line, code, detail})
	}
}

// batchBytes ends a batch before docket.MaxImport tasks, by their texts: the writes of
// others wait for its transaction.
const batchBytes = 32 << 10

// bareSize is the size of a task without texts.
var bareSize = (&docket.Task{}).Size()

// Run imports the file. The error is a *FileError, of kind docket.QuotaExceeded, or that
// of the Service or of reading the file. After the first two nothing was written.
func (i *Import) Run(ctx context.Context) (Result, error) {
	var would docket.Imported
	var result Result
	found, err := i.scan(ctx, &result.Skipped, func(b *batch) error {
		done, err := i.Service.TryImport(ctx, i.Owner, b.tasks, would)
		for _, n := range done.NoRoom {
			result.Skipped.add(b.lines[n], "trash_full", "The deleted task was left out: the trash has as many tasks as it may have.")
		}
		would.Added, would.Deleted, would.Unchanged = would.Added+done.Added, would.Deleted+done.Deleted, would.Unchanged+done.Unchanged
		return err
	})
	if err != nil || i.DryRun {
		result.Added, result.Unchanged = would.Added, would.Unchanged
		return result, err
	}
	written := 0
	_, err = i.scan(ctx, nil, func(b *batch) error {
		done, err := i.Service.Import(ctx, i.Owner, b.tasks)
		if err != nil {
			return err
		}
		result.Added, result.Unchanged = result.Added+done.Added, result.Unchanged+done.Unchanged
		if written += len(b.tasks); i.Progress != nil {
			i.Progress(written, found)
		}
		return nil
	})
	return result, err
}

// readFunc is an io.Reader.
type readFunc func(p []byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

// untilDone reads a file until ctx ends: nothing else ends the parse of one that has no
// tasks.
func untilDone(ctx context.Context, file io.Reader) io.Reader {
	return readFunc(func(p []byte) (int, error) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		return file.Read(p)
	})
}

// batch is the tasks of one transaction.
type batch struct {
	tasks []docket.Task
	lines []int
	bytes int64 // of their texts
}

// scan parses the file and gives what it finds to flush, a batch at a time. It returns
// how many tasks that were. skips is nil when they are known.
func (i *Import) scan(ctx context.Context, skips *Skips, flush func(*batch) error) (found int, err error) {
	file, err := i.Open()
	if err != nil {
		return 0, err
	}
	text, err := decodeText(untilDone(ctx, file))
	if err != nil {
		return 0, err
	}
	skip := func(int, string, string) {}
	if skips != nil {
		skip = skips.add
	}
	var b batch
	seen, same := map[uuid.UUID]bool{}, map[string]int{}
	all := 0
	err = i.Format.read(text, &reading{skip: skip, add: func(line int, d docket.Draft) error {
		all++
		if i.MaxTasks > 0 && all > i.MaxTasks {
			return badFile(line, "too_many_tasks", "The file has more than %d tasks. Import it in parts.", i.MaxTasks)
		}
		if d.ID == "" {
			d.ID = contentID(d, same)
		}
		t, faults := i.Service.ImportedTask(i.Owner, d)
		switch {
		case len(faults) > 0:
			skip(line, faults[0].Code, "The task was left out. "+sentences(faults))
			return nil
		case seen[t.ID]:
			skip(line, "repeated_id", "The task was left out: an earlier one of the file has its id.")
			return nil
		}
		seen[t.ID] = true
		b.tasks, b.lines, b.bytes = append(b.tasks, t), append(b.lines, line), b.bytes+t.Size()-bareSize
		found++
		if len(b.tasks) < docket.MaxImport && b.bytes < batchBytes {
			return nil
		}
		err := flush(&b)
		if err == nil && i.Rest != nil {
			err = i.Rest()
		}
		b = batch{tasks: b.tasks[:0], lines: b.lines[:0]}
		return err
	}})
	if err == nil && len(b.tasks) > 0 {
		err = flush(&b)
	}
	return found, err
}

// contentID names a task by what its file says of it. Of several equal ones the second
// is another task than the first.
func contentID(d docket.Draft, same map[string]int) string {
	h := sha256.New()
	fmt.Fprintf(h, "%t %d", d.Completed, d.Priority)
	for _, text := range append([]string{d.Title, textOf(d.Description), string(d.DueDate), string(d.Metadata)}, d.Tags...) {
		fmt.Fprintf(h, " %d:%s", len(text), text)
	}
	for _, at := range []time.Time{d.CreatedAt, d.UpdatedAt, d.CompletedAt, d.DeletedAt} {
		fmt.Fprintf(h, " %d", at.UnixMicro())
	}
	id := string(h.Sum(nil))
	same[id]++
	return "content:" + id + strconv.Itoa(same[id])
}

// sentences joins what faults say.
func sentences(faults []docket.Fault) string {
	details := make([]string, 0, 3)
	for _, f := range faults[:min(len(faults), 3)] {
		details = append(details, f.Detail)
	}
	return strings.Join(details, " ")
}
