package httpapi

import (
	"net/http"
	"reflect"

	"docket"
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
		method: "GET", path: tasksPath, handle: (*api).listTasks, scope: docket.ReadTasks,
		params: listParams, check: checkList,
		status: http.StatusOK, means: "The tasks. A user without tasks has an empty list.", shape: reflect.TypeFor[[]Task](), cached: true,
		headers: []string{"ETag", "Link", "X-Total-Count"},
		id:      "listTasks", summary: "List tasks",
		description: "The tasks of the user, in the order of their creation unless `sort` says otherwise. When more follow, Link has the next page (RFC 8288): no task is skipped or met twice while others are created, changed or deleted between the pages. " +
			"An unchanged list is a 304 to its ETag.",
	},
	{
		method: "POST", path: tasksPath, handle: (*api).createTask, scope: docket.WriteTasks,
		params: []param{userID, noIfMatch("A task that is made has no version yet."), idempotencyKey, preferStrict},
		body:   &body{mediaTypes: justJSON, shape: reflect.TypeFor[TaskCreate](), decode: decodeCreate},
		status: http.StatusCreated, means: madeTask, shape: reflect.TypeFor[Task](),
		headers: []string{"Location", "ETag", "Idempotent-Replayed"}, statuses: []int{408, 409, 415, 507},
		id: "createTask", summary: "Create a task",
		description: "The title is the only field required.",
	},
	{
		method: "GET", path: taskPath, handle: (*api).getTask, scope: docket.ReadTasks,
		params: []param{userID, taskID, ifMatch, ifNoneMatch, preferStrict},
		status: http.StatusOK, means: "The task.", shape: reflect.TypeFor[Task](), cached: true,
		headers: []string{"ETag"}, statuses: []int{404, 412},
		id: "getTask", summary: "Get a task",
		description: "One task of the user.",
	},
	{
		method: "PUT", path: taskPath, handle: (*api).putTask, scope: docket.WriteTasks,
		params: []param{userID, taskID, ifMatch, putNoneMatch, idempotencyKey, preferStrict},
		body:   &body{mediaTypes: justJSON, shape: reflect.TypeFor[TaskUpdate](), decode: decodePut},
		status: http.StatusOK, means: taskNow, shape: reflect.TypeFor[Task](),
		creates: true, headers: []string{"ETag", "Idempotent-Replayed"}, statuses: []int{404, 408, 409, 412, 415, 507},
		id: "updateTask", summary: "Update a task",
		description: "Sets the fields that are given; the others stay as they are. Read-only fields are ignored, so a task may be sent back whole. When nothing changes, version and updated_at stay. " +
			"With `If-None-Match: *` it creates the task under this id, which the client made (a UUID version 7); the body is then that of a create. When the user has a task of this id, or has deleted one that can be restored, that is a 412.",
	},
	{
		method: "PATCH", path: taskPath, handle: (*api).updateTask, scope: docket.WriteTasks,
		params: []param{userID, taskID, ifMatch, ifNoneMatch, idempotencyKey, preferStrict},
		body:   &body{mediaTypes: []string{"application/json", "application/merge-patch+json"}, shape: reflect.TypeFor[TaskUpdate](), decode: decodePatch},
		status: http.StatusOK, means: taskNow, shape: reflect.TypeFor[Task](),
		headers: []string{"ETag", "Idempotent-Replayed"}, statuses: []int{404, 408, 409, 412, 415, 507},
		id: "patchTask", summary: "Patch a task",
		description: "A JSON Merge Patch (RFC 7396): null clears the description and the due date, and empties tags and metadata; absent fields stay as they are; metadata is merged, member by member. When nothing changes, version and updated_at stay.",
	},
	{
		method: "PATCH", path: taskPath + "/complete", handle: (*api).completeTask, scope: docket.WriteTasks,
		params: []param{userID, taskID, ifMatch, ifNoneMatch, idempotencyKey, preferStrict},
		body:   &body{optional: true, shape: reflect.TypeFor[TaskComplete](), decode: decodeComplete},
		status: http.StatusOK, means: taskNow, shape: reflect.TypeFor[Task](),
		headers: []string{"ETag", "Idempotent-Replayed"}, statuses: []int{404, 408, 409, 412, 507},
		id: "completeTask", summary: "Complete a task",
		description: "Without a body, or with `{}`, toggles whether the task is completed; with `completed`, sets it. The Content-Type does not matter.",
	},
	{
		method: "DELETE", path: taskPath, handle: (*api).deleteTask, scope: docket.WriteTasks,
		params: []param{userID, taskID, ifMatch, ifNoneMatch, idempotencyKey, preferMinimal},
		status: http.StatusOK, means: "The task is deleted. The body tells its id, and when and at which version it was.", shape: reflect.TypeFor[Tombstone](),
		none: "The task is deleted. There is no body, as the request preferred it.", headers: []string{"ETag", "Idempotent-Replayed"}, statuses: []int{404, 409, 412, 507},
		id: "deleteTask", summary: "Delete a task",
		description: "The task is gone from every route, until it is restored. Deleting it again is a 404.",
	},
	{
		method: "POST", path: taskPath + "/restore", handle: (*api).restoreTask, scope: docket.WriteTasks,
		params: []param{userID, taskID, ifMatch, ifNoneMatch, idempotencyKey, preferStrict},
		status: http.StatusOK, means: taskNow, shape: reflect.TypeFor[Task](),
		headers: []string{"ETag", "Idempotent-Replayed"}, statuses: []int{404, 409, 412, 507},
		id: "restoreTask", summary: "Restore a deleted task",
		description: "Undoes a delete. A task that is not deleted is a 409.",
	},
	{
		method: "POST", path: batchPath, handle: (*api).batch, scope: docket.WriteTasks,
		params: []param{userID, noIfMatch("Give operations an if_version instead."), idempotencyKey, preferStrict},
		body:   &body{mediaTypes: justJSON, shape: reflect.TypeFor[Batch](), decode: decodeBatch},
		status: http.StatusOK, means: "All operations were carried out.", shape: reflect.TypeFor[BatchResults](),
		headers: []string{"Idempotent-Replayed"}, statuses: []int{404, 408, 409, 412, 415, 507},
		id: "batchTasks", summary: "Carry out several operations",
		description: "1 to 100 operations in one transaction: all are carried out, in order, or none. `complete` sets what its task says, true by default, and never toggles. When one cannot be, the answer has the status that its own route would have given, and `errors` points at it. " +
			"A body is at most 4,194,304 bytes.",
	},
	{
		method: "GET", path: userPath + "/changes", handle: (*api).changes, scope: docket.ReadTasks,
		params: []param{changesSince, changesLimit, preferStrict, userID}, check: checkChanges,
		status: http.StatusOK, means: "What changed.", shape: reflect.TypeFor[Changes](), statuses: []int{410},
		id: "listChanges", summary: "List changes",
		description: "The latest state of each task that changed since a sync token, deletions included, in the order of the changes; without a token all live tasks. " +
			"Send `next` as `since` the next time, and at once while `has_more` is true. No change is ever skipped. A token that is too old is a 410: begin again without one.",
	},
	{
		method: "GET", path: userPath + "/events", handle: (*api).events, scope: docket.ReadTasks,
		params: []param{eventsSince, lastEventIDQuery, lastEventIDSnake, lastEventID, preferStrict, userID},
		status: http.StatusOK, means: "The stream. It ends by itself when the token expires or the server is about to stop: connect again, with the id of the last event.", shape: reflect.TypeFor[eventStream](),
		id: "streamEvents", summary: "Stream changes",
		description: "Server-Sent Events: the items of changes, as they happen, whichever instance they happen on. The stream begins at Last-Event-ID (for clients that cannot set the header also a query parameter, `lastEventId` or `last_event_id`), else at `since`, else now, and resumes without loss: the first thing it sends is the id of where it begins. " +
			"`event: resync`, which has no id, says that the token is too old: begin again with changes. A comment comes every 15 s. A browser reads it with fetch, because EventSource cannot send a token.",
	},
	{
		method: "GET", path: userPath + "/export", handle: (*api).exportTasks, scope: docket.ReadTasks,
		params: []param{exportFormat, exportTrash, preferStrict, userID}, check: checkExport,
		status: http.StatusOK, means: "The file.", shape: reflect.TypeFor[Export](), files: mediaTypes(), headers: []string{"Content-Disposition"},
		id: "exportTasks", summary: "Export all tasks",
		description: "All live tasks of the user as a file, in the order of their creation, streamed. JSON loses nothing; of the others docs/data.md says what they cannot hold. " +
			"A text in CSV that a spreadsheet would run as a formula has an apostrophe in front.",
	},
	{
		method: "POST", path: userPath + "/import", handle: (*api).importTasks, scope: docket.WriteTasks,
		params: []param{userID, dryRun, noIfMatch("A task that is imported has no version yet."), idempotencyKey, preferStrict},
		body:   &body{mediaTypes: mediaTypes(), file: true, shape: reflect.TypeFor[Export]()},
		status: http.StatusOK, means: "What was imported.", shape: reflect.TypeFor[ImportResult](), statuses: []int{408, 409, 415, 507},
		id: "importTasks", summary: "Import tasks",
		description: "Adds the tasks of a file to those of the user: an export, the CSV of Todoist or TickTick, the Tasks.json of Google Takeout, the VTODOs of a calendar, a todo.txt. " +
			"At most 16,777,216 bytes and 10,000 tasks, in UTF-8, or UTF-16 with a byte order mark. A task keeps its times and its id, or gets one that comes from its source's id or its content: importing a file again adds nothing, and a task that is there, be it in the trash, is never overwritten. " +
			"What cannot be kept of a task is left out and told by its line. When the file cannot be read to its end, or would exceed the quota, nothing is imported. It is written in transactions of up to 1,000 tasks: after any other error, send it again to complete it. " +
			"So an Idempotency-Key has no effect.",
	},
	{
		method: "GET", path: userPath + "/tasks.ics", handle: (*api).calendar, scope: docket.ReadTasks, basic: true,
		params: []param{listNoneMatch, preferStrict, userID},
		status: http.StatusOK, means: "The calendar.", files: []string{transfer.Calendar.MediaType}, cached: true, headers: []string{"ETag"},
		id: "getCalendar", summary: "Get the calendar of tasks",
		description: "The user's tasks that have a due date, for calendar applications to subscribe to: the VTODOs of an iCalendar object. They are not changed through it. " +
			"Applications that know no tokens send `Authorization: Basic` with any name, and an API key of the scope tasks:read as the password; no other route takes that.",
	},
	{
		method: "GET", path: keysPath, handle: (*api).listAPIKeys, scope: docket.ManageKeys,
		params: []param{userID, preferStrict},
		status: http.StatusOK, means: "The API keys, without their texts.", shape: reflect.TypeFor[[]APIKey](),
		id: "listApiKeys", summary: "List API keys",
		description: "The API keys of the user, in the order of their creation. What a key itself is was told once, when it was made.",
	},
	{
		method: "POST", path: keysPath, handle: (*api).createAPIKey, scope: docket.ManageKeys,
		params: []param{userID, noIfMatch("An API key has no version."), idempotencyKey, preferStrict},
		body:   &body{mediaTypes: justJSON, shape: reflect.TypeFor[APIKeyCreate](), decode: decodeAPIKey},
		status: http.StatusCreated, means: "The API key. This is the only answer that has its text.", shape: reflect.TypeFor[APIKeyMade](),
		statuses: []int{408, 415, 507},
		id:       "createApiKey", summary: "Make an API key",
		description: "An API key is sent as a token is, `Authorization: Bearer dkt_…`, and does for its user what its scopes allow, until it expires or is revoked. A user has at most 50; those that have expired do not count, and are removed when another is made. " +
			"Only a token of the identity provider makes keys, and gives none a scope that it does not have itself. A server without authentication makes none. " +
			"As the answer is not kept, an Idempotency-Key has no effect: after an answer that was lost, revoke the key by its id and make another.",
	},
	{
		method: "DELETE", path: keysPath + "/{id}", handle: (*api).revokeAPIKey, scope: docket.ManageKeys,
		params: []param{userID, apiKeyID, noIfMatch("An API key has no version."), idempotencyKey, preferStrict},
		status: http.StatusNoContent, means: "The API key has ended. There is no body.", statuses: []int{404, 507},
		id: "revokeApiKey", summary: "Revoke an API key",
		description: "The key is refused from now on by the instance that answers, and within 30 seconds by every other; streams that it opened end within 30 seconds. Revoking it again is a 404. An Idempotency-Key has no effect.",
	},
	{
		method: "DELETE", path: userPath, handle: (*api).eraseUser, scope: docket.EraseUser,
		params: []param{userID, noIfMatch("A user has no version."), idempotencyKey, preferStrict},
		status: http.StatusNoContent, means: "Nothing is held about the user. There is no body.", statuses: []int{409, 507},
		id: "eraseUser", summary: "Erase a user",
		description: "Removes everything that is held about the user, for good: tasks, deleted tasks, API keys and the answers kept for repeated requests. Every sync token of the user is a 410 from then on. " +
			"Always a 204, also for a user who has nothing. As the answer cannot be kept either, an Idempotency-Key has no effect.",
	},
	{
		method: "GET", path: "/healthz", handle: (*api).healthz,
		status: http.StatusOK, means: "The process is alive.", shape: reflect.TypeFor[Health](), headers: []string{"Cache-Control"},
		id: "healthz", summary: "Is the process alive?",
		description: "Says nothing about the database.",
	},
	{
		method: "GET", path: "/health", handle: (*api).healthz,
		status: http.StatusOK, means: "The process is alive.", shape: reflect.TypeFor[Health](), headers: []string{"Cache-Control"},
		id: "isAlive", summary: "Is the process alive? (as /healthz)",
		description: "The same as /healthz, under another usual name.",
	},
	{
		method: "GET", path: "/readyz", handle: (*api).readyz,
		status: http.StatusOK, means: "The process serves requests.", shape: reflect.TypeFor[Health](), headers: []string{"Cache-Control"},
		id: "readyz", summary: "Can the process serve?",
		description: "503 while the database cannot be reached or has a schema that this version does not serve.",
	},
}

var justJSON = []string{"application/json"}

const (
	taskNow  = "The task as it is now."
	madeTask = "The task as it was stored. Location refers to it."
)
