package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/google/go-cmp/cmp"

	"docket/internal/pgtest"
)

// window is a browser tab that shows the reference client.
type window struct {
	*browser
	url string
}

func openWindow(t *testing.T, url, who string) window {
	t.Helper()
	w := window{newBrowser(t), url}
	w.do(t, chromedp.Navigate(url+"/"))
	w.enter(t, who)
	w.waitFor(t, "it is live", `document.getElementById("status").dataset.state === "live"`)
	return w
}

func (w window) enter(t *testing.T, who string) {
	t.Helper()
	w.do(t, chromedp.WaitVisible(chromedp.CSS("#who")), chromedp.SendKeys(chromedp.CSS("#who"), who+kb.Enter))
}

func (w window) waitFor(t *testing.T, what, condition string) {
	t.Helper()
	eventually(t, what, func() bool { return evaluate[bool](t, w.browser, condition) })
}

func (w window) add(t *testing.T, title string) {
	t.Helper()
	w.do(t, chromedp.SendKeys(chromedp.CSS("#title"), title+kb.Enter))
}

// press clicks an element in the row of the task with this title.
func (w window) press(t *testing.T, title, selector string) {
	t.Helper()
	pressed := evaluate[bool](t, w.browser, fmt.Sprintf(`(() => {
		const row = [...document.querySelectorAll("#tasks li")].find((row) => row.querySelector(".text .title").innerText === %q);
		row?.querySelector(%q).click();
		return Boolean(row);
	})()`, title, selector))
	if !pressed {
		t.Fatalf("no task %q to press %s of is shown, but %q", title, selector, w.shows(t))
	}
}

// edit replaces the title or description of a task.
func (w window) edit(t *testing.T, title, field, text string) {
	t.Helper()
	w.press(t, title, ".text")
	input := "#tasks .edit:not([hidden]) ." + field
	fill(t, w.browser, input, text)
	w.do(t, chromedp.Click(chromedp.CSS("#tasks .edit:not([hidden]) button:not(.plain)")))
}

// notice waits for a notice and presses its button.
func (w window) notice(t *testing.T, text string) {
	t.Helper()
	w.waitFor(t, "the notice "+text, fmt.Sprintf(`document.querySelector(".notice:last-child p")?.innerText === %q`, text))
	w.do(t, chromedp.Click(chromedp.CSS(".notice:last-child .act")))
}

// shows returns the tasks that the page shows, newest first: "x" or "-" for
// completed or not, the title, the description, the due date as the API has it, the
// priority unless it is medium, and the tags.
func (w window) shows(t *testing.T) []string {
	t.Helper()
	return evaluate[[]string](t, w.browser, `[...document.querySelectorAll("#tasks li")].map((row) =>
		[row.querySelector(".done").checked ? "x" : "-", ...[...row.querySelectorAll(".text :is(span, em)")].map((part) => part.title || part.textContent)].filter(Boolean).join(" "))`)
}

// showing waits until all windows show these tasks and have sent all changes.
func showing(t *testing.T, want []string, windows ...window) {
	t.Helper()
	for _, w := range windows {
		var got []string
		var sent bool
		defer func() {
			if t.Failed() {
				t.Logf("%s (all sent: %t; - want, + shown):\n%s", w.url, sent, cmp.Diff(want, got))
			}
		}()
		eventually(t, "the window shows the tasks", func() bool {
			got = w.shows(t)
			sent = evaluate[bool](t, w.browser, `!document.getElementById("status").innerText.includes("unsent")`)
			return sent && slices.Equal(got, want)
		})
	}
}

// stored is whether the browser has a change that is not sent. A page shows a change
// some milliseconds before that.
const stored = `indexedDB.databases().then((databases) => Promise.all(databases.map(({ name }) => new Promise((resolve) => {
	indexedDB.open(name).onsuccess = ({ target: { result: open } }) => {
		open.transaction("records").objectStore("records").count(IDBKeyRange.bound("change/", "change/\uffff")).onsuccess = ({ target: { result: n } }) => {
			open.close();
			resolve(n > 0);
		};
	};
})))).then((all) => all.some(Boolean))`

