package httpapi_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"docket"
	"docket/internal/auth"
	"docket/internal/edge"
	"docket/internal/httpapi"
)

func TestRateLimit(t *testing.T) {
	verifier, err := auth.New(shared)
	if err != nil {
		t.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	c := serve(t, backends["sqlite"](t), httpapi.Options{Edge: edge.Options{Verifier: verifier, RateLimit: 3, Metrics: registry}})
	alice, bob := as(t, "alice"), as(t, "bob")
	for i := range 3 {
		a := c.do("GET", "/api/alice/tasks", "", alice).is(200)
		c.equal(a.header.Get("RateLimit-Policy"), `"user";q=3;w=60`)
		c.equal(strings.HasPrefix(a.header.Get("RateLimit"), fmt.Sprintf(`"user";r=%d;t=`, 2-i)), true)
		c.do("GET", "/api/alice/tasks", "", bob).is(403) // charged to nobody
		c.do("GET", "/api/alice/tasks", "").is(401)
	}
	refused := c.do("GET", "/api/alice/nothing", "", alice).is(429) // whatever the path
	refused.problem("rate-limited")
	if after := refused.header.Get("Retry-After"); !regexp.MustCompile(`^(1?[1-9]|10|20)$`).MatchString(after) || refused.header.Get("RateLimit") == "" {
		t.Errorf("Retry-After is %q, RateLimit %q", after, refused.header.Get("RateLimit"))
	}
	c.do("GET", "/api/bob/tasks", "", bob).is(200)
	c.do("GET", "/healthz", "").is(200)
	if n := testutil.ToFloat64(gathered(t, registry, "docket_http_rate_limited_total")); n != 1 {
		t.Errorf("%v requests are counted as limited", n)
	}

	open := serve(t, backends["sqlite"](t), httpapi.Options{Edge: edge.Options{RateLimit: 1}})
	open.do("GET", "/api/alice/tasks", "").is(200)
	open.do("GET", "/api/alice/tasks", "").is(429)
	open.do("GET", "/api/bob/tasks", "").is(200)
}

// gathered returns the metric of a name as a collector of its value alone.
func gathered(t *testing.T, r *prometheus.Registry, name string) prometheus.Collector {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			total := 0.0
			for _, m := range f.GetMetric() {
				total += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
			g := prometheus.NewGauge(prometheus.GaugeOpts{Name: "total", Help: "The sum of a metric."})
			g.Set(total)
			return g
		}
	}
	t.Fatalf("there is no metric %s", name)
	return nil
}

// stuck is a store whose lists wait until they are let go.
type stuck struct {
	docket.Store
	entered chan struct{}
	leave   chan struct{}
}

func (s *stuck) List(ctx context.Context, owner docket.UserID, q docket.ListQuery) (docket.Page, error) {
	s.entered <- struct{}{}
	<-s.leave
	return s.Store.List(ctx, owner, q)
}

// fill sends n requests for lists and waits until all are in the store. Their
// statuses arrive when they may leave it, 0 for one without an answer.
func (s *stuck) fill(c *client, n int, path func(n int) string) <-chan int {
	statuses := make(chan int, n)
	for i := range n {
		go func() {
			response, err := transport.RoundTrip(request(c.T, "GET", c.url+path(i)))
			if err != nil {
				statuses <- 0
				return
			}
			response.Body.Close()
			statuses <- response.StatusCode
		}()
	}
	for range n {
		<-s.entered
	}
	return statuses
}

