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
	CreatedAt   int64     `json:"created"`
	UpdatedAt   int64     `json:"updated"`
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
			ID: t.ID, UserID: place(string(t.UserID)), Title: place(t.Title), Completed: t.Completed,
			CreatedAt: t.CreatedAt.UnixMicro(), UpdatedAt: t.UpdatedAt.UnixMicro(), Version: t.Version,
		}
		if t.Description != nil {
			k.Description = new(place(*t.Description))
		}
		if !t.DeletedAt.IsZero() {
			k.DeletedAt = new(t.DeletedAt.UnixMicro())
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
	tasks := make([]Task, len(r.Tasks))
	for i, k := range r.Tasks {
		t := &tasks[i]
		*t = Task{ID: k.ID, CreatedAt: fromMicro(k.CreatedAt), UpdatedAt: fromMicro(k.UpdatedAt), Version: k.Version}
		for _, n := range []int{k.UserID, k.Title} {
			if n < 0 || n >= len(r.Texts) {
				return nil, fmt.Errorf("docket: a result of %d texts refers to number %d", len(r.Texts), n)
			}
		}
		t.UserID, t.Title, t.Completed = UserID(r.Texts[k.UserID]), r.Texts[k.Title], k.Completed
		if n := k.Description; n != nil {
			if *n < 0 || *n >= len(r.Texts) {
				return nil, fmt.Errorf("docket: a result of %d texts refers to number %d", len(r.Texts), *n)
			}
			t.Description = &r.Texts[*n]
		}
		if k.DeletedAt != nil {
			t.DeletedAt = fromMicro(*k.DeletedAt)
		}
	}
	return tasks, nil
}

func fromMicro(us int64) time.Time { return time.UnixMicro(us).UTC() }
