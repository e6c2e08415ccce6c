package contract

import (
	"reflect"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json/jsontext"
)

// The types of this file are the shapes of bodies, for the document. Package httpapi
// decodes requests straight into the domain's types, and encodes most answers straight
// from them; tests hold all three together.

// Task is a task in a response.
type Task struct {
	ID          string    `json:"id" format:"uuid" minLength:"36" maxLength:"36" doc:"Made by the server, unless the client made it. Ids sort in creation order (UUID version 7)." example:"019a4e6f-1b2c-7d3e-8f40-516273849a5b"`
	UserID      string    `json:"user_id" minLength:"1" maxLength:"255" pattern:"^[^\\x00-\\x1f\\x7f-\\x9f]+$" doc:"The owner." example:"alice"`
	Title       string    `json:"title" minLength:"1" maxLength:"500" pattern:"^[^\\x00]+$" doc:"Without surrounding white space." example:"Buy milk"`
	Description *string   `json:"description" maxLength:"5000" pattern:"^[^\\x00]*$" doc:"Null when there is none." example:"Two litres"`
	Completed   bool      `json:"completed" doc:"False at creation unless the client said otherwise." example:"false"`
	CompletedAt *string   `json:"completed_at" format:"date-time" minLength:"27" maxLength:"27" pattern:"^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{6}Z$" doc:"When the task last became completed; null while it is not." example:"2026-01-31T09:30:00.000000Z"`
	Priority    string    `json:"priority" enum:"low,medium,high" doc:"Medium at creation unless the client said otherwise." example:"medium"`
	DueDate     *string   `json:"due_date" pattern:"^\\d{4}-\\d{2}-\\d{2}(T\\d{2}:\\d{2}:\\d{2}Z?)?$" maxLength:"20" doc:"When the task is due, in the form in which it was given: a date (the whole day, wherever the reader is), a local date and time, or an instant in UTC. Null when there is none." example:"2026-12-01"`
	Tags        []string  `json:"tags" nullable:"false" minLength:"1" maxLength:"50" pattern:"^[^\\x00]+$" maxItems:"20" doc:"In the client's order, each once." example:"home"`
	Metadata    anyObject `json:"metadata" doc:"Fields of the application's own, numbers as they were written."`
	CreatedAt   string    `json:"created_at" format:"date-time" minLength:"27" maxLength:"27" pattern:"^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{6}Z$" doc:"When the task was created." example:"2026-01-31T09:30:00.000000Z"`
	UpdatedAt   string    `json:"updated_at" format:"date-time" minLength:"27" maxLength:"27" pattern:"^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{6}Z$" doc:"When the task last changed." example:"2026-01-31T09:30:00.000000Z"`
	Version     int64     `json:"version" minimum:"1" maximum:"9007199254740991" doc:"The owner's change number at this task's last change; also its ETag. A JavaScript number holds it exactly." example:"1"`
	DeletedAt   string    `json:"deleted_at,omitempty" format:"date-time" minLength:"27" maxLength:"27" pattern:"^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{6}Z$" doc:"When the task was deleted; only in the trash."`
}

// TaskCreate is the body that creates a task.
type TaskCreate struct {
	Title       string    `json:"title" minLength:"1" maxLength:"500" pattern:"^[^\\x00]+$" doc:"Surrounding white space is removed; the bounds apply to what is left." example:"Buy milk"`
	Description *string   `json:"description,omitempty" nullable:"true" maxLength:"5000" pattern:"^[^\\x00]*$" doc:"Null or absent: none." example:"Two litres"`
	Completed   bool      `json:"completed,omitempty" doc:"Whether the task is done. Absent: it is not."`
	Priority    string    `json:"priority,omitempty" enum:"low,medium,high" doc:"How urgent the task is. Absent: medium." example:"high"`
	DueDate     *string   `json:"due_date,omitempty" nullable:"true" pattern:"^\\d{4}-\\d{2}-\\d{2}([Tt]\\d{2}:\\d{2}(:\\d{2}(\\.\\d+)?)?([Zz]|[+-]\\d{2}:\\d{2})?)?$" maxLength:"50" doc:"A date, a local date and time (seconds may be left out, a fraction is dropped) or an instant (with Z or an offset). Null or absent: none." example:"2026-12-01"`
	Tags        []string  `json:"tags,omitempty" nullable:"true" minLength:"1" maxLength:"50" pattern:"^[^\\x00]+$" maxItems:"20" doc:"Each is trimmed, and kept once. Null or absent: none." example:"home"`
	Metadata    anyObject `json:"metadata,omitzero" nullable:"true" doc:"Fields of the application's own: up to 4,096 bytes in compact form, nested up to 8 deep. Null or absent: none."`
	ReadOnlyFields
}