// TestReferenceClient has two windows show the same tasks. One of them is offline
// for a while.
func TestReferenceClient(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	network := pgtest.NewProxy(t, s.URL, 0)
	a, b := openWindow(t, network.URL(s.URL), "alice"), openWindow(t, s.URL, "alice")

	a.add(t, "Buy milk")
	showing(t, []string{"- Buy milk"}, a, b)
	b.add(t, "Call Bob")
	b.add(t, "Water the plants")
	b.press(t, "Call Bob", ".done")
	showing(t, []string{"- Water the plants", "x Call Bob", "- Buy milk"}, a, b)
	b.press(t, "Call Bob", ".delete")
	showing(t, []string{"- Water the plants", "- Buy milk"}, a, b)
	b.notice(t, "“Call Bob” is deleted.")
	showing(t, []string{"- Water the plants", "x Call Bob", "- Buy milk"}, a, b)
	shoot(t, b.browser)

	network.Refuse(t, true)
	network.Cut()
	a.waitFor(t, "it knows that it is offline", `document.getElementById("status").dataset.state === "offline"`)
	a.add(t, "Written on the train")
	a.edit(t, "Written on the train", "description", "with no network")
	a.edit(t, "Buy milk", "title", "Buy oat milk")
	a.press(t, "Call Bob", ".done")
	a.edit(t, "Water the plants", "title", "Water the cactus")
	a.press(t, "Water the cactus", ".done")
	a.screenshot(t, "offline")
	b.edit(t, "Buy milk", "description", "two litres")       // another field than a has changed
	b.edit(t, "Water the plants", "title", "Water the fern") // the same field
	b.press(t, "Call Bob", ".delete")                        // a task that a has changed
	b.add(t, "Meanwhile")
	showing(t, []string{"- Meanwhile", "- Water the fern", "- Buy milk two litres"}, b)

	network.Refuse(t, false)
	settled := []string{"- Meanwhile", "- Written on the train with no network", "x Water the fern", "- Buy oat milk two litres"}
	showing(t, settled, a, b)
	a.waitFor(t, "both conflicts are shown", `document.querySelectorAll(".notice").length === 2`)
	a.screenshot(t, "conflicts")
	a.notice(t, "“Water the cactus” was changed elsewhere, too.")
	settled[2] = "x Water the cactus"
	showing(t, settled, a, b)
	a.notice(t, "“Call Bob” was deleted elsewhere.")
	settled = slices.Insert(settled, 3, "- Call Bob")
	showing(t, settled, a, b)

	// A change that was not sent when the window was closed is sent when it opens.
	network.Refuse(t, true)
	network.Cut()
	a.add(t, "Late")
	a.waitFor(t, "the change is stored", stored)
	a.do(t, chromedp.Navigate("about:blank"))
	network.Refuse(t, false)
	a.do(t, chromedp.Navigate(a.url+"/"))
	showing(t, slices.Insert(settled, 0, "- Late"), a, b)

	if faults := b.faults(s.URL); len(faults) > 0 {
		t.Errorf("the page %s", strings.Join(faults, "\n"))
	}
}

// shoot takes screenshots of the page at two widths and in both colour schemes.
// The page must not be wider than the window.
func shoot(t *testing.T, b *browser) {
	t.Helper()
	for name, width := range map[string]int64{"phone": 390, "desktop": 1200} {
		for _, scheme := range []string{"light", "dark"} {
			b.do(t, prefer(scheme), call(emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: 800, DeviceScaleFactor: 1}))
			b.screenshot(t, name+"-"+scheme)
			if scroll := evaluate[int64](t, b, "document.documentElement.scrollWidth"); scroll > width {
				t.Errorf("at a width of %d the page is %d wide", width, scroll)
			}
		}
	}
}

// TestReferenceClientSaysWhatIsWrong enters with an invalid user id, and then with
// a stored sync token that the server does not accept.
func TestReferenceClientSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	w := window{newBrowser(t), s.URL}
	w.do(t, chromedp.Navigate(s.URL+"/"))
	w.enter(t, strings.Repeat("x", 300))
	w.waitFor(t, "the page says that the user id is invalid", `document.getElementById("why").classList.contains("fault") && document.getElementById("why").innerText === "The user id is longer than 255 characters."`)
	evaluate[chromedp.Void](t, w.browser, `import("/client/docket.js").then(async ({ indexedDBStorage }) => {
		const storage = indexedDBStorage();
		await storage.open(location.origin + "/api/alice");
		await storage.save([["task/x", { id: "x", title: "long gone", completed: false, priority: "low", tags: [], version: 1 }], ["next", "of-another-time"]]);
		storage.close();
	})`)
	w.enter(t, "alice")
	w.add(t, "Here")
	showing(t, []string{"- Here"}, w)
}

// TestReferenceClientAsksForAToken uses a server that requires tokens: a user id is
// refused, and the token of a user is accepted.
func TestReferenceClientAsksForAToken(t *testing.T) {
	t.Parallel()
	secret := "AUTH_SECRET=a-secret-of-the-test-0123456789-0123456789"
	s := startServer(t, secret)
	token := makeToken(t, s, secret, "auth0|62c/é")
	w := window{newBrowser(t), s.URL}
	w.do(t, chromedp.Navigate(s.URL+"/"))
	w.enter(t, "alice")
	w.waitFor(t, "the page says that a token is needed", `document.getElementById("why").classList.contains("fault") && document.getElementById("why").innerText.includes("token")`)
	w.enter(t, token)
	w.waitFor(t, "it is live", `document.getElementById("status").innerText === "auth0|62c/é · Live"`)
	w.add(t, "Mine")
	showing(t, []string{"- Mine"}, w)
}
