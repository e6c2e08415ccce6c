package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// tabTo presses Tab until the element that a selector names has the focus, and fails
// when it is not reached, or is not shown to have it.
func (w window) tabTo(t *testing.T, selector string) {
	t.Helper()
	for range 30 {
		w.do(t, chromedp.KeyEvent(kb.Tab))
		if evaluate[bool](t, w.browser, fmt.Sprintf(`document.activeElement.matches(%q)`, selector)) {
			if !evaluate[bool](t, w.browser, `getComputedStyle(document.activeElement).outlineStyle !== "none"`) {
				t.Errorf("%s does not show that it has the focus", selector)
			}
			return
		}
	}
	t.Fatalf("Tab does not reach %s, but stops at %s", selector, evaluate[string](t, w.browser, `document.activeElement.outerHTML`))
}

func (w window) keys(t *testing.T, keys ...string) {
	t.Helper()
	for _, key := range keys {
		w.do(t, chromedp.KeyEvent(key))
	}
}

// set gives an input or a select a value, as a user does.
func (w window) set(t *testing.T, selector, value string) {
	t.Helper()
	evaluate[chromedp.Void](t, w.browser, fmt.Sprintf(`(() => {
		const input = document.querySelector(%q);
		input.value = %q;
		input.dispatchEvent(new Event("input", { bubbles: true }));
	})()`, selector, value))
}

// save submits the form in which a task is edited.
func (w window) save(t *testing.T) {
	t.Helper()
	w.do(t, chromedp.Click(chromedp.CSS("#tasks .edit:not([hidden]) button:not(.plain)")))
}

// TestReferenceClientByKeyboard makes and changes a task with the keyboard alone.
func TestReferenceClientByKeyboard(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	w := openWindow(t, s.URL, "alice")
	w.keys(t, "Call <b>Bob</b>")
	w.tabTo(t, "#more")
	w.keys(t, kb.Enter, "about & lunch") // the focus goes to the description
	w.tabTo(t, "#details .date")
	w.keys(t, "11112099") // the same whether the day or the month is first
	w.tabTo(t, "#details .priority")
	w.keys(t, "h")
	w.tabTo(t, "#details .tag")
	w.keys(t, "home,", "phone", kb.Enter, "late", kb.Enter, kb.Enter) // the last one adds the task
	want := []string{"- Call <b>Bob</b> about & lunch 2099-11-11 High priority #home #phone #late"}
	showing(t, want, w)

	w.keys(t, "Second", kb.Enter) // the focus is back, and nothing is left of the first
	want = append([]string{"- Second"}, want...)
	showing(t, want, w)
	w.tabTo(t, "#tasks li:last-child .text")
	w.keys(t, kb.Enter)
	w.tabTo(t, "#tasks .chip")
	w.keys(t, kb.Enter)
	w.tabTo(t, "#tasks .cancel")
	w.keys(t, kb.Enter)
	showing(t, want, w)
	w.keys(t, kb.Enter) // the focus is on the task
	w.tabTo(t, "#tasks .chip")
	w.keys(t, kb.Enter, kb.Enter) // removes one; then saves
	want[1] = "- Call <b>Bob</b> about & lunch 2099-11-11 High priority #phone #late"
	showing(t, want, w)
}

