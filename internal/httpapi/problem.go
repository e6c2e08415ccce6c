package httpapi

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json"

	"docket"
)

// Kinds of error that only HTTP knows.
const (
	malformed        docket.Kind = "malformed-request"
	unauthorized     docket.Kind = "unauthorized"
	forbidden        docket.Kind = "forbidden"
	untrustedOrigin  docket.Kind = "untrusted-origin"
	routeNotFound    docket.Kind = "route-not-found"
	methodNotAllowed docket.Kind = "method-not-allowed"
	rateLimited      docket.Kind = "rate-limited"
	tooManyStreams   docket.Kind = "too-many-streams"
	bodyTimeout      docket.Kind = "request-timeout"
	bodyTooLarge     docket.Kind = "content-too-large"
	notJSON          docket.Kind = "unsupported-media-type"
)

// problemType is what an error of one kind means, to a program (Status) and to
// people: /problems/<kind> shows the rest, and the contract.
type problemType struct {
	Kind    docket.Kind
	Status  int
	Title   string
	Meaning string
	Mend    string
	Example error // as the contract shows it
}

var problemTypes = []problemType{
	{
		malformed, 400, "Malformed request",
		"The request could not be read: the body is not valid JSON (or is empty, has a name twice, has data after it, or is not UTF-8), or the URL is not properly percent-encoded.",
		"Send one JSON object, encoded as UTF-8, and percent-encode paths and queries.",
		errEmptyBody,
	},
	{
		unauthorized, 401, "Unauthorized",
		"The request has no token, or one that is not valid: it may have expired, be for another audience, or be of another issuer. The answer is the same for every reason; the server's log has it under the request_id.",
		"Get a new token from the identity provider and send it as Authorization: Bearer, in one header.",
		errNoToken,
	},
	{
		forbidden, 403, "Forbidden",
		"The token is valid, and its subject (sub) is not the user in the path. Both are compared byte for byte.",
		"Use the token's own subject as the user in the path.",
		errForeignUser,
	},
	{
		untrustedOrigin, 403, "Untrusted origin",
		"A server without authentication is for the developer in front of it. It does not answer to other names than localhost, 127.0.0.1 and [::1], nor take writes from pages of origins that it was not told of.",
		"Call it as http://localhost, list the page's origin in CORS_ORIGINS, or configure authentication.",
		errUnknownHost,
	},
	{
		docket.QuotaExceeded, 403, "Task quota exceeded",
		"The user has as many tasks as there may be for each user; the member limit says how many. Deleted tasks do not count.",
		"Delete tasks that are not needed, or ask whoever runs the server for a larger MAX_TASKS_PER_USER.",
		docket.TooManyTasks(1000),
	},
	{
		docket.NotFound, 404, "No such task",
		"This user has no task with this id: it never existed, it was deleted, or it is another user's. The answer is the same for all three.",
		"List the user's tasks to see which there are.",
		docket.NoSuchTask(),
	},
	{
		routeNotFound, 404, "No such route",
		"Nothing is served at this path.",
		"Compare the path with the documentation at /docs. Paths are case-sensitive and are never redirected.",
		errNoRoute,
	},
	{
		methodNotAllowed, 405, "Method not allowed",
		"The path exists, but not with this method.",
		"Use one of the methods in the Allow header.",
		errMethod("GET", "HEAD"),
	},
	{
		bodyTimeout, 408, "Request timeout",
		"The body did not arrive in time.",
		"Send the request again, on a new connection.",
		errSlowBody,
	},
	{
		docket.NotDeleted, 409, "Task not deleted",
		"The task to restore is not deleted.",
		"Nothing needs to be done.",
		docket.TaskNotDeleted(),
	},
	{
		docket.KeyInFlight, 409, "Request in flight",
		"An earlier request with the same Idempotency-Key is still being carried out. Nothing was written by this one.",
		"Send the same request, with the same key, after the time in Retry-After: it then gets the answer of the first.",
		docket.InFlight(),
	},
	{
		docket.SyncTokenExpired, 410, "Sync token expired",
		"The changes since this token cannot be told any more: it is older than TRASH_RETENTION and deletions behind it have been purged, or the user was erased, or the server was restored from a backup.",
		"Forget what is held and begin again without since: that gives the tasks as they are now, and a new token.",
		docket.ExpiredToken(),
	},
	{
		docket.PreconditionFailed, 412, "Precondition failed",
		"The task is not at a version that If-Match names, or is at one that If-None-Match names; in a batch, if_version. Nothing was written. A weak tag (W/…), as proxies that compress make of strong ones, never matches If-Match.",
		"Read the task again, apply the change to what it is now, and send its new ETag.",
		docket.Stale(),
	},
	{
		bodyTooLarge, 413, "Content too large",
		"The body is larger than any valid request for this path.",
		"Send at most 131,072 bytes; in a batch, 4,194,304.",
		errTooLarge,
	},
	{
		notJSON, 415, "Unsupported media type",
		"The body is not declared as JSON in UTF-8, or is compressed.",
		"Set Content-Type to application/json (or, for PATCH, application/merge-patch+json) and leave Content-Encoding out.",
		errMediaType("application/json"),
	},
	{
		docket.Invalid, 422, "Invalid input",
		"The request was understood and breaks at least one rule. The member errors lists every fault, each with the place it is in (pointer: in the body; parameter: in the path or query; header), a code and a sentence.",
		"Mend each place that errors names. At most 100 are listed.",
		docket.InvalidInput(new(docket.NewTask).Normalize()...),
	},
	{
		rateLimited, 429, "Too many requests",
		"The user has sent more requests than one may in a minute. RateLimit-Policy says how many (q) in how many seconds (w); RateLimit how many are left (r) and in how many seconds all are there again (t).",
		"Wait as long as Retry-After says, and spread requests.",
		errRate,
	},
	{
		tooManyStreams, 429, "Too many streams",
		"The user, or the server, has as many open streams of events as there may be.",
		"Let one stream serve all windows of a browser, or try again after the time in Retry-After.",
		errTooManyStreams,
	},
	{
		docket.Internal, 500, "Internal error",
		"Something went wrong on the server's side. The answer says nothing of it; the server's log has it under the request_id.",
		"Report the request_id to whoever runs the server.",
		errors.New("anything"),
	},
	{
		docket.Unavailable, 503, "Unavailable",
		"The database, or the identity provider's keys, cannot be reached at the moment, or the server has more requests than it can take. Nothing was written.",
		"Send the same request again after the time in Retry-After.",
		&docket.Error{Kind: docket.Unavailable, Detail: "The database cannot serve right now. Nothing was written. Try again shortly."},
	},
	{
		docket.OutcomeUnknown, 503, "Write outcome unknown",
		"The connection to the database, or its disk, failed while the write may have been taking effect.",
		"With an Idempotency-Key, send the same request again: the change is made once. Without, read the task (after a create: the list) to see whether it was made.",
		&docket.Error{Kind: docket.OutcomeUnknown, Detail: "The disk failed while the write was being committed. Read the task to see whether it was or, if the request had an Idempotency-Key, send it again with the same key."},
	},
	{
		docket.StorageFull, 507, "Storage full",
		"The server has no space left for a write. Nothing was written; reads still work.",
		"Tell whoever runs the server.",
		&docket.Error{Kind: docket.StorageFull, Detail: "There is no space left for this write. Nothing was written."},
	},
}

