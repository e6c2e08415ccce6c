package mcp

import (
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"docket"
)

// maxTokens bounds an answer, in tokens of o200k. Clients refuse more than 25,000.
const maxTokens = 20_000

// reserved is kept for what stands around the tasks of an answer, in tokens.
const reserved = 300

// shownTask is a task as agents see it: what they need to work with it, and the fields
// that are not at their default.
type shownTask struct {
	ID          uuid.UUID      `json:"id"`
	Title       string         `json:"title"`
	Description *string        `json:"description,omitzero"`
	Completed   bool           `json:"completed"`
	Priority    string         `json:"priority,omitzero"`
	DueDate     docket.DueDate `json:"due_date,omitzero"`
	Tags        []string       `json:"tags,omitempty"`
	Metadata    jsontext.Value `json:"metadata,omitzero"`
	DeletedAt   string         `json:"deleted_at,omitzero"`
	Version     int64          `json:"version"`
}

// detailedTask is a task with all its fields but user_id, which is the caller's.
type detailedTask struct {
	ID          uuid.UUID      `json:"id"`
	Title       string         `json:"title"`
	Description *string        `json:"description"`
	Completed   bool           `json:"completed"`
	CompletedAt *string        `json:"completed_at"`
	Priority    string         `json:"priority"`
	DueDate     *string        `json:"due_date"`
	Tags        []string       `json:"tags"`
	Metadata    jsontext.Value `json:"metadata"`
	CreatedAt   string         `json:"created_at"`
	UpdatedAt   string         `json:"updated_at"`
	DeletedAt   string         `json:"deleted_at,omitzero"`
	Version     int64          `json:"version"`
}

// showTask returns a task as JSON.
func showTask(t *docket.Task, details bool) (jsontext.Value, error) {
	if details {
		return json.Marshal(detailedTask{
			ID: t.ID, Title: t.Title, Description: t.Description, Completed: t.Completed, CompletedAt: optional(stamp(t.CompletedAt)),
			Priority: t.Priority.String(), DueDate: optional(string(t.DueDate)), Tags: t.Tags, Metadata: jsontext.Value(t.Metadata.JSON()),
			CreatedAt: stamp(t.CreatedAt), UpdatedAt: stamp(t.UpdatedAt), DeletedAt: stamp(t.DeletedAt), Version: t.Version,
		})
	}
	shown := shownTask{
		ID: t.ID, Title: t.Title, Description: t.Description, Completed: t.Completed, DueDate: t.DueDate,
		Tags: t.Tags, DeletedAt: stamp(t.DeletedAt), Version: t.Version,
	}
	if t.Metadata != "" {
		shown.Metadata = jsontext.Value(t.Metadata)
	}
	if t.Priority != docket.Medium {
		shown.Priority = t.Priority.String()
	}
	return json.Marshal(shown)
}

// showTasks returns as many of the tasks as there is room for in tokens, at least one. A
// task that is too long by itself loses its metadata and the end of its description.
func showTasks(tasks []docket.Task, details bool, room int) ([]jsontext.Value, error) {
	shown := []jsontext.Value{}
	for i := range tasks {
		v, err := showTask(&tasks[i], details)
		if err == nil && i == 0 && tokens(v) > room {
			t := tasks[0]
			t.Metadata, t.Description = "", cut(t.Description)
			v, err = showTask(&t, details)
		}
		if err != nil {
			return nil, err
		}
		if room -= tokens(v); room < 0 && i > 0 {
			return shown, nil
		}
		shown = append(shown, v)
	}
	return shown, nil
}

// cut returns the beginning of a description that is too long for an answer.
func cut(description *string) *string {
	const most = 1000 // characters: a tenth of the room, whatever they are
	if description == nil || utf8.RuneCountInString(*description) <= most {
		return description
	}
	return new(string([]rune(*description)[:most]) + "… (cut)")
}

// tokens returns about the most tokens of o200k that a JSON text takes: one for each
// two small letters of a word, one for each three digits of a number, and one for each
// other byte. It is measured: English takes half of that, and texts made to take many
// (.ci/agents/tokens.mjs) no more.
func tokens(text []byte) int {
	n, letters, digits := 0, 0, 0
	for _, b := range text {
		switch {
		case 'a' <= b && b <= 'z':
			if digits = 0; letters%2 == 0 {
				n++
			}
			letters++
			continue
		case '0' <= b && b <= '9':
			if letters = 0; digits%3 == 0 {
				n++
			}
			digits++
			continue
		case b != ' ':
			n++
		}
		letters, digits = 0, 0
	}
	return n
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000000Z")
}

func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// marshal returns an answer as compact JSON.
func marshal(answer any) (string, error) {
	text, err := json.Marshal(answer)
	return string(text), err
}
