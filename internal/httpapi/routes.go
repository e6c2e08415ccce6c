package httpapi

import (
	"context"
	"fmt"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"docket"
)

// bodyReadTimeout bounds the arrival of a request's body.
const bodyReadTimeout = 10 * time.Second

const batchRoute = "/api/{user_id}/tasks/batch"

// operations registers every operation of the contract.
func (a *api) operations() {
	register(a, huma.Operation{
		OperationID: "listTasks", Method: http.MethodGet, Path: "/api/{user_id}/tasks",
		Summary: "List a user's tasks",
		Description: "The tasks of the user, in the order of their creation unless `sort` says otherwise. When more follow, Link has the next page (RFC 8288): no task is skipped or met twice while others are created, changed or deleted between the pages. " +
			"An unchanged list is a 304 to its ETag.",
		Responses: withNotModified(success(http.StatusOK, "The tasks. A user without tasks has an empty list.")),
	}, a.listTasks)
	register(a, huma.Operation{
		OperationID: "createTask", Method: http.MethodPost, Path: "/api/{user_id}/tasks", DefaultStatus: http.StatusCreated,
		Summary:     "Create a task",
		Description: "The title is the only field required.",
		Responses:   success(http.StatusCreated, "The task as it was stored. Location is its path."),
		Middlewares: huma.Middlewares{a.takes("application/json")},
	}, a.createTask)
	register(a, huma.Operation{
		OperationID: "getTask", Method: http.MethodGet, Path: "/api/{user_id}/tasks/{id}",
		Summary:     "Get a task",
		Description: "One task of the user.",
		Responses:   withNotModified(success(http.StatusOK, "The task.")),
	}, a.getTask)
	register(a, huma.Operation{
		OperationID: "updateTask", Method: http.MethodPut, Path: "/api/{user_id}/tasks/{id}",
		Summary:     "Update a task",
		Description: "Sets the fields that are given; the others stay as they are. Read-only fields are ignored, so a task may be sent back whole. When nothing changes, version and updated_at stay.",
		Responses:   success(http.StatusOK, "The task as it is now."),
		Middlewares: huma.Middlewares{a.takes("application/json")},
	}, a.updateTask)
	register(a, huma.Operation{
		OperationID: "patchTask", Method: http.MethodPatch, Path: "/api/{user_id}/tasks/{id}",
		Summary:     "Patch a task",
		Description: "A JSON Merge Patch (RFC 7396): null clears the description, absent fields stay as they are. When nothing changes, version and updated_at stay.",
		Responses:   success(http.StatusOK, "The task as it is now."),
		Middlewares: huma.Middlewares{a.takes("application/json", "application/merge-patch+json")},
	}, a.updateTask)
	register(a, huma.Operation{
		OperationID: "completeTask", Method: http.MethodPatch, Path: "/api/{user_id}/tasks/{id}/complete",
		Summary:     "Complete a task",
		Description: "Without a body, or with `{}`, toggles whether the task is completed; with `completed`, sets it. The Content-Type does not matter.",
		Responses:   success(http.StatusOK, "The task as it is now."),
		Middlewares: huma.Middlewares{takesAnything},
	}, a.completeTask)
	register(a, huma.Operation{
		OperationID: "deleteTask", Method: http.MethodDelete, Path: "/api/{user_id}/tasks/{id}",
		Summary:     "Delete a task",
		Description: "The task is gone from every route, until it is restored. Deleting it again is a 404.",
		Responses:   success(http.StatusNoContent, "The task is deleted. There is no body."),
	}, a.deleteTask)
	register(a, huma.Operation{
		OperationID: "restoreTask", Method: http.MethodPost, Path: "/api/{user_id}/tasks/{id}/restore", DefaultStatus: http.StatusOK,
		Summary:     "Restore a deleted task",
		Description: "Undoes a delete. A task that is not deleted is a 409.",
		Responses:   success(http.StatusOK, "The task as it is now."),
	}, a.restoreTask)
	register(a, huma.Operation{
		OperationID: "batch", Method: http.MethodPost, Path: batchRoute, DefaultStatus: http.StatusOK,
		Summary: "Carry out several operations",
		Description: "1 to 100 operations in one transaction: all are carried out, in order, or none. `complete` sets what its task says, true by default, and never toggles. When one cannot be, the answer has the status that its own route would have given, and `errors` points at it. " +
			"A body is at most 4,194,304 bytes.",
		Responses:   success(http.StatusOK, "All operations were carried out."),
		Middlewares: huma.Middlewares{a.takes("application/json")},
	}, a.batch)

	register(a, huma.Operation{
		OperationID: "listChanges", Method: http.MethodGet, Path: "/api/{user_id}/changes",
		Summary: "Tell what changed",
		Description: "The latest state of each task that changed since a sync token, deletions included, in the order of the changes; without a token all live tasks. " +
			"Send `next` as `since` the next time, and at once while `has_more` is true. No change is ever skipped. A token that is too old is a 410: begin again without one.",
		Responses: success(http.StatusOK, "What changed."),
	}, a.changes)
	register(a, huma.Operation{
		OperationID: "eraseUser", Method: http.MethodDelete, Path: "/api/{user_id}",
		Summary: "Erase a user",
		Description: "Removes everything that is held about the user, for good: tasks, deleted tasks and the answers kept for repeated requests. Every sync token of the user is a 410 from then on. " +
			"Always a 204, also for a user who has nothing. As the answer cannot be kept either, an Idempotency-Key has no effect.",
		Responses: success(http.StatusNoContent, "Nothing is held about the user. There is no body."),
	}, a.eraseUser)

	a.eventsOperation()

	// A merge patch has the same shape under both of its media types.
	patch := a.huma.OpenAPI().Paths["/api/{user_id}/tasks/{id}"].Patch.RequestBody.Content
	patch["application/merge-patch+json"] = patch["application/json"]

	a.serviceOperations()
}

