package docket

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
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

// TestResultsOfOtherVersions reads what the first version kept under idempotency keys,
// and checks that the first version can read what this one keeps: it finds the same
// members with the same bytes, and ignores others.
func TestResultsOfOtherVersions(t *testing.T) {
	at := time.Date(2026, 1, 31, 9, 30, 0, 123_456_000, time.UTC)
	for text, task := range map[string]Task{
		`{"ID":"019a4e6f-1b2c-7d3e-8f40-516273849a5b","UserID":"auth0|62c","Title":"Buy \"milk\"","Description":"Two <&> é","Completed":true,"CreatedAt":"2026-01-31T09:30:00.123456Z","UpdatedAt":"2026-01-31T09:30:01.123Z","Version":9007199254740993}`: {
			ID: uuid.MustParse("019a4e6f-1b2c-7d3e-8f40-516273849a5b"), UserID: "auth0|62c",
			Fields:    Fields{Title: `Buy "milk"`, Description: new("Two <&> é"), Completed: true},
			CreatedAt: at, UpdatedAt: at.Add(time.Second - 456*time.Microsecond), Version: 1<<53 + 1,
		},
		`{"ID":"019a4e6f-1b2c-7d3e-8f40-516273849a5c","UserID":"bob","Title":"gone","Description":null,"Completed":false,"CreatedAt":"2026-01-31T09:30:00.123456Z","UpdatedAt":"2026-01-31T09:30:00.123456Z","Version":7,"DeletedAt":"2026-01-31T10:30:00.123456Z"}`: {
			ID: uuid.MustParse("019a4e6f-1b2c-7d3e-8f40-516273849a5c"), UserID: "bob", Fields: Fields{Title: "gone"},
			CreatedAt: at, UpdatedAt: at, Version: 7, DeletedAt: at.Add(time.Hour),
		},
		`{"ID":"00000000-0000-0000-0000-000000000000","UserID":"","Title":"","Description":null,"Completed":false,"CreatedAt":"0001-01-01T00:00:00Z","UpdatedAt":"0001-01-01T00:00:00Z","Version":0}`: {}, // of a delete
	} {
		got, err := DecodeResult([]byte("[" + text + "]"))
		if diff := cmp.Diff([]Task{task}, got); err != nil || diff != "" {
			t.Errorf("%s is read with %v (-want +got):\n%s", text, err, diff)
		}
		if got, err := DecodeResult([]byte(strings.Replace("["+text+"]", "{", `{"Later":1,`, 1))); err != nil || len(got) != 1 {
			t.Errorf("with a field of a later version: %v, %v", got, err)
		}
		result, err := EncodeResult([]Task{task})
		var kept []map[string]jsontext.Value
		var first map[string]jsontext.Value
		if err := errors.Join(err, json.Unmarshal(result, &kept), json.Unmarshal([]byte(text), &first)); err != nil || len(kept) != 1 {
			t.Fatalf("%s: %v", result, err)
		}
		for name, value := range first {
			if string(kept[0][name]) != string(value) {
				t.Errorf("%s is kept as %s, want %s", name, kept[0][name], value)
			}
		}
		if _, live := first["DeletedAt"]; !live && kept[0]["DeletedAt"] != nil {
			t.Errorf("a live task is kept with DeletedAt %s", kept[0]["DeletedAt"])
		}
	}
}
