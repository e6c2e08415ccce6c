package httpapi

import (
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"docket"
)

const (
	// maxLoad is the most requests that are at work at a time: those whose body,
	// if they have one, has arrived.
	maxLoad = 256
	// maxBodies is the most that the bodies of all requests may hold together, in bytes.
	maxBodies = 64 << 20
	// writeTimeout bounds how long a client may take to receive writeChunk bytes.
	writeTimeout = 30 * time.Second
	writeChunk   = 64 << 10
)

var errOverload = &docket.Error{Kind: docket.Unavailable, Detail: "The server has more requests than it can take. Nothing was written. Try again shortly."}

// loadLimit refuses requests at once while too many are at work, rather than
// let all of them wait and memory grow. A request whose body is still arriving
// holds nobody up: it counts what has arrived, and nothing else.
type loadLimit struct {
	metrics       *metrics
	atWork, bytes atomic.Int64
}

// share is what one request has of the limit. The zero share has no limit.
type share struct {
	limit  *loadLimit
	atWork bool
	bytes  int64
}

// each gives every request its share, until its answer begins.
func (l *loadLimit) each(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := &requestOf(r.Context()).share
		s.limit = l
		defer s.release()
		next.ServeHTTP(w, r)
	})
}

// arrive counts bytes of the request's body.
func (s *share) arrive(n int) error {
	if s.limit == nil {
		return nil
	}
	s.bytes += int64(n)
	if s.limit.bytes.Add(int64(n)) > maxBodies {
		return s.refuse()
	}
	return nil
}

// work counts the request, which is about to be carried out.
func (s *share) work() error {
	if s.limit == nil || s.atWork {
		return nil
	}
	s.atWork = true
	if s.limit.atWork.Add(1) > maxLoad {
		return s.refuse()
	}
	return nil
}

func (s *share) refuse() error {
	s.limit.metrics.shed.Inc()
	return errOverload
}

func (s *share) release() {
	if s.limit == nil {
		return
	}
	s.limit.bytes.Add(-s.bytes)
	s.bytes = 0
	if s.atWork {
		s.limit.atWork.Add(-1)
		s.atWork = false
	}
}

// expected reports whether an error says how things are, rather than that
// something went wrong: there may be thousands in a second, and they are counted.
func expected(err error) bool {
	return errors.Is(err, errOverload) || errors.Is(err, errDraining)
}
