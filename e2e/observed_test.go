package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// observedFrontEnds are scripts in testdata/frontends, written as the front-ends of
// the Python version were observed to be.
var observedFrontEnds = []string{"client-class", "axios", "whole-tasks", "traced", "xhr"}

// npmModules are the packages of testdata/proxies.
const npmModules = "testdata/proxies/node_modules"

const frontEndSecret = "AUTH_SECRET=a-secret-of-the-test-0123456789-0123456789"

// TestObservedFrontEnds runs each front-end in a page of another origin. It must see
// what it relies on, and neither the browser nor the server's log an answer of 4xx.
func TestObservedFrontEnds(t *testing.T) {
	alongside(t)
	origin := serveObserved(t)
	for _, store := range someOf("sqlite", "postgres") {
		for _, name := range observedFrontEnds {
			t.Run(store+"/"+name, func(t *testing.T) {
				t.Parallel()
				database := defaultDatabase
				if store == "postgres" {
					database = postgresDatabases[store](t)
				}
				s := newServer(t, t.TempDir(), database)
				s.Start(t, frontEndSecret, "LOG_LEVEL=debug", "CORS_ORIGINS="+origin)
				seen, b := visit(t, s, origin, name)
				answered, refused := b.answersOf(s.URL)
				for _, wrong := range seen.Wrong {
					t.Error(wrong)
				}
				if seen.Checks < 10 || answered == 0 || len(refused) > 0 {
					t.Errorf("%d checks; of %d answers these were refusals: %q", seen.Checks, answered, refused)
				}
				s.Stop(t)
				logged := s.log.statuses()
				if logged[http.MethodOptions] == 0 || logged["4xx"] > 0 || logged["5xx"] > 0 {
					t.Errorf("the log has %v", logged)
				}
				t.Logf("%d checks, %d answers in the browser; in the log %v", seen.Checks, answered, logged)
			})
		}
	}
}

// TestRefusalsOfFrontEndsAreCounted runs a front-end on a server that refuses what it
// does not know. The browser and the log must have the same refusal.
func TestRefusalsOfFrontEndsAreCounted(t *testing.T) {
	t.Parallel()
	origin := serveObserved(t)
	s := startServer(t, frontEndSecret, "LOG_LEVEL=debug", "CORS_ORIGINS="+origin, "INPUT=strict")
	seen, b := visit(t, s, origin, "whole-tasks")
	eventually(t, "the browser tells of the refusal", func() bool {
		_, refused := b.answersOf(s.URL)
		return len(refused) == 1
	})
	s.Stop(t)
	if len(seen.Wrong) == 0 || s.log.statuses()["4xx"] != 1 {
		t.Errorf("the front-end saw %q, the log has %v", seen.Wrong, s.log.statuses())
	}
}

// observation is what a front-end has seen.
type observation struct {
	Checks int
	Wrong  []string // of these
}

// visit runs a front-end as a user of the server, in a browser of its own.
func visit(t *testing.T, s *server, origin, name string) (observation, *browser) {
	t.Helper()
	token := makeToken(t, s, frontEndSecret, "ada")
	b := newBrowser(t)
	b.do(t, chromedp.Navigate(origin+"/"+name))
	seen := evaluate[observation](t, b, fmt.Sprintf(
		`run(%q, "ada", %q).catch((error) => seen.wrong.push(error.stack)).then(() => seen)`, s.URL, token))
	return seen, b
}

// serveObserved serves a page for each front-end, and returns the origin.
func serveObserved(t *testing.T) string {
	t.Helper()
	const bundle = npmModules + "/axios/dist/axios.min.js"
	if _, err := os.Stat(bundle); err != nil {
		t.Fatal("axios is not installed: run make deps")
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{name}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `<!doctype html><link rel="icon" href="data:,"><script src="/lib/axios.min.js"></script>
<script src="/js/page.js"></script><script src="/js/%s.js"></script>`, r.PathValue("name"))
	})
	mux.HandleFunc("GET /lib/axios.min.js", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, bundle) })
	mux.Handle("GET /js/", http.StripPrefix("/js/", http.FileServer(http.Dir("testdata/frontends"))))
	return serveAtLocalhost(t, mux)
}

// clientLeft is the status in the log of a request whose client did not wait.
const clientLeft = 499

// statuses counts the requests in a log at the level debug, by method and by the class
// of their status. A client that left before its answer has no class.
func (l *serverLog) statuses() map[string]int {
	counts := map[string]int{}
	for line := range strings.Lines(l.String()) {
		var entry struct {
			Msg, Method string
			Status      int
		}
		if json.Unmarshal([]byte(line), &entry) == nil && entry.Msg == "request" {
			counts[entry.Method]++
			if entry.Status != clientLeft {
				counts[fmt.Sprintf("%dxx", entry.Status/100)]++
			}
		}
	}
	return counts
}
