package httpapi

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"docket"
	"docket/internal/contract"
)

// asSchema is a task as the contract's schema has it.
func asSchema(t docket.Task) contract.Task {
	const layout = "2006-01-02T15:04:05.000000Z"
	s := contract.Task{
		ID: t.ID.String(), UserID: string(t.UserID), Title: t.Title, Description: t.Description, Completed: t.Completed,
		Priority: t.Priority.String(), Tags: t.Tags,
		CreatedAt: t.CreatedAt.UTC().Format(layout), UpdatedAt: t.UpdatedAt.UTC().Format(layout), Version: t.Version,
	}
	s.Metadata.Value = jsontext.Value(t.Metadata.JSON())
	if t.DueDate != "" {
		s.DueDate = new(string(t.DueDate))
	}
	if !t.CompletedAt.IsZero() {
		s.CompletedAt = new(t.CompletedAt.UTC().Format(layout))
	}
	if !t.DeletedAt.IsZero() {
		s.DeletedAt = t.DeletedAt.UTC().Format(layout)
	}
	return s
}

// TestTasksAreEncodedByTheirSchema holds the encoder of tasks against the general
// one, which takes its fields from the schema.
func TestTasksAreEncodedByTheirSchema(t *testing.T) {
	moment := rapid.Custom(func(t *rapid.T) time.Time {
		const year9999 = 253_402_300_799_999_999
		return time.UnixMicro(rapid.Int64Range(-62_135_596_800_000_000, year9999).Draw(t, "us"))
	})
	text := rapid.StringOf(rapid.OneOf(rapid.Rune(), rapid.RuneFrom([]rune("\"\\<>&/\b\f\n\r\t\x01\x7f\u2028\u2029é\U0001f600"))))
	task := rapid.Custom(func(t *rapid.T) docket.Task {
		made := docket.Task{
			ID: uuid.UUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id")), UserID: docket.UserID(text.Draw(t, "user")),
			CreatedAt: moment.Draw(t, "created"), UpdatedAt: moment.Draw(t, "updated"), Version: rapid.Int64().Draw(t, "version"),
		}
		made.Title, made.Description, made.Completed = text.Draw(t, "title"), rapid.Ptr(text, true).Draw(t, "description"), rapid.Bool().Draw(t, "completed")
		made.Priority = rapid.SampledFrom([]docket.Priority{docket.Low, docket.Medium, docket.High}).Draw(t, "priority")
		made.DueDate = rapid.SampledFrom([]docket.DueDate{"", "2026-12-01", "2026-12-01T09:00:00", "2026-12-01T09:00:00Z"}).Draw(t, "due_date")
		made.Tags = rapid.SliceOfN(text, 0, 3).Draw(t, "tags")
		made.Metadata = rapid.SampledFrom([]docket.Metadata{"", `{"b":[1e400,{"a":null}],"a":"<é>"}`}).Draw(t, "metadata")
		if made.Completed && rapid.Bool().Draw(t, "dated") {
			made.CompletedAt = moment.Draw(t, "completed_at")
		}
		if rapid.Bool().Draw(t, "deleted") {
			made.DeletedAt = moment.Draw(t, "deleted_at")
		}
		return made
	})
	rapid.Check(t, func(t *rapid.T) {
		tasks := rapid.SliceOfN(task, 0, 5).Draw(t, "tasks")
		schemas := make([]contract.Task, len(tasks))
		for i, one := range tasks {
			schemas[i] = asSchema(one)
		}
		want, err := json.Marshal(schemas)
		w := httptest.NewRecorder()
		if err == nil {
			err = writeTasks(w, tasks)
		}
		if got := w.Body.String(); err != nil || got != string(want) {
			t.Fatalf("%v\n got %s\nwant %s", err, got, want)
		}
	})
}

// TestAnswersSayHowLongTheyAre but for those that are sent in parts.
func TestAnswersSayHowLongTheyAre(t *testing.T) {
	tasks := make([]docket.Task, 2000)
	for i := range tasks {
		tasks[i].Title, tasks[i].UserID = "title", "alice"
	}
	for count, known := range map[int]bool{1: true, 20: true, len(tasks): false} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if err := writeTasks(w, tasks[:count]); err != nil {
				t.Error(err)
			}
		}))
		got, err := http.Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(got.Body)
		if err != nil || got.Body.Close() != nil {
			t.Fatal(err)
		}
		server.Close()
		want := int64(-1)
		if known {
			want = int64(len(body))
		}
		var decoded []contract.Task
		if err := json.Unmarshal(body, &decoded); err != nil || len(decoded) != count || got.ContentLength != want {
			t.Errorf("%d tasks: %d decoded, %v, length %d of %d", count, len(decoded), err, got.ContentLength, len(body))
		}
	}
}
