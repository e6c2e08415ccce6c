package edge

import (
	"sync/atomic"

	"docket/internal/problem"
)

const (
	// maxLoad is the most requests that are at work at a time.
	maxLoad = 256
	// maxBodies is the most that the bodies of all requests may hold together, in bytes.
	maxBodies = 64 << 20
)

// load refuses requests at once while too many are at work, rather than let all
// of them wait and memory grow. A request whose body is still arriving holds up
// nobody: it counts the bytes that have arrived, and nothing else.
type load struct {
	atWork, bodies atomic.Int64
}

// enter counts a request that is about to be carried out, until leave.
func (l *load) enter() error {
	if l.atWork.Add(1) > maxLoad {
		l.leave()
		return problem.ErrOverload
	}
	return nil
}

func (l *load) leave() { l.atWork.Add(-1) }

// holdBody counts n bytes of the request's body that have arrived.
func (x *exchange) holdBody(n int) error {
	x.body += int64(n)
	if x.edge.load.bodies.Add(int64(n)) > maxBodies {
		return x.refused(problem.ErrOverload)
	}
	return nil
}

// releaseBody ends the count of the request's body.
func (x *exchange) releaseBody() {
	x.edge.load.bodies.Add(-x.body)
	x.body = 0
}
