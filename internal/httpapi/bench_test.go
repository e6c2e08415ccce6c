package httpapi_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"

	"docket"
	"docket/internal/httpapi"
)

// discarded is an answer that nobody reads.
type discarded struct {
	header http.Header
	status int
}

func (d *discarded) Header() http.Header         { return d.header }
func (d *discarded) WriteHeader(status int)      { d.status = status }
func (d *discarded) Write(b []byte) (int, error) { return len(b), nil }

// BenchmarkGet is a get without a network and without a database: what a request
// costs from the edge to its encoded answer.
func BenchmarkGet(b *testing.B) {
	note := "Two litres"
	task := docket.Task{ID: uuid.Must(uuid.NewV7()), UserID: "alice", CreatedAt: time.Unix(1, 0), UpdatedAt: time.Unix(2, 0), Version: 7}
	task.Title, task.Description = "Buy milk", &note
	handler := httpapi.New(docket.NewService(&echo{task: task}), httpapi.Options{})
	r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, "/api/alice/tasks/"+task.ID.String(), http.NoBody)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		w := &discarded{header: http.Header{}}
		handler.ServeHTTP(w, r)
		if w.status != http.StatusOK {
			b.Fatal(w.status)
		}
	}
}
