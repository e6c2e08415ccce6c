package httpapi_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"docket"
	"docket/internal/feed"
	"docket/internal/httpapi"
	"docket/internal/pgtest"
	"docket/internal/postgres"
	"docket/internal/postgres/connect"
	"docket/internal/sqlite"
	"docket/internal/storetest"
	"docket/internal/web"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(pgtest.Wrap(m)) }

// backends are the stores that the suite runs on.
var backends = map[string]func(t *testing.T) docket.Store{
	"sqlite": func(t *testing.T) docket.Store {
		store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "docket.db"), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		return store
	},
	"postgres": func(t *testing.T) docket.Store {
		return openPostgres(t, pgtest.Shared(t).Database(t))
	},
	"pgbouncer": func(t *testing.T) docket.Store {
		cluster := pgtest.Shared(t)
		return openPostgres(t, cluster.DefaultPooler(t).URL(cluster.Database(t)))
	},
}

func targetOf(t *testing.T, url string) connect.Target {
	t.Helper()
	target, err := connect.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	return target
}

func openPostgres(t *testing.T, url string) docket.Store {
	t.Helper()
	store, err := postgres.Open(t.Context(), postgres.Options{Target: targetOf(t, url), Migrate: true, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// client talks to a server of its own and holds every answer against the contract.
type client struct {
	*testing.T
	url string
	log *storetest.Log
}

// serve starts a server on store, which it closes when the test ends.
func serve(t *testing.T, store docket.Store, options httpapi.Options, rules ...docket.Option) *client {
	t.Helper()
	c := &client{T: t, log: &storetest.Log{}}
	options.Edge.Log = slog.New(slog.NewJSONHandler(c.log, nil))
	hub := feed.New(store.Counters)
	options.Feed, options.Pages = hub, web.Pages(httpapi.ContractJSON, httpapi.ContractYAML)
	ctx, stop := context.WithCancel(context.Background())
	var workers sync.WaitGroup
	workers.Go(func() { hub.Run(ctx) })
	ended := func(owner docket.UserID) { // as the program has it
		if options.Edge.Verifier != nil {
			options.Edge.Verifier.APIKeysEnded(owner)
		}
		hub.Changed(owner)
	}
	server := httptest.NewUnstartedServer(httpapi.New(docket.NewService(store, append(rules, docket.WithChanged(hub.Changed), docket.WithKeysEnded(ended))...), options))
	server.Config.MaxHeaderBytes = 16 << 10 // as the program has it
	server.Start()
	c.url = server.URL
	t.Cleanup(func() {
		server.Close()
		stop()
		workers.Wait()
		if err := store.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return c
}

func serveSQLite(t *testing.T) *client {
	t.Helper()
	return serve(t, backends["sqlite"](t), httpapi.Options{})
}

// answer is a response that has been read.
type answer struct {
	*client
	status int
	header http.Header
	body   string
}

const (
	asJSON   = "Content-Type: application/json"
	strictly = "Prefer: handling=strict"
)

// do sends a request with headers written as "Name: value". A body without a
// Content-Type among them is sent as JSON; "Content-Type:" sends none.
func (c *client) do(method, path, body string, headers ...string) answer {
	c.Helper()
	r, err := http.NewRequestWithContext(c.Context(), method, c.url+path, strings.NewReader(body))
	if err != nil {
		c.Fatal(err)
	}
	if body != "" {
		headers = append([]string{asJSON}, headers...)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ":")
		r.Header.Set(name, strings.TrimSpace(value))
	}
	response, err := transport.RoundTrip(r)
	if err != nil {
		c.Fatalf("%s %s: %v", method, path, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		c.Fatalf("%s %s: %v", method, path, err)
	}
	a := answer{client: c, status: response.StatusCode, header: response.Header, body: string(text)}
	a.meetsContract(r)
	return a
}

// transport follows no redirect and keeps no connection behind a test's back.
var transport = &http.Transport{DisableKeepAlives: true}

// is checks the status and returns the answer for more checks.
func (a answer) is(status int) answer {
	a.Helper()
	if a.status != status {
		a.Fatalf("status is %d, want %d; body %s", a.status, status, a.body)
	}
	return a
}

func (a answer) decode(v any) {
	a.Helper()
	if err := json.Unmarshal([]byte(a.body), v); err != nil {
		a.Fatalf("%v in %s", err, a.body)
	}
}

// task is the JSON of a task as clients see it.
type task struct {
	ID          string          `json:"id"`
	UserID      string          `json:"user_id"`
	Title       string          `json:"title"`
	Description *string         `json:"description"`
	Completed   bool            `json:"completed"`
	CompletedAt *string         `json:"completed_at"`
	Priority    string          `json:"priority"`
	DueDate     *string         `json:"due_date"`
	Tags        []string        `json:"tags"`
	Metadata    json.RawMessage `json:"metadata"`
	CreatedAt   string          `json:"created_at"`
	UpdatedAt   string          `json:"updated_at"`
	Version     int64           `json:"version"`
	Deleted     bool            `json:"deleted"`    // of a tombstone
	DeletedAt   string          `json:"deleted_at"` // there and in the trash
}

func (a answer) task() (t task) {
	a.Helper()
	a.decode(&t)
	return t
}

func (a answer) tasks() (list []task) {
	a.Helper()
	a.decode(&list)
	return list
}

func (c *client) create(user, title string) task {
	c.Helper()
	body, _ := json.Marshal(map[string]string{"title": title})
	return c.do("POST", "/api/"+user+"/tasks", string(body)).is(201).task()
}

func (c *client) equal(got, want any) {
	c.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		c.Fatalf("differs (-want +got):\n%s", diff)
	}
}

// problem is the JSON of an error as clients see it.
type problem struct {
	Type      string  `json:"type"`
	Title     string  `json:"title"`
	Status    int     `json:"status"`
	Detail    string  `json:"detail"`
	Instance  string  `json:"instance"`
	RequestID string  `json:"request_id"`
	Errors    []fault `json:"errors"`
}

type fault struct {
	Pointer   *string `json:"pointer"`
	Parameter string  `json:"parameter"`
	Header    string  `json:"header"`
	Code      string  `json:"code"`
	Detail    string  `json:"detail"`
}

// place is "/title", "?limit" or "Header:", and the code after a space.
func (f fault) String() string {
	switch {
	case f.Pointer != nil:
		return *f.Pointer + " " + f.Code
	case f.Parameter != "":
		return "?" + f.Parameter + " " + f.Code
	}
	return f.Header + ": " + f.Code
}

// problem checks that the answer is a complete problem document of the kind.
func (a answer) problem(kind string) problem {
	a.Helper()
	var p problem
	if got := a.header.Get("Content-Type"); got != "application/problem+json" {
		a.Fatalf("Content-Type is %q; body %s", got, a.body)
	}
	a.decode(&p)
	if p.Type != "/problems/"+kind || p.Status != a.status || p.Title == "" || p.Detail == "" || p.Instance == "" ||
		p.RequestID == "" || p.RequestID != a.header.Get("X-Request-Id") {
		a.Fatalf("want a problem of kind %s, got %s", kind, a.body)
	}
	for _, f := range p.Errors {
		if f.Detail == "" || f.Code == "" {
			a.Errorf("a fault is bare: %+v", f)
		}
	}
	return p
}

// faults checks that the answer is a 422 with exactly these faults.
func (a answer) faults(want ...string) {
	a.Helper()
	var got []string
	for _, f := range a.is(422).problem("invalid-input").Errors {
		got = append(got, f.String())
	}
	a.equal(got, want)
}

var contract = sync.OnceValues(func() (*openapi3.T, error) {
	text, err := httpapi.ContractJSON()
	if err != nil {
		return nil, err
	}
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		return nil, err
	}
	return doc, doc.Validate(context.Background())
})

var placeholder = regexp.MustCompile(`\{\w+\}`)

// meetsContract checks that the answer has a status, headers and a body that the
// contract has for its operation. An answer to what is no operation must be one
// of a page, or of the edge before there is a route, or say that nothing is
// served there.
func (a answer) meetsContract(r *http.Request) {
	a.Helper()
	doc, err := contract()
	if err != nil {
		a.Fatalf("the contract is not valid: %v", err)
	}
	if a.status == http.StatusRequestHeaderFieldsTooLarge {
		return // net/http's own answer
	}
	path, item, op := operationFor(doc, r)
	if op == nil {
		refused := slices.Contains([]int{204, 400, 401, 403, 404, 405, 413, 429}, a.status) && (a.status != 204 || r.Method == http.MethodOptions)
		if page := regexp.MustCompile(`^/($|docs|client/|problems/|openapi)`).MatchString(r.URL.Path); !refused && !page {
			a.Errorf("%s %s: status %d, and the contract has no such operation", r.Method, r.URL.EscapedPath(), a.status)
		}
		if a.status == http.StatusNotFound && a.body != "" {
			a.problem("route-not-found")
		}
		return
	}
	if a.status == http.StatusMethodNotAllowed {
		a.Errorf("%s %s is in the contract and not allowed", r.Method, path)
	}
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{
			Request: r, Route: &routers.Route{Spec: doc, Path: path, PathItem: item, Method: op.method, Operation: op.Operation},
		},
		Status: a.status, Header: a.header,
		Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true, ExcludeResponseBody: r.Method == http.MethodHead},
	}
	input.SetBodyBytes([]byte(a.body))
	if err := openapi3filter.ValidateResponse(a.Context(), input); err != nil {
		a.Errorf("%s %s: the answer is not in the contract: %v\n%s", r.Method, path, err, a.body)
	}
}

type operation struct {
	*openapi3.Operation
	method string
}

// operationFor returns the operation that a request is for, if there is one. Of
// two paths that match, the one with fewer parameters is meant.
func operationFor(doc *openapi3.T, r *http.Request) (found string, item *openapi3.PathItem, op *operation) {
	sent := plainPath(r.URL)
	for path, candidate := range doc.Paths.Map() {
		pattern := "^" + placeholder.ReplaceAllString(path, "[^/]+") + "$"
		if regexp.MustCompile(pattern).MatchString(sent) && (item == nil || strings.Count(path, "{") < strings.Count(found, "{")) {
			found, item = path, candidate
		}
	}
	if item == nil || !slices.Contains([]string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}, r.Method) || item.GetOperation(r.Method) == nil {
		return found, item, nil
	}
	return found, item, &operation{item.GetOperation(r.Method), r.Method}
}

// plainPath is the path of a URL with each part escaped in the usual way, and
// without the one trailing slash that the API allows.
func plainPath(u *url.URL) string {
	sent := u.EscapedPath()
	if strings.HasPrefix(sent, "/api/") {
		sent = strings.TrimSuffix(sent, "/")
	}
	parts := strings.Split(sent, "/")
	for i, part := range parts {
		if plain, err := url.PathUnescape(part); err == nil {
			parts[i] = url.PathEscape(plain)
		}
	}
	return strings.Join(parts, "/")
}
