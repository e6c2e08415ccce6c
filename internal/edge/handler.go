package edge

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"docket"
	"docket/internal/auth"
	"docket/internal/problem"
)

// Info is what the edge found out about a request before its handler runs.
type Info struct {
	RequestID string

	caller caller
}

// Subject is the user whom the token or API key of the request names; "" without
// authentication, and outside of the edge.
func (i Info) Subject() docket.UserID { return i.caller.identity.Subject }

// Scopes is what the request may do: everything without authentication, nothing outside
// of the edge.
func (i Info) Scopes() docket.Scopes { return i.caller.scopes() }

// Require returns nil when the request may do what needs all of these scopes, else the
// error of kind problem.InsufficientScope that names those it lacks.
func (i Info) Require(scopes docket.Scopes) error {
	if lacking := i.Scopes().Lacking(scopes); lacking != 0 {
		return problem.ScopeNeeded(lacking)
	}
	return nil
}

// ByAPIKey reports whether the request was sent with an API key.
func (i Info) ByAPIKey() bool { return i.caller.identity.Key != uuid.Nil }

// Unasked reports whether the server has no authentication.
func (i Info) Unasked() bool { return i.caller.anyone }

// Allows reports whether the request may act for user. Outside of the edge no
// request may act for anybody.
func (i Info) Allows(user string) bool { return i.caller.allows(user) }

type exchangeKey struct{}

// InfoOf returns what is known of the request that ctx belongs to, and the zero
// Info outside of the edge.
func InfoOf(ctx context.Context) Info {
	if x, ok := ctx.Value(exchangeKey{}).(*exchange); ok {
		return x.info
	}
	return Info{}
}

// Handler is an http.Handler whose error is answered as a problem document. An
// error after the answer has begun is logged, and breaks the connection, so that
// the answer does not look complete.
type Handler func(w http.ResponseWriter, r *http.Request) error

func (h Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	err := h(w, r)
	if err == nil {
		return
	}
	if x, ok := r.Context().Value(exchangeKey{}).(*exchange); ok {
		x.fail(err)
		return
	}
	problem.Write(w, problem.Place{Instance: instance(r.URL)}, err)
}

// fail answers with err, or breaks the connection when an answer has begun. An error
// that comes from the client's leaving changes nothing.
func (x *exchange) fail(err error) {
	if x.lost || x.status != 0 && x.request.Context().Err() != nil {
		return
	}
	x.err = err
	if x.status != 0 {
		panic(http.ErrAbortHandler)
	}
	at := problem.Place{Instance: instance(x.url), RequestID: x.info.RequestID}
	if x.url.Path == AgentsPath {
		at.Metadata = x.edge.metadata
	}
	left := x.request.Context().Err() != nil
	problem.Write(x, at, err)
	if left {
		x.status = statusClientLeft
	}
}

// statusClientLeft is what the metrics and the log have for a request whose client
// left before the answer had begun. It is nginx's.
const statusClientLeft = 499

// refused counts a request that the server had no room for.
func (x *exchange) refused(err error) error {
	x.edge.metrics.shed.Inc()
	return err
}

// instance is the request's path as an error document shows it: at most 1,024
// bytes, and still a valid URI reference.
func instance(u *url.URL) string {
	const most = 1024
	p := u.EscapedPath()
	if len(p) <= most {
		return p
	}
	p = p[:most]
	if i := strings.LastIndexByte(p, '%'); i > len(p)-3 {
		p = p[:i]
	}
	return p
}

const (
	// writeTimeout bounds how long a client may take to receive writeChunk bytes.
	writeTimeout = 30 * time.Second
	writeChunk   = 64 << 10
)

// WriteHeader implements http.ResponseWriter.
func (x *exchange) WriteHeader(status int) {
	if x.status != 0 {
		return
	}
	x.status = status
	if status == http.StatusNoContent || status == http.StatusNotModified { // no Write follows
		x.allowWrite()
	}
	x.ResponseWriter.WriteHeader(status)
}

// allowWrite gives the client writeTimeout from now on. It fails where there is no
// connection.
func (x *exchange) allowWrite() {
	_ = http.NewResponseController(x.ResponseWriter).SetWriteDeadline(time.Now().Add(writeTimeout))
}

// Write gives the client writeTimeout for each part: a client that does not read is
// disconnected, a slow one is not.
func (x *exchange) Write(b []byte) (n int, err error) {
	x.WriteHeader(http.StatusOK)
	for {
		part := b[:min(len(b), writeChunk)]
		x.allowWrite()
		written, err := x.ResponseWriter.Write(part)
		n += written
		x.pace(written)
		x.lost = x.lost || err != nil
		if b = b[len(part):]; err != nil || len(b) == 0 {
			return n, err
		}
	}
}

// Unwrap lets http.ResponseController reach the connection.
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }

// expected reports whether err is a refusal, not a failure. Refusals are counted, not
// logged as errors.
func expected(err error) bool {
	return errors.Is(err, auth.ErrStrangers) || errors.Is(err, problem.ErrOverload) || errors.Is(err, problem.ErrUserBusy) || errors.Is(err, problem.ErrDraining)
}
