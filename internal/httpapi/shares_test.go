package httpapi_test

import (
	"net/http"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"docket/internal/edge"
	"docket/internal/httpapi"
)

// TestOneUserCannotTakeTheServer has one user search without end. The user's next
// search is refused after a while; other requests of the user, and those of
// another, are answered.
func TestOneUserCannotTakeTheServer(t *testing.T) {
	const passes = 2
	store := &stuck{Store: backends["sqlite"](t), entered: make(chan struct{}, passes), leave: make(chan struct{})}
	registry := prometheus.NewRegistry()
	c := serve(t, store, httpapi.Options{Edge: edge.Options{Metrics: registry}})
	statuses := store.fill(c, passes, func(int) string { return "/api/alice/tasks?q=x" })
	refused := c.do("GET", "/api/alice/tasks?sort=title", "").is(http.StatusTooManyRequests)
	refused.problem("too-many-requests-at-work")
	if refused.header.Get("Retry-After") == "" {
		t.Error("the refusal does not say when to come again")
	}
	c.do("POST", "/api/alice/tasks", `{"title":"x"}`).is(201)
	c.do("POST", "/api/bob/tasks", `{"title":"x"}`).is(201)
	if n := testutil.ToFloat64(gathered(t, registry, "docket_http_shed_total")); n != 1 {
		t.Errorf("%v requests are counted as refused", n)
	}
	close(store.leave)
	for range passes {
		if status := <-statuses; status != 200 {
			t.Errorf("a search that had begun was answered with %d", status)
		}
	}
	c.do("GET", "/api/alice/tasks?q=x", "").is(200)
}
