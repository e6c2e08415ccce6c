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

// exportPage is how many tasks are held at a time; with the largest ones docket.Room
// makes a page shorter.
const exportPage = 500

// Write writes the tasks that page returns, a page at a time. It writes nothing before
// the first page was read. Its error is that of page or of w.
//
// No task is left out or written twice while others change. One that is deleted or
// restored while Write runs may be written with the trash as well, or not at all.
func (e Export) Write(w io.Writer, page func(docket.ListQuery) (docket.Page, error)) error {
	q := e.Query
	q.Limit, q.After = exportPage, nil
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
		q.After = &last
		if p, err = page(q); err != nil {
			return err
		}
	}
}
