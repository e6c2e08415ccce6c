package httpapi

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"
	"pgregory.net/rapid"
)

// TestTasksAreEncodedAsOthers holds the encoder of tasks to the general one,
// which takes its fields from the type.
func TestTasksAreEncodedAsOthers(t *testing.T) {
	moment := rapid.Custom(func(t *rapid.T) timestamp {
		const year9999 = 253_402_300_799_999_999
		return timestamp(time.UnixMicro(rapid.Int64Range(-62_135_596_800_000_000, year9999).Draw(t, "us")))
	})
	text := rapid.StringOf(rapid.OneOf(rapid.Rune(), rapid.RuneFrom([]rune("\"\\<>&/\b\f\n\r\t\x01\x7f\u2028\u2029é\U0001f600"))))
	task := rapid.Custom(func(t *rapid.T) Task {
		return Task{
			ID: uuid.UUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id")), UserID: text.Draw(t, "user"), Title: text.Draw(t, "title"),
			Description: rapid.Ptr(text, true).Draw(t, "description"), Completed: rapid.Bool().Draw(t, "completed"),
			CreatedAt: moment.Draw(t, "created"), UpdatedAt: moment.Draw(t, "updated"), Version: rapid.Int64().Draw(t, "version"),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		tasks := rapid.SliceOfN(task, 0, 5).Draw(t, "tasks")
		values := []any{tasks, map[string]any{}}
		for _, one := range tasks {
			values = append(values, one)
		}
		for _, v := range values {
			var got bytes.Buffer
			want, err := json.Marshal(v)
			if err == nil {
				err = encode(&got, v)
			}
			if err != nil || got.String() != string(want) {
				t.Fatalf("%v\n got %s\nwant %s", err, got.String(), want)
			}
		}
	})
}

// TestLongListsAreEncodedInParts writes a list that is larger than the buffer.
func TestLongListsAreEncodedInParts(t *testing.T) {
	tasks := make([]Task, 2000)
	for i := range tasks {
		tasks[i] = Task{Title: "title", UserID: "alice"}
	}
	var got bytes.Buffer
	want, err := json.Marshal(tasks)
	if err == nil {
		err = encode(&got, tasks)
	}
	if err != nil || !bytes.Equal(got.Bytes(), want) {
		t.Errorf("%v: %d bytes of %d", err, got.Len(), len(want))
	}
}

// TestAnswersSayHowLongTheyAre but for those that are sent in parts.
func TestAnswersSayHowLongTheyAre(t *testing.T) {
	tasks := make([]Task, 2000)
	for i := range tasks {
		tasks[i] = Task{Title: "title", UserID: "alice"}
	}
	for count, known := range map[int]bool{1: true, 20: true, len(tasks): false} {
		var status int
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			answer := &response{ResponseWriter: w, share: &share{}}
			answer.WriteHeader(http.StatusAccepted)
			if err := encode(answer, tasks[:count]); err != nil {
				t.Error(err)
			}
			status = answer.status
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
		if got.ContentLength != want || got.StatusCode != http.StatusAccepted || status != http.StatusAccepted {
			t.Errorf("%d tasks: status %d, length %d of %d", count, got.StatusCode, got.ContentLength, len(body))
		}
	}
}
