package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestDocumentation uses the documentation page as a reader does, without the
// internet, to try an operation out.
func TestDocumentation(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	b := newBrowser(t)
	const operation = "#operations-Tasks-createTask"
	b.do(t, chromedp.Navigate(s.URL+"/docs"), chromedp.WaitVisible(chromedp.CSS(operation)))
	b.screenshot(t, "docs")
	shown := evaluate[string](t, b, `[...document.querySelectorAll(".opblock")].map(o => o.id.split("-").pop()).join(" ")`)
	if want := "listTasks headListTasks createTask getTask headGetTask updateTask patchTask completeTask deleteTask restoreTask batchTasks listChanges headListChanges streamEvents headStreamEvents exportTasks headExportTasks importTasks getCalendar headGetCalendar eraseUser listApiKeys headListApiKeys createApiKey revokeApiKey healthz headHealthz isAlive headIsAlive readyz headReadyz"; shown != want {
		t.Errorf("the operations are shown as %s", shown)
	}
	b.do(t,
		chromedp.Click(chromedp.CSS(operation+" .opblock-summary-control"), chromedp.NodeVisible),
		chromedp.Click(chromedp.CSS(operation+" .try-out__btn"), chromedp.NodeVisible))
	fill(t, b, operation+` tr[data-param-name="user_id"] input`, "ada")
	fill(t, b, operation+" textarea.body-param__text", `{"title": "Tried out"}`)
	const answered = operation + " .live-responses-table .response .response-col_status"
	b.do(t,
		chromedp.Click(chromedp.CSS(operation+" .execute"), chromedp.NodeVisible),
		chromedp.ScrollIntoView(chromedp.CSS(answered)))
	b.screenshot(t, "tried")
	status := evaluate[string](t, b, fmt.Sprintf("document.querySelector('%s').innerText", answered))
	if !strings.HasPrefix(status, "201") {
		t.Errorf("the page shows the status %q", status)
	}
	if faults := b.faults(s.URL); len(faults) > 0 {
		t.Errorf("the page %s", strings.Join(faults, "\n"))
	}

	var tasks []task
	newClient(t, s.URL, 1).get(t, tasksPath("ada"), &tasks)
	if len(tasks) != 1 || tasks[0].Title != "Tried out" {
		t.Errorf("the tasks are %+v", tasks)
	}
}

// fill types text in place of what a field contains.
func fill(t *testing.T, b *browser, selector, text string) {
	t.Helper()
	b.do(t, chromedp.WaitVisible(chromedp.CSS(selector)))
	evaluate[chromedp.Void](t, b, fmt.Sprintf("document.querySelector('%s').select()", selector))
	b.do(t, chromedp.SendKeys(chromedp.CSS(selector), text))
}

// TestPages loads the other pages for people, in both colour schemes.
func TestPages(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	b := newBrowser(t)
	for name, path := range map[string]string{"start": "/", "problem": "/problems/invalid-input"} {
		t.Run(name, func(t *testing.T) {
			brightness := map[string]int{}
			for _, scheme := range []string{"light", "dark"} {
				b.do(t, prefer(scheme), chromedp.Navigate(s.URL+path), chromedp.WaitVisible(chromedp.CSS("h1")))
				b.screenshot(t, scheme)
				brightness[scheme] = evaluate[int](t, b,
					"getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).reduce((sum, c) => sum + Number(c), 0)")
			}
			if brightness["light"] < 600 || brightness["dark"] > 150 {
				t.Errorf("the brightness of the page (0 to 765) is %v", brightness)
			}
			if faults := b.faults(s.URL); len(faults) > 0 {
				t.Errorf("the page %s", strings.Join(faults, "\n"))
			}
		})
	}
}