// TaskUpdate is the body that changes a task: fields that are absent stay as they are.
type TaskUpdate struct {
	Title       string    `json:"title,omitempty" minLength:"1" maxLength:"500" pattern:"^[^\\x00]+$" doc:"Surrounding white space is removed; the bounds apply to what is left." example:"Buy oat milk"`
	Description *string   `json:"description,omitempty" nullable:"true" maxLength:"5000" pattern:"^[^\\x00]*$" doc:"Null clears it." example:"One litre"`
	Completed   bool      `json:"completed,omitempty" doc:"Whether the task is done." example:"true"`
	Priority    string    `json:"priority,omitempty" enum:"low,medium,high" doc:"How urgent the task is." example:"low"`
	DueDate     *string   `json:"due_date,omitempty" nullable:"true" pattern:"^\\d{4}-\\d{2}-\\d{2}([Tt]\\d{2}:\\d{2}(:\\d{2}(\\.\\d+)?)?([Zz]|[+-]\\d{2}:\\d{2})?)?$" maxLength:"50" doc:"A date, a local date and time (seconds may be left out, a fraction is dropped) or an instant (with Z or an offset). Null clears it." example:"2026-12-01T09:00:00Z"`
	Tags        []string  `json:"tags,omitempty" nullable:"true" minLength:"1" maxLength:"50" pattern:"^[^\\x00]+$" maxItems:"20" doc:"All of them: each is trimmed, and kept once. Null empties them." example:"home"`
	Metadata    anyObject `json:"metadata,omitzero" nullable:"true" doc:"Fields of the application's own: up to 4,096 bytes in compact form, nested up to 8 deep. PATCH merges it (RFC 7396) and takes a patch of up to 16,384 bytes, PUT and batch replace it, null empties it."`
	ReadOnlyFields
}

// TaskComplete is the body that sets whether a task is completed; without the
// field, or without a body, the request toggles it.
type TaskComplete struct {
	Completed bool `json:"completed,omitempty" doc:"What to set. Absent: the task is toggled; in a batch it is completed." example:"true"`
	ReadOnlyFields
}

// ReadOnlyFields are the fields of a task that a body may carry and that are then
// ignored, because clients send back whole tasks.
type ReadOnlyFields struct {
	ID          string  `json:"id,omitempty" readOnly:"true" doc:"Ignored." format:"uuid" maxLength:"36"`
	UserID      string  `json:"user_id,omitempty" readOnly:"true" doc:"Ignored." maxLength:"255" pattern:"^[^\\x00]*$"`
	CompletedAt *string `json:"completed_at,omitempty" nullable:"true" readOnly:"true" doc:"Ignored." format:"date-time" maxLength:"27"`
	CreatedAt   string  `json:"created_at,omitempty" readOnly:"true" doc:"Ignored." format:"date-time" maxLength:"27"`
	UpdatedAt   string  `json:"updated_at,omitempty" readOnly:"true" doc:"Ignored." format:"date-time" maxLength:"27"`
	Version     int64   `json:"version,omitempty" readOnly:"true" doc:"Ignored." minimum:"1" maximum:"9007199254740991"`
	Deleted     bool    `json:"deleted,omitempty" readOnly:"true" doc:"Ignored."`
	DeletedAt   string  `json:"deleted_at,omitempty" readOnly:"true" doc:"Ignored." format:"date-time" maxLength:"27"`
}

// anyObject is any JSON object.
type anyObject struct{ jsontext.Value }

// Schema implements huma.SchemaProvider.
func (anyObject) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true, MaxProperties: new(1000)}
}

// Tombstone is what is told of a deleted task.
type Tombstone struct {
	ID        string `json:"id" format:"uuid" minLength:"36" maxLength:"36" doc:"The task's." example:"019a4e6f-1b2c-7d3e-8f40-516273849a5b"`
	Deleted   bool   `json:"deleted" doc:"Always true: the task is deleted." example:"true"`
	DeletedAt string `json:"deleted_at" format:"date-time" minLength:"27" maxLength:"27" pattern:"^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{6}Z$" doc:"When the task was deleted." example:"2026-01-31T09:30:00.000000Z"`
	Version   int64  `json:"version" minimum:"1" maximum:"9007199254740991" doc:"The owner's change number at the deletion; also the ETag of the deleted task, for a restore." example:"2"`
}

