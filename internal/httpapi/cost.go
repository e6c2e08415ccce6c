package httpapi

import (
	"docket"
	"docket/internal/edge"
)

// typicalTask is more than nearly all tasks take, in bytes. What tasks really take
// counts as soon as they are read.
const typicalTask = 8 << 10

// costOfTasks is what the answer with n tasks is expected to hold, in bytes.
func costOfTasks(n int) int64 { return min(int64(n)*typicalTask, docket.MaxPageBytes) }

// costOfList is the cost of a list.
func costOfList(q docket.ListQuery) edge.Cost {
	return edge.Cost{Pass: q.Pass(), Bytes: costOfTasks(q.Limit)}
}

// heldBy is what an answer with these tasks holds, in bytes.
func heldBy(tasks []docket.Task) (n int64) {
	for i := range tasks {
		n += tasks[i].Size()
	}
	return n
}
