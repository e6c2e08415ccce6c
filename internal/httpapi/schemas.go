package httpapi

// The types of this file are the shapes of bodies, for the contract alone.
// Requests decode straight into the domain's types (decode.go), and answers are
// encoded straight from them (encode.go); tests hold all three together.

// Task is a task in a response.
type Task struct {
	ID          string  `json:"id" format:"uuid" minLength:"36" maxLength:"36" doc:"Made by the server. Ids sort in creation order (UUID version 7)." example:"019a4e6f-1b2c-7d3e-8f40-516273849a5b"`
	UserID      string  `json:"user_id" minLength:"1" maxLength:"255" pattern:"^[^\\x00-\\x1f\\x7f-\\x9f]+$" doc:"The owner." example:"alice"`
	Title       string  `json:"title" minLength:"1" maxLength:"500" pattern:"^[^\\x00]+$" doc:"Without surrounding white space." example:"Buy milk"`
	Description *string `json:"description" maxLength:"5000" pattern:"^[^\\x00]*$" doc:"Null when there is none." example:"Two litres"`
	Completed   bool    `json:"completed" doc:"False at creation unless the client said otherwise." example:"false"`
	CreatedAt   string  `json:"created_at" format:"date-time" minLength:"27" maxLength:"27" pattern:"^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{6}Z$" doc:"When the task was created." example:"2026-01-31T09:30:00.000000Z"`
	UpdatedAt   string  `json:"updated_at" format:"date-time" minLength:"27" maxLength:"27" pattern:"^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{6}Z$" doc:"When the task last changed." example:"2026-01-31T09:30:00.000000Z"`
	Version     int64   `json:"version" minimum:"1" maximum:"9007199254740991" doc:"The owner's change number at this task's last change; also its ETag. A JavaScript number holds it exactly." example:"1"`
	DeletedAt   string  `json:"deleted_at,omitempty" format:"date-time" minLength:"27" maxLength:"27" pattern:"^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{6}Z$" doc:"When the task was deleted; only in the trash."`
}

// TaskCreate is the body that creates a task.
type TaskCreate struct {
	Title       string  `json:"title" minLength:"1" maxLength:"500" pattern:"^[^\\x00]+$" doc:"Surrounding white space is removed; the bounds apply to what is left." example:"Buy milk"`
	Description *string `json:"description,omitempty" nullable:"true" maxLength:"5000" pattern:"^[^\\x00]*$" doc:"Null or absent: none." example:"Two litres"`
	Completed   bool    `json:"completed,omitempty" default:"false" doc:"Whether the task is done."`
}

// TaskUpdate is the body that changes a task: fields that are absent stay as they are.
type TaskUpdate struct {
	Title       string  `json:"title,omitempty" minLength:"1" maxLength:"500" pattern:"^[^\\x00]+$" doc:"Surrounding white space is removed; the bounds apply to what is left." example:"Buy oat milk"`
	Description *string `json:"description,omitempty" nullable:"true" maxLength:"5000" pattern:"^[^\\x00]*$" doc:"Null clears it." example:"One litre"`
	Completed   bool    `json:"completed,omitempty" doc:"Whether the task is done." example:"true"`
}

// TaskComplete is the body that sets whether a task is completed; without the
// field, or without a body, the request toggles it.
type TaskComplete struct {
	Completed bool `json:"completed,omitempty" doc:"What to set. Absent: the task is toggled." example:"true"`
}

// readOnly are the fields of a task that a body may carry and that are then
// ignored, because clients send back whole tasks.
var readOnly = []string{"id", "user_id", "created_at", "updated_at", "version", "deleted", "deleted_at"}

// Tombstone is a deleted task in a list of changes.
type Tombstone struct {
	ID        string `json:"id" format:"uuid" minLength:"36" maxLength:"36" doc:"The task's." example:"019a4e6f-1b2c-7d3e-8f40-516273849a5b"`
	Deleted   bool   `json:"deleted" enum:"true" doc:"Always true: the task is deleted."`
	DeletedAt string `json:"deleted_at" format:"date-time" minLength:"27" maxLength:"27" pattern:"^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{6}Z$" doc:"When the task was deleted." example:"2026-01-31T09:30:00.000000Z"`
	Version   int64  `json:"version" minimum:"1" maximum:"9007199254740991" doc:"The owner's change number at the deletion." example:"2"`
}

// change is the latest state of a task that changed: a Task or a Tombstone.
type change struct{}

// Changes is the body that tells what changed.
type Changes struct {
	Items   []change `json:"items" nullable:"false" maxItems:"1000" doc:"The latest state of each task that changed, in the order of their versions."`
	Next    string   `json:"next" pattern:"^[A-Za-z0-9_-]+$" maxLength:"100" doc:"The sync token to send as since the next time." example:"AQ"`
	HasMore bool     `json:"has_more" doc:"Whether there are more changes already: ask again at once." example:"false"`
}

// eventStream is a stream of Server-Sent Events.
type eventStream struct{}

// Batch is the body of a batch: operations that are carried out together.
type Batch struct {
	Operations []BatchOperation `json:"operations" nullable:"false" minItems:"1" maxItems:"100" doc:"What to do, in this order." example:"[{\"op\":\"create\",\"task\":{\"title\":\"Buy milk\"}}]"`
}

// BatchOperation is one operation of a batch.
type BatchOperation struct {
	Op        string     `json:"op" enum:"create,update,complete,delete,restore" doc:"What to do." example:"update"`
	ID        string     `json:"id,omitempty" format:"uuid" minLength:"36" maxLength:"36" doc:"The task. Required, but for create, which takes none." example:"019a4e6f-1b2c-7d3e-8f40-516273849a5b"`
	IfVersion int64      `json:"if_version,omitempty" minimum:"1" maximum:"9007199254740991" doc:"The version that the task must have: otherwise 412, as with If-Match. Not for create." example:"1"`
	Task      TaskUpdate `json:"task,omitzero" doc:"Of create and update, which require it, the fields as in their own routes; create needs a title. Of complete, completed, which is true when absent; complete never toggles. Delete and restore take none."`
}

// BatchResults is the answer to a batch.
type BatchResults struct {
	Results []BatchResult `json:"results" nullable:"false" minItems:"1" maxItems:"100" doc:"What became of each operation, in their order."`
}

// BatchResult is what became of one operation.
type BatchResult struct {
	Status int   `json:"status" enum:"200,201,204" minimum:"200" maximum:"204" format:"int32" doc:"The status that the operation's own route answers with." example:"200"`
	Task   *Task `json:"task,omitempty" doc:"The task as it is after the operation; absent after a delete."`
}

// Health is the body of the health routes.
type Health struct {
	Status   string   `json:"status" enum:"ok" doc:"Always ok; anything else is a problem document."`
	Warnings []string `json:"warnings,omitempty" nullable:"false" maxItems:"10" doc:"What the operator should look at although the server serves. Absent: nothing."`
}
