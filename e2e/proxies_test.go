package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"

	"docket/internal/pgtest"
)

// proxies are the URLs of the servers of testdata/proxies/server.mjs.
type proxies struct {
	compressing map[string]string // by what they are made with
	stripping   string            // the API is below /backend
}

// startProxies starts proxies in front of the server at a URL. They end with the test.
func startProxies(t *testing.T, target string) proxies {
	t.Helper()
	lines, _ := startNode(t, "server.mjs", target)
	var urls []string
	for len(urls) < 3 {
		urls = append(urls, nextLine(t, lines))
	}
	return proxies{map[string]string{"express": urls[0], "node": urls[1]}, urls[2]}
}

// startNode runs a script of testdata/proxies until the test ends, or until stop is
// called. The channel has the lines of its output, and is closed at their end.
func startNode(t *testing.T, script string, args ...string) (lines <-chan string, stop func()) {
	t.Helper()
	if _, err := os.Stat(npmModules + "/express"); err != nil {
		t.Fatal("the packages of the proxies are not installed: run make deps")
	}
	cmd := exec.CommandContext(t.Context(), "node", append([]string{script}, args...)...)
	cmd.Dir = "testdata/proxies"
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	var report strings.Builder
	cmd.Stderr = &report
	stdout, err := cmd.StdoutPipe()
	var stdin io.Closer
	if err == nil {
		stdin, err = cmd.StdinPipe() // the script ends with it
	}
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatalf("node cannot be started: %v", err)
	}
	out := make(chan string, 1000)
	stop = sync.OnceFunc(func() {
		_ = stdin.Close()
		for range out { // until the script has closed its output
		}
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s reported: %s", script, &report)
		}
	})
	go func() {
		defer close(out)
		for scanner := bufio.NewScanner(stdout); scanner.Scan(); {
			out <- scanner.Text()
		}
	}()
	t.Cleanup(stop)
	return out, stop
}

// nextLine returns the next line of a script's output.
func nextLine(t *testing.T, lines <-chan string) string {
	t.Helper()
	line, ok := "", false
	eventually(t, "the script writes a line", func() bool {
		select {
		case line, ok = <-lines:
			return true
		default:
			return false
		}
	})
	if !ok {
		t.Fatal("the script has ended")
	}
	return line
}

// TestStreamThroughCompression listens through proxies that compress. They hold a
// stream back that they compress, so they must not compress this one.
func TestStreamThroughCompression(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	// The same stream without Cache-Control, which ends, so that its headers arrive.
	careless := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "id: 1\n\n"+strings.Repeat("event: task\ndata: {}\n\n", 100)) // the client reads it
	}))
	t.Cleanup(careless.Close)
	controls := startProxies(t, careless.URL)
	for name, proxy := range startProxies(t, s.URL).compressing {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, proxy, 2)
			for i := range 10 {
				mustDo(t, c, http.StatusCreated, http.MethodPost, tasksPath(name), fmt.Sprintf(`{"title": "task %d", "description": %q}`, i, strings.Repeat("x", 200)))
			}
			if encoding := encodingOf(t, proxy+tasksPath(name)); encoding != "gzip" {
				t.Errorf("the proxy sends a list with Content-Encoding %q: it does not compress", encoding)
			}
			if encoding := encodingOf(t, controls.compressing[name]+"/api/u/events"); encoding != "gzip" {
				t.Errorf("the proxy sends a careless stream with Content-Encoding %q", encoding)
			}
			begin, events := listen(t.Context(), t, proxy, name, "")
			mustDo(t, c, http.StatusCreated, http.MethodPost, tasksPath(name), `{"title": "pushed"}`)
			if e := receive(t, events); e.task.Title != "pushed" {
				t.Errorf("%+v arrives", e)
			}
			_, again := listen(t.Context(), t, proxy, name, begin)
			if e := receive(t, again); e.task.Title != "pushed" {
				t.Errorf("%+v arrives on the stream that is resumed", e)
			}
		})
	}
}

// encodingOf returns the Content-Encoding of an answer to a client that takes gzip.
func encodingOf(t *testing.T, url string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept-Encoding", "gzip")
	response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	return response.Header.Get("Content-Encoding")
}

// TestAlteredTags changes a task through a proxy that compresses and alters entity tags:
// the answer tells the client which one to send.
func TestAlteredTags(t *testing.T) {
	t.Parallel()
	c := newClient(t, startProxies(t, startServer(t).URL).compressing["node"], 1)
	var made task
	if err := mustDo(t, c, http.StatusCreated, http.MethodPost, tasksPath("u"), `{"title": "x"}`).decode(&made); err != nil {
		t.Fatal(err)
	}
	path := taskPath("u", made.ID)
	tag := mustDo(t, c, http.StatusOK, http.MethodGet, path, "").Header.Get("ETag")
	if tag != `"1-gzip"` {
		t.Fatalf("the proxy makes of the tag %s", tag)
	}
	refused := mustDo(t, c, http.StatusPreconditionFailed, http.MethodPatch, path, `{"title": "y"}`, "If-Match: "+tag)
	var problem struct{ Detail string }
	if err := refused.decodeLoosely(&problem); err != nil || !strings.Contains(problem.Detail, `altered`) || !strings.Contains(problem.Detail, `If-Match: "1"`) {
		t.Errorf("%s, %v", refused.Body, err)
	}
	mustDo(t, c, http.StatusOK, http.MethodPatch, path, `{"title": "y"}`, fmt.Sprintf(`If-Match: "%d"`, made.Version))
}

