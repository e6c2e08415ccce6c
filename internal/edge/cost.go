package edge

import (
	"context"

	"docket"
)

// Cost is what a request takes of the server.
type Cost struct {
	Pass  bool  // it reads all tasks of its user
	Bytes int64 // the most bytes of its answer that are held at a time
}

// costly reports whether the request may take much of a core's time.
func (c Cost) costly() bool { return c.Pass || c.Bytes >= largeAnswer }

// typicalTask is more than nearly all tasks take, in bytes. What tasks really take
// counts as soon as they are read.
const typicalTask = 8 << 10

// BytesOf is what the answer with n tasks is expected to hold, in bytes.
func BytesOf(n int) int64 { return min(int64(n)*typicalTask, docket.MaxPageBytes) }

// Hold says that the answer of the request holds n bytes from now on, instead of
// what its cost said. It never waits: what the server has read it has to hold.
func Hold(ctx context.Context, n int64) {
	if x, ok := ctx.Value(exchangeKey{}).(*exchange); ok {
		x.edge.load.give(x.share, taken{answers: x.answer - n})
		x.answer = n
	}
}

// HoldTasks says that the answer of the request holds these tasks from now on.
func HoldTasks(ctx context.Context, tasks []docket.Task) {
	var n int64
	for i := range tasks {
		n += tasks[i].Size()
	}
	Hold(ctx, n)
}
