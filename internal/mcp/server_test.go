package mcp_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"docket"
	"docket/internal/auth"
	"docket/internal/edge"
	"docket/internal/httpapi"
	"docket/internal/mcp"
	"docket/internal/secret"
	"docket/internal/sqlite"
	"docket/internal/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server is a server with the tools, on a store of its own.
type server struct {
	*testing.T
	url string
	log *storetest.Log
}

// options change what a server is made of.
type options struct {
	edge  edge.Options
	mcp   mcp.Options
	store func(docket.Store) docket.Store
	rules []docket.Option
}

func serve(t *testing.T, o options) *server {
	t.Helper()
	var store docket.Store
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "docket.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	closing := store
	if o.store != nil {
		store = o.store(store)
	}
	s := &server{T: t, log: &storetest.Log{}}
	o.edge.Log = slog.New(slog.NewJSONHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if o.mcp.Retention == 0 {
		o.mcp.Retention = docket.DefaultRetention
	}
	service := docket.NewService(store, o.rules...)
	http := httptest.NewServer(httpapi.New(service, httpapi.Options{Edge: o.edge, Pages: mcp.New(service, o.mcp).Handlers()}))
	s.url = http.URL
	t.Cleanup(func() {
		http.Close()
		if err := closing.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

// answer is a response that has been read.
type answer struct {
	status int
	header http.Header
	body   string
}

// post sends a body with headers written as "Name: value".
func (s *server) post(ctx context.Context, path, body string, headers ...string) (answer, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	r.Header.Set("MCP-Protocol-Version", "2025-11-25")
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			r.Host = value
		}
		r.Header.Set(name, value)
	}
	response, err := transport.RoundTrip(r)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, string(text)}, err
}

// transport keeps no connection, so that no goroutine outlives a test.
var transport = &http.Transport{DisableKeepAlives: true}

// send is post with an answer of this status.
func (s *server) send(status int, path, body string, headers ...string) answer {
	s.Helper()
	a, err := s.post(s.Context(), path, body, headers...)
	if err != nil || a.status != status {
		s.Fatalf("%s %.200s: %d %s (%v), not %d", path, body, a.status, a.body, err, status)
	}
	return a
}

// aliceTools is where a server without authentication has the tools of a user.
const aliceTools = "/api/alice/mcp"

// message is a JSON-RPC call of a tool. The arguments are JSON.
func message(tool, arguments string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":%q,"arguments":%s}}`, tool, arguments)
}

const listTools = `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`

// result is what a call of a tool gave.
type result struct {
	text    string
	refused bool // isError
}

func (s *server) resultOf(a answer) result {
	s.Helper()
	var got struct {
		Result struct {
			Content           []struct{ Type, Text string }
			StructuredContent any
			IsError           bool
		}
		Error any
	}
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || got.Error != nil || len(got.Result.Content) != 1 || got.Result.StructuredContent != nil {
		s.Fatalf("the answer is no result of a tool: %s (%v)", a.body, err)
	}
	return result{got.Result.Content[0].Text, got.Result.IsError}
}

// call calls a tool for alice.
func (s *server) call(tool, arguments string) result {
	s.Helper()
	return s.resultOf(s.send(200, aliceTools, message(tool, arguments)))
}

// shown is what tools answer with.
type shown struct {
	Tasks   []shownTask
	Deleted []string
	Missing []string
	Cursor  string
	Note    string
}

type shownTask struct {
	ID, Title string
	Completed bool
	Version   int64
}

// do calls a tool for alice, which must not refuse.
func (s *server) do(tool, arguments string) shown {
	s.Helper()
	r := s.call(tool, arguments)
	var got shown
	if err := json.Unmarshal([]byte(r.text), &got); err != nil || r.refused {
		s.Fatalf("%s %.200s: %s (%v)", tool, arguments, r.text, err)
	}
	return got
}

// refuse calls a tool for alice, which must refuse with texts that hold each of these.
func (s *server) refuse(tool, arguments string, texts ...string) {
	s.Helper()
	r := s.call(tool, arguments)
	if !r.refused {
		s.Errorf("%s %.200s was done: %.200s", tool, arguments, r.text)
	}
	for _, text := range texts {
		if !strings.Contains(r.text, text) {
			s.Errorf("%s %.200s is refused with %q, without %q", tool, arguments, r.text, text)
		}
	}
}

// add adds tasks with these titles for alice, and returns their ids.
func (s *server) add(titles ...string) (ids []string) {
	s.Helper()
	type task struct {
		Title string `json:"title"`
	}
	tasks := make([]task, len(titles))
	for i, title := range titles {
		tasks[i].Title = title
	}
	for _, t := range s.do("add_tasks", fmt.Sprintf(`{"tasks":%s}`, quote(tasks))).Tasks {
		ids = append(ids, t.ID)
	}
	return ids
}

func quote(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

const sharedSecret = "a secret that has at least 32 bytes"

// verifier takes tokens that token signs.
func verifier(t *testing.T, audience, agentAudience string) *auth.Verifier {
	t.Helper()
	v, err := auth.New(auth.Options{Secrets: []secret.Text{secret.New(sharedSecret)}, Audience: audience, AgentAudience: agentAudience})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// token returns the header with a token that has these claims besides exp.
func token(claims string) string {
	part := base64.RawURLEncoding.EncodeToString
	text := part([]byte(`{"alg":"HS256"}`)) + "." + part(fmt.Appendf(nil, `{"exp":%d,%s}`, time.Now().Add(time.Hour).Unix(), claims))
	mac := hmac.New(sha256.New, []byte(sharedSecret))
	mac.Write([]byte(text))
	return "Authorization: Bearer " + text + "." + part(mac.Sum(nil))
}
