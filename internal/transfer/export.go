package transfer

import (
	"bufio"
	"io"
	"time"

	"docket"
)

// Export says what of a user's tasks is written, and how.
type Export struct {
	Format *Format
	Query  docket.ListQuery // which tasks, in the order of creation; Limit and After are set by Write
	// Trash adds the deleted tasks, behind the others. Only JSON can say which they are.
	Trash bool
	Now   time.Time
}

// What of the tasks is held at a time. To read a page is computation, for which the
// requests of others wait, so a page is small.
const (
	exportBytes = 128 << 10 // by docket.Task.Size, where the tasks are like those before them
	firstPage   = exportBytes / (32 << 10)
)

// limitAfter returns the limit of the page behind p.
func limitAfter(p docket.Page) int {
	var size int64
	for i := range p.Tasks {
		size += p.Tasks[i].Size()
	}
	return int(max(exportBytes*int64(len(p.Tasks))/max(size, 1), 1))
}

// Write writes the tasks that page returns, a page at a time. It writes nothing before
// the first page was read. Its error is that of page or of w.
//
// No task is left out or written twice while others change. One that is deleted or
// restored while Write runs may be written with the trash as well, or not at all.
func (e Export) Write(w io.Writer, page func(docket.ListQuery) (docket.Page, error)) error {
	q := e.Query
	q.Limit, q.After = firstPage, nil
	first, err := page(q)
	if err != nil {
		return err
	}
	b := bufio.NewWriterSize(w, 32<<10)
	out, err := e.Format.begin(b, e.Now)
	if err != nil {
		return err
	}
	if err := writePages(out, q, first, page); err != nil {
		return err
	}
	if e.Trash {
		q.Deleted = true
		if first, err = page(q); err != nil {
			return err
		}
		if err := writePages(out, q, first, page); err != nil {
			return err
		}
	}
	if err := out.end(); err != nil {
		return err
	}
	return b.Flush()
}

// writePages writes a page and those behind it.
func writePages(out writer, q docket.ListQuery, p docket.Page, page func(docket.ListQuery) (docket.Page, error)) (err error) {
	for {
		for i := range p.Tasks {
			if err := out.task(&p.Tasks[i]); err != nil {
				return err
			}
		}
		if !p.More {
			return nil
		}
		last := q.Sort.PositionOf(p.Tasks[len(p.Tasks)-1])
		q.After, q.Limit = &last, limitAfter(p)
		if p, err = page(q); err != nil {
			return err
		}
	}
}
