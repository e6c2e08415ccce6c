package httpapi

import (
	"net/http"
	"reflect"

	"docket"
	"docket/internal/contract"
	"docket/internal/transfer"
)

const (
	userPath  = "/api/{user_id}"
	tasksPath = userPath + "/tasks"
	taskPath  = tasksPath + "/{id}"
	batchPath = tasksPath + "/batch"
	keysPath  = userPath + "/keys"
)

// routes is the table of all operations, in the order in which the contract and
// the documentation show them.
var routes = []route{
	{
		handle: (*api).listTasks, params: listParams, check: checkList,
		Operation: contract.Operation{
			Method: "GET", Path: tasksPath, Scope: docket.ReadTasks,
			Status: http.StatusOK, Means: "The tasks. A user without tasks has an empty list.", Shape: reflect.TypeFor[[]contract.Task](), Cached: true,
			Headers: []string{"ETag", "Link", "X-Total-Count"},
			ID:      "listTasks", Summary: "List tasks",
			Description: "The tasks of the user, in the order of their creation unless `sort` says otherwise. When more follow, Link has the next page (RFC 8288): no task is skipped or met twice while others are created, changed or deleted between the pages. " +
				"An unchanged list is a 304 to its ETag.",
		},
	},
	{
		handle: (*api).createTask, params: []param{userID, noIfMatch("A task that is made has no version yet."), idempotencyKey, preferStrict},
		body: &body{mediaTypes: justJSON, shape: reflect.TypeFor[contract.TaskCreate](), decode: decodeCreate},
		Operation: contract.Operation{
			Method: "POST", Path: tasksPath, Scope: docket.WriteTasks,
			Status: http.StatusCreated, Means: madeTask, Shape: reflect.TypeFor[contract.Task](),
			Headers: []string{"Location", "ETag", "Idempotent-Replayed"}, Statuses: []int{408, 409, 415, 507},
			ID: "createTask", Summary: "Create a task",
			Description: "The title is the only field required.",
		},
	},
	{
		handle: (*api).getTask, params: []param{userID, taskID, ifMatch, ifNoneMatch, preferStrict},
		Operation: contract.Operation{
			Method: "GET", Path: taskPath, Scope: docket.ReadTasks,
			Status: http.StatusOK, Means: "The task.", Shape: reflect.TypeFor[contract.Task](), Cached: true,
			Headers: []string{"ETag"}, Statuses: []int{404, 412},
			ID: "getTask", Summary: "Get a task",
			Description: "One task of the user.",
		},
	},
	{
		handle: (*api).putTask, params: []param{userID, taskID, ifMatch, putNoneMatch, idempotencyKey, preferStrict},
		body: &body{mediaTypes: justJSON, shape: reflect.TypeFor[contract.TaskUpdate](), decode: decodePut},
		Operation: contract.Operation{
			Method: "PUT", Path: taskPath, Scope: docket.WriteTasks,
			Status: http.StatusOK, Means: taskNow, Shape: reflect.TypeFor[contract.Task](),
			Created: madeTask, Headers: []string{"ETag", "Idempotent-Replayed"}, Statuses: []int{404, 408, 409, 412, 415, 507},
			ID: "updateTask", Summary: "Update a task",
			Description: "Sets the fields that are given; the others stay as they are. Read-only fields are ignored, so a task may be sent back whole. When nothing changes, version and updated_at stay. " +
				"With `If-None-Match: *` it creates the task under this id, which the client made (a UUID version 7); the body is then that of a create. When the user has a task of this id, or has deleted one that can be restored, that is a 412.",
		},
	},
	{
		handle: (*api).updateTask, params: []param{userID, taskID, ifMatch, ifNoneMatch, idempotencyKey, preferStrict},
		body: &body{mediaTypes: []string{"application/json", "application/merge-patch+json"}, shape: reflect.TypeFor[contract.TaskUpdate](), decode: decodePatch},
		Operation: contract.Operation{
			Method: "PATCH", Path: taskPath, Scope: docket.WriteTasks,
			Status: http.StatusOK, Means: taskNow, Shape: reflect.TypeFor[contract.Task](),
			Headers: []string{"ETag", "Idempotent-Replayed"}, Statuses: []int{404, 408, 409, 412, 415, 507},
			ID: "patchTask", Summary: "Patch a task",
			Description: "A JSON Merge Patch (RFC 7396): null clears the description and the due date, and empties tags and metadata; absent fields stay as they are; metadata is merged, member by member. When nothing changes, version and updated_at stay.",
		},
	},
	{
		handle: (*api).completeTask, params: []param{userID, taskID, ifMatch, ifNoneMatch, idempotencyKey, preferStrict},
		body: &body{optional: true, shape: reflect.TypeFor[contract.TaskComplete](), decode: decodeComplete},
		Operation: contract.Operation{
			Method: "PATCH", Path: taskPath + "/complete", Scope: docket.WriteTasks,
			Status: http.StatusOK, Means: taskNow, Shape: reflect.TypeFor[contract.Task](),
			Headers: []string{"ETag", "Idempotent-Replayed"}, Statuses: []int{404, 408, 409, 412, 507},
			ID: "completeTask", Summary: "Complete a task",
			Description: "Without a body, or with `{}`, toggles whether the task is completed; with `completed`, sets it. The Content-Type does not matter.",
		},
	},
	{
		handle: (*api).deleteTask, params: []param{userID, taskID, ifMatch, ifNoneMatch, idempotencyKey, preferMinimal},
		Operation: contract.Operation{
			Method: "DELETE", Path: taskPath, Scope: docket.WriteTasks,
			Status: http.StatusOK, Means: "The task is deleted. The body tells its id, and when and at which version it was.", Shape: reflect.TypeFor[contract.Tombstone](),
			None: "The task is deleted. There is no body, as the request preferred it.", Headers: []string{"ETag", "Idempotent-Replayed"}, Statuses: []int{404, 409, 412, 507},
			ID: "deleteTask", Summary: "Delete a task",
			Description: "The task is gone from every route, until it is restored. Deleting it again is a 404.",
		},
	},
	{
		handle: (*api).restoreTask, params: []param{userID, taskID, ifMatch, ifNoneMatch, idempotencyKey, preferStrict},
		Operation: contract.Operation{
			Method: "POST", Path: taskPath + "/restore", Scope: docket.WriteTasks,
			Status: http.StatusOK, Means: taskNow, Shape: reflect.TypeFor[contract.Task](),
			Headers: []string{"ETag", "Idempotent-Replayed"}, Statuses: []int{404, 409, 412, 507},
			ID: "restoreTask", Summary: "Restore a deleted task",
			Description: "Undoes a delete. A task that is not deleted is a 409.",
		},
	},
	{
		handle: (*api).batch, params: []param{userID, noIfMatch("Give operations an if_version instead."), idempotencyKey, preferStrict},
		body: &body{mediaTypes: justJSON, shape: reflect.TypeFor[contract.Batch](), decode: decodeBatch},
		Operation: contract.Operation{
			Method: "POST", Path: batchPath, Scope: docket.WriteTasks,
			Status: http.StatusOK, Means: "All operations were carried out.", Shape: reflect.TypeFor[contract.BatchResults](),
			Headers: []string{"Idempotent-Replayed"}, Statuses: []int{404, 408, 409, 412, 415, 507},
			ID: "batchTasks", Summary: "Carry out several operations",
			Description: "1 to 100 operations in one transaction: all are carried out, in order, or none. `complete` sets what its task says, true by default, and never toggles. When one cannot be, the answer has the status that its own route would have given, and `errors` points at it. " +
				"A body is at most 4,194,304 bytes.",
		},
	},
	{
		handle: (*api).changes, params: []param{changesSince, changesLimit, preferStrict, userID}, check: checkChanges,
		Operation: contract.Operation{
			Method: "GET", Path: userPath + "/changes", Scope: docket.ReadTasks,
			Status: http.StatusOK, Means: "What changed.", Shape: reflect.TypeFor[contract.Changes](), Statuses: []int{410},
			ID: "listChanges", Summary: "List changes",
			Description: "The latest state of each task that changed since a sync token, deletions included, in the order of the changes; without a token all live tasks. " +
				"Send `next` as `since` the next time, and at once while `has_more` is true. No change is ever skipped. A token that is too old is a 410: begin again without one.",
		},
	},
	{
		handle: (*api).events, params: []param{eventsSince, lastEventIDQuery, lastEventIDSnake, lastEventID, preferStrict, userID},
		Operation: contract.Operation{
			Method: "GET", Path: userPath + "/events", Scope: docket.ReadTasks,
			Status: http.StatusOK, Means: "The stream. It ends by itself when the token expires or the server is about to stop: connect again, with the id of the last event.", Shape: reflect.TypeFor[contract.EventStream](),
			ID: "streamEvents", Summary: "Stream changes",
			Description: "Server-Sent Events: the items of changes, as they happen, whichever instance they happen on. The stream begins at Last-Event-ID (for clients that cannot set the header also a query parameter, `lastEventId` or `last_event_id`), else at `since`, else now, and resumes without loss: the first thing it sends is the id of where it begins. " +
				"`event: resync`, which has no id, says that the token is too old: begin again with changes. A comment comes every 15 s. A browser reads it with fetch, because EventSource cannot send a token.",
		},
	},
	{
		handle: (*api).exportTasks, params: []param{exportFormat, exportTrash, preferStrict, userID}, check: checkExport,
		Operation: contract.Operation{
			Method: "GET", Path: userPath + "/export", Scope: docket.ReadTasks,
			Status: http.StatusOK, Means: "The file.", Shape: reflect.TypeFor[contract.Export](), Files: mediaTypes(), Headers: []string{"Content-Disposition"},
			ID: "exportTasks", Summary: "Export all tasks",
			Description: "All live tasks of the user as a file, in the order of their creation, streamed. JSON loses nothing; of the others docs/data.md says what they cannot hold. " +
				"A text in CSV that a spreadsheet would run as a formula has an apostrophe in front.",
		},
	},
	{
		handle: (*api).importTasks, params: []param{userID, dryRun, noIfMatch("A task that is imported has no version yet."), idempotencyKey, preferStrict},
		body: &body{mediaTypes: mediaTypes(), file: true, shape: reflect.TypeFor[contract.Export]()},
		Operation: contract.Operation{
			Method: "POST", Path: userPath + "/import", Scope: docket.WriteTasks,
			Status: http.StatusOK, Means: "What was imported.", Shape: reflect.TypeFor[contract.ImportResult](), Statuses: []int{408, 409, 415, 507},
			ID: "importTasks", Summary: "Import tasks",
			Description: "Adds the tasks of a file to those of the user: an export, the CSV of Todoist or TickTick, the Tasks.json of Google Takeout, the VTODOs of a calendar, a todo.txt. " +
				"At most 16,777,216 bytes and 10,000 tasks, in UTF-8, or UTF-16 with a byte order mark. A task keeps its times and its id, or gets one that comes from its source's id or its content: importing a file again adds nothing, and a task that is there, be it in the trash, is never overwritten. " +
				"What cannot be kept of a task is left out and told by its line. When the file cannot be read to its end, or would exceed the quota, nothing is imported. It is written in transactions of up to 1,000 tasks: after any other error, send it again to complete it. " +
				"So an Idempotency-Key has no effect.",
		},
	},
	{
		handle: (*api).calendar, params: []param{listNoneMatch, preferStrict, userID},
		Operation: contract.Operation{
			Method: "GET", Path: userPath + "/tasks.ics", Scope: docket.ReadTasks, Basic: true,
			Status: http.StatusOK, Means: "The calendar.", Files: []string{transfer.Calendar.MediaType}, Cached: true, Headers: []string{"ETag"},
			ID: "getCalendar", Summary: "Get the calendar of tasks",
			Description: "The user's tasks that have a due date, for calendar applications to subscribe to: the VTODOs of an iCalendar object. They are not changed through it. " +
				"Applications that know no tokens send `Authorization: Basic` with any name, and an API key of the scope tasks:read as the password; no other route takes that.",
		},
	},
	{
		handle: (*api).listAPIKeys, params: []param{userID, preferStrict},
		Operation: contract.Operation{
			Method: "GET", Path: keysPath, Scope: docket.ManageKeys,
			Status: http.StatusOK, Means: "The API keys, without their texts.", Shape: reflect.TypeFor[[]contract.APIKey](),
			ID: "listApiKeys", Summary: "List API keys",
			Description: "The API keys of the user, in the order of their creation. What a key itself is was told once, when it was made.",
		},
	},
	{
		handle: (*api).createAPIKey, params: []param{userID, noIfMatch("An API key has no version."), idempotencyKey, preferStrict},
		body: &body{mediaTypes: justJSON, shape: reflect.TypeFor[contract.APIKeyCreate](), decode: decodeAPIKey},
		Operation: contract.Operation{
			Method: "POST", Path: keysPath, Scope: docket.ManageKeys,
			Status: http.StatusCreated, Means: "The API key. This is the only answer that has its text.", Shape: reflect.TypeFor[contract.APIKeyMade](),
			Statuses: []int{408, 415, 507},
			ID:       "createApiKey", Summary: "Make an API key",
			Description: "An API key is sent as a token is, `Authorization: Bearer dkt_…`, and does for its user what its scopes allow, until it expires or is revoked. A user has at most 50; those that have expired do not count, and are removed when another is made. " +
				"Only a token of the identity provider makes keys, and gives none a scope that it does not have itself. A server without authentication makes none. " +
				"As the answer is not kept, an Idempotency-Key has no effect: after an answer that was lost, revoke the key by its id and make another.",
		},
	},
	{
		handle: (*api).revokeAPIKey, params: []param{userID, apiKeyID, noIfMatch("An API key has no version."), idempotencyKey, preferStrict},
		Operation: contract.Operation{
			Method: "DELETE", Path: keysPath + "/{id}", Scope: docket.ManageKeys,
			Status: http.StatusNoContent, Means: "The API key has ended. There is no body.", Statuses: []int{404, 507},
			ID: "revokeApiKey", Summary: "Revoke an API key",
			Description: "The key is refused from now on by the instance that answers, and within 30 seconds by every other; streams that it opened end within 30 seconds. Revoking it again is a 404. An Idempotency-Key has no effect.",
		},
	},
	{
		handle: (*api).eraseUser, params: []param{userID, noIfMatch("A user has no version."), idempotencyKey, preferStrict},
		Operation: contract.Operation{
			Method: "DELETE", Path: userPath, Scope: docket.EraseUser,
			Status: http.StatusNoContent, Means: "Nothing is held about the user. There is no body.", Statuses: []int{409, 507},
			ID: "eraseUser", Summary: "Erase a user",
			Description: "Removes everything that is held about the user, for good: tasks, deleted tasks, API keys and the answers kept for repeated requests. Every sync token of the user is a 410 from then on. " +
				"Always a 204, also for a user who has nothing. As the answer cannot be kept either, an Idempotency-Key has no effect.",
		},
	},
	{
		handle: (*api).healthz,
		Operation: contract.Operation{
			Method: "GET", Path: "/healthz",
			Status: http.StatusOK, Means: "The process is alive.", Shape: reflect.TypeFor[contract.Health](), Headers: []string{"Cache-Control"},
			ID: "healthz", Summary: "Is the process alive?",
			Description: "Says nothing about the database.",
		},
	},
	{
		handle: (*api).healthz,
		Operation: contract.Operation{
			Method: "GET", Path: "/health",
			Status: http.StatusOK, Means: "The process is alive.", Shape: reflect.TypeFor[contract.Health](), Headers: []string{"Cache-Control"},
			ID: "isAlive", Summary: "Is the process alive? (as /healthz)",
			Description: "The same as /healthz, under another usual name.",
		},
	},
	{
		handle: (*api).readyz,
		Operation: contract.Operation{
			Method: "GET", Path: "/readyz",
			Status: http.StatusOK, Means: "The process serves requests.", Shape: reflect.TypeFor[contract.Health](), Headers: []string{"Cache-Control"},
			ID: "readyz", Summary: "Can the process serve?",
			Description: "503 while the database cannot be reached or has a schema that this version does not serve.",
		},
	},
}

var justJSON = []string{"application/json"}

const (
	taskNow  = "The task as it is now."
	madeTask = "The task as it was stored. Location refers to it."
)