// TestReferenceClientFields has two windows change the fields of the same tasks.
func TestReferenceClientFields(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	c := newClient(t, s.URL, 1)
	var first struct{ ID string }
	for _, body := range []string{
		`{"title": "Instant", "due_date": "2100-01-01T09:00:30Z", "tags": ["a, b", "Home"], "description": "one\r\ntwo", "metadata": {"n": 1.50}}`,
		`{"title": "Local", "due_date": "2099-12-01T09:00", "priority": "low"}`,
		`{"title": "Day", "due_date": "2001-12-01", "priority": "high", "tags": ["home"]}`,
		`{"title": "Plain"}`,
	} {
		a, err := c.do(t.Context(), http.MethodPost, tasksPath("alice"), body)
		if err == nil && first.ID == "" {
			err = a.decodeLoosely(&first)
		}
		if err != nil || a.Status != http.StatusCreated {
			t.Fatalf("%s: %d %s %v", body, a.Status, a.Body, err)
		}
	}
	a, b := openWindow(t, s.URL, "alice"), openWindow(t, s.URL, "alice")
	plain, day, local := "- Plain", "- Day 2001-12-01 High priority #home", "- Local 2099-12-01T09:00:00 Low priority"
	instant := "- Instant one\r\ntwo 2100-01-01T09:00:30Z #a, b #Home"
	showing(t, []string{plain, day, local, instant}, a, b)

	// A field that the inputs cannot hold stays as it is while others are edited.
	a.edit(t, "Instant", "title", "Moment")
	a.edit(t, "Local", "title", "Here")
	local, instant = strings.Replace(local, "Local", "Here", 1), strings.Replace(instant, "Instant", "Moment", 1)
	showing(t, []string{plain, day, local, instant}, a, b)
	got, err := c.do(t.Context(), http.MethodGet, taskPath("alice", first.ID), "")
	if err != nil || !strings.Contains(string(got.Body), `"metadata":{"n":1.50}`) {
		t.Errorf("after an edit of the title, the task is %s (%v)", got.Body, err)
	}

	b.press(t, "Plain", ".text")
	b.set(t, "#tasks .edit:not([hidden]) .date", "2098-02-03")
	b.set(t, "#tasks .edit:not([hidden]) .priority", "high")
	b.set(t, "#tasks .edit:not([hidden]) .tag", "work, new")
	a.press(t, "Plain", ".text") // at the same time, another field
	a.set(t, "#tasks .edit:not([hidden]) .description", "by a")
	b.save(t)
	showing(t, []string{"- Plain 2098-02-03 High priority #work #new", day, local, instant}, a, b)
	a.save(t)
	a.press(t, "Here", ".text")
	a.set(t, "#tasks .edit:not([hidden]) .date", "2097-01-01")
	a.save(t)
	a.press(t, "Day", ".text")
	a.set(t, "#tasks .edit:not([hidden]) .date", "")
	a.save(t)
	plain, day, local = "- Plain by a 2098-02-03 High priority #work #new", "- Day High priority #home", "- Here 2097-01-01T09:00:00 Low priority"
	showing(t, []string{plain, day, local, instant}, a, b)

	b.press(t, "Day", ".done")
	day = strings.Replace(day, "-", "x", 1)
	showing(t, []string{plain, day, local, instant}, a, b)
	clearFilters := func() { evaluate[chromedp.Void](t, a.browser, `document.querySelector("#clear").click()`) }
	for _, tt := range []struct {
		sort, search, priority, tag, due string
		want                             []string
	}{
		{sort: "due", want: []string{local, plain, instant, day}},
		{sort: "priority", want: []string{plain, day, instant, local}},
		{sort: "title", want: []string{day, local, instant, plain}},
		{search: "NEW", want: []string{plain}},
		{search: "two", want: []string{instant}},
		{search: "(", want: nil},
		{priority: "high", want: []string{plain, day}},
		{tag: "home", want: []string{day, instant}},
		{due: "none", want: []string{day}},
		{due: "overdue", want: nil},
		{sort: "title", priority: "high", search: "a", want: []string{day, plain}},
	} {
		clearFilters()
		for name, value := range map[string]string{"sort": tt.sort, "search": tt.search, "priority": tt.priority, "tag": tt.tag, "due": tt.due} {
			if value != "" {
				a.set(t, "#"+name, value)
			}
		}
		if got := a.shows(t); !slices.Equal(got, tt.want) {
			t.Errorf("%+v\nshows %q", tt, got)
		}
	}

	// What a filter hides can still be added, and a task stays while it is edited.
	clearFilters()
	a.set(t, "#search", "here")
	a.press(t, "Here", ".text")
	a.set(t, "#tasks .edit:not([hidden]) .tag", "kept")
	b.edit(t, "Here", "title", "There; not so")
	a.waitFor(t, "the other window's title arrives", `document.querySelector("#tasks .text .title").textContent === "There; not so"`)
	a.set(t, "#search", "nothing")
	a.save(t)
	showing(t, nil, a)
	a.add(t, "Hidden")
	a.notice(t, "“Hidden” is added, but not shown by these filters.")
	showing(t, []string{"- Hidden", plain, day, "- There; not so 2097-01-01T09:00:00 Low priority #kept", instant}, a, b)
	shoot(t, a.browser)
	if faults := b.faults(s.URL); len(faults) > 0 { // a has met conflicts, which Chromium reports
		t.Errorf("the page %s", strings.Join(faults, "\n"))
	}
}

