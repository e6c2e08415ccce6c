package httpapi

import (
	"net/http"
	"strings"
	"time"

	"docket"
)

const (
	// maxLoad is the most that may be under way at a time: a request is 1, and
	// one more for each maxBody that its body has beyond the first.
	maxLoad = 256
	// writeTimeout bounds how long a client may take to receive writeChunk bytes.
	writeTimeout = 30 * time.Second
	writeChunk   = 64 << 10
)

var errOverload = &docket.Error{Kind: docket.Unavailable, Detail: "The server has more requests than it can take. Nothing was written. Try again shortly."}

// shed refuses requests under /api/ at once while too many are under way,
// rather than let all of them wait and memory grow. Health, documentation and
// whatever else costs nothing is always answered.
func shed(m *metrics, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/api/") {
			next.ServeHTTP(w, r)
			return
		}
		own := weight(r)
		defer m.load.Add(-own)
		if m.load.Add(own) > maxLoad {
			m.shed.Inc()
			if r.ContentLength != 0 {
				w.Header().Set("Connection", "close") // the body is not read
			}
			writeProblem(w, r, errOverload)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// weight is what a request counts. A body of unknown length counts as the
// largest that is allowed.
func weight(r *http.Request) int64 {
	length := r.ContentLength
	if length < 0 {
		length = bodyLimit(r)
	}
	return 1 + min(length, bodyLimit(r))/(maxBody+1)
}

// bodyLimit is the largest body that a request may have, in bytes.
func bodyLimit(r *http.Request) int64 {
	if isBatch(r) {
		return maxBatchBody
	}
	return maxBody
}
