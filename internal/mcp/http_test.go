package mcp_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"docket"
	"docket/internal/edge"
	"docket/internal/mcp"
)

func TestOrigins(t *testing.T) {
	t.Parallel()
	open := serve(t, options{
		edge: edge.Options{Verifier: verifier(t, "", ""), CORSOrigins: []string{"https://app.example"}},
		mcp:  mcp.Options{Origins: []string{"https://app.example"}, PublicURL: "https://tasks.example/docket"},
	})
	host := strings.TrimPrefix(open.url, "http://")
	for origin, status := range map[string]int{
		"https://evil.example": 403, "null": 403, "http://" + host + ".evil.example": 403, "file://" + host: 403, "https://app.example.evil.example": 403, "http://tasks.example": 403,
		"https://app.example": 200, "https://tasks.example": 200, "http://" + host: 200, "https://" + host: 200,
	} {
		open.send(status, "/mcp", listTools, "Origin: "+origin, token(`"sub":"alice"`))
	}
	proxied := open.send(200, "/mcp", listTools, "Host: tasks.example", "Origin: https://tasks.example", token(`"sub":"alice"`))
	if !strings.Contains(proxied.body, "add_tasks") {
		t.Errorf("behind a proxy: %s", proxied.body)
	}
	open.send(200, "/mcp", listTools, "Host: other.example", token(`"sub":"alice"`))
}