// serviceOperations are those about the service itself.
func (a *api) serviceOperations() {
	register(a, huma.Operation{
		OperationID: "healthz", Method: http.MethodGet, Path: "/healthz", Tags: []string{"Service"},
		Security:    anyone,
		Summary:     "Is the process alive?",
		Description: "Says nothing about the database.",
		Responses:   success(http.StatusOK, "The process is alive."),
	}, a.healthz)
	register(a, huma.Operation{
		OperationID: "readyz", Method: http.MethodGet, Path: "/readyz", Tags: []string{"Service"},
		Security:    anyone,
		Summary:     "Can the process serve?",
		Description: "503 while the database cannot be reached or has a schema that this version does not serve.",
		Responses:   success(http.StatusOK, "The process serves requests."),
	}, a.readyz)
}

var pathParameter = regexp.MustCompile(`\{(\w+)\}`)

// register adds an operation to the API and the contract. It panics when a
// parameter in the path is not bound to a field of the input: Huma would leave
// the field empty without a word, and every user would share one owner.
func register[I, O any](a *api, op huma.Operation, handler func(context.Context, *I) (*O, error)) {
	if op.Responses == nil {
		op.Responses = map[string]*huma.Response{}
	}
	for _, status := range statuses(op) {
		op.Responses[strconv.Itoa(status)] = a.problemResponse(status)
	}
	if strings.HasPrefix(op.Path, "/api/") {
		op.Tags, op.Security = []string{"Tasks"}, bearer
	} else { // only a body that nobody asked for can be wrong
		op.Responses["4XX"] = a.problemResponse(http.StatusRequestEntityTooLarge)
	}

	// Our resolvers check the input, and limitBody its size.
	op.SkipValidateParams, op.SkipValidateBody = true, true
	op.MaxBodyBytes, op.BodyReadTimeout = -1, bodyReadTimeout
	huma.Register(a.huma, op, handler)

	path := a.huma.OpenAPI().Paths[op.Path]
	registered := map[string]*huma.Operation{"GET": path.Get, "POST": path.Post, "PUT": path.Put, "PATCH": path.Patch, "DELETE": path.Delete}[op.Method]
	if missing := unbound(registered); missing != "" {
		panic(fmt.Sprintf("httpapi: %s %s does not bind {%s}", op.Method, op.Path, missing))
	}
	a.shareHeaders(registered)
}

// statuses are those of the errors that an operation answers with.
func statuses(op huma.Operation) []int {
	list := []int{500, 503}
	if strings.HasPrefix(op.Path, "/api/") {
		list = append(list, 400, 401, 403, 413, 422, 429)
	}
	if strings.Contains(op.Path, "{id}") || op.OperationID == "batch" {
		list = append(list, 404, 412)
	}
	if op.OperationID == "listChanges" {
		list = append(list, 410)
	}
	if op.Method != http.MethodGet {
		list = append(list, 409, 507)
	}
	if len(op.Middlewares) > 0 { // it has a body
		list = append(list, 408)
	}
	if len(op.Middlewares) > 0 && op.OperationID != "completeTask" {
		list = append(list, 415)
	}
	return list
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
		if err != nil || !slices.Contains(mediaTypes, mediaType) || charset != "" && !strings.EqualFold(charset, "utf-8") || !slices.Contains([]string{"", "identity"}, ctx.Header("Content-Encoding")) {
			_ = huma.WriteErr(a.huma, ctx, http.StatusUnsupportedMediaType, "", errMediaType(mediaTypes...))
			return
		}
		next(ctx)
	}
}

func errMediaType(taken ...string) error {
	return &docket.Error{Kind: notJSON, Detail: "Send the body as " + strings.Join(taken, " or ") + ", in UTF-8 and not compressed."}
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
		Marshal:   encode,
		Unmarshal: unmarshal,
	}
	return huma.Config{
		OpenAPI:       description(),
		Formats:       map[string]huma.Format{"application/json": format, "json": format},
		DefaultFormat: "application/json",
	}
}