func problemTypeOf(kind docket.Kind) problemType {
	i := slices.IndexFunc(problemTypes, func(p problemType) bool { return p.Kind == kind })
	return problemTypes[i] // a test holds every kind against the table
}

// Problem is the body of every error: a problem detail of RFC 9457.
type Problem struct {
	Type      string         `json:"type" format:"uri-reference" maxLength:"100" doc:"A page that explains this kind of error and how to mend it." example:"/problems/task-not-found"`
	Title     string         `json:"title" maxLength:"100" pattern:"^[^\\x00-\\x1f\\x7f]+$" doc:"The kind of error, in words." example:"No such task"`
	Status    int            `json:"status" minimum:"400" maximum:"599" format:"int32" doc:"The HTTP status." example:"404"`
	Detail    string         `json:"detail" maxLength:"1000" pattern:"^[^\\x00-\\x1f\\x7f]+$" doc:"What went wrong, as a sentence that can be shown to a user." example:"This user has no such task."`
	Instance  string         `json:"instance" format:"uri-reference" maxLength:"1024" doc:"The path of the request." example:"/api/alice/tasks/019a4e6f-1b2c-7d3e-8f40-516273849a5b"`
	RequestID string         `json:"request_id" maxLength:"64" pattern:"^[A-Za-z0-9._-]+$" doc:"Finds this request in the server's log." example:"NQ6F2ZVJ4XK7M3WBT5CRYAHDLE"`
	Limit     int64          `json:"limit,omitzero" minimum:"1" maximum:"9007199254740991" doc:"Of task-quota-exceeded: how many tasks a user may have." example:"1000"`
	Errors    []ProblemFault `json:"errors,omitempty" nullable:"false" maxItems:"100" doc:"Every fault of invalid input; of a batch, the operation because of which nothing was changed."`
}

