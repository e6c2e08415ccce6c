package docket

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
)

// TestMerge has the examples of RFC 7396, appendix A, that are objects, and what it
// leaves to us: the order of members, and numbers as they were written.
func TestMerge(t *testing.T) {
	for _, test := range []struct{ target, patch, want Metadata }{
		{`{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`},
		{`{"a":"b"}`, `{"a":null}`, ``},
		{`{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`},
		{`{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"c"}`, `{"a":["b"]}`, `{"a":["b"]}`},
		{`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`},
		{`{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`},
		{`{"e":null}`, `{"a":1}`, `{"e":null,"a":1}`},
		{``, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`},
		{`{"b":1.0,"a":{"x":1}}`, `{"a":{"y":1e2},"c":[null]}`, `{"b":1.0,"a":{"x":1,"y":1e2},"c":[null]}`},
		{`{"\u0061":1}`, `{"a":2}`, `{"\u0061":2}`},
		{`{"a":1}`, ``, `{"a":1}`},
	} {
		if got, faults := test.target.Merge(test.patch); got != test.want || faults != nil {
			t.Errorf("%s with %s is %s, %v; want %s", test.target, test.patch, got, faults, test.want)
		}
	}
	long := Metadata(`{"a":"` + strings.Repeat("x", MaxMetadata-20) + `"}`)
	if _, faults := long.Merge(`{"b":"` + Metadata(strings.Repeat("x", 20)) + `"}`); len(faults) != 1 || faults[0].Code != "too_long" {
		t.Errorf("a merge that is too long has the faults %v", faults)
	}
	many, none := "{", "{"
	for i := range 400 {
		many, none = fmt.Sprintf(`%s"k%d":1,`, many, i), fmt.Sprintf(`%s"k%d":null,`, none, i)
	}
	full, empty := Metadata(many[:len(many)-1]+"}"), TaskUpdate{MetadataPatch: Metadata(none[:len(none)-1] + "}")}
	if faults := empty.Normalize(); faults != nil || len(empty.MetadataPatch) <= MaxMetadata {
		t.Errorf("a patch of %d bytes that removes members has the faults %v", len(empty.MetadataPatch), faults)
	}
	if got, faults := full.Merge(empty.MetadataPatch); got != "" || faults != nil {
		t.Errorf("without its members it is %s, %v", got, faults)
	}
	huge := TaskUpdate{MetadataPatch: `{"a":"` + Metadata(strings.Repeat("x", MaxMetadataPatch)) + `"}`}
	if faults := huge.Normalize(); len(faults) != 1 || faults[0].Code != "too_long" {
		t.Errorf("a patch that is too long has the faults %v", faults)
	}
}

// rival is a store whose task another client changes between the first reads of it and
// the writes that follow.
type rival struct {
	Store
	task  Task
	lost  int // changes of the other client that are still to come
	asked int
}

func (r *rival) Get(context.Context, UserID, uuid.UUID) (Task, error) {
	r.asked++
	if r.task.Version == 0 {
		return Task{}, NoSuchTask()
	}
	return r.task, nil
}

func (r *rival) Write(_ context.Context, _ UserID, w Write) (Written, error) {
	if r.task.Version == 0 {
		return Written{}, NoSuchTask()
	}
	if r.lost > 0 {
		r.lost--
		r.task.Version++
		r.task.Metadata, _ = r.task.Metadata.Merge(`{"rival":1}`)
	}
	after, _, err := w.Change(r.task, w.Operations[0])
	if err == nil {
		r.task = after
	}
	return Written{Tasks: []Task{after}}, err
}

func TestMergeBesideOtherWrites(t *testing.T) {
	for name, test := range map[string]struct {
		version int64
		lost    int
		demand  Precondition
		want    Metadata
		kind    Kind
		reads   int
	}{
		"alone":                  {1, 0, Precondition{}, `{"mine":1}`, "", 1},
		"beside one other":       {1, 1, Precondition{}, `{"rival":1,"mine":1}`, "", 2},
		"beside many others":     {1, maxMerges, Precondition{}, `{"rival":1}`, Unavailable, maxMerges},
		"stale":                  {2, 0, Precondition{Match: Some([]int64{1})}, "", PreconditionFailed, 1},
		"changed since":          {1, 1, Precondition{Match: Some([]int64{1})}, `{"rival":1}`, PreconditionFailed, 2},
		"of a task that is gone": {0, 0, Precondition{}, "", NotFound, 1},
	} {
		r := &rival{task: Task{Version: test.version}, lost: test.lost}
		o := Operation{Action: Update, If: test.demand, Update: TaskUpdate{MetadataPatch: `{"mine":1}`}}
		_, _, err := NewService(r).Do(t.Context(), "alice", o, nil)
		if (err != nil) != (test.kind != "") || err != nil && KindOf(err) != test.kind || r.task.Metadata != test.want || r.asked != test.reads {
			t.Errorf("%s: %v after %d reads, and the metadata is %s", name, err, r.asked, r.task.Metadata)
		}
	}
}
