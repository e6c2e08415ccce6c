package e2e

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"
)

// check is one thing that the front-end has observed.
type check struct {
	Check string `json:"check"`
	Saw   any    `json:"saw"`
}

// TestFrontEnd runs a client of the FastAPI service unchanged, from a page of
// another origin, so that the browser enforces CORS.
func TestFrontEnd(t *testing.T) {
	t.Parallel()
	origin := serveFrontEnd(t)
	s := startServer(t, "CORS_ORIGINS=https://other.example.com,"+origin)
	b := newBrowser(t)
	b.do(t, chromedp.Navigate(origin))

	got := evaluate[[]check](t, b, fmt.Sprintf("run(%q)", s.URL))
	const noSuchTask = "This user has no such task."
	want := []check{
		{"an empty list is a bare array", true},
		{"a task is created with completed: false", []any{"First", "", false, "user-1"}},
		{"its id is a string", "string"},
		{"its times are dates", true},
		{"a trailing slash is served on create", "Second"},
		{"the list is in creation order", []any{"First", "Second", "Third"}},
		{"a trailing slash is served on list", []any{"First", "Second", "Third"}},
		{"a whole task may be sent back", []any{true, "First, edited", "With a description", false}},
		{"complete toggles with no body", true},
		{"complete toggles with no body but a JSON type", false},
		{"complete toggles with an empty object", true},
		{"complete sets", []any{true, false}},
		{"a delete answers with a JSON body", []any{true, true, 9.0}},
		{"what is left is in order", []any{"Second", "Third"}},
		{"a foreign id is an error to show", noSuchTask},
		{"a deleted task is an error to show", noSuchTask},
		{"wrong input is an error to show", "The title is empty. Give it at least 1 character besides white space."},
		{"the page may read the exposed headers", []any{true, true, "from-the-page"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the front-end (- want, + got):\n%s", diff)
	}
}

// TestFrontEndNotListed shows that the browser enforces CORS.
func TestFrontEndNotListed(t *testing.T) {
	t.Parallel()
	origin := serveFrontEnd(t)
	s := startServer(t, "CORS_ORIGINS=https://other.example.com")
	b := newBrowser(t)
	b.do(t, chromedp.Navigate(origin))
	got := evaluate[string](t, b, fmt.Sprintf("run(%q).then(() => 'it worked', (error) => error.message)", s.URL))
	if got != "Failed to fetch" {
		t.Errorf("a page of an origin that is not listed: %s", got)
	}
}

// serveFrontEnd serves a page with the front-end's script and returns its origin.
func serveFrontEnd(t *testing.T) string {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `<!doctype html><title>Tasks</title><script src="/frontend.js"></script>`)
	})
	mux.HandleFunc("GET /frontend.js", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, "testdata/frontend.js")
	})
	return serveAtLocalhost(t, mux)
}

// serveAtLocalhost serves pages and returns their origin, which is not that of a
// server at 127.0.0.1.
func serveAtLocalhost(t *testing.T, pages http.Handler) string {
	t.Helper()
	site := httptest.NewServer(pages)
	t.Cleanup(site.Close)
	_, port, err := net.SplitHostPort(site.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return "http://localhost:" + port
}

// TestCORS checks the headers of CORS.
func TestCORS(t *testing.T) {
	t.Parallel()
	const listed, unlisted = "http://localhost:3000", "http://localhost:3001"
	s := startServer(t, "CORS_ORIGINS="+listed+",https://app.example.com")
	c := newClient(t, s.URL, 1)
	send := func(method, origin string, headers ...string) answer {
		a, err := c.do(t.Context(), method, taskPath("alice", "none"), "", append(headers, "Origin: "+origin)...)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	preflight := []string{"Access-Control-Request-Method: PATCH", "Access-Control-Request-Headers: authorization,content-type,idempotency-key,if-match"}

	a := send(http.MethodOptions, listed, preflight...)
	if a.Status != http.StatusNoContent && a.Status != http.StatusOK {
		t.Errorf("the preflight is answered with %d", a.Status)
	}
	expectHeaders(t, a, map[string]string{
		"Access-Control-Allow-Origin":      listed,
		"Access-Control-Allow-Credentials": "true",
		"Access-Control-Allow-Methods":     "PATCH",
		"Access-Control-Allow-Headers":     "authorization,content-type,idempotency-key,if-match",
	})
	a = send(http.MethodGet, listed)
	if a.Status != http.StatusNotFound {
		t.Errorf("the task that is not there is answered with %d", a.Status)
	}
	expectHeaders(t, a, map[string]string{
		"Access-Control-Allow-Origin":      listed,
		"Access-Control-Allow-Credentials": "true",
		"Content-Type":                     "application/problem+json",
	})
	if exposed := strings.ToLower(a.Header.Get("Access-Control-Expose-Headers")); !strings.Contains(exposed, "x-request-id") {
		t.Errorf("an error exposes %q", exposed)
	}
	for _, a := range []answer{send(http.MethodOptions, unlisted, preflight...), send(http.MethodGet, unlisted)} {
		expectHeaders(t, a, map[string]string{"Access-Control-Allow-Origin": "", "Access-Control-Allow-Credentials": ""})
	}
}

func expectHeaders(t *testing.T, a answer, want map[string]string) {
	t.Helper()
	for name, value := range want {
		if got := a.Header.Get(name); got != value {
			t.Errorf("%s is %q, not %q", name, got, value)
		}
	}
	if vary := strings.Join(a.Header.Values("Vary"), ","); !strings.Contains(vary, "Origin") {
		t.Errorf("Vary is %q, without Origin", vary)
	}
}