// ProblemFault is one thing wrong with the input. It has exactly one of
// Pointer, Parameter and Header.
type ProblemFault struct {
	Pointer   *string `json:"pointer,omitzero" nullable:"false" format:"json-pointer" maxLength:"200" doc:"Where in the body: a JSON pointer (RFC 6901); empty for the whole body." example:"/title"`
	Parameter *string `json:"parameter,omitzero" nullable:"false" maxLength:"100" pattern:"^[^\\x00-\\x1f\\x7f]*$" doc:"The path or query parameter." example:"user_id"`
	Header    string  `json:"header,omitempty" maxLength:"100" pattern:"^[A-Za-z0-9-]+$" doc:"The request header." example:"Content-Type"`
	Code      string  `json:"code" maxLength:"50" pattern:"^[a-z0-9_]+$" doc:"The kind of fault, for programs." example:"too_long"`
	Detail    string  `json:"detail" maxLength:"1000" pattern:"^[^\\x00-\\x1f\\x7f]+$" doc:"The fault and its mend, as a sentence." example:"The title has 501 characters. Shorten it to at most 500."`
}

// Error implements error.
func (p *Problem) Error() string { return p.Detail }

// GetStatus implements huma.StatusError.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType implements huma.ContentTypeFilter.
func (*Problem) ContentType(string) string { return "application/problem+json" }

// newProblem describes err to the client of the request in ctx, and sets on
// header what goes with it. An error without a kind becomes a 500 that says
// nothing of it; the request's log entry gets it.
func newProblem(ctx context.Context, header http.Header, err error) *Problem {
	e, ok := errors.AsType[*docket.Error](err)
	switch {
	case ok:
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		e = &docket.Error{Kind: docket.Unavailable, Detail: "The request ended before it could be served. Nothing was written."}
	default:
		e = &docket.Error{Kind: docket.Internal, Detail: "Something went wrong on our side. Give the request id when you report it."}
	}
	request := requestOf(ctx)
	request.err = err

	t := problemTypeOf(e.Kind)
	switch e.Kind {
	case docket.Unavailable, docket.KeyInFlight, tooManyStreams:
		header.Set("Retry-After", strconv.Itoa(1+rand.IntN(3))) // spread, so that clients do not return at once
	case unauthorized:
		header.Set("WWW-Authenticate", `Bearer realm="docket"`)
	case bodyTimeout, bodyTooLarge:
		header.Set("Connection", "close") // the rest of the body is not read
	}
	return &Problem{
		Type: "/problems/" + string(e.Kind), Title: t.Title, Status: t.Status, Detail: e.Detail,
		Instance: request.path, RequestID: request.id, Limit: e.Limit, Errors: problemFaults(e.Faults),
	}
}

func problemFaults(faults []docket.Fault) []ProblemFault {
	var list []ProblemFault
	for _, f := range faults[:min(len(faults), docket.MaxFaults)] {
		p := ProblemFault{Code: f.Code, Detail: f.Detail}
		switch f.In {
		case docket.InBody:
			p.Pointer = &f.Name
		case docket.InParameter:
			p.Parameter = &f.Name
		case docket.InHeader:
			p.Header = f.Name
		}
		list = append(list, p)
	}
	return list
}

// writeProblem answers with err where Huma is not involved.
func writeProblem(w http.ResponseWriter, r *http.Request, err error) {
	p := newProblem(r.Context(), w.Header(), err)
	w.Header().Set("Content-Type", p.ContentType(""))
	w.WriteHeader(p.Status)
	_ = json.MarshalWrite(w, p) // the client may have gone
}

// Huma builds its errors through package variables. Ours need nothing but the
// request, so one setting serves every API in the process.
func init() {
	huma.NewError = func(status int, _ string, _ ...error) huma.StatusError {
		return &Problem{Status: status} // of use to Huma as the schema of errors only
	}
	huma.NewErrorWithContext = func(ctx huma.Context, status int, _ string, errs ...error) huma.StatusError {
		header := http.Header{}
		p := newProblem(ctx.Context(), header, humaError(status, errs))
		for name := range header {
			ctx.SetHeader(name, header.Get(name))
		}
		return p
	}
}

var errSlowBody = &docket.Error{Kind: bodyTimeout, Detail: "The request body did not arrive in time. Send it again."}

// humaError is what Huma had to say, as an error of ours.
func humaError(status int, errs []error) error {
	err := errors.Join(errs...)
	switch _, ok := errors.AsType[*docket.Error](err); {
	case ok:
		return err
	case status == http.StatusRequestTimeout:
		return errSlowBody
	case status == http.StatusBadRequest:
		return errEmptyBody
	case err == nil:
		return errors.New("httpapi: Huma answered " + strconv.Itoa(status))
	}
	return err
}
