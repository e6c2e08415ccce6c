package transfer

import (
	"io"
	"strings"
	"testing"
	"time"

	"docket"
)

// TestExportHoldsLittle exports tasks of different sizes, and sees how much is held.
func TestExportHoldsLittle(t *testing.T) {
	for _, test := range []struct {
		size, all, pages int // pages: the most that there may be
		held             int64
	}{
		{10, 5000, 28, exportBytes},
		{30 << 10, 1000, 260, exportBytes},
		{0, 0, 1, 0},
	} {
		tasks := make([]docket.Task, test.all)
		for i := range tasks {
			tasks[i].Description = new(strings.Repeat("x", test.size))
		}
		pages, most := 0, int64(0)
		err := Export{Format: JSON, Now: time.Unix(0, 0)}.Write(io.Discard, func(q docket.ListQuery) (p docket.Page, err error) {
			n := min(q.Limit, len(tasks))
			p.Tasks, tasks = tasks[:n], tasks[n:]
			p.More = len(tasks) > 0
			var held int64
			for i := range p.Tasks {
				held += p.Tasks[i].Size()
			}
			pages, most = pages+1, max(most, held)
			return p, nil
		})
		if err != nil || len(tasks) > 0 || pages > test.pages || most > test.held {
			t.Errorf("%d tasks of %d bytes: %d pages of up to %d bytes, %d tasks left, %v", test.all, test.size, pages, most, len(tasks), err)
		}
	}
}
