package e2e

import (
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestDocumentationAsksForToken lists tasks from the documentation page of a
// server that requires tokens: first without a token, then with one that is pasted
// into the page's dialog.
func TestDocumentationAsksForToken(t *testing.T) {
	t.Parallel()
	const secret = "AUTH_SECRET=a-secret-of-the-test-0123456789-0123456789"
	s := startServer(t, secret)
	token := makeToken(t, s, secret, "ada")

	b := newBrowser(t)
	const operation = "#operations-Tasks-listTasks"
	b.do(t, chromedp.Navigate(s.URL+"/docs"), chromedp.WaitVisible(chromedp.CSS(operation)),
		chromedp.Click(chromedp.CSS(operation+" .opblock-summary-control"), chromedp.NodeVisible),
		chromedp.Click(chromedp.CSS(operation+" .try-out__btn"), chromedp.NodeVisible))
	fill(t, b, operation+` tr[data-param-name="user_id"] input`, "ada")
	execute(t, b, operation, http.StatusUnauthorized)
	b.screenshot(t, "without")

	const dialog = ".dialog-ux"
	b.do(t, chromedp.Click(chromedp.CSS(".auth-wrapper .authorize"), chromedp.NodeVisible))
	fill(t, b, dialog+" input", token)
	b.screenshot(t, "dialog")
	b.do(t,
		chromedp.Click(chromedp.CSS(dialog+" .auth-btn-wrapper .authorize"), chromedp.NodeVisible),
		chromedp.Click(chromedp.CSS(dialog+" .btn-done"), chromedp.NodeVisible),
		chromedp.WaitNotPresent(chromedp.CSS(dialog)))
	execute(t, b, operation, http.StatusOK)
	b.screenshot(t, "with")

	for _, fault := range b.faults(s.URL) {
		if !strings.Contains(fault, "401") { // which the browser reports as an error
			t.Errorf("the page %s", fault)
		}
	}
}

// execute sends the request of an operation that is being tried out, and waits
// until the page shows this status.
func execute(t *testing.T, b *browser, operation string, status int) {
	t.Helper()
	b.do(t, chromedp.Click(chromedp.CSS(operation+" .execute"), chromedp.NodeVisible))
	shown := fmt.Sprintf("document.querySelector('%s .live-responses-table .response .response-col_status')?.innerText ?? ''", operation)
	eventually(t, fmt.Sprintf("the page shows %d", status), func() bool {
		return strings.HasPrefix(evaluate[string](t, b, shown), fmt.Sprint(status))
	})
}

// makeToken returns a token that the command docket token makes for a user.
func makeToken(t *testing.T, s *server, secret, user string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), binary, "token", "--sub", user)
	command.Dir, command.Env = s.dir, append(cleanEnv(), secret)
	token, err := command.Output()
	if err != nil {
		t.Fatalf("docket token: %v", err)
	}
	return strings.TrimSpace(string(token))
}
