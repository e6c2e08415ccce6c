package httpapi

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"net/http"
	"path"
	"regexp"
	"runtime/debug"
	"strings"
	"time"
	"unicode/utf8"

	"go.opentelemetry.io/otel/trace"

	"docket"
	"docket/internal/auth"
)

// maxBody is the largest body that a request may have, in bytes, but for a batch.
const maxBody = 128 << 10

// request is what the log and the error documents need to know of a request.
type request struct {
	id   string
	path string
	err  error     // the error that was answered, if any
	body hash.Hash // of what was read of the body, for a request that may be sent again

	share    share         // of what may be under way
	identity auth.Identity // whose request it is, once that is known
	anyone   bool          // it may act for every user
	streams  bool          // it is answered for as long as the client likes
}

type requestKey struct{}

// requestOf returns the request that ctx belongs to; a fresh one outside of any.
func requestOf(ctx context.Context) *request {
	if r, ok := ctx.Value(requestKey{}).(*request); ok {
		return r
	}
	return &request{}
}

var usableRequestID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// identify gives each request an id, which the answer repeats in X-Request-Id
// (the client's own where it sent a usable one), logs how it ended, and turns
// a panic into a 500.
func identify(log *slog.Logger, m *metrics, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		req := &request{id: r.Header.Get("X-Request-Id"), path: instance(r)}
		if !usableRequestID.MatchString(req.id) {
			req.id = rand.Text()
		}
		r = r.WithContext(context.WithValue(r.Context(), requestKey{}, req))
		answer := &response{ResponseWriter: w, share: &req.share}
		answer.Header().Set("X-Request-Id", req.id)
		answer.Header().Set("X-Content-Type-Options", "nosniff")
		answer.Header().Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'") // pages have their own
		answer.Header().Set("Referrer-Policy", "no-referrer")
		defer func() {
			if p := recover(); p != nil {
				if p == http.ErrAbortHandler { //nolint:errorlint // net/http compares it so
					panic(p)
				}
				err := fmt.Errorf("panic: %v\n%s", p, debug.Stack())
				if answer.status != 0 {
					// Too late to say so: break the connection, so that what was sent does not look whole.
					log.ErrorContext(r.Context(), "panic", "request_id", req.id, "error", err)
					m.count(r, http.StatusInternalServerError)
					panic(http.ErrAbortHandler)
				}
				writeProblem(answer, r, err)
				req.err = err
			}
			answer.begin()
			took := time.Since(start)
			m.count(r, answer.status)
			if !req.streams {
				m.observe(r, took)
			}
			logRequest(log, r, req, answer.status, took)
		}()
		next.ServeHTTP(answer, r)
	})
}

func logRequest(log *slog.Logger, r *http.Request, req *request, status int, took time.Duration) {
	level := slog.LevelDebug
	switch {
	case r.Context().Err() != nil: // the client has left
	case expected(req.err):
	case status >= 500:
		level = slog.LevelError
	case status == http.StatusUnauthorized:
		level = slog.LevelInfo // the answer does not say why
	}
	if !log.Enabled(r.Context(), level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("request_id", req.id), slog.String("method", r.Method), slog.String("route", r.Pattern),
		slog.Int("status", status), slog.Float64("took_ms", float64(took.Microseconds())/1000),
	}
	if user, ok := userOf(r.URL); ok {
		attrs = append(attrs, slog.String("user", hashUser(user)))
	}
	if span := trace.SpanContextFromContext(r.Context()); span.IsValid() {
		attrs = append(attrs, slog.String("trace_id", span.TraceID().String()))
	}
	if level > slog.LevelDebug {
		attrs = append(attrs, slog.Any("error", req.err))
	}
	log.LogAttrs(r.Context(), level, "request", attrs...)
}

// hashUser stands for a user in the log: the same for the same user everywhere,
// and not the id itself, which may be an address.
func hashUser(user string) string {
	sum := sha256.Sum256([]byte(user))
	return hex.EncodeToString(sum[:8])
}

// instance is the request's path as an error document shows it: bounded, and
// still a valid URI reference.
func instance(r *http.Request) string {
	const most = 1024
	p := r.URL.EscapedPath()
	if len(p) <= most {
		return p
	}
	p = p[:most]
	if i := strings.LastIndexByte(p, '%'); i > len(p)-3 {
		p = p[:i]
	}
	return p
}

// response remembers the status, and sends it and the header with the first part
// of the body, so that what writes that may say how long it is.
type response struct {
	http.ResponseWriter
	status int
	begun  bool   // the header was sent
	share  *share // given back when the answer begins: its client may take its time
}

func (w *response) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
		w.share.release()
	}
}

// begin sends the header of an answer that has one.
func (w *response) begin() {
	if w.status != 0 && !w.begun {
		w.begun = true
		w.ResponseWriter.WriteHeader(w.status)
	}
}

