package problem

import (
	"errors"
	"slices"

	"docket"
)

// Type is what the errors of one kind mean: to a program (Status), and to the
// people who read /problems/<kind> and the contract.
type Type struct {
	Kind    docket.Kind
	Status  int
	Title   string
	Meaning string
	Remedy  string
	Example error // what the contract shows
}

// Types is the table of all kinds of error that a client can see, in the order of
// their statuses.
var Types = []Type{
	{
		Malformed, 400, "Malformed request",
		"The request could not be read: the body is not valid JSON (or is empty, has a name twice, has data after it, begins with a byte order mark, has half of a surrogate pair, or is not UTF-8), or the URL is not properly percent-encoded. Of an import: the file is cut off, or is not in the format that Content-Type names; errors says where.",
		"Send one JSON object, encoded as UTF-8 without a byte order mark, and percent-encode paths and queries.",
		ErrEmptyBody,
	},
	{
		Unauthorized, 401, "Unauthorized",
		"The request has no token, or one that is not valid: it may have expired, be for another audience, or be of another issuer. The answer is the same for every reason; the server's log has it under the request_id. Of an API key, WWW-Authenticate says what is wrong.",
		"Get a new token from the identity provider, or an API key of the user, and send it as Authorization: Bearer, in one header.",
		ErrNoToken,
	},
	{
		Forbidden, 403, "Forbidden",
		"The subject (sub) of the token, or the user of the API key, is not the user in the path; they are compared byte for byte. Or the request would make an API key, which takes a token: an API key makes no other, and a server without authentication makes none.",
		"Use the token's own subject as the user in the path. To make an API key, send a token of the identity provider.",
		ErrForeignUser,
	},
	{
		InsufficientScope, 403, "Insufficient scope",
		"The token or API key is valid for this user, and was given a part of what the user may do. This request is not in that part; WWW-Authenticate names the scope that it needs.",
		"Use a token or key that has the scope.",
		ScopeNeeded(docket.WriteTasks),
	},
	{
		UntrustedOrigin, 403, "Untrusted origin",
		"A server without authentication is for the developer in front of it. It does not answer to other names than localhost, 127.0.0.1 and [::1], nor take writes from pages of origins that it was not told of.",
		"Call it as http://localhost, list the page's origin in CORS_ORIGINS, or configure authentication.",
		ErrUnknownHost,
	},
	{
		docket.QuotaExceeded, 403, "Task quota exceeded",
		"The user has as many tasks as there may be for each user; the member limit says how many. Deleted tasks do not count.",
		"Delete tasks that are not needed, or ask whoever runs the server for a larger MAX_TASKS_PER_USER.",
		docket.TooManyTasks(1000),
	},
	{
		docket.KeptFull, 403, "Quota exceeded",
		"The answers that are kept for the user's repeated requests (those with an Idempotency-Key) take as much space as they may for each user, and the member limit says how much, in bytes; or the user has as many API keys as there may be, and limit says how many. Nothing was written.",
		"Send the request without an Idempotency-Key, or later: an answer is kept for 24 hours. Revoke API keys that are not needed.",
		docket.NoRoomToKeep(),
	},
	{
		docket.NotFound, 404, "No such task",
		"This user has no task with this id: it never existed, it was deleted, or it is another user's. The answer is the same for all three.",
		"List the user's tasks to see which there are.",
		docket.NoSuchTask(),
	},
	{
		docket.APIKeyNotFound, 404, "No such API key",
		"This user has no API key with this id: it never existed, it was revoked, or it is another user's.",
		"List the user's API keys to see which there are.",
		docket.NoSuchAPIKey(),
	},
	{
		RouteNotFound, 404, "No such route",
		"Nothing is served at this path.",
		"Compare the path with the documentation at /docs. Paths are case-sensitive and are never redirected.",
		ErrNoRoute,
	},
	{
		MethodNotAllowed, 405, "Method not allowed",
		"The path exists, but not with this method.",
		"Use one of the methods in the Allow header.",
		NotAllowed("GET", "HEAD"),
	},
	{
		BodyTimeout, 408, "Request timeout",
		"The body did not arrive in time.",
		"Send the request again, on a new connection.",
		ErrSlowBody,
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
		"The task is not at a version that If-Match names, or is at one that If-None-Match names; in a batch, if_version. Or the id of a task to create is that of one that the user has, or has deleted and can restore. Nothing was written. A tag that was altered on its way (W/…, \"5-gzip\"), as proxies that compress make of strong ones, never matches If-Match.",
		"Read the task again, apply the change to what it is now, and send its new ETag. Of an altered tag, send the version in it: If-Match: \"5\". Of an id, restore the task, or choose another.",
		docket.Stale(),
	},
	{
		BodyTooLarge, 413, "Content too large",
		"The body is larger than any valid request for this path.",
		"Send at most 131,072 bytes; in a batch, 4,194,304; in an import, 16,777,216: split a larger file.",
		ErrBodyTooLarge,
	},
	{
		UnsupportedMediaType, 415, "Unsupported media type",
		"The body is not declared as JSON (of an import: as one of its formats), or is compressed.",
		"Set Content-Type to application/json (or, for PATCH, application/merge-patch+json) and leave Content-Encoding out. A charset parameter means nothing: JSON is in UTF-8.",
		WrongMediaType("application/json"),
	},
	{
		docket.Invalid, 422, "Invalid input",
		"The request was understood and breaks at least one rule. The member errors lists every fault, each with the place it is in (pointer: in the body; parameter: in the path or query; header), a code and a sentence.",
		"Mend each place that errors names. At most 100 are listed. What is not known (fields, query parameters) is a fault with Prefer: handling=strict or INPUT=strict alone; otherwise it is ignored, and the answer's header Docket-Ignored names it.",
		docket.InvalidInput(new(docket.NewTask).Normalize()...),
	},
	{
		RateLimited, 429, "Too many requests",
		"The user has sent more requests than one may in a minute. RateLimit-Policy says how many (q) in how many seconds (w); RateLimit how many are left (r) and in how many seconds all are there again (t).",
		"Wait as long as Retry-After says, and spread requests.",
		ErrRateLimited,
	},
	{
		UserBusy, 429, "Too many requests at work",
		"The user has as many requests at work on this instance as one may have: 16, and 2 of those that read all tasks (filters, other orders than that of creation, offset, counts, the trash, export, import). This one waited for 2 seconds. Requests whose answers the client is slow to take count too. Nothing was written.",
		"Send fewer requests at a time, take their answers, and send this one again after the time in Retry-After.",
		ErrUserBusy,
	},
	{
		TooManyStreams, 429, "Too many streams",
		"The user, or the server, has as many open streams of events as there may be.",
		"Let one stream serve all windows of a browser, or try again after the time in Retry-After.",
		ErrTooManyStreams,
	},
	{
		docket.Internal, 500, "Internal error",
		"Something went wrong on the server's side. The answer says nothing of it; the server's log has it under the request_id.",
		"Report the request_id to whoever runs the server.",
		errors.New("anything"),
	},
	{
		docket.Unavailable, 503, "Unavailable",
		"The database, or the identity provider's keys, cannot be reached at the moment, the server has more requests than it can take, or others change the same task all the time. Nothing was written.",
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

// TypeOf returns the row of kind. Every kind has one; a test holds the table to that.
func TypeOf(kind docket.Kind) Type {
	return Types[slices.IndexFunc(Types, func(t Type) bool { return t.Kind == kind })]
}
