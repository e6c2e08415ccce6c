package mcp

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"docket"
	"docket/internal/edge"
	"docket/internal/problem"
)

// Handlers returns the handlers by ServeMux pattern, to be mounted behind the edge.
func (a *Agents) Handlers() map[string]http.Handler {
	handlers := map[string]http.Handler{
		"POST " + edge.AgentsPath: edge.Handler(a.serveCaller),
		"POST /api/{user_id}/mcp": edge.Handler(a.serveUser),
	}
	if a.options.PublicURL != "" {
		handlers["GET "+metadataPath] = edge.Handler(a.serveMetadata)
		handlers["GET "+metadataPath+edge.AgentsPath] = edge.Handler(a.serveMetadata)
	}
	return handlers
}

// serveCaller serves the user whom the token names.
func (a *Agents) serveCaller(w http.ResponseWriter, r *http.Request) error {
	owner := edge.InfoOf(r.Context()).Subject()
	if owner == "" {
		return &docket.Error{Kind: problem.RouteNotFound, Detail: "Without authentication nobody is named by a token. Connect to /api/USER/mcp, with the user's id in place of USER."}
	}
	return a.serve(w, r, owner)
}

// serveUser serves the user whom the path names.
func (a *Agents) serveUser(w http.ResponseWriter, r *http.Request) error {
	owner, err := docket.ParseUserID(r.PathValue("user_id"))
	if err != nil {
		return err
	}
	if !edge.InfoOf(r.Context()).Allows(string(owner)) {
		return problem.ErrForeignUser
	}
	return a.serve(w, r, owner)
}

// message is the part of a JSON-RPC message that is looked at before the SDK is.
type message struct {
	Method string `json:"method"`
	Params struct {
		Name string `json:"name"`
	} `json:"params"`
}

// readMessage returns the body of a request, and what is looked at of it. One message in
// a request, so that the limits on requests are limits on calls.
func readMessage(r *http.Request) (body []byte, m message, err error) {
	if body, err = io.ReadAll(r.Body); err != nil {
		return nil, m, err
	}
	malformed := func(detail string) ([]byte, message, error) {
		return nil, m, &docket.Error{Kind: problem.Malformed, Detail: detail}
	}
	text := jsontext.Value(bytes.TrimSpace(body))
	switch {
	case len(text) == 0:
		return malformed("The request body is empty. Send a JSON-RPC message.")
	case text.Kind() == '[':
		return malformed("The body is an array. Send one JSON-RPC message in each request.")
	case !text.IsValid():
		return malformed("The body is not valid JSON, has a name twice, or is not UTF-8. Send one JSON-RPC message.")
	}
	_ = json.Unmarshal(text, &m) // what has another shape is the SDK's to refuse
	return text, m, nil
}

// serve answers one message of the protocol, for owner.
func (a *Agents) serve(w http.ResponseWriter, r *http.Request, owner docket.UserID) error {
	if !a.trusts(r) {
		return errForeignOrigin
	}
	body, m, err := readMessage(r)
	if err != nil {
		return err
	}
	info := edge.InfoOf(r.Context())
	if t := findTool(m.Params.Name); m.Method == "tools/call" && t != nil {
		if err := info.Require(t.scope); err != nil {
			return err
		}
	}
	var calls work
	server := a.server(func(t *tool) bool { return info.Require(t.scope) == nil }, func(t *tool, arguments jsontext.Value) (string, error) {
		return calls.do(r.Context(), func(ctx context.Context) (string, error) { return a.call(ctx, t, owner, arguments) })
	})
	request := r.Clone(r.Context())
	request.Body, request.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	request.Header.Set("Accept", "application/json, text/event-stream") // some clients take JSON alone, which is what they get
	var answer answer
	sdk.NewStreamableHTTPHandler(func(*http.Request) *sdk.Server { return server }, &sdk.StreamableHTTPOptions{
		Stateless: true, JSONResponse: true, PropagateRequestCancellation: true,
		DisableLocalhostProtection: true, // a proxy on this machine passes on the Host of the public; the edge guards the rest
		MaxRequestBodyBytes:        -1,   // the edge bounds bodies
	}).ServeHTTP(&answer, request)
	if err := calls.end(); err != nil {
		return err
	}
	if err := r.Context().Err(); err != nil {
		return err
	}
	return answer.send(w)
}

var errForeignOrigin = &docket.Error{Kind: problem.UntrustedOrigin, Detail: "The tools for agents are not open to the pages of this origin. CORS_ORIGINS lists those that may call."}

// trusts reports whether a request comes from no web page, or from one of the server's
// own origins or of those listed.
func (a *Agents) trusts(r *http.Request) bool {
	origins := r.Header.Values("Origin")
	if len(origins) == 0 {
		return true
	}
	origin := strings.ToLower(origins[0])
	u, err := url.Parse(origin)
	if err != nil || len(origins) > 1 {
		return false
	}
	own := (u.Scheme == "http" || u.Scheme == "https") && strings.EqualFold(u.Host, r.Host) // a proxy may have ended TLS
	return own || slices.Contains(a.options.Origins, origin) || a.options.PublicURL != "" && originOf(a.options.PublicURL) == origin
}

// originOf returns the origin of a URL as browsers send it.
func originOf(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Scheme + "://" + u.Host)
}

// work is the calls of one request. The SDK runs them in goroutines of its own, and
// answers without waiting for them when the client has left, while what they take is
// accounted to the request.
type work struct {
	running sync.WaitGroup

	mu     sync.Mutex
	ended  bool
	failed error // that of a call which the agent cannot mend
}

// do runs a call with the context of its request. Its error is shown to the agent.
func (w *work) do(ctx context.Context, call func(context.Context) (string, error)) (string, error) {
	w.mu.Lock()
	if w.ended {
		w.mu.Unlock()
		return "", context.Canceled
	}
	w.running.Add(1)
	w.mu.Unlock()
	defer w.running.Done()
	answer, err := call(ctx)
	if _, ok := err.(refusal); err == nil || ok { //nolint:errorlint // nothing wraps a refusal
		return answer, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failed = err
	return "", err
}

// end waits for calls that still run, and returns the error that the request is answered
// with instead of what the SDK says. No call begins after it.
func (w *work) end() error {
	w.mu.Lock()
	w.ended = true
	w.mu.Unlock()
	w.running.Wait()
	return w.failed
}

// answer holds what the SDK answers until the call has ended.
type answer struct {
	status int
	header http.Header
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (a *answer) Header() http.Header {
	if a.header == nil {
		a.header = http.Header{}
	}
	return a.header
}

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

// Write implements http.ResponseWriter.
func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(b)
}

// send sends the answer. What the SDK refuses in plain text becomes a problem.
func (a *answer) send(w http.ResponseWriter) error {
	media := a.Header().Get("Content-Type")
	switch {
	case a.status == http.StatusUnsupportedMediaType:
		return problem.WrongMediaType("application/json")
	case a.status >= http.StatusBadRequest && strings.HasPrefix(media, "text/plain"):
		return &docket.Error{Kind: problem.Malformed, Detail: plain(a.body.String())}
	}
	if media != "" {
		w.Header().Set("Content-Type", media)
	}
	w.WriteHeader(max(a.status, http.StatusOK))
	_, _ = w.Write(a.body.Bytes()) // the client may have gone
	return nil
}

// plain returns a text of the SDK as one sentence of a bounded length.
func plain(text string) string {
	const most = 300
	text = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)), " ")
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "…"
	}
	return "This is no request of the Model Context Protocol: " + text
}
