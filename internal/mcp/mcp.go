// Package mcp offers the service to agents as tools, over the Model Context Protocol:
// by HTTP (Handlers), and on a pair of streams (Serve).
//
// The SDK speaks the protocol, in its revisions of 2026-07-28, 2025-11-25 and
// 2025-06-18. This package has the tools, and what the SDK leaves to its users: checks
// of arguments, origins and scopes, and the containment of what fails.
package mcp

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"docket"
	"docket/internal/problem"
)

// Options are what New needs besides the service.
type Options struct {
	Version   string        // of the program
	Retention time.Duration // how long deleted tasks can be restored
	Origins   []string      // whose pages may call, besides the server's own
	PublicURL string        // where clients reach the server, without a slash at the end; "": unknown
	Issuers   []string      // the authorization servers whose tokens are taken; none: unknown
}

// Agents are the tools of a service. It is safe for concurrent use.
type Agents struct {
	service *docket.Service
	options Options
}

// New returns the tools of service.
func New(service *docket.Service, o Options) *Agents { return &Agents{service: service, options: o} }

// revisions are those of the protocol that are served.
var revisions = []string{"2026-07-28", "2025-11-25", "2025-06-18"}

// listLifetime is how long a client may keep the list of tools.
const listLifetime = time.Hour

// runner runs one call of a tool for a user. Its error is shown to the agent.
type runner func(t *tool, arguments jsontext.Value) (answer string, err error)

// server returns a server of the tools that may be called, which run calls.
func (a *Agents) server(may func(*tool) bool, run runner) *sdk.Server {
	s := sdk.NewServer(&sdk.Implementation{Name: "docket", Title: "Docket", Version: a.options.Version}, &sdk.ServerOptions{
		Capabilities:              &sdk.ServerCapabilities{Tools: &sdk.ToolCapabilities{}},
		SupportedProtocolVersions: revisions,
		SetCacheable: func(_ context.Context, _ sdk.Request, c *sdk.Cacheable) {
			c.TTLMs, c.CacheScope = int(listLifetime.Milliseconds()), "private" // it depends on the token's scopes
		},
	})
	for i := range tools {
		if t := &tools[i]; may(t) {
			s.AddTool(&sdk.Tool{Name: t.name, Title: t.title, Description: t.description, Annotations: &t.hints, InputSchema: t.input},
				func(_ context.Context, request *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
					text, err := run(t, jsontext.Value(request.Params.Arguments))
					if err != nil {
						return &sdk.CallToolResult{IsError: true, Content: []sdk.Content{&sdk.TextContent{Text: err.Error()}}}, nil //nolint:nilerr // the result says it
					}
					return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: text}}}, nil
				})
		}
	}
	s.AddReceivingMiddleware(refuseUnknown)
	return s
}

// methods are the requests that are served besides notifications. The SDK would also
// answer those of features that are not offered.
var methods = []string{"initialize", "ping", "server/discover", "subscriptions/listen", "tools/list", "tools/call"}

// refuseUnknown refuses methods of features that are not offered, and makes the error of
// a call of an unknown tool name the one that was probably meant.
func refuseUnknown(next sdk.MethodHandler) sdk.MethodHandler {
	return func(ctx context.Context, method string, request sdk.Request) (sdk.Result, error) {
		if !slices.Contains(methods, method) && !strings.HasPrefix(method, "notifications/") {
			return nil, &jsonrpc.Error{Code: jsonrpc.CodeMethodNotFound, Message: "This server offers tools alone, and has no method " + method + "."}
		}
		if call, ok := request.(*sdk.CallToolRequest); ok && call.Params != nil && findTool(call.Params.Name) == nil {
			return nil, unknownTool(call.Params.Name)
		}
		return next(ctx, method, request)
	}
}

// unknownTool is the error of a call of a tool that does not exist.
func unknownTool(name string) error {
	known := toolNames()
	hint := "The tools are " + strings.Join(known, ", ") + "."
	if near := problem.Nearest(name, known); near != "" {
		hint = fmt.Sprintf("Did you mean %q?", near)
	}
	return &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams, Message: fmt.Sprintf("There is no tool %q. %s", shorten(name), hint)}
}

// call carries out one call. Its error is a refusal, or one that the service or the
// edge answers with.
func (a *Agents) call(ctx context.Context, t *tool, owner docket.UserID, arguments jsontext.Value) (answer string, err error) {
	defer func() { // the SDK runs calls in goroutines of its own, where a panic would end the process
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in %s: %v\n%s", t.name, p, debug.Stack())
		}
	}()
	checked, err := checkArguments(t.input, owner, arguments)
	if err != nil {
		return "", err
	}
	return t.run(ctx, a, owner, checked)
}

// Serve speaks with one client over a pair of streams, for a user, until ctx or the
// input ends. The user may call every tool.
func (a *Agents) Serve(ctx context.Context, owner docket.UserID, in io.ReadCloser, out io.WriteCloser, log *slog.Logger) error {
	var calls work
	defer func() { _ = calls.end() }() // the SDK does not wait for them when the input ends
	server := a.server(func(*tool) bool { return true }, func(t *tool, arguments jsontext.Value) (string, error) {
		answer, err := calls.do(ctx, func(ctx context.Context) (string, error) { return a.call(ctx, t, owner, arguments) })
		return answer, shown(err, log)
	})
	err := server.Run(ctx, &sdk.IOTransport{Reader: in, Writer: out, MaxLineLength: problem.MaxBatchBody})
	if ctx.Err() != nil {
		return nil // it was told to stop
	}
	return err
}

// shown returns an error as an agent on a stream may see it, and logs a failure.
func shown(err error, log *slog.Logger) error {
	if _, ok := err.(refusal); err == nil || ok { //nolint:errorlint // nothing wraps a refusal
		return err
	}
	document := problem.New(problem.Place{}, err)
	if document.Status >= 500 {
		log.Error("a call failed", "error", err)
	}
	return refusal{document.Detail}
}
