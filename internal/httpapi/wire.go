package httpapi

import (
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"docket"
)

// Task is a task in a response.
type Task struct {
	ID          uuid.UUID `json:"id" format:"uuid" minLength:"36" maxLength:"36" doc:"Made by the server. Ids sort in creation order (UUID version 7)." example:"019a4e6f-1b2c-7d3e-8f40-516273849a5b"`
	UserID      string    `json:"user_id" minLength:"1" maxLength:"255" pattern:"^[^\\x00-\\x1f\\x7f-\\x9f]+$" doc:"The owner." example:"alice"`
	Title       string    `json:"title" minLength:"1" maxLength:"500" pattern:"^[^\\x00]+$" doc:"Without surrounding white space." example:"Buy milk"`
	Description *string   `json:"description" maxLength:"5000" pattern:"^[^\\x00]*$" doc:"Null when there is none." example:"Two litres"`
	Completed   bool      `json:"completed" doc:"False at creation unless the client said otherwise." example:"false"`
	CreatedAt   timestamp `json:"created_at" doc:"When the task was created." example:"2026-01-31T09:30:00.000000Z"`
	UpdatedAt   timestamp `json:"updated_at" doc:"When the task last changed." example:"2026-01-31T09:30:00.000000Z"`
	Version     int64     `json:"version" minimum:"1" maximum:"9007199254740991" doc:"The owner's change number at this task's last change; also its ETag. A JavaScript number holds it exactly." example:"1"`
	DeletedAt   timestamp `json:"deleted_at,omitzero" doc:"When the task was deleted; only in the trash."`
}

func wireTask(t docket.Task) Task {
	return Task{
		ID: t.ID, UserID: string(t.UserID), Title: t.Title, Description: t.Description, Completed: t.Completed,
		CreatedAt: timestamp(t.CreatedAt), UpdatedAt: timestamp(t.UpdatedAt), Version: t.Version, DeletedAt: timestamp(t.DeletedAt),
	}
}

func wireTasks(tasks []docket.Task) []Task {
	list := make([]Task, len(tasks))
	for i, t := range tasks {
		list[i] = wireTask(t)
	}
	return list
}

// etag is the strong entity tag of a task at a version (RFC 9110, 8.8.3).
func etag(version int64) string { return `"` + strconv.FormatInt(version, 10) + `"` }

func taskPath(t docket.Task) string {
	return "/api/" + url.PathEscape(string(t.UserID)) + "/tasks/" + t.ID.String()
}

// timestamp is a time as tasks show it: RFC 3339, UTC, always six digits of fraction.
type timestamp time.Time

const timestampLayout = "2006-01-02T15:04:05.000000Z"

// AppendText implements encoding.TextAppender.
func (t timestamp) AppendText(b []byte) ([]byte, error) {
	return time.Time(t).UTC().AppendFormat(b, timestampLayout), nil
}

// MarshalText implements encoding.TextMarshaler.
func (t timestamp) MarshalText() ([]byte, error) { return t.AppendText(nil) }

// Schema implements huma.SchemaProvider.
func (timestamp) Schema(huma.Registry) *huma.Schema {
	n := len(timestampLayout)
	return &huma.Schema{
		Type: huma.TypeString, Format: "date-time", MinLength: &n, MaxLength: &n,
		Pattern: `^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$`,
	}
}

// TaskCreate is the body that creates a task.
type TaskCreate struct {
	body
	Title       string  `json:"title" minLength:"1" maxLength:"500" pattern:"^[^\\x00]+$" doc:"Surrounding white space is removed; the bounds apply to what is left." example:"Buy milk"`
	Description *string `json:"description,omitempty" nullable:"true" maxLength:"5000" pattern:"^[^\\x00]*$" doc:"Null or absent: none." example:"Two litres"`
	Completed   bool    `json:"completed,omitempty" default:"false" doc:"Whether the task is done."`
}

// TransformSchema implements huma.SchemaTransformer.
func (*TaskCreate) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	return ignoringReadOnly(s)
}

func (b *TaskCreate) task() docket.NewTask {
	return docket.NewTask{Fields: docket.Fields{Title: b.Title, Description: b.Description, Completed: b.Completed}}
}

func (b *TaskCreate) decode(data []byte) {
	b.whole = true
	title := stringField("title", &b.Title)
	title.required = true
	b.read(data, []field{title, nullableField("description", &b.Description), boolField("completed", &b.Completed)})
	task := b.task()
	b.add(task.Normalize()...)
}

// TaskUpdate is the body that changes a task: fields that are absent stay as they are.
type TaskUpdate struct {
	body
	Title       optional[string]  `json:"title,omitzero" minLength:"1" maxLength:"500" pattern:"^[^\\x00]+$" doc:"Surrounding white space is removed; the bounds apply to what is left." example:"Buy oat milk"`
	Description optional[*string] `json:"description,omitzero" nullable:"true" maxLength:"5000" pattern:"^[^\\x00]*$" doc:"Null clears it." example:"One litre"`
	Completed   optional[bool]    `json:"completed,omitzero" doc:"Whether the task is done." example:"true"`
}

// TransformSchema implements huma.SchemaTransformer.
func (*TaskUpdate) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	return ignoringReadOnly(s)
}

func (b *TaskUpdate) update() docket.TaskUpdate {
	return docket.TaskUpdate{
		Title:       docket.Optional[string](b.Title),
		Description: docket.Optional[*string](b.Description),
		Completed:   docket.Optional[bool](b.Completed),
	}
}

func (b *TaskUpdate) decode(data []byte) {
	b.whole = true
	b.read(data, []field{
		stringField("title", &b.Title.Value).marking(&b.Title.Set),
		nullableField("description", &b.Description.Value).marking(&b.Description.Set),
		boolField("completed", &b.Completed.Value).marking(&b.Completed.Set),
	})
	update := b.update()
	b.add(update.Normalize()...)
}

// TaskComplete is the body that sets whether a task is completed; without the
// field, or without a body, the request toggles it.
type TaskComplete struct {
	body
	Completed optional[bool] `json:"completed,omitzero" doc:"What to set. Absent: the task is toggled." example:"true"`
}

// TransformSchema implements huma.SchemaTransformer.
func (*TaskComplete) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	return ignoringReadOnly(s)
}

func (b *TaskComplete) decode(data []byte) {
	b.whole = true
	if strings.TrimSpace(string(data)) == "" {
		return
	}
	b.read(data, []field{boolField("completed", &b.Completed.Value).marking(&b.Completed.Set)})
}

// readOnly are the fields of a task that a body may carry and that are then
// ignored, because clients send back whole tasks.
var readOnly = []string{"id", "user_id", "created_at", "updated_at", "version", "deleted", "deleted_at"}

func ignoringReadOnly(s *huma.Schema) *huma.Schema {
	s.Extensions = map[string]any{"patternProperties": map[string]any{
		"^(" + strings.Join(readOnly, "|") + ")$": map[string]any{"description": "Read-only: accepted and ignored."},
	}}
	return s
}

// optional is a field that may be absent; in the contract it is a plain T.
type optional[T any] docket.Optional[T]

// Schema implements huma.SchemaProvider.
func (optional[T]) Schema(r huma.Registry) *huma.Schema {
	return r.Schema(reflect.TypeFor[T](), true, "")
}
