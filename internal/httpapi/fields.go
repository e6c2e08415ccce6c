package httpapi

import (
	"bytes"
	"fmt"
	"iter"
	"math"
	"reflect"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"docket"
	"docket/internal/contract"
)

// taskFields are the fields that a client may set of a task.
var taskFields = []field[docket.TaskUpdate]{
	{"title", "a string", `"`, always(func(u *docket.TaskUpdate, v jsontext.Value) { u.Title = docket.Some(unquote(v)) })},
	{"description", "a string or null", `"n`, always(func(u *docket.TaskUpdate, v jsontext.Value) { u.Description = docket.Some(unquoteOptional(v)) })},
	completedField,
	{"priority", `"low", "medium" or "high"`, `"`, always(func(u *docket.TaskUpdate, v jsontext.Value) { u.Priority = docket.Some(readPriority(v)) })},
	{"due_date", "a string or null", `"n`, setDueDate},
	{"tags", "an array of strings or null", `[n`, setTags},
	{"metadata", "an object or null", `{n`, always(func(u *docket.TaskUpdate, v jsontext.Value) { u.Metadata = docket.Some(readMetadata(v)) })},
}

var completedField = field[docket.TaskUpdate]{
	"completed", "true or false", "tf", always(func(u *docket.TaskUpdate, v jsontext.Value) { u.Completed = docket.Some(v.Kind() == 't') }),
}

// completeFields are the fields of the body that sets whether a task is completed.
var completeFields = []field[docket.TaskUpdate]{completedField}

// readOnly are the names of the fields of a task that a body may carry and that are then
// ignored.
var readOnly = func() (names []string) {
	for field := range reflect.TypeFor[contract.ReadOnlyFields]().Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}()

func unquote(v jsontext.Value) string {
	b, _ := jsontext.AppendUnquote(nil, v) // v was read as a valid string
	return string(b)
}

// elements are those of a valid JSON array. A value is valid until the next one.
func elements(array jsontext.Value) iter.Seq2[int, jsontext.Value] {
	return func(yield func(int, jsontext.Value) bool) {
		d := decoderOf(array)
		defer release(d)
		_, _ = d.ReadToken() // it is valid
		for i := 0; d.PeekKind() != ']'; i++ {
			if v, _ := d.ReadValue(); !yield(i, v) {
				return
			}
		}
	}
}

func unquoteOptional(v jsontext.Value) *string {
	if v.Kind() == 'n' {
		return nil
	}
	s := unquote(v)
	return &s
}

// readPriority returns a priority that Normalize refuses for a name that is none.
func readPriority(v jsontext.Value) docket.Priority {
	p, known := docket.ParsePriority(unquote(v))
	if !known {
		return math.MaxInt8
	}
	return p
}

func setDueDate(u *docket.TaskUpdate, v jsontext.Value) []docket.Fault {
	if v.Kind() == 'n' {
		u.DueDate = docket.Some(docket.DueDate(""))
		return nil
	}
	due, ok := docket.ParseDueDate(unquote(v))
	if !ok {
		return []docket.Fault{docket.BadDueDate()}
	}
	u.DueDate = docket.Some(due)
	return nil
}

// setTags takes a tag of the wrong type as some other text, so that the faults of the
// others are found, at their places.
func setTags(u *docket.TaskUpdate, v jsontext.Value) []docket.Fault {
	var faults []docket.Fault
	var tags []string
	if v.Kind() == '[' {
		for i, element := range elements(v) {
			tag := "?"
			if element.Kind() == '"' {
				tag = unquote(element)
			} else if len(faults) < docket.MaxFaults {
				faults = append(faults, bodyFault(fmt.Sprintf("/tags/%d", i), "wrong_type", "The tag must be a string."))
			}
			tags = append(tags, tag)
		}
	}
	u.Tags = docket.Some(tags)
	return faults
}

// readMetadata returns the object as it was sent, which Normalize checks.
func readMetadata(v jsontext.Value) docket.Metadata {
	if v.Kind() == 'n' {
		return ""
	}
	return docket.Metadata(v)
}

func decodeCreate(in *input, f *faults, data []byte) (err error) {
	in.task, err = readCreate(f, data)
	return err
}

func readCreate(f *faults, data []byte) (docket.NewTask, error) {
	var u docket.TaskUpdate
	if err := readObject(f, data, taskFields, &u, object{required: "title", readOnly: true}); err != nil {
		return docket.NewTask{}, err
	}
	var task docket.NewTask
	u.Apply(&task.Fields)
	f.add(task.Normalize()...)
	return task, nil
}

// decodePut reads a task to create when the request says that there must be none.
func decodePut(in *input, f *faults, data []byte) (err error) {
	if in.creates() {
		in.checkNewID()
		return decodeCreate(in, f, data)
	}
	in.update, err = readUpdate(f, data)
	f.add(in.update.Normalize()...)
	return err
}

// decodePatch reads metadata as a patch of its own (RFC 7396), where the other routes
// replace it.
func decodePatch(in *input, f *faults, data []byte) (err error) {
	u, err := readUpdate(f, data)
	if u.Metadata.Value != "" { // null empties
		u.MetadataPatch, u.Metadata = u.Metadata.Value, docket.Optional[docket.Metadata]{}
	}
	in.update = u
	f.add(in.update.Normalize()...)
	return err
}

// readUpdate reads the fields of an update, which Normalize has to check.
func readUpdate(f *faults, data []byte) (u docket.TaskUpdate, err error) {
	err = readObject(f, data, taskFields, &u, object{readOnly: true})
	return u, err
}

func decodeComplete(in *input, f *faults, data []byte) (err error) {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil
	}
	in.completed, err = readComplete(f, data)
	return err
}

func readComplete(f *faults, data []byte) (docket.Optional[bool], error) {
	var u docket.TaskUpdate
	err := readObject(f, data, completeFields, &u, object{readOnly: true})
	return u.Completed, err
}
