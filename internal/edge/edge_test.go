package edge

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// ofHandler sends a request with a body to a handler behind the edge. It returns
// the status, the log, the edge, and the error of reading the answer.
func ofHandler(t *testing.T, handler http.Handler) (status int, log string, e *edge, broken error) {
	t.Helper()
	var text bytes.Buffer
	e, ok := New(handler, Options{Log: slog.New(slog.NewTextHandler(&text, nil)), Metrics: prometheus.NewRegistry()}).(*edge)
	if !ok {
		t.Fatal("New returned another type")
	}
	server := httptest.NewServer(e)
	response, err := http.Post(server.URL+"/api/alice/tasks", "application/json", strings.NewReader("12345"))
	if err != nil {
		t.Fatal(err)
	}
	_, broken = io.Copy(io.Discard, response.Body)
	response.Body.Close()
	server.Close() // waits for the exchange to finish
	return response.StatusCode, text.String(), e, broken
}

// TestErrorsAndPanics ends a request in every way, before its answer has begun, in
// the middle of it, and while it is at work. What the request took is given back.
func TestErrorsAndPanics(t *testing.T) {
	begin := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = w.Write(bytes.Repeat([]byte("x"), 100_000))
	}
	failure := errors.New("the cause")
	for name, test := range map[string]struct {
		handler http.Handler
		status  int
		broken  bool // the answer ends early
		logged  bool
	}{
		"error":              {Handler(func(http.ResponseWriter, *http.Request) error { return failure }), 500, false, true},
		"panic":              {Handler(func(http.ResponseWriter, *http.Request) error { panic(failure) }), 500, false, true},
		"error behind bytes": {Handler(func(w http.ResponseWriter, r *http.Request) error { begin(w, r); return failure }), 200, true, true},
		"panic behind bytes": {Handler(func(w http.ResponseWriter, r *http.Request) error { begin(w, r); panic(failure) }), 200, true, true},
		"abort behind bytes": {http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { begin(w, r); panic(http.ErrAbortHandler) }), 200, true, false},
		"panic at work": {Handler(func(_ http.ResponseWriter, r *http.Request) error {
			_, _ = io.Copy(io.Discard, r.Body)
			_, err := Admit(r.Context(), Cost{Pass: true, Bytes: 1}, func() (int, error) { panic(failure) })
			return err
		}), 500, false, true},
		"whole": {Handler(func(w http.ResponseWriter, r *http.Request) error { begin(w, r); return nil }), 200, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			status, log, e, broken := ofHandler(t, test.handler)
			if status != test.status || (broken != nil) != test.broken {
				t.Errorf("status %d, and reading the answer ended with %v", status, broken)
			}
			if logged := strings.Contains(log, "the cause"); logged != test.logged {
				t.Errorf("the log is %q", log)
			}
			if now := e.load.now(); now != (taken{}) || len(e.load.shares) > 0 {
				t.Errorf("%+v is still taken", now)
			}
		})
	}
}

// deadlines notes when an answer must have been taken.
type deadlines struct {
	http.ResponseWriter

	last time.Time
}

func (d *deadlines) SetWriteDeadline(at time.Time) error {
	d.last = at
	return nil
}

// TestAnswersHaveTheirTime answers an hour after the request came, with a body and
// without.
func TestAnswersHaveTheirTime(t *testing.T) {
	for _, status := range []int{http.StatusOK, http.StatusNoContent, http.StatusNotModified} {
		synctest.Test(t, func(t *testing.T) {
			d := &deadlines{ResponseWriter: httptest.NewRecorder()}
			New(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				time.Sleep(time.Hour)
				if w.WriteHeader(status); status == http.StatusOK {
					_, _ = w.Write([]byte("x"))
				}
			}), Options{}).ServeHTTP(d, httptest.NewRequest(http.MethodGet, "/", nil))
			if left := time.Until(d.last); left != writeTimeout {
				t.Errorf("the client of a %d has %s", status, left)
			}
		})
	}
}

// TestClientThatLeaves ends a request whose client has left before its answer began. It
// counts as no failure of the server.
func TestClientThatLeaves(t *testing.T) {
	ctx, leave := context.WithCancel(t.Context())
	handler := New(Handler(func(http.ResponseWriter, *http.Request) error {
		leave()
		return ctx.Err()
	}), Options{Metrics: prometheus.NewRegistry()})
	e, ok := handler.(*edge)
	if !ok {
		t.Fatal("New returned another type")
	}
	e.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodGet, "/api/alice/tasks", http.NoBody))
	if n := testutil.ToFloat64(e.metrics.requests.WithLabelValues("none", "499")); n != 1 || testutil.CollectAndCount(e.metrics.requests) != 1 {
		t.Errorf("%v requests count as left", n)
	}
}

// TestRefusalsAreSampled has a stranger send many bad tokens: some of them are
// logged, and the entries say how many were not.
func TestRefusalsAreSampled(t *testing.T) {
	s := newSampler()
	logged := 0
	for range 1000 {
		if _, allowed := s.log(); allowed {
			logged++
		}
	}
	if logged < 20 || logged == 1000 {
		t.Errorf("%d of 1,000 are logged", logged)
	}
	if s.unlogged.Load() != int64(1000-logged) {
		t.Errorf("%d are counted as not logged, %d were", s.unlogged.Load(), 1000-logged)
	}
}
