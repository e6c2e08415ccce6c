package httpapi_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"docket"
	"docket/internal/edge"
	"docket/internal/httpapi"
)

// setHeaders sets headers that are given as "Name: value".
func setHeaders(r *http.Request, headers []string) {
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ":")
		r.Header.Set(name, strings.TrimSpace(value))
	}
}

// doChunked is do with a body of a length that is not announced.
func (c *client) doChunked(method, path, body string, headers ...string) answer {
	c.Helper()
	r, err := http.NewRequestWithContext(c.Context(), method, c.url+path, io.MultiReader(strings.NewReader(body)))
	if err != nil {
		c.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	setHeaders(r, headers)
	response, err := transport.RoundTrip(r)
	if err != nil {
		c.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		c.Fatal(err)
	}
	return answer{client: c, status: response.StatusCode, header: response.Header, body: string(text)}
}

// broken is a store whose Write and Ready fail with err, or panic with it.
type broken struct {
	docket.Store
	err   error
	panic bool
}

func (b *broken) Write(context.Context, docket.UserID, docket.Write) (docket.Written, error) {
	if b.panic {
		panic(b.err)
	}
	return docket.Written{}, b.err
}

func (b *broken) Ready(context.Context) error { return b.err }

func (b *broken) Close() error { return nil }

func TestErrorsOfTheStore(t *testing.T) {
	secret := errors.New("the password is hunter2")
	for _, test := range []struct {
		store  broken
		status int
		kind   string
	}{
		{broken{err: secret}, 500, "internal-error"},
		{broken{err: secret, panic: true}, 500, "internal-error"},
		{broken{err: fmt.Errorf("deeper: %w", &docket.Error{Kind: docket.Unavailable, Detail: "Later.", Err: secret})}, 503, "unavailable"},
		{broken{err: &docket.Error{Kind: docket.OutcomeUnknown, Detail: "Look.", Err: secret}}, 503, "write-outcome-unknown"},
		{broken{err: &docket.Error{Kind: docket.StorageFull, Detail: "Full.", Err: secret}}, 507, "storage-full"},
		{broken{err: context.Canceled}, 503, "unavailable"},
	} {
		c := serve(t, &test.store, httpapi.Options{})
		a := c.do("PATCH", "/api/alice/tasks/019a4e6f-1b2c-7d3e-8f40-516273849a5b/complete", "").is(test.status)
		p := a.problem(test.kind)
		if strings.Contains(a.body, "hunter2") {
			t.Errorf("the answer has the cause: %s", a.body)
		}
		if got := a.header.Get("Retry-After") != ""; got != (test.kind == "unavailable") {
			t.Errorf("%s has Retry-After %q", test.kind, a.header.Get("Retry-After"))
		}
		if log := c.log.String(); test.status == 500 && (!strings.Contains(log, "hunter2") || !strings.Contains(log, p.RequestID)) {
			t.Errorf("the log lacks the cause or the request: %s", log)
		}
	}
}

func TestNotReady(t *testing.T) {
	c := serve(t, &broken{err: &docket.Error{Kind: docket.Unavailable, Detail: "Later."}}, httpapi.Options{})
	c.do("GET", "/readyz", "").is(503).problem("unavailable")
	c.do("GET", "/healthz", "").is(200)
}

func TestRequestIDs(t *testing.T) {
	c := serve(t, &broken{}, httpapi.Options{})
	if got := c.do("GET", "/healthz", "", "X-Request-Id: my.own-1_2").header.Get("X-Request-Id"); got != "my.own-1_2" {
		t.Errorf("the client's id became %q", got)
	}
	for _, bad := range []string{"", "a b", "é", strings.Repeat("x", 65), `","level":"ERROR`} {
		if got := c.do("GET", "/healthz", "", "X-Request-Id: "+bad).header.Get("X-Request-Id"); got == bad || got == "" {
			t.Errorf("the id %q was answered with %q", bad, got)
		}
	}
}

func TestAcceptIsIgnored(t *testing.T) {
	c := serveSQLite(t)
	for _, accept := range []string{"image/png", "application/xml", "json", "*/*;q=0", "application/merge-patch+json", ""} {
		if got := c.do("GET", "/api/alice/tasks", "", "Accept: "+accept).is(200).header.Get("Content-Type"); got != "application/json" {
			t.Errorf("Accept: %s was answered with %s", accept, got)
		}
	}
}

func TestNoLinkIsBuiltFromHost(t *testing.T) {
	c := serveSQLite(t)
	r, err := http.NewRequestWithContext(t.Context(), "POST", c.url+"/api/alice/tasks", strings.NewReader(`{"title":"x"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "evil.example"
	r.Header.Set("Content-Type", "application/json")
	response, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if location := response.Header.Get("Location"); !strings.HasPrefix(location, "tasks/") {
		t.Errorf("Location is %q", location)
	}
}

func TestCORS(t *testing.T) {
	const origin = "http://localhost:3000"
	c := serve(t, backends["sqlite"](t), httpapi.Options{Edge: edge.Options{CORSOrigins: []string{origin, "https://app.example"}}})
	preflight := c.do("OPTIONS", "/api/alice/tasks", "", "Origin: "+origin, "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: authorization,content-type,idempotency-key").is(204)
	c.equal(preflight.header.Get("Access-Control-Allow-Origin"), origin)
	c.equal(preflight.header.Get("Access-Control-Allow-Credentials"), "true")
	c.equal(preflight.header.Get("Access-Control-Allow-Methods"), "POST")

	asked := []string{"baggage", "sentry-trace,cache-control, X-Requested-With", "authorization," + strings.Repeat("x-long-header-name,", 90) + "a", ""}
	for _, names := range asked {
		a := c.do("OPTIONS", "/api/alice/tasks", "", "Origin: "+origin, "Access-Control-Request-Method: PUT", "Access-Control-Request-Headers: "+names).is(204)
		c.equal([]string{a.header.Get("Access-Control-Allow-Origin"), a.header.Get("Access-Control-Allow-Headers")}, []string{origin, names})
	}
	for _, names := range []string{"a b", "é", "x(", "a;b", "a:b", strings.Repeat("x", 5000), strings.Repeat("a,", 101) + "a"} {
		a := c.do("OPTIONS", "/api/alice/tasks", "", "Origin: "+origin, "Access-Control-Request-Method: PUT", "Access-Control-Request-Headers: "+names).is(204)
		c.equal([]string{a.header.Get("Access-Control-Allow-Origin"), a.header.Get("Access-Control-Allow-Headers")}, []string{"", ""})
	}
	exposed := c.do("GET", "/api/alice/tasks", "", "Origin: "+origin).is(200).header.Get("Access-Control-Expose-Headers")
	c.equal(strings.ToLower(exposed), "etag, link, location, retry-after, x-total-count, preference-applied, idempotent-replayed, docket-ignored, ratelimit, ratelimit-policy, x-request-id")

	for _, a := range []answer{c.do("GET", "/api/alice/tasks", "", "Origin: "+origin).is(200), c.do("GET", "/nothing", "", "Origin: "+origin).is(404)} {
		c.equal(a.header.Get("Access-Control-Allow-Origin"), origin)
		if exposed := a.header.Get("Access-Control-Expose-Headers"); !strings.Contains(strings.ToLower(exposed), "etag") {
			t.Errorf("exposed are %q", exposed)
		}
	}
	for _, other := range []string{"http://localhost:3001", "https://localhost:3000", "null", "http://localhost:3000.evil.example", "https://sub.app.example"} {
		a := c.do("GET", "/api/alice/tasks", "", "Origin: "+other).is(200)
		preflight := c.do("OPTIONS", "/api/alice/tasks", "", "Origin: "+other, "Access-Control-Request-Method: POST")
		if a.header.Get("Access-Control-Allow-Origin") != "" || preflight.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("origin %s is allowed", other)
		}
	}
	closed := serve(t, backends["sqlite"](t), httpapi.Options{})
	if a := closed.do("GET", "/api/alice/tasks", "", "Origin: "+origin); a.header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("an origin is allowed without configuration")
	}
}

// TestSlowBody sends half a body over a pipe, in a bubble whose clock runs
// ahead when everything waits.
func TestSlowBody(t *testing.T) {
	for name, test := range map[string]struct{ head, want string }{
		"read":        {"POST /api/alice/tasks HTTP/1.1\r\nContent-Type: application/json", "HTTP/1.1 408"},
		"not needed":  {"GET /healthz HTTP/1.1", "HTTP/1.1 200"},
		"no route":    {"POST /nothing HTTP/1.1", "HTTP/1.1 404"},
		"wrong type":  {"POST /api/alice/tasks HTTP/1.1\r\nContent-Type: text/plain", "HTTP/1.1 415"},
		"not allowed": {"DELETE /api/alice/tasks HTTP/1.1", "HTTP/1.1 405"},
	} {
		t.Run(name, func(t *testing.T) { testSlowBody(t, test.head, test.want) })
	}
}

func testSlowBody(t *testing.T, head, want string) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		listener := &pipe{conns: make(chan net.Conn, 1), closed: make(chan struct{})}
		listener.conns <- far
		server := &http.Server{Handler: httpapi.New(docket.NewService(&broken{}), httpapi.Options{}), ReadHeaderTimeout: time.Minute}
		go server.Serve(listener)
		defer server.Close()

		start := time.Now()
		if _, err := io.WriteString(near, head+"\r\nHost: x\r\nContent-Length: 100\r\n\r\n{\"title\":"); err != nil {
			t.Fatal(err)
		}
		response, err := http.ReadResponse(bufio.NewReader(near), nil)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(response.Proto+" "+response.Status, want) {
			t.Errorf("answer is %s: %s", response.Status, text)
		}
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("it took %s", took)
		}
		if n, err := near.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("the connection stays open: %d, %v", n, err)
		}
	})
}

// pipe is a listener of connections that are there already.
type pipe struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p *pipe) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipe) Close() error {
	close(p.closed)
	return nil
}

func (p *pipe) Addr() net.Addr { return &net.TCPAddr{} }

func TestContractIsServedAsCommitted(t *testing.T) {
	c := serve(t, &broken{}, httpapi.Options{})
	committed, err := os.ReadFile("../../openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	served := c.do("GET", "/openapi.yaml", "").is(200)
	if strings.TrimSpace(served.body) != strings.TrimSpace(string(committed)) {
		t.Error("the committed contract differs from the code's: run make generate")
	}
	c.equal(served.header.Get("Content-Type"), "application/openapi+yaml")
	c.equal(c.do("GET", "/openapi.json", "").is(200).header.Get("Content-Type"), "application/openapi+json")
	c.do("GET", "/openapi.json", "", "If-None-Match: "+c.do("GET", "/openapi.json", "").header.Get("ETag")).is(304)
}

func TestStaticFilesIgnoreRangesAndPreconditions(t *testing.T) {
	c := serve(t, &broken{}, httpapi.Options{})
	for _, header := range []string{"Range: bytes=99999999-", "Range: bytes=0-1", `If-Match: "x"`, "If-Unmodified-Since: Mon, 02 Jan 2006 15:04:05 GMT"} {
		c.do("GET", "/openapi.json", "", header).is(200)
	}
}

func TestPagesLoadNothingFromElsewhere(t *testing.T) {
	c := serve(t, &broken{}, httpapi.Options{})
	for _, path := range []string{"/", "/docs", "/problems/invalid-input"} {
		a := c.do("GET", path, "").is(200)
		policy := a.header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "http") || strings.Contains(policy, "script-src 'self' '") {
			t.Errorf("%s has the policy %q", path, policy)
		}
		if strings.Contains(a.body, "http://") || strings.Contains(a.body, "https://") || strings.Contains(a.body, "<script>") {
			t.Errorf("%s refers to another host or has a script in it", path)
		}
	}
}