// latest is the latest state of a task: a Task or a Tombstone.
type latest struct{}

// Changes is the body that tells what changed.
type Changes struct {
	Items   []latest `json:"items" nullable:"false" maxItems:"1000" doc:"The latest state of each task that changed, in the order of their versions."`
	Next    string   `json:"next" pattern:"^[A-Za-z0-9_-]+$" maxLength:"100" doc:"The sync token to send as since the next time." example:"AQ"`
	HasMore bool     `json:"has_more" doc:"Whether there are more changes already: ask again at once." example:"false"`
}

// Export is a file of tasks in JSON.
type Export struct {
	Docket     int32  `json:"docket" minimum:"1" maximum:"2147483647" doc:"The version of the format: 1. A server does not import a file of a later one." example:"1"`
	ExportedAt string `json:"exported_at,omitempty" format:"date-time" maxLength:"40" doc:"When the export began." example:"2026-01-31T09:30:00.000000Z"`
	Tasks      []Task `json:"tasks" nullable:"false" maxItems:"1000000000" doc:"The tasks, deleted ones (with deleted_at) last."`
}

// ImportResult is what an import did or, in a dry run, would do.
type ImportResult struct {
	Added        int          `json:"added" minimum:"0" maximum:"10000" format:"int32" doc:"How many tasks are new." example:"41"`
	Unchanged    int          `json:"unchanged" minimum:"0" maximum:"10000" format:"int32" doc:"How many the user had already, by their ids. They stay as they are." example:"1"`
	Skipped      []ImportSkip `json:"skipped" nullable:"false" maxItems:"100" doc:"What was left out, the first 100: tasks, and parts of tasks that are kept without them."`
	SkippedCount int          `json:"skipped_count" minimum:"0" maximum:"2147483647" format:"int32" doc:"How many entries skipped would have if all were listed." example:"1"`
}

// ImportSkip is something of a file that was left out.
type ImportSkip struct {
	Line   int    `json:"line" minimum:"0" maximum:"2147483647" format:"int32" doc:"The line of the file, from 1; where a record has several, the first." example:"7"`
	Code   string `json:"code" maxLength:"50" pattern:"^[a-z0-9_]+$" doc:"What it is, for programs." example:"too_long"`
	Detail string `json:"detail" maxLength:"2000" pattern:"^[^\\x00-\\x1f\\x7f]+$" doc:"What was left out and why, as a sentence that can be shown to a user." example:"The task was left out. The title has 501 characters. Shorten it to at most 500."`
}

// EventStream is a stream of Server-Sent Events.
type EventStream struct{}

// Batch is the body of a batch: operations that are carried out together.
type Batch struct {
	Operations []BatchOperation `json:"operations" nullable:"false" minItems:"1" maxItems:"100" doc:"What to do, in this order."`
}

// BatchOperation is one operation of a batch: one of the types that follow, by op.
type BatchOperation struct{}

// BatchCreate is an operation that creates a task.
type BatchCreate struct {
	Op   string     `json:"op" enum:"create" doc:"What to do." example:"create"`
	ID   string     `json:"id,omitempty" format:"uuid" minLength:"36" maxLength:"36" doc:"The id of the task, which the client made: a UUID version 7. 412 when the user has, or had and can restore, a task of that id. Absent: the server makes one." example:"019a4e6f-1b2c-7d3e-8f40-516273849a5b"`
	Task TaskCreate `json:"task"`
}

// BatchTarget is the task of an operation that changes one.
type BatchTarget struct {
	ID        string `json:"id" format:"uuid" minLength:"36" maxLength:"36" doc:"The task." example:"019a4e6f-1b2c-7d3e-8f40-516273849a5b"`
	IfVersion int64  `json:"if_version,omitempty" minimum:"1" maximum:"9007199254740991" doc:"The version that the task must have: otherwise 412, as with If-Match." example:"1"`
}

// BatchUpdate is an operation that sets fields.
type BatchUpdate struct {
	Op string `json:"op" enum:"update" doc:"What to do." example:"update"`
	BatchTarget
	Task TaskUpdate `json:"task"`
}

// BatchComplete is an operation that sets whether a task is completed.
type BatchComplete struct {
	Op string `json:"op" enum:"complete" doc:"What to do." example:"complete"`
	BatchTarget
	Task TaskComplete `json:"task,omitzero"`
}

