package httpapi

import (
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/go-json-experiment/json"

	"docket"
)

// bodyReadTimeout bounds the arrival of a request's body.
const bodyReadTimeout = 10 * time.Second

// operations registers every operation of the contract.
func (a *api) operations() {
	register(a, huma.Operation{
		OperationID: "listTasks", Method: http.MethodGet, Path: "/api/{user_id}/tasks",
		Summary:     "List a user's tasks",
		Description: "All tasks of the user, at most 10,000, in the order of their creation. A user without tasks has an empty list.",
	}, a.listTasks)
	register(a, huma.Operation{
		OperationID: "createTask", Method: http.MethodPost, Path: "/api/{user_id}/tasks", DefaultStatus: http.StatusCreated,
		Summary:     "Create a task",
		Description: "The title is the only field required.",
		Middlewares: huma.Middlewares{a.takes("application/json")},
	}, a.createTask)
	register(a, huma.Operation{
		OperationID: "getTask", Method: http.MethodGet, Path: "/api/{user_id}/tasks/{id}",
		Summary:     "Get a task",
		Description: "One task of the user.",
	}, a.getTask)
	register(a, huma.Operation{
		OperationID: "updateTask", Method: http.MethodPut, Path: "/api/{user_id}/tasks/{id}",
		Summary:     "Update a task",
		Description: "Sets the fields that are given; the others stay as they are. Read-only fields are ignored, so a task may be sent back whole. When nothing changes, version and updated_at stay.",
		Middlewares: huma.Middlewares{a.takes("application/json")},
	}, a.updateTask)
	register(a, huma.Operation{
		OperationID: "patchTask", Method: http.MethodPatch, Path: "/api/{user_id}/tasks/{id}",
		Summary:     "Patch a task",
		Description: "A JSON Merge Patch (RFC 7396): null clears the description, absent fields stay as they are. When nothing changes, version and updated_at stay.",
		Middlewares: huma.Middlewares{a.takes("application/json", "application/merge-patch+json")},
	}, a.updateTask)
	register(a, huma.Operation{
		OperationID: "completeTask", Method: http.MethodPatch, Path: "/api/{user_id}/tasks/{id}/complete",
		Summary:     "Complete a task",
		Description: "Without a body, or with `{}`, toggles whether the task is completed; with `completed`, sets it. The Content-Type does not matter.",
		Middlewares: huma.Middlewares{takesAnything},
	}, a.completeTask)
	register(a, huma.Operation{
		OperationID: "deleteTask", Method: http.MethodDelete, Path: "/api/{user_id}/tasks/{id}",
		Summary:     "Delete a task",
		Description: "The task is gone from every route. Deleting it again is a 404.",
	}, a.deleteTask)

	register(a, huma.Operation{
		OperationID: "healthz", Method: http.MethodGet, Path: "/healthz", Tags: []string{"Service"},
		Summary:     "Is the process alive?",
		Description: "Says nothing about the database.",
	}, a.healthz)
	register(a, huma.Operation{
		OperationID: "readyz", Method: http.MethodGet, Path: "/readyz", Tags: []string{"Service"},
		Summary:     "Can the process serve?",
		Description: "503 while the database cannot be reached or has a schema that this version does not serve.",
	}, a.readyz)

	// A merge patch has the same shape under both of its media types.
	patch := a.huma.OpenAPI().Paths["/api/{user_id}/tasks/{id}"].Patch.RequestBody.Content
	patch["application/merge-patch+json"] = patch["application/json"]
}

var pathParameter = regexp.MustCompile(`\{(\w+)\}`)

// register adds an operation to the API and the contract. It panics when a
// parameter in the path is not bound to a field of the input: Huma would leave
// the field empty without a word, and every user would share one owner.
func register[I, O any](a *api, op huma.Operation, handler func(context.Context, *I) (*O, error)) {
	write := op.Method != http.MethodGet
	op.Errors = []int{400, 500, 503}
	if strings.HasPrefix(op.Path, "/api/") {
		op.Tags = []string{"Tasks"}
		op.Errors = append(op.Errors, 422)
	}
	if strings.Contains(op.Path, "{id}") {
		op.Errors = append(op.Errors, 404)
	}
	if write {
		op.Errors = append(op.Errors, 507)
	}
	if len(op.Middlewares) > 0 { // it has a body
		op.Errors = append(op.Errors, 408, 413)
	}
	if len(op.Middlewares) > 0 && op.OperationID != "completeTask" {
		op.Errors = append(op.Errors, 415)
	}
	slices.Sort(op.Errors)

	// Our resolvers check the input, and limitBody its size.
	op.SkipValidateParams, op.SkipValidateBody = true, true
	op.MaxBodyBytes, op.BodyReadTimeout = -1, bodyReadTimeout
	huma.Register(a.huma, op, handler)

	path := a.huma.OpenAPI().Paths[op.Path]
	registered := map[string]*huma.Operation{"GET": path.Get, "POST": path.Post, "PUT": path.Put, "PATCH": path.Patch, "DELETE": path.Delete}[op.Method]
	if missing := unbound(registered); missing != "" {
		panic(fmt.Sprintf("httpapi: %s %s does not bind {%s}", op.Method, op.Path, missing))
	}
}

// unbound returns the first parameter in op's path that no field is bound to, or "".
func unbound(op *huma.Operation) string {
	for _, match := range pathParameter.FindAllStringSubmatch(op.Path, -1) {
		if !slices.ContainsFunc(op.Parameters, func(p *huma.Param) bool { return p.In == "path" && p.Name == match[1] }) {
			return match[1]
		}
	}
	return ""
}

// takes refuses a body that is not declared as one of the media types.
func (a *api) takes(mediaTypes ...string) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		mediaType, params, err := mime.ParseMediaType(ctx.Header("Content-Type"))
		charset := params["charset"]
		if err != nil || !slices.Contains(mediaTypes, mediaType) || charset != "" && !strings.EqualFold(charset, "utf-8") || ctx.Header("Content-Encoding") != "" {
			_ = huma.WriteErr(a.huma, ctx, http.StatusUnsupportedMediaType, "", &docket.Error{
				Kind: notJSON, Detail: "Send the body as " + strings.Join(mediaTypes, " or ") + ", in UTF-8 and not compressed."})
			return
		}
		next(ctx)
	}
}

// takesAnything reads the body as JSON, whatever it is declared as.
func takesAnything(ctx huma.Context, next func(huma.Context)) {
	r, _ := humago.Unwrap(ctx)
	r.Header.Set("Content-Type", "application/json")
	next(ctx)
}

// config is Huma without what it adds by default: no $schema in answers, no
// documentation from a CDN, no second way to serve the contract.
func config() huma.Config {
	format := huma.Format{
		Marshal:   func(w io.Writer, v any) error { return json.MarshalWrite(w, v) },
		Unmarshal: unmarshal,
	}
	return huma.Config{
		OpenAPI:       description(),
		Formats:       map[string]huma.Format{"application/json": format, "json": format},
		DefaultFormat: "application/json",
	}
}
