package docket

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

func TestResultsAreKeptShort(t *testing.T) {
	note := strings.Repeat("é\u2028<", 1000)
	at := time.Date(2026, 1, 31, 9, 30, 0, 123_456_000, time.UTC)
	task := Task{ID: uuid.Must(uuid.NewV7()), UserID: "alice", Fields: Fields{Title: "title", Description: &note, Completed: true}, CreatedAt: at, UpdatedAt: at, Version: 1<<53 + 1}
	for _, tasks := range [][]Task{{}, {{}}, {task}, slices.Repeat([]Task{task, {}}, MaxBatch/2)} {
		result, err := EncodeResult(tasks)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := DecodeResult(result); err != nil || cmp.Diff(tasks, got) != "" {
			t.Errorf("%d tasks became %d, %v", len(tasks), len(got), err)
		}
		if len(result) > 10_000 {
			t.Errorf("%d tasks take %d bytes", len(tasks), len(result))
		}
	}
	for _, bad := range []string{"", "{", "[", "\x1f\x8b", "[{}]x"} {
		if got, err := DecodeResult([]byte(bad)); err == nil {
			t.Errorf("%q was read as %v", bad, got)
		}
	}
}