// TestOverload fills the server with requests that do not end: the next ones are
// refused at once, what is not about tasks is answered, and afterwards all is
// as before.
func TestOverload(t *testing.T) {
	const most = 256
	store := &stuck{Store: backends["sqlite"](t), entered: make(chan struct{}, most), leave: make(chan struct{})}
	registry := prometheus.NewRegistry()
	c := serve(t, store, httpapi.Options{Edge: edge.Options{Metrics: registry}})
	statuses := store.fill(c, most, func(n int) string { return fmt.Sprintf("/api/user%d/tasks?limit=1", n/16) }) // 16 are a user's share
	if n := testutil.ToFloat64(gathered(t, registry, "docket_http_load")); n != most {
		t.Errorf("the load is %v", n)
	}
	refused := c.do("GET", "/api/alice/tasks", "").is(503)
	refused.problem("unavailable")
	if refused.header.Get("Retry-After") == "" {
		t.Error("the refusal does not say when to come again")
	}
	c.do("POST", "/api/alice/tasks", `{"title":"x"}`).is(503)
	c.do("GET", "/healthz", "").is(200)
	c.do("GET", "/docs", "").is(200)
	close(store.leave)
	for range most {
		if status := <-statuses; status != 200 {
			t.Fatalf("a request that had begun was answered with %d", status)
		}
	}
	c.do("POST", "/api/alice/tasks", `{"title":"x"}`).is(201)
	if n := testutil.ToFloat64(gathered(t, registry, "docket_http_shed_total")); n != 2 {
		t.Errorf("%v requests are counted as refused", n)
	}
	if n := testutil.ToFloat64(gathered(t, registry, "docket_http_load")); n != 0 {
		t.Errorf("the load is %v when nothing is under way", n)
	}
}

