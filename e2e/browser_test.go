package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

const browserTimeout = time.Minute // for one call of do or evaluate

// browser is a tab of a headless Chromium of its own. It records what its
// pages request and what they complain about.
type browser struct {
	ctx        context.Context
	mu         sync.Mutex
	requests   []string // URLs
	complaints []string // errors on the console, exceptions, violations of a policy
}

func newBrowser(t *testing.T) *browser {
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox, // which Chromium demands of root
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.WindowSize(1200, 900),
	)
	ctx, stop := untilDeadline(t)
	ctx, stopAllocator := chromedp.NewExecAllocator(ctx, options...)
	b := &browser{}
	ctx, stopTab := chromedp.NewContext(ctx, chromedp.WithListener(b.record))
	b.ctx = ctx
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx) // ends Chromium and waits for it
		stopTab()
		stopAllocator()
		stop()
	})
	// The first step starts Chromium, which lives as long as the context of it.
	if err := chromedp.Do(ctx, call(network.Enable, network.EnableParams{})); err != nil {
		t.Fatalf("Chromium cannot be started: %v", err)
	}
	return b
}

// call is a protocol command whose result is of no interest.
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
	case *runtime.EventExceptionThrown:
		b.complaints = append(b.complaints, fmt.Sprintf("exception: %+v", e.ExceptionDetails))
	case *runtime.EventConsoleAPICalled:
		if e.Type == "error" || e.Type == "assert" {
			b.complaints = append(b.complaints, fmt.Sprintf("console: %s", texts(e.Args)))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == "error" {
			b.complaints = append(b.complaints, fmt.Sprintf("%s: %s", e.Entry.Source, e.Entry.Text))
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
	ctx, cancel := context.WithTimeout(b.ctx, browserTimeout)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatalf("in the browser: %v; it complains of %q", err, b.complaints)
	}
}

// evaluate returns the value of a JavaScript expression, awaited if it is a promise.
func evaluate[T any](t *testing.T, b *browser, expression string) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, browserTimeout)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("in the browser: %v", err)
	}
	return v
}

// prefer makes the browser say that its user prefers a colour scheme.
func prefer(scheme string) chromedp.Action[chromedp.Void] {
	return call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
}

// screenshot keeps what the tab shows; go test -artifacts says where.
func (b *browser) screenshot(t *testing.T, name string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, browserTimeout)
	defer cancel()
	image, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(t.ArtifactDir(), name+".png"), image, 0o600)
	}
	if err != nil {
		t.Fatalf("screenshot: %v", err)
	}
}

// faults returns what a page that needs nothing but the server at url would
// not do: request something elsewhere, or complain.
func (b *browser) faults(url string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var faults []string
	for _, request := range b.requests {
		if !strings.HasPrefix(request, url+"/") && !strings.HasPrefix(request, "data:") && !strings.HasPrefix(request, "blob:") {
			faults = append(faults, "requests "+request)
		}
	}
	return append(faults, b.complaints...)
}

// TestBrowserNotices shows that the checks on pages can fail.
func TestBrowserNotices(t *testing.T) {
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
			b.requests, b.complaints = nil, nil
			b.mu.Unlock()
			b.do(t, chromedp.Navigate(site.URL))
			noticed := func() bool { return len(b.faults(site.URL)) > 0 }
			if page.name != "nothing" {
				eventually(t, 10*time.Second, "a fault is noticed", noticed)
			} else if noticed() {
				t.Errorf("a page without faults has %q", b.faults(site.URL))
			}
		})
	}
}