// Write gives the client some time for each part, so that one that does not read
// is given up and one that reads slowly is not.
func (w *response) Write(b []byte) (n int, err error) {
	w.WriteHeader(http.StatusOK)
	w.begin()
	control := http.NewResponseController(w.ResponseWriter)
	for {
		part := b[:min(len(b), writeChunk)]
		_ = control.SetWriteDeadline(time.Now().Add(writeTimeout)) // fails where there is no connection
		written, err := w.ResponseWriter.Write(part)
		n += written
		if b = b[len(part):]; err != nil || len(b) == 0 {
			return n, err
		}
	}
}

// Unwrap lets http.ResponseController reach the connection.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// limitBody refuses a body that says it is too large before anything else is
// looked at, and stops reading one that turns out to be.
func limitBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.TransferEncoding) > 0 {
			// A front that reads the chunks otherwise could be made to see another request behind them (RFC 9112, section 6.1).
			w.Header().Set("Connection", "close")
		}
		most := int64(maxBody)
		if isBatch(r) {
			most = maxBatchBody
		}
		body := &limitedBody{ReadCloser: http.MaxBytesReader(w, r.Body, most), whole: r.Body, answer: w, share: &requestOf(r.Context()).share}
		if len(r.Header.Values(keyHeader)) > 0 {
			body.sum = sha256.New()
			requestOf(r.Context()).body = body.sum
		}
		if r.ContentLength > most {
			if r.Header.Get("Expect") == "" { // else the client waits to be asked for the body
				body.discard()
			}
			writeProblem(w, r, errTooLarge)
			return
		}
		if r.ContentLength != 0 {
			// Also for a body that no handler reads: net/http reads it to its end
			// before it answers.
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyReadTimeout))
		}
		r.Body = body
		next.ServeHTTP(w, r)
	})
}

// isBatch reports whether a request is to the route that takes larger bodies.
func isBatch(r *http.Request) bool {
	return r.Method == http.MethodPost && strings.HasSuffix(strings.TrimSuffix(r.URL.EscapedPath(), "/"), "/tasks/batch")
}

var errTooLarge = &docket.Error{Kind: bodyTooLarge, Detail: fmt.Sprintf("The request body is too large. It may have %d bytes, that of a batch %d.", maxBody, maxBatchBody)}

// limitedBody gives the errors of reading a body their kinds.
type limitedBody struct {
	io.ReadCloser // ends at the limit

	whole  io.Reader
	answer http.ResponseWriter
	share  *share
	sum    hash.Hash // nil, or of what was read
}

func (b *limitedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.sum != nil {
		b.sum.Write(p[:n])
	}
	if err := b.share.arrive(n); err != nil {
		b.answer.Header().Set("Connection", "close") // the rest is not read
		return n, err
	}
	if err == nil || err == io.EOF {
		return n, err
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		b.discard()
		return n, errTooLarge
	}
	// Huma looks for a timeout in the chain and answers 408.
	return n, &docket.Error{Kind: malformed, Detail: "The request body could not be read to its end.", Err: err}
}

// discard reads what is left of a body that is too large, within bounds. A
// client that is still sending when the connection is closed may not see the
// answer.
func (b *limitedBody) discard() {
	const most, patience = maxBatchBody + 1<<20, 2 * time.Second
	_ = http.NewResponseController(b.answer).SetReadDeadline(time.Now().Add(patience))
	_, _ = io.CopyN(io.Discard, b.whole, most)
}

// forTasks sets the headers of every answer about tasks.
func forTasks(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/api/") {
			w.Header().Set("Cache-Control", "no-store")
			w.Header().Set("Vary", "Authorization, Origin")
			r.Header.Del("Accept") // the answer is JSON, whatever was asked for
		}
		next.ServeHTTP(w, r)
	})
}

// exactly routes a request by its path as it was sent. ServeMux would redirect
// to a cleaned path, which may be another user's; here such a path is a 404.
// One trailing slash under /api/ is served as the path without it.
func exactly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !utf8.ValidString(r.URL.Path) {
			writeProblem(w, r, &docket.Error{Kind: malformed, Detail: "The path is not valid UTF-8. Percent-encode it as UTF-8."})
			return
		}
		sent := r
		defer func() { sent.Pattern = r.Pattern }() // ServeMux sets it on the request that it gets; the log wants it
		escaped := r.URL.EscapedPath()
		if strings.HasPrefix(escaped, "/api/") && strings.HasSuffix(escaped, "/") {
			u := *r.URL
			u.Path, u.RawPath = strings.TrimSuffix(u.Path, "/"), strings.TrimSuffix(u.RawPath, "/")
			escaped = strings.TrimSuffix(escaped, "/")
			shallow := *r
			shallow.URL = &u
			r = &shallow
		}
		if escaped != path.Clean(escaped) || !strings.HasPrefix(escaped, "/") {
			writeProblem(w, r, errNoRoute)
			return
		}
		next.ServeHTTP(w, r)
	})
}

var errNoRoute = &docket.Error{Kind: routeNotFound, Detail: "Nothing is served at this path. The documentation is at /docs."}