func request(t *testing.T, method, url string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), method, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestSlowClientsHoldNobodyUp has more clients than may be at work send their
// bodies slowly, and some not read their answers.
func TestSlowClientsHoldNobodyUp(t *testing.T) {
	registry := prometheus.NewRegistry()
	c := serve(t, backends["sqlite"](t), httpapi.Options{Edge: edge.Options{Metrics: registry}})
	note := strings.Repeat("x", 5000)
	for range 100 {
		c.do("POST", "/api/slow/tasks", `{"title":"x","description":"`+note+`"}`).is(201)
	}
	for n := range 270 {
		conn, err := net.Dial("tcp", strings.TrimPrefix(c.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		request := "GET /api/slow/tasks HTTP/1.1\r\nHost: localhost\r\n\r\n" // 500 KB, which nobody reads
		unread := n%30 == 0
		if !unread {
			request = "POST /api/slow/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
		}
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetReadBuffer(1 << 10) // so that the answer waits in the server
		}
		if _, err := io.WriteString(conn, request); err != nil {
			t.Fatal(err)
		}
		if unread { // the next one waits for its turn, as the store has but few readers
			if _, err := conn.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range 20 {
		c.do("POST", "/api/alice/tasks", `{"title":"x"}`).is(201)
		c.do("GET", "/api/alice/tasks", "").is(200)
	}
	if n := testutil.ToFloat64(gathered(t, registry, "docket_http_shed_total")); n != 0 {
		t.Errorf("%v requests were refused", n)
	}
}

func TestQuota(t *testing.T) {
	c := serve(t, backends["sqlite"](t), httpapi.Options{}, docket.WithMaxTasks(2))
	first := c.create("alice", "first")
	c.create("alice", "second")
	refused := c.do("POST", "/api/alice/tasks", `{"title":"third"}`).is(403)
	refused.problem("task-quota-exceeded")
	if !strings.Contains(refused.body, `"limit":2`) {
		t.Errorf("the answer is %s", refused.body)
	}
	batch := c.do("POST", batchPath, `{"operations":[{"op":"complete","id":"`+first.ID+`"},{"op":"create","task":{"title":"third"}}]}`).is(403)
	if p := batch.problem("task-quota-exceeded"); p.Errors[0].String() != "/operations/1/id task_quota_exceeded" || !strings.Contains(batch.body, `"limit":2`) {
		t.Errorf("the answer is %s", batch.body)
	}
	c.create("bob", "his")
	c.do("DELETE", "/api/alice/tasks/"+first.ID, "").is(200)
	c.create("alice", "third")
	c.do("POST", "/api/alice/tasks/"+first.ID+"/restore", "").is(403)
}

func TestDrainingIsNotReady(t *testing.T) {
	draining := make(chan struct{})
	c := serve(t, backends["sqlite"](t), httpapi.Options{Edge: edge.Options{Draining: draining}})
	c.do("GET", "/readyz", "").is(200)
	close(draining)
	c.do("GET", "/readyz", "").is(503).problem("unavailable")
	c.do("GET", "/healthz", "").is(200)
	c.do("POST", "/api/alice/tasks", `{"title":"still served"}`).is(201)
}

// TestChunkedBodiesEndTheConnection sends a request whose body is chunked, and
// another behind it on the same connection.
func TestChunkedBodiesEndTheConnection(t *testing.T) {
	c := serveSQLite(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(c.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	const body = `{"title":"x"}`
	fmt.Fprintf(conn, "POST /api/alice/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(body), body)
	fmt.Fprintf(conn, "GET /api/alice/tasks HTTP/1.1\r\nHost: localhost\r\n\r\n")
	r := bufio.NewReader(conn)
	response, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != 201 || !response.Close {
		t.Errorf("%d, %v", response.StatusCode, response.Header)
	}
	if rest, _ := io.ReadAll(r); len(rest) > 0 {
		t.Errorf("what followed was answered: %q", rest)
	}
}

func TestMetricsAreOfRoutes(t *testing.T) {
	registry := prometheus.NewRegistry()
	c := serve(t, backends["sqlite"](t), httpapi.Options{Edge: edge.Options{Metrics: registry}})
	task := c.create("alice", "task")
	for _, path := range []string{"/api/alice/tasks/" + task.ID, "/api/bob/tasks/" + task.ID, "/api/alice/secret-path", "/api/alice/tasks/"} {
		c.do("GET", path, "")
	}
	want := `
# HELP docket_http_requests_total Requests that were answered, by route and status. Those refused before they had a route have the route none.
# TYPE docket_http_requests_total counter
docket_http_requests_total{route="GET /api/{user_id}/tasks",status="200"} 1
docket_http_requests_total{route="GET /api/{user_id}/tasks/{id}",status="200"} 1
docket_http_requests_total{route="GET /api/{user_id}/tasks/{id}",status="404"} 1
docket_http_requests_total{route="POST /api/{user_id}/tasks",status="201"} 1
docket_http_requests_total{route="none",status="404"} 1
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "docket_http_requests_total"); err != nil {
		t.Error(err)
	}
}

// TestTraces follows a request from its traceparent to the statements that it
// ran, on each store, and looks for what must not be in a trace.
func TestTraces(t *testing.T) {
	for name, open := range backends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spans := tracetest.NewSpanRecorder()
			c := serve(t, open(t), httpapi.Options{Edge: edge.Options{Tracing: trace.NewTracerProvider(trace.WithSpanProcessor(spans))}})
			const id = "4bf92f3577b34da6a3ce929d0e0e4736"
			c.do("POST", "/api/alice-canary/tasks", `{"title":"title-canary"}`, "traceparent: 00-"+id+"-00f067aa0ba902b7-01").is(201)
			ended := spans.Ended()
			server := ended[len(ended)-1]
			if server.Name() != "POST /api/{user_id}/tasks" || server.SpanContext().TraceID().String() != id || server.Parent().SpanID().String() != "00f067aa0ba902b7" {
				t.Errorf("the request's span is %s of %s", server.Name(), server.SpanContext().TraceID())
			}
			children := 0
			for _, span := range ended {
				if span.Parent().SpanID() == server.SpanContext().SpanID() {
					children++
				}
				if text := fmt.Sprint(span.Name(), span.Attributes(), span.Events()); strings.Contains(text, "canary") {
					t.Errorf("a span tells what a user wrote: %s", text)
				}
			}
			if children != 1 {
				t.Errorf("the request has %d spans of its store", children)
			}
		})
	}
}