func TestForms(t *testing.T) {
	t.Parallel()
	s := serve(t, options{})
	if a := s.send(200, aliceTools, listTools, "Accept: application/json"); a.header.Get("Content-Type") != "application/json" || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("the headers are %v", a.header)
	}
	s.send(200, aliceTools, listTools, "Accept: */*")
	s.send(202, aliceTools, `{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	add := message("add_tasks", `{"tasks":[{"title":"x"}]}`)
	for name, row := range map[string]struct {
		status  int
		body    string
		headers []string
	}{
		"an array of calls":          {400, "[" + add + "," + add + "]", nil},
		"an array after white space": {400, " \n[" + add + "]", nil},
		"nothing":                    {400, "", nil},
		"half of a call":             {400, add[:40], nil},
		"two calls":                  {400, add + add, nil},
		"a name twice":               {400, strings.Replace(add, `"id":1`, `"id":1,"id":2`, 1), nil},
		"bytes that are no UTF-8":    {400, strings.Replace(add, `"x"`, "\"\xff\"", 1), nil},
		"no JSON-RPC":                {400, `{"tool":"add_tasks"}`, nil},
		"text":                       {415, add, []string{"Content-Type: text/plain"}},
		"an unknown revision":        {400, add, []string{"MCP-Protocol-Version: 2001-01-01"}},
		"too much":                   {413, strings.Replace(add, `"x"`, `"`+strings.Repeat("x", 4<<20)+`"`, 1), nil},
	} {
		a := s.send(row.status, aliceTools, row.body, row.headers...)
		if a.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %s", name, a.body)
		}
	}
	if got := s.do("list_tasks", "{}").Tasks; len(got) != 0 {
		t.Errorf("refused requests added %+v", got)
	}
	if a := s.send(200, aliceTools, `{"jsonrpc":"2.0","id":1,"method":"prompts/list"}`); !strings.Contains(a.body, "-32601") {
		t.Errorf("a method that is not offered: %s", a.body)
	}
	s.send(404, "/mcp", listTools) // nobody is named
	for _, path := range []string{"/mcp/", "/mcp/x", "/api/alice/mcp/x", "/MCP"} {
		s.send(404, path, listTools)
	}
	s.send(422, "/api/a%01b/mcp", listTools)
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	s := serve(t, options{edge: edge.Options{RateLimit: 2}})
	s.send(200, aliceTools, listTools)
	s.send(200, aliceTools, message("list_tasks", "{}"))
	if a := s.send(429, aliceTools, message("list_tasks", "{}")); a.header.Get("Retry-After") == "" {
		t.Error("the answer does not say when to try again")
	}
	s.send(200, "/api/bob/mcp", listTools)
}

// failing is a store whose lists do what the test says.
type failing struct {
	docket.Store
	list  func(ctx context.Context) error
	calls atomic.Int64
}

func (f *failing) List(ctx context.Context, owner docket.UserID, q docket.ListQuery) (docket.Page, error) {
	f.calls.Add(1)
	if f.list != nil {
		return docket.Page{}, f.list(ctx)
	}
	return f.Store.List(ctx, owner, q)
}

func (f *failing) Write(ctx context.Context, owner docket.UserID, w docket.Write) (docket.Written, error) {
	f.calls.Add(1)
	return f.Store.Write(ctx, owner, w)
}

func (f *failing) over(store docket.Store) docket.Store {
	f.Store = store
	return f
}

func TestFailuresAreThoseOfTheAPI(t *testing.T) {
	t.Parallel()
	unavailable := &docket.Error{Kind: docket.Unavailable, Detail: "The database is away. Nothing was written."}
	for name, row := range map[string]struct {
		list   func(context.Context) error
		status int
		shows  string
		logs   string
	}{
		"unavailable": {func(context.Context) error { return unavailable }, 503, "The database is away", `"level":"ERROR"`},
		"internal":    {func(context.Context) error { return errors.New("secret of the store") }, 500, "Something went wrong", "secret of the store"},
		"panic":       {func(context.Context) error { panic("secret of the store") }, 500, "Something went wrong", "panic in list_tasks: secret of the store"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, options{store: (&failing{list: row.list}).over})
			a := s.send(row.status, aliceTools, message("list_tasks", "{}"))
			if !strings.Contains(a.body, row.shows) || strings.Contains(a.body, "secret") || (row.status == 503) != (a.header.Get("Retry-After") != "") {
				t.Errorf("%s %v", a.body, a.header)
			}
			if log := s.log.String(); !strings.Contains(log, row.logs) {
				t.Errorf("the log has no %s:\n%s", row.logs, log)
			}
			s.add("still served")
		})
	}
}

// TestLeavingGivesBackTheShare has clients leave while their calls run. Each call has to
// end, and what it took to be given back: a user has 2 passes at a time.
func TestLeavingGivesBackTheShare(t *testing.T) {
	t.Parallel()
	began, ended := make(chan struct{}), make(chan struct{})
	block := atomic.Bool{}
	block.Store(true)
	f := &failing{}
	f.list = func(ctx context.Context) error {
		if !block.Load() {
			return nil
		}
		began <- struct{}{}
		<-ctx.Done()
		ended <- struct{}{}
		return ctx.Err()
	}
	s := serve(t, options{store: f.over})
	for _, version := range []string{"2025-06-18", "2025-11-25"} {
		for range 10 {
			ctx, leave := context.WithCancel(t.Context())
			failed := make(chan error)
			go func() {
				_, err := s.post(ctx, aliceTools, message("list_tasks", "{}"), "MCP-Protocol-Version: "+version)
				failed <- err
			}()
			<-began
			leave()
			<-ended
			if err := <-failed; err == nil {
				t.Fatal("a client that has left got an answer")
			}
		}
	}
	block.Store(false)
	for range 3 {
		s.do("list_tasks", "{}")
	}
}

// TestNothingEscapesIntoTheLog sends names, titles and arguments with control characters.
func TestNothingEscapesIntoTheLog(t *testing.T) {
	t.Parallel()
	s := serve(t, options{})
	const forged = `\n{\"level\":\"ERROR\",\"msg\":\"forged\"}\u001b[31m`
	for _, body := range []string{
		message("list_tasks", `{"`+forged+`":1}`),
		message("add_tasks", `{"tasks":[{"title":"`+forged+`"}],"user_id":"`+forged+`"}`),
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"` + forged + `"}}`,
		`{"jsonrpc":"2.0","id":1,"method":"` + forged + `"}`,
		`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"` + forged + `","version":"1"}}}`,
	} {
		if _, err := s.post(t.Context(), aliceTools, body, "X-Request-Id: x\ty"); err != nil {
			t.Fatal(err)
		}
	}
	log := s.log.String()
	if strings.Contains(log, "forged") || strings.Contains(log, "\x1b") || strings.Count(log, "\n") < 5 {
		t.Errorf("the log is\n%s", log)
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	const public = "https://tasks.example"
	f := &failing{}
	s := serve(t, options{
		edge:  edge.Options{Verifier: verifier(t, "the API", mcp.Audience(public)), Metadata: mcp.MetadataURL(public)},
		mcp:   mcp.Options{PublicURL: public, Issuers: []string{"https://issuer.example"}},
		store: f.over,
	})
	const metadata = `resource_metadata="https://tasks.example/.well-known/oauth-protected-resource/mcp"`
	for _, headers := range [][]string{nil, {"Authorization: Bearer x"}, {token(`"sub":"alice","aud":"another"`)}} {
		if a := s.send(401, "/mcp", listTools, headers...); a.header.Get("WWW-Authenticate") != `Bearer realm="docket", `+metadata {
			t.Errorf("the challenge is %q", a.header.Get("WWW-Authenticate"))
		}
	}
	agent, whole := token(`"sub":"alice","aud":"https://tasks.example/mcp"`), token(`"sub":"alice","aud":["the API"]`)
	s.send(200, "/mcp", listTools, agent)
	s.send(200, "/mcp", listTools, whole)
	s.send(200, aliceTools, listTools, whole)
	s.send(401, aliceTools, listTools, agent)
	s.send(401, "/api/alice/tasks", `{"title":"x"}`, agent)
	s.send(201, "/api/alice/tasks", `{"title":"x"}`, whole)
	s.send(403, "/api/bob/mcp", listTools, whole)
	if got := s.resultOf(s.send(200, "/mcp", message("list_tasks", `{"user_id":"alice"}`), agent)); !strings.Contains(got.text, `"title":"x"`) {
		t.Errorf("alice's agent lists %s", got.text)
	}

	before := f.calls.Load()
	reader := token(`"sub":"alice","aud":"https://tasks.example/mcp","scope":"tasks:read"`)
	if tools := listed(t, s.send(200, "/mcp", listTools, reader)); len(tools) != 1 || tools[0].Name != "list_tasks" {
		t.Errorf("a reader is shown %+v", tools)
	}
	for _, tool := range []string{"add_tasks", "update_tasks", "delete_tasks", "restore_tasks"} {
		a := s.send(403, "/mcp", message(tool, `{}`), reader)
		if want := `Bearer error="insufficient_scope", scope="tasks:write", ` + metadata; a.header.Get("WWW-Authenticate") != want || !strings.Contains(a.body, "/problems/insufficient-scope") {
			t.Errorf("%s: %s %q", tool, a.body, a.header.Get("WWW-Authenticate"))
		}
	}
	if tools := listed(t, s.send(200, "/mcp", listTools, token(`"sub":"alice","aud":"the API","scp":["keys:manage"]`))); len(tools) != 0 {
		t.Errorf("who may only manage keys is shown %+v", tools)
	}
	if calls := f.calls.Load() - before; calls != 0 {
		t.Errorf("refused calls reached the store %d times", calls)
	}
}

func TestMetadata(t *testing.T) {
	t.Parallel()
	const want = `{"resource":"https://tasks.example/mcp","authorization_servers":["https://issuer.example"],"scopes_supported":["tasks:read","tasks:write"],"bearer_methods_supported":["header"],"resource_name":"Docket"}`
	known := serve(t, options{edge: edge.Options{Verifier: verifier(t, "", "")}, mcp: mcp.Options{PublicURL: "https://tasks.example", Issuers: []string{"https://issuer.example"}}})
	unknown := serve(t, options{edge: edge.Options{Verifier: verifier(t, "", "")}})
	for _, path := range []string{"/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp"} {
		if a := known.get(path); a.status != http.StatusOK || a.body != want || a.header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
		if a := unknown.get(path); a.status != http.StatusNotFound {
			t.Errorf("%s without PUBLIC_URL: %d %s", path, a.status, a.body)
		}
	}
	if a := unknown.send(401, "/mcp", listTools); a.header.Get("WWW-Authenticate") != `Bearer realm="docket"` {
		t.Errorf("the challenge without PUBLIC_URL is %q", a.header.Get("WWW-Authenticate"))
	}
	for _, path := range []string{"/mcp", aliceTools} {
		if a := serve(t, options{}).get(path); a.status != http.StatusMethodNotAllowed || a.header.Get("Allow") != "POST" {
			t.Errorf("GET %s: %d %v", path, a.status, a.header)
		}
	}
}

func (s *server) get(path string) answer {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), http.MethodGet, s.url+path, http.NoBody)
	if err != nil {
		s.Fatal(err)
	}
	response, err := transport.RoundTrip(r)
	if err != nil {
		s.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		s.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(body)}
}