// BatchDelete is an operation that deletes a task.
type BatchDelete struct {
	Op string `json:"op" enum:"delete" doc:"What to do." example:"delete"`
	BatchTarget
}

// BatchRestore is an operation that takes a task out of the trash.
type BatchRestore struct {
	Op string `json:"op" enum:"restore" doc:"What to do." example:"restore"`
	BatchTarget
}

// batchShapes are the types of the operations, in the order in which the document shows
// them.
var batchShapes = []struct {
	op    string
	shape reflect.Type
}{
	{"create", reflect.TypeFor[BatchCreate]()},
	{"update", reflect.TypeFor[BatchUpdate]()},
	{"complete", reflect.TypeFor[BatchComplete]()},
	{"delete", reflect.TypeFor[BatchDelete]()},
	{"restore", reflect.TypeFor[BatchRestore]()},
}

// BatchResults is the answer to a batch.
type BatchResults struct {
	Results []BatchResult `json:"results" nullable:"false" minItems:"1" maxItems:"100" doc:"What became of each operation, in their order."`
}

// BatchResult is what became of one operation.
type BatchResult struct {
	Status int    `json:"status" enum:"200,201,204" minimum:"200" maximum:"204" format:"int32" doc:"The status that the operation's own route answers with; 204 only in a repeated answer of an earlier version of the server." example:"200"`
	Task   latest `json:"task,omitzero"`
}

// APIKeyCreate is the body that makes an API key.
type APIKeyCreate struct {
	Name      string   `json:"name" minLength:"1" maxLength:"100" pattern:"^[^\\x00]+$" doc:"What the key is for. Surrounding white space is removed; the bounds apply to what is left." example:"Calendar"`
	Scopes    []string `json:"scopes" nullable:"false" enum:"tasks:read,tasks:write,user:erase,keys:manage" minItems:"1" maxItems:"100" doc:"What the key may do; tasks:write includes tasks:read. One that is given twice counts once." example:"tasks:read"`
	ExpiresAt *string  `json:"expires_at,omitempty" nullable:"true" format:"date-time" maxLength:"50" doc:"When the key ends: an instant in the future (RFC 3339). Null or absent: never." example:"2027-01-31T09:30:00Z"`
}

// APIKey is what is told of an API key.
type APIKey struct {
	ID         string   `json:"id" format:"uuid" minLength:"36" maxLength:"36" doc:"Names the key, in its text too. Ids sort in creation order (UUID version 7)." example:"019a4e6f-1b2c-7d3e-8f40-516273849a5b"`
	Name       string   `json:"name" minLength:"1" maxLength:"100" pattern:"^[^\\x00]+$" doc:"What the key is for." example:"Calendar"`
	Scopes     []string `json:"scopes" nullable:"false" enum:"tasks:read,tasks:write,user:erase,keys:manage" minItems:"1" maxItems:"4" doc:"What the key may do; tasks:write includes tasks:read." example:"tasks:read"`
	CreatedAt  string   `json:"created_at" format:"date-time" minLength:"27" maxLength:"27" pattern:"^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{6}Z$" doc:"When the key was made." example:"2026-01-31T09:30:00.000000Z"`
	ExpiresAt  *string  `json:"expires_at" format:"date-time" minLength:"27" maxLength:"27" pattern:"^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{6}Z$" doc:"When the key ends, or ended; null: never." example:"2027-01-31T09:30:00.000000Z"`
	LastUsedOn *string  `json:"last_used_on" format:"date" minLength:"10" maxLength:"10" pattern:"^\\d{4}-\\d{2}-\\d{2}$" doc:"The day of the key's last use, in UTC; null: it was not used." example:"2026-01-31"`
}

// APIKeyMade is an API key that was just made.
type APIKeyMade struct {
	APIKey
	Key string `json:"key" minLength:"85" maxLength:"1450" pattern:"^dkt_[A-Za-z0-9_-]+\\.[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\\.[A-Za-z0-9_-]{43}$" doc:"The key itself: what to send as a bearer token. Keep it as a password is kept; the server keeps its SHA-256 alone." example:"dkt_YWxpY2U.019a4e6f-1b2c-7d3e-8f40-516273849a5b.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"`
}

// Health is the body of the health routes.
type Health struct {
	Status   string   `json:"status" enum:"ok" doc:"Always ok; anything else is a problem document."`
	Warnings []string `json:"warnings,omitempty" nullable:"false" maxItems:"10" maxLength:"1000" pattern:"^[^\\x00-\\x1f\\x7f]+$" doc:"What the operator should look at although the server serves. Absent: nothing."`
}
