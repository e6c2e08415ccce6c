package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	cdp "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// drop drops a file on the board.
func (w window) drop(t *testing.T, name, content string) {
	t.Helper()
	evaluate[chromedp.Void](t, w.browser, fmt.Sprintf(`(() => {
		const dataTransfer = new DataTransfer();
		dataTransfer.items.add(new File([%q], %q));
		for (const type of ["dragover", "drop"]) document.getElementById("board").dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));
	})()`, content, name))
}

// TestReferenceClientFiles exports tasks with a token, and imports them as another user: a
// file that is dropped shows what it would do first.
func TestReferenceClientFiles(t *testing.T) {
	t.Parallel()
	secret := "AUTH_SECRET=a-secret-of-the-test-0123456789-0123456789"
	s := startServer(t, secret)
	dir := t.TempDir()
	a := openWindow(t, s.URL, makeToken(t, s, secret, "alice"))
	a.do(t, call(cdp.SetDownloadBehavior, cdp.SetDownloadBehaviorParams{
		Behavior: cdp.SetDownloadBehaviorBehaviorAllow, DownloadPath: dir,
		BrowserContextID: chromedp.FromContext(a.ctx).BrowserContextID,
	}))
	a.add(t, "=Sum")
	a.add(t, "Second, with a comma")
	showing(t, []string{"- Second, with a comma", "- =Sum"}, a)
	a.do(t, chromedp.Click(chromedp.CSS("#data summary")))
	files := map[string]string{}
	for format, name := range map[string]string{"json": "docket.json", "csv": "docket.csv", "ics": "docket.ics", "todotxt": "todo.txt"} {
		a.set(t, "#format", format)
		a.do(t, chromedp.Click(chromedp.CSS("#export button")))
		eventually(t, "the file is there", func() bool {
			content, err := os.ReadFile(filepath.Join(dir, name))
			files[name] = string(content)
			return err == nil && strings.Contains(files[name], "Second") && strings.Contains(files[name], "Sum")
		})
	}

	for name, content := range files {
		b := openWindow(t, s.URL, makeToken(t, s, secret, "bob-"+strings.ReplaceAll(name, ".", "-")))
		would := func(text string) string {
			return fmt.Sprintf(`!document.getElementById("plan").hidden && document.getElementById("would").innerText === %q`, name+text)
		}
		b.drop(t, name, content)
		b.waitFor(t, "it says what it would do", would(" has 2 tasks to add; 0 are here already, 0 cannot be read."))
		if shown := b.shows(t); len(shown) > 0 {
			t.Errorf("%s: before the import there are %q", name, shown)
		}
		b.keys(t, kb.Enter) // the focus is on the button
		b.waitFor(t, "both are here", `[...document.querySelectorAll("#tasks .text .title")].map((title) => title.textContent).sort().join() === "=Sum,Second, with a comma"`)
		b.drop(t, name, content)
		b.waitFor(t, "it has nothing to add", would(" has 0 tasks to add; 2 are here already, 0 cannot be read."))
		if name == "docket.csv" {
			b.drop(t, name, "title,due_date\nGood,2026-12-01\nBad,tomorrow\n")
			b.waitFor(t, "the fault is shown", `document.querySelector("#faults li")?.innerText.startsWith("Line 3: ") === true`)
			shoot(t, b.browser)
			b.drop(t, "tasks.doc", "x")
			b.waitFor(t, "a file that cannot be imported is refused", `document.querySelector(".notice:last-child p")?.innerText.startsWith("“tasks.doc” is no file that can be imported.") === true`)
		}
		if faults := b.faults(s.URL); len(faults) > 0 {
			t.Errorf("%s: the page %s", name, strings.Join(faults, "\n"))
		}
	}
}