// gateway is a reverse proxy in front of a server. It serves it under /tasks/, asks for
// short answers to deletes, and can refuse a token.
type gateway struct {
	*httptest.Server
	refused atomic.Value // the Authorization that it does not take
}

func newGateway(t *testing.T, server string) *gateway {
	t.Helper()
	target, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	g := &gateway{}
	g.refused.Store("none")
	proxy := &httputil.ReverseProxy{FlushInterval: -1, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host // so that the page's origin is the server's own
		if r.In.Method == http.MethodDelete {
			r.Out.Header.Set("Prefer", "return=minimal")
		}
	}}
	g.Server = httptest.NewServer(http.StripPrefix("/tasks", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == g.refused.Load() {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"type": "/problems/unauthorized", "detail": "The token has expired."}`)
			return
		}
		proxy.ServeHTTP(w, r)
	})))
	t.Cleanup(func() {
		g.CloseClientConnections()
		g.Close()
	})
	return g
}

// TestReferenceClientUnderAPrefix uses the page behind a proxy that strips a prefix. The
// answers to deletes have no body there.
func TestReferenceClientUnderAPrefix(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	g := newGateway(t, s.URL)
	a, b := openWindow(t, g.URL+"/tasks", "alice"), openWindow(t, s.URL, "alice")
	a.add(t, "First")
	a.add(t, "Second")
	showing(t, []string{"- Second", "- First"}, a, b)
	a.press(t, "First", ".delete")
	showing(t, []string{"- Second"}, a, b)
	a.notice(t, "“First” is deleted.")
	showing(t, []string{"- Second", "- First"}, a, b)
	for _, path := range []string{"/", "/docs", "/problems/invalid-input"} {
		a.do(t, chromedp.Navigate(g.URL+"/tasks"+path))
		if path == "/docs" {
			a.do(t, chromedp.WaitVisible(chromedp.CSS("#operations-Tasks-createTask")))
		}
	}
	if faults := a.faults(g.URL + "/tasks"); len(faults) > 0 {
		t.Errorf("the page %s", strings.Join(faults, "\n"))
	}
}

// TestReferenceClientGoesOnWithAnotherToken has the server stop taking a window's token.
// What its user does until there is another one is kept.
func TestReferenceClientGoesOnWithAnotherToken(t *testing.T) {
	t.Parallel()
	secret := "AUTH_SECRET=a-secret-of-the-test-0123456789-0123456789"
	s := startServer(t, secret)
	g := newGateway(t, s.URL)
	token, other := makeToken(t, s, secret, "alice"), makeToken(t, s, secret, "bob")
	b := openWindow(t, s.URL, token)
	a := openWindow(t, g.URL+"/tasks", token)
	a.add(t, "Before")
	showing(t, []string{"- Before"}, a, b)

	g.refused.Store("Bearer " + token)
	g.CloseClientConnections()
	asked := `!document.getElementById("again").hidden && document.getElementById("because").innerText === %q`
	a.waitFor(t, "it asks for another token", fmt.Sprintf(asked, "The token has expired."))
	a.waitFor(t, "its status says so", `document.getElementById("status").innerText === "alice · Token needed"`)
	a.add(t, "Meanwhile")
	a.edit(t, "Before", "title", "Before, edited")
	b.add(t, "Elsewhere")
	showing(t, []string{"- Elsewhere", "- Before"}, b)
	shoot(t, a.browser)

	a.do(t, chromedp.SendKeys(chromedp.CSS("#token"), other+kb.Enter))
	a.waitFor(t, "it refuses another user's token", fmt.Sprintf(asked, "This is the token of bob. Leave first to see the tasks of bob."))
	fill(t, a.browser, "#token", token+kb.Enter)
	a.waitFor(t, "it asks once more", fmt.Sprintf(asked, "The token has expired."))
	g.refused.Store("none")
	fill(t, a.browser, "#token", token+kb.Enter)
	showing(t, []string{"- Elsewhere", "- Meanwhile", "- Before, edited"}, a, b)
	a.waitFor(t, "it is live and asks no more", `document.getElementById("status").dataset.state === "live" && document.getElementById("again").hidden`)
}
