package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// browser is a tab of the headless Chromium that all tests share, with cookies and
// storage of its own. It records what its pages request and which errors they
// report.
type browser struct {
	ctx      context.Context
	mu       sync.Mutex
	requests []string // URLs
	answers  []reply
	errors   []string // on the console, exceptions, violations of a policy
}

// chromium is the context of a Chromium that runs until closeChromium.
var chromium = sync.OnceValues(func() (context.Context, error) {
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox, // Chromium refuses to run as root with its sandbox
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.WindowSize(1200, 900),
	)
	if path, err := exec.LookPath("chromium-headless-shell"); err == nil { // half of Chromium's CPU time
		options = append(options, chromedp.ExecPath(path))
	}
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, _ = chromedp.NewContext(ctx)
	closeChromium = func() {
		_ = chromedp.Cancel(ctx) // ends Chromium and waits for it
		stop()
	}
	// The first step starts Chromium, which lives as long as the context of it.
	return ctx, chromedp.Do(ctx, call(network.Enable, network.EnableParams{}))
})

// closeChromium ends Chromium, if a test has started it.
var closeChromium = func() {}

// reply is an answer that a page got, or the browser for it.
type reply struct {
	url    string
	status int64
}

// answersOf returns how many answers the server at url gave, and those that refuse.
func (b *browser) answersOf(url string) (n int, refused []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, a := range b.answers {
		if strings.HasPrefix(a.url, url+"/") {
			n++
			if a.status >= http.StatusBadRequest {
				refused = append(refused, fmt.Sprintf("%d of %s", a.status, a.url))
			}
		}
	}
	return n, refused
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	ctx, err := chromium()
	if err != nil {
		t.Fatalf("Chromium cannot be started: %v", err)
	}
	b := &browser{}
	ctx, stop := chromedp.NewContext(ctx, chromedp.WithNewBrowserContext(), chromedp.WithListener(b.record))
	b.ctx = ctx
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx) // closes the tab
		stop()
	})
	if err := chromedp.Do(ctx, call(network.Enable, network.EnableParams{})); err != nil {
		t.Fatalf("a tab cannot be opened: %v", err)
	}
	return b
}

// call is a protocol command whose result is not used.
func call[P, R any](command cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, command, params)
		return err
	})
}

func (b *browser) record(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		b.requests = append(b.requests, e.Request.URL)
	case *network.EventResponseReceived:
		b.answers = append(b.answers, reply{e.Response.URL, e.Response.Status})
	case *runtime.EventExceptionThrown:
		b.errors = append(b.errors, fmt.Sprintf("exception: %+v", e.ExceptionDetails))
	case *runtime.EventConsoleAPICalled:
		if e.Type == "error" || e.Type == "assert" {
			b.errors = append(b.errors, fmt.Sprintf("console: %s", texts(e.Args)))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == "error" {
			b.errors = append(b.errors, fmt.Sprintf("%s: %s", e.Entry.Source, e.Entry.Text))
		}
	}
}

func texts(args []*runtime.RemoteObject) string {
	var all []string
	for _, arg := range args {
		all = append(all, string(arg.Value)+arg.Description)
	}
	return strings.Join(all, " ")
}

// do runs the steps and fails the test when one of them does.
func (b *browser) do(t *testing.T, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatalf("in the browser: %v; its errors are %q", err, b.errors)
	}
}

// evaluate returns the value of a JavaScript expression, awaited if it is a promise.
func evaluate[T any](t *testing.T, b *browser, expression string) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("in the browser: %v", err)
	}
	return v
}

// prefer sets the colour scheme that pages are asked to use.
func prefer(scheme string) chromedp.Action[chromedp.Void] {
	return call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
}

// screenshot writes an image of the tab; go test -artifacts says where.
func (b *browser) screenshot(t *testing.T, name string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	image, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(t.ArtifactDir(), name+".png"), image, 0o600)
	}
	if err != nil {
		t.Fatalf("screenshot: %v", err)
	}
}

// faults returns the requests to other servers than the one at url, and the
// errors of the pages.
func (b *browser) faults(url string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var faults []string
	for _, request := range b.requests {
		if !strings.HasPrefix(request, url+"/") && !strings.HasPrefix(request, "data:") && !strings.HasPrefix(request, "blob:") {
			faults = append(faults, "requests "+request)
		}
	}
	return append(faults, b.errors...)
}

// TestBrowserNotices shows that the checks on pages can fail.
func TestBrowserNotices(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(elsewhere.Close)
	b := newBrowser(t)
	for _, page := range []struct{ name, policy, html string }{
		{"nothing", "", `<p>fine</p>`},
		{"foreign", "", `<img src="` + elsewhere.URL + `/x.png">`},
		{"policy", "default-src 'none'", `<style>p { color: red }</style>`},
		{"console", "", `<script>console.error("no")</script>`},
		{"exception", "", `<script>throw new Error("no")</script>`},
		{"missing", "", `<img src="/missing.png">`},
	} {
		t.Run(page.name, func(t *testing.T) {
			mux := http.NewServeMux()
			mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Security-Policy", page.policy)
				fmt.Fprint(w, `<!doctype html><link rel="icon" href="data:,">`+page.html)
			})
			site := httptest.NewServer(mux)
			t.Cleanup(site.Close)
			b.mu.Lock()
			b.requests, b.errors = nil, nil
			b.mu.Unlock()
			b.do(t, chromedp.Navigate(site.URL))
			noticed := func() bool { return len(b.faults(site.URL)) > 0 }
			if page.name != "nothing" {
				eventually(t, "a fault is noticed", noticed)
			} else if noticed() {
				t.Errorf("a page without faults has %q", b.faults(site.URL))
			}
		})
	}
}