// TestEventSourcesResume cuts the connections of two packages that are clients of
// streams, through a proxy that compresses. One resumes by the header Last-Event-ID,
// the other by the parameter lastEventId.
func TestEventSourcesResume(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `<!doctype html><link rel="icon" href="data:,"><script src="/polyfill.js"></script><script src="/page.js"></script>`)
	})
	serveFile := func(path, file string) {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, file) })
	}
	serveFile("/polyfill.js", npmModules+"/event-source-polyfill/src/eventsource.min.js")
	serveFile("/page.js", "testdata/frontends/polyfill.js")
	origin := serveAtLocalhost(t, mux)
	s := startServer(t, "CORS_ORIGINS="+origin)
	proxy := startProxies(t, s.URL).compressing["express"]

	for name, start := range map[string]func(t *testing.T, url string) (opened func() int, heard func() []string){
		"eventsource": func(t *testing.T, url string) (opened func() int, heard func() []string) {
			lines, _ := startNode(t, "listen.mjs", url)
			var opens int
			var titles []string
			read := func() {
				for {
					select {
					case line := <-lines:
						if title, is := strings.CutPrefix(line, "task "); is {
							titles = append(titles, title)
						} else {
							opens++
						}
					default:
						return
					}
				}
			}
			return func() int { read(); return opens }, func() []string { read(); return titles }
		},
		"event-source-polyfill": func(t *testing.T, url string) (opened func() int, heard func() []string) {
			b := newBrowser(t)
			b.do(t, chromedp.Navigate(origin))
			evaluate[chromedp.Void](t, b, fmt.Sprintf("listen(%q)", url))
			t.Cleanup(func() {
				b.mu.Lock()
				defer b.mu.Unlock()
				if !slices.ContainsFunc(b.requests, func(url string) bool { return strings.Contains(url, "lastEventId=") }) {
					t.Error("the polyfill has not sent the parameter lastEventId")
				}
			})
			return func() int { return evaluate[int](t, b, "opened") }, func() []string { return evaluate[[]string](t, b, "heard") }
		},
	} {
		t.Run(name, func(t *testing.T) {
			network := pgtest.NewProxy(t, proxy, 0)
			opened, heard := start(t, network.URL(proxy)+"/api/"+name+"/events")
			eventually(t, "the stream is open", func() bool { return opened() == 1 })
			c := newClient(t, s.URL, 1)
			var want []string
			write := func(n int) {
				for range n {
					title := fmt.Sprintf("task %d", len(want))
					mustDo(t, c, http.StatusCreated, http.MethodPost, tasksPath(name), fmt.Sprintf(`{"title": %q}`, title))
					want = append(want, title)
				}
			}
			for cut := range long(2, 10) {
				write(5)
				eventually(t, "an event arrives after the cut", func() bool { return len(heard()) > 8*cut })
				network.Refuse(t, true)
				network.Cut()
				write(3) // which nobody hears
				network.Refuse(t, false)
				eventually(t, "the client comes back", func() bool { return opened() == cut+2 })
			}
			eventually(t, "every event arrives", func() bool { return len(heard()) >= len(want) })
			if got := heard(); !slices.Equal(got, want) {
				t.Errorf("%q arrived, not %q", got, want)
			}
		})
	}
}

// TestPrefix serves the API below /backend: paging by Link and a task by its Location
// work.
func TestPrefix(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	prefix := startProxies(t, s.URL).stripping + "/backend"
	c := newClient(t, prefix, 1)
	follow := func(from, reference string) string {
		base, err := url.Parse(prefix + from)
		if err != nil {
			t.Fatal(err)
		}
		next, err := base.Parse(reference)
		if err != nil {
			t.Fatal(err)
		}
		path, within := strings.CutPrefix(next.String(), prefix)
		if !within {
			t.Fatalf("%s at %s leads to %s", reference, base, next)
		}
		return path
	}
	var want, got []string
	for i := range 7 {
		title := fmt.Sprintf("task %d", i)
		made := mustDo(t, c, http.StatusCreated, http.MethodPost, tasksPath("auth0%7Cu"), fmt.Sprintf(`{"title": %q}`, title))
		want = append(want, title)
		read := mustDo(t, c, http.StatusOK, http.MethodGet, follow(tasksPath("auth0%7Cu"), made.Header.Get("Location")), "")
		if string(read.Body) != string(made.Body) {
			t.Errorf("at the Location is %s", read.Body)
		}
	}
	link := regexp.MustCompile(`^<([^>]*)>; rel="next"$`)
	for path := tasksPath("auth0%7Cu") + "?limit=3&sort=title"; path != ""; {
		page := mustDo(t, c, http.StatusOK, http.MethodGet, path, "")
		var tasks []task
		if err := json.Unmarshal(page.Body, &tasks); err != nil {
			t.Fatal(err)
		}
		for _, k := range tasks {
			got = append(got, k.Title)
		}
		next := link.FindStringSubmatch(page.Header.Get("Link"))
		if next == nil {
			break
		}
		path = follow(path, next[1])
	}
	if !slices.Equal(got, want) {
		t.Errorf("the pages have %q", got)
	}
}

// TestPagesBelowPrefix loads the pages for people below /backend.
func TestPagesBelowPrefix(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	prefix := startProxies(t, s.URL).stripping + "/backend"
	b := newBrowser(t)
	for path, shows := range map[string]string{"/": "#who", "/docs": "#operations-Tasks-listTasks", "/problems/invalid-input": "h1"} {
		b.do(t, chromedp.Navigate(prefix+path), chromedp.WaitVisible(chromedp.CSS(shows)))
	}
	if faults := b.faults(prefix); len(faults) > 0 {
		t.Errorf("the page %s", strings.Join(faults, "\n"))
	}
}
