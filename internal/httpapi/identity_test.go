package httpapi_test

import (
	"context"
	"io"
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/uuid"

	"docket"
	"docket/internal/auth"
	"docket/internal/edge"
	"docket/internal/httpapi"
	"docket/internal/secret"
)

var shared = auth.Options{Secrets: []secret.Text{secret.New("0123456789abcdef0123456789abcdef")}}

// as returns the header that authenticates a user.
func as(t *testing.T, user string) string {
	t.Helper()
	token, err := auth.Sign(shared, user, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return "Authorization: Bearer " + token
}

// counting counts the calls of a store.
type counting struct {
	docket.Store
	calls atomic.Int64
}

func (c *counting) Write(ctx context.Context, owner docket.UserID, w docket.Write) (docket.Written, error) {
	c.calls.Add(1)
	return c.Store.Write(ctx, owner, w)
}

func (c *counting) Get(ctx context.Context, owner docket.UserID, id uuid.UUID) (docket.Task, error) {
	c.calls.Add(1)
	return c.Store.Get(ctx, owner, id)
}

func (c *counting) List(ctx context.Context, owner docket.UserID, q docket.ListQuery) (docket.Page, error) {
	c.calls.Add(1)
	return c.Store.List(ctx, owner, q)
}

func (c *counting) FindAPIKey(ctx context.Context, owner docket.UserID, id uuid.UUID) (docket.APIKey, error) {
	c.calls.Add(1)
	return c.Store.FindAPIKey(ctx, owner, id)
}

func (c *counting) APIKeys(ctx context.Context, owner docket.UserID) ([]docket.APIKey, error) {
	c.calls.Add(1)
	return c.Store.APIKeys(ctx, owner)
}

// serveClosed starts a server that asks for tokens or API keys.
func serveClosed(t *testing.T) (*client, *counting) {
	t.Helper()
	return serveClosedAt(t, backends["sqlite"](t), nil)
}

// serveClosedAt is serveClosed on a store, with the clock that credentials are verified by.
func serveClosedAt(t *testing.T, inner docket.Store, now func() time.Time) (*client, *counting) {
	t.Helper()
	store := &counting{Store: inner}
	options := shared
	options.APIKeys, options.Now = store, now
	verifier, err := auth.New(options)
	if err != nil {
		t.Fatal(err)
	}
	return serve(t, store, httpapi.Options{Edge: edge.Options{Verifier: verifier, CORSOrigins: []string{"http://localhost:3000"}}}), store
}

// TestAuthorizationMatrix tries every route and method as the owner and as
// others, by every way to write a path.
func TestAuthorizationMatrix(t *testing.T) {
	c, store := serveClosed(t)
	alice := as(t, "alice")
	mine := func() string {
		return c.do("POST", "/api/alice/tasks", `{"title":"mine"}`, alice).is(201).task().ID
	}
	his := c.do("POST", "/api/bob/tasks", `{"title":"his"}`, as(t, "bob")).is(201).task().ID

	requests := map[string]struct {
		method, path, body string
		status             int // with the own user and an own id
		one                bool
	}{
		"list":         {"GET", "/tasks", "", 200, false},
		"head":         {"HEAD", "/tasks", "", 200, false},
		"create":       {"POST", "/tasks", `{"title":"x"}`, 201, false},
		"get":          {"GET", "/tasks/{id}", "", 200, true},
		"put":          {"PUT", "/tasks/{id}", `{"title":"x"}`, 200, true},
		"patch":        {"PATCH", "/tasks/{id}", `{}`, 200, true},
		"complete":     {"PATCH", "/tasks/{id}/complete", "", 200, true},
		"delete":       {"DELETE", "/tasks/{id}", "", 200, true},
		"restore":      {"POST", "/tasks/{id}/restore", "", 409, false},
		"batch":        {"POST", "/tasks/batch", `{"operations":[{"op":"create","task":{"title":"x"}}]}`, 200, false},
		"no method":    {"POST", "/tasks/{id}", `{"title":"x"}`, 405, false},
		"no route":     {"GET", "/nothing", "", 404, false},
		"no route, up": {"GET", "/../alice/tasks", "", 404, false},
		"bad body":     {"POST", "/tasks", `{"title":`, 400, false},
		"bad query":    {"GET", "/tasks?limit=x", "", 422, false},
		"no id":        {"GET", "/tasks/x", "", 404, false},
	}
	foreign := []string{"bob", "Alice", "alice%20", "%20alice", "alic%65%00", "u1%2F..%2Falice", "alice%2Fx", "al%2525ice", "..", "%2e%2e", "", "ali", "alicee", "%ff", strings.Repeat("x", 300)}
	for name, r := range requests {
		own := strings.Replace(r.path, "{id}", mine(), 1)
		c.do(r.method, "/api/alice"+own, r.body, alice).is(r.status)
		c.do(r.method, "/%61pi/%61lice"+strings.Replace(r.path, "{id}", mine(), 1), r.body, alice).is(r.status) // the same path, written otherwise
		if r.one {
			c.do(r.method, "/api/alice"+strings.Replace(r.path, "{id}", his, 1), r.body, alice).is(404)
		}
		before := store.calls.Load()
		for _, user := range foreign {
			c.do(r.method, "/api/"+user+own, r.body, alice).is(403)
			if r.one {
				c.do(r.method, "/api/"+user+strings.Replace(r.path, "{id}", his, 1), r.body, alice).is(403)
			}
		}
		for _, path := range []string{"/api/alice", "/api/bob", "/%61pi/bob", "/api/u1/../alice", "/api//alice"} {
			for _, header := range []string{"Authorization:", "Authorization: Bearer x", "Authorization: Basic YTpi", strings.Replace(alice, "Bearer", "Token", 1), alice + "x", alice + "," + alice} {
				c.do(r.method, path+own, r.body, header).is(401)
			}
		}
		if n := store.calls.Load() - before; n != 0 {
			t.Errorf("%s: refused requests called the store %d times", name, n)
		}
	}
	if got := c.do("GET", "/api/bob/tasks/"+his, "", as(t, "bob")).is(200).task(); got.Title != "his" || got.Version != 1 {
		t.Errorf("the task of another user became %+v", got)
	}
}

func TestUnauthorizedIsUniform(t *testing.T) {
	c, _ := serveClosed(t)
	expired, err := auth.Sign(auth.Options{Secrets: shared.Secrets, Now: func() time.Time { return time.Now().Add(-3 * time.Hour) }}, "alice", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	var bodies []string
	for _, header := range []string{"X: y", "Authorization: Bearer", "Authorization: Bearer " + expired, "Authorization: Bearer a.b.c", "Authorization: Bearer " + strings.Repeat("x", 9000), "Authorization: Negotiate x"} {
		a := c.do("GET", "/api/alice/tasks", "", header).is(401)
		p := a.problem("unauthorized")
		if got := a.header.Get("WWW-Authenticate"); got != `Bearer realm="docket"` {
			t.Errorf("%.40s: WWW-Authenticate is %q", header, got)
		}
		if body := strings.Replace(a.body, p.RequestID, "", 1); !slices.Contains(bodies, body) {
			bodies = append(bodies, body)
		}
		if !strings.Contains(c.log.String(), p.RequestID) {
			t.Errorf("%.40s: the log does not say why", header)
		}
	}
	if len(bodies) != 1 {
		t.Errorf("the answers differ: %q", bodies)
	}
	if strings.Contains(c.log.String(), expired) {
		t.Error("the log has a token")
	}
	valid := as(t, "alice")
	c.do("GET", "/api/alice/tasks?access_token="+strings.TrimPrefix(valid, "Authorization: Bearer "), "").is(401)
	c.do("GET", "/api/alice/tasks", "", strings.Replace(valid, "Bearer ", "bEARER  ", 1)).is(200)
	c.do("GET", "/api/alice/tasks", "", "Authorization: Bearer "+strings.Repeat("x", 20<<10)).isPlain(431)

	r, err := http.NewRequestWithContext(t.Context(), "GET", c.url+"/api/alice/tasks", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header["Authorization"] = []string{strings.TrimPrefix(valid, "Authorization: "), strings.TrimPrefix(valid, "Authorization: ")}
	response, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != 401 {
		t.Errorf("two Authorization headers: %d", response.StatusCode)
	}
}

// isPlain is is for an answer that net/http gives by itself.
func (a answer) isPlain(status int) {
	a.Helper()
	if a.status != status {
		a.Fatalf("status is %d, want %d", a.status, status)
	}
}

// TestOrderOfChecks sends requests that are wrong in several ways.
func TestOrderOfChecks(t *testing.T) {
	c, _ := serveClosed(t)
	alice := as(t, "alice")
	big := strings.Repeat("x", 200_000)
	c.do("POST", "/api/bob/tasks", big).is(413)                              // size, token, user
	c.do("POST", "/api/bob/nothing", "{").is(401)                            // token, user, route
	c.do("POST", "/api/bob/nothing", "{", alice).is(403)                     // user, route
	c.do("POST", "/api/alice/nothing", "{", alice).is(404)                   // route, body
	c.do("DELETE", "/api/alice/tasks", "{", alice).is(405)                   // method, body
	c.do("PUT", "/api/alice/tasks/x", "{", alice, "Content-Type: x").is(415) // type, body, id
	c.do("PUT", "/api/alice/tasks/x", `{"title":""}`, alice).is(422)         // body, id
	c.do("PUT", "/api/alice/tasks/x", `{"title":"x"}`, alice).is(404)        // id
	c.do("GET", "/nothing", "").is(404)                                      // outside of /api/ nobody is asked
	c.do("GET", "/docs", "", "Authorization: Bearer x").is(200)
}

func TestPreflightNeedsNoToken(t *testing.T) {
	c, _ := serveClosed(t)
	a := c.do("OPTIONS", "/api/alice/tasks", "", "Origin: http://localhost:3000", "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: authorization,content-type").is(204)
	c.equal(a.header.Get("Access-Control-Allow-Origin"), "http://localhost:3000")
	denied := c.do("GET", "/api/alice/tasks", "", "Origin: http://localhost:3000").is(401)
	c.equal(denied.header.Get("Access-Control-Allow-Origin"), "http://localhost:3000")
}

// TestContractSaysWhoIsAsked compares the security that the contract names
// with what the server asks.
func TestContractSaysWhoIsAsked(t *testing.T) {
	c, _ := serveClosed(t)
	doc, err := contract()
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			if op.Security == nil {
				t.Errorf("%s %s: the contract does not say", method, path)
				continue
			}
			needs := slices.ContainsFunc(*op.Security, func(r openapi3.SecurityRequirement) bool { _, ok := r["bearer"]; return ok })
			sent := strings.NewReplacer("{user_id}", "alice", "{id}", "019a4e6f-1b2c-7d3e-8f40-516273849a5b").Replace(path)
			if got := c.do(method, sent, "").status == 401; got != needs {
				t.Errorf("%s %s: the contract says %v, the server asks: %v", method, path, needs, got)
			}
			if needs {
				asked++
			}
		}
	}
	if asked < 7 || doc.Components.SecuritySchemes["bearer"] == nil {
		t.Errorf("%d operations ask for a token", asked)
	}
}

func TestLocalOnly(t *testing.T) {
	c := serve(t, backends["sqlite"](t), httpapi.Options{Edge: edge.Options{LocalOnly: true, CORSOrigins: []string{"http://localhost:3000"}}})
	_, port, _ := strings.Cut(strings.TrimPrefix(c.url, "http://"), ":")
	for host, status := range map[string]int{
		"localhost": 200, "LOCALHOST:" + port: 200, "127.0.0.1": 200, "127.0.0.1:9": 200, "[::1]": 200, "[::1]:8000": 200,
		"evil.example": 403, "localhost.evil.example": 403, "127.0.0.1.nip.io:8000": 403, "0.0.0.0": 403, "127.0.0.2": 403, "[::2]": 403,
	} {
		for _, path := range []string{"/api/alice/tasks", "/docs"} {
			if got := c.withHost(host, "GET", path, nil); got != status {
				t.Errorf("Host %s, %s: %d, want %d", host, path, got, status)
			}
		}
	}
	for origin, status := range map[string]int{
		"": 201, "http://localhost:" + port: 201, "http://localhost:3000": 201,
		"http://evil.example": 403, "http://localhost:3001": 403, "null": 403, "https://localhost:" + port: 403,
	} {
		header := http.Header{"Content-Type": {"application/json"}}
		if origin != "" {
			header.Set("Origin", origin)
		}
		if got := c.withHost("localhost:"+port, "POST", "/api/alice/tasks", header); got != status {
			t.Errorf("Origin %s: %d, want %d", origin, got, status)
		}
		if got := c.withHost("localhost:"+port, "GET", "/api/alice/tasks", header); got != 200 {
			t.Errorf("a read from Origin %s: %d", origin, got)
		}
	}
	c.do("GET", "/api/alice/tasks", "").is(200)
}

// withHost sends a request with another Host and returns the status.
func (c *client) withHost(host, method, path string, header http.Header) int {
	c.Helper()
	body := ""
	if method == "POST" {
		body = `{"title":"x"}`
	}
	r, err := http.NewRequestWithContext(c.Context(), method, c.url+path, strings.NewReader(body))
	if err != nil {
		c.Fatal(err)
	}
	r.Host = host
	maps.Copy(r.Header, header)
	response, err := transport.RoundTrip(r)
	if err != nil {
		c.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}

// TestTimingOfForeignIDs compares how long it takes to be refused another
// user's task and one that does not exist, and prints the statistic.
func TestTimingOfForeignIDs(t *testing.T) {
	c, _ := serveClosed(t)
	alice := as(t, "alice")
	his := c.do("POST", "/api/bob/tasks", `{"title":"his"}`, as(t, "bob")).is(201).task().ID
	c.do("POST", "/api/alice/tasks", `{"title":"mine"}`, alice).is(201)
	const samples = 2000
	keepAlive := &http.Transport{}
	defer keepAlive.CloseIdleConnections()
	var foreign, absent []time.Duration
	timed := func(path string) time.Duration {
		r, err := http.NewRequestWithContext(t.Context(), "GET", c.url+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		name, value, _ := strings.Cut(alice, ": ")
		r.Header.Set(name, value)
		start := time.Now()
		response, err := keepAlive.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.Copy(io.Discard, response.Body)
		took := time.Since(start)
		response.Body.Close()
		if err != nil || response.StatusCode != 404 {
			t.Fatalf("%s: %d, %v", path, response.StatusCode, err)
		}
		return took
	}
	for n := range samples {
		id := uuid.Must(uuid.NewV7()).String()
		for _, kind := range []int{n % 2, 1 - n%2} { // in turns, each first as often
			path, list := "/api/alice/tasks/"+his, &foreign
			if kind == 1 {
				path, list = "/api/alice/tasks/"+id, &absent
			}
			*list = append(*list, timed(path))
		}
	}
	t.Logf("Mann-Whitney: z = %.2f over 2 × %d samples (|z| < 1.96 is no difference at 5 %%); medians %s and %s",
		mannWhitney(foreign, absent), samples, median(foreign), median(absent))
}

// mannWhitney returns the standard score of the rank-sum statistic: 0 when
// neither of a and b tends to be larger.
func mannWhitney(a, b []time.Duration) float64 {
	type sample struct {
		took time.Duration
		ofA  bool
	}
	var all []sample
	for _, d := range a {
		all = append(all, sample{d, true})
	}
	for _, d := range b {
		all = append(all, sample{d, false})
	}
	slices.SortFunc(all, func(x, y sample) int { return int(x.took - y.took) })
	sum := 0.0
	for rank, s := range all {
		if s.ofA {
			sum += float64(rank + 1)
		}
	}
	n, m := float64(len(a)), float64(len(b))
	mean, deviation := n*(n+m+1)/2, math.Sqrt(n*m*(n+m+1)/12)
	return (sum - mean) / deviation
}

func median(list []time.Duration) time.Duration {
	slices.Sort(list)
	return list[len(list)/2]
}
