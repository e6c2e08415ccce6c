package docket

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"
)

// resultVersion is the version of the format in which results are kept. A program
// reads all versions up to its own.
const resultVersion = 1

const (
	// compressFrom is the size in bytes from which a result is compressed.
	compressFrom = 4 << 10
	// compression is the lowest level at which texts of characters of four bytes take
	// about half of their size. Level 1 leaves two thirds.
	compression = 3
)

// keptResult is the result of a write as stores keep it. A write may return one
// task many times, so each text is kept once.
type keptResult struct {
	Version int        `json:"v"`
	Texts   []string   `json:"texts,omitempty"`
	Tasks   []keptTask `json:"tasks"`
}

// keptTask is one task of a result. Its texts are indexes of keptResult.Texts, and
// its times are microseconds since 1970; absent is none.
type keptTask struct {
	ID          uuid.UUID `json:"id"`
	UserID      int       `json:"user"`
	Title       int       `json:"title"`
	Description *int      `json:"description,omitzero"`
	Completed   bool      `json:"completed,omitzero"`
	Priority    Priority  `json:"priority,omitzero"`
	DueDate     DueDate   `json:"due,omitzero"`
	Tags        []int     `json:"tags,omitempty"`
	Metadata    *int      `json:"metadata,omitzero"`
	CreatedAt   int64     `json:"created"`
	UpdatedAt   int64     `json:"updated"`
	CompletedAt *int64    `json:"completed_at,omitzero"`
	Version     int64     `json:"version"`
	DeletedAt   *int64    `json:"deleted,omitzero"`
}

// EncodeResult returns the tasks of a write as a store keeps them under a key: JSON
// in a format of its own, compressed when it is long.
func EncodeResult(tasks []Task) ([]byte, error) {
	kept := keptResult{Version: resultVersion, Tasks: make([]keptTask, len(tasks))}
	places := map[string]int{}
	place := func(text string) int {
		i, known := places[text]
		if !known {
			i = len(kept.Texts)
			places[text], kept.Texts = i, append(kept.Texts, text)
		}
		return i
	}
	for i := range tasks {
		t, k := &tasks[i], &kept.Tasks[i]
		*k = keptTask{
			ID: t.ID, UserID: place(string(t.UserID)), Title: place(t.Title), Completed: t.Completed, Priority: t.Priority, DueDate: t.DueDate,
			CreatedAt: t.CreatedAt.UnixMicro(), UpdatedAt: t.UpdatedAt.UnixMicro(), CompletedAt: toMicro(t.CompletedAt),
			Version: t.Version, DeletedAt: toMicro(t.DeletedAt),
		}
		if t.Description != nil {
			k.Description = new(place(*t.Description))
		}
		if t.Metadata != "" {
			k.Metadata = new(place(string(t.Metadata)))
		}
		for _, tag := range t.Tags {
			k.Tags = append(k.Tags, place(tag))
		}
	}
	text, err := json.Marshal(kept)
	if err != nil || len(text) < compressFrom {
		return text, err
	}
	var short bytes.Buffer
	w, err := gzip.NewWriterLevel(&short, compression)
	if err != nil {
		return nil, err
	}
	_, err = w.Write(text)
	err = errors.Join(err, w.Close())
	return short.Bytes(), err
}

// DecodeResult is the inverse of EncodeResult. It also reads what the program kept
// before there were versions: an array of tasks with Go's names, compressed or not.
func DecodeResult(result []byte) ([]Task, error) {
	text := result
	if gzipped := []byte{0x1f, 0x8b}; bytes.HasPrefix(result, gzipped) {
		r, err := gzip.NewReader(bytes.NewReader(result))
		if err != nil {
			return nil, err
		}
		if text, err = io.ReadAll(r); err != nil {
			return nil, err
		}
	}
	if bytes.HasPrefix(text, []byte("[")) {
		var tasks []Task
		err := json.Unmarshal(text, &tasks)
		for i := range tasks {
			tasks[i].Settle()
		}
		return tasks, err
	}
	var kept keptResult
	if err := json.Unmarshal(text, &kept); err != nil {
		return nil, err
	}
	if kept.Version != resultVersion {
		return nil, fmt.Errorf("docket: a result of version %d, where this program reads up to %d", kept.Version, resultVersion)
	}
	return kept.tasks()
}

func (r keptResult) tasks() ([]Task, error) {
	var bad error
	text := func(n int) string {
		if n < 0 || n >= len(r.Texts) {
			bad = fmt.Errorf("docket: a result of %d texts refers to number %d", len(r.Texts), n)
			return ""
		}
		return r.Texts[n]
	}
	tasks := make([]Task, len(r.Tasks))
	for i, k := range r.Tasks {
		t := &tasks[i]
		*t = Task{
			ID: k.ID, UserID: UserID(text(k.UserID)),
			Fields:    Fields{Title: text(k.Title), Completed: k.Completed, Priority: k.Priority, DueDate: k.DueDate},
			CreatedAt: fromMicro(&k.CreatedAt), UpdatedAt: fromMicro(&k.UpdatedAt), CompletedAt: fromMicro(k.CompletedAt),
			Version: k.Version, DeletedAt: fromMicro(k.DeletedAt),
		}
		if k.Description != nil {
			t.Description = new(text(*k.Description))
		}
		if k.Metadata != nil {
			t.Metadata = Metadata(text(*k.Metadata))
		}
		for _, n := range k.Tags {
			t.Tags = append(t.Tags, text(n))
		}
	}
	return tasks, bad
}

func fromMicro(us *int64) time.Time {
	if us == nil {
		return time.Time{}
	}
	return time.UnixMicro(*us).UTC()
}

func toMicro(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	return new(t.UnixMicro())
}
