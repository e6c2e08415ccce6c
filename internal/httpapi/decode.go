package httpapi

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"docket"
	"docket/internal/problem"
)

// field is a member of a JSON object that is read into a T.
type field[T any] struct {
	name  string
	want  string // "a string"
	kinds string // of JSON values that it may have, as jsontext.Kind writes them
	set   func(to *T, v jsontext.Value)
}

// taskFields are the fields that a client may set of a task.
var taskFields = []field[docket.TaskUpdate]{
	{"title", "a string", `"`, func(u *docket.TaskUpdate, v jsontext.Value) { u.Title = docket.Some(unquote(v)) }},
	{"description", "a string or null", `"n`, func(u *docket.TaskUpdate, v jsontext.Value) { u.Description = docket.Some(unquoteOptional(v)) }},
	{"completed", "true or false", "tf", func(u *docket.TaskUpdate, v jsontext.Value) { u.Completed = docket.Some(v.Kind() == 't') }},
}

// completeFields are the fields of the body that sets whether a task is completed.
var completeFields = []field[docket.TaskUpdate]{taskFields[2]}

func unquote(v jsontext.Value) string {
	b, _ := jsontext.AppendUnquote(nil, v) // v was read as a valid string
	return string(b)
}

func unquoteOptional(v jsontext.Value) *string {
	if v.Kind() == 'n' {
		return nil
	}
	s := unquote(v)
	return &s
}

func decodeCreate(in *input, data []byte) (_ []docket.Fault, err error) {
	var f faults
	in.task, err = readCreate(&f, data)
	return f.list, err
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

func decodeUpdate(in *input, data []byte) (_ []docket.Fault, err error) {
	var f faults
	in.update, err = readUpdate(&f, data)
	return f.list, err
}

func readUpdate(f *faults, data []byte) (u docket.TaskUpdate, err error) {
	if err := readObject(f, data, taskFields, &u, object{readOnly: true}); err != nil {
		return u, err
	}
	f.add(u.Normalize()...)
	return u, nil
}

func decodeComplete(in *input, data []byte) (_ []docket.Fault, err error) {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, nil
	}
	var f faults
	in.completed, err = readComplete(&f, data)
	return f.list, err
}

func readComplete(f *faults, data []byte) (docket.Optional[bool], error) {
	var u docket.TaskUpdate
	err := readObject(f, data, completeFields, &u, object{readOnly: true})
	return u.Completed, err
}

// faults are the faults of a body, one for each place: the bounds of a title
// say nothing when the title, or the whole body, had the wrong type.
type faults struct {
	list   []docket.Fault
	places map[string]bool
}

// add keeps the faults whose place has none yet, up to docket.MaxFaults.
func (f *faults) add(list ...docket.Fault) {
	if f.places[""] || len(f.list) >= docket.MaxFaults {
		return
	}
	before := len(f.list)
	for _, fault := range list {
		if !f.places[fault.Name] {
			f.list = append(f.list, fault)
		}
	}
	for _, fault := range f.list[before:] {
		if f.places == nil {
			f.places = map[string]bool{}
		}
		f.places[fault.Name] = true
	}
}

// object is what a JSON object may or must have besides its fields.
type object struct {
	required string // a field that must be there; "": none
	readOnly bool   // the read-only fields of a task are ignored
}

// readObject decodes a JSON object into to. It is strict: duplicate names,
// invalid UTF-8, lone surrogates and trailing data are Malformed, names count in
// their exact case, and a name that is neither a field nor ignored is a fault. It
// finds all faults, not only the first.
func readObject[T any](f *faults, data []byte, fields []field[T], to *T, o object) error {
	d := jsontext.NewDecoder(bytes.NewBuffer(data))
	found := o.required == ""
	isObject, err := eachMember(d, func(key string, value jsontext.Value) {
		found = found || key == o.required
		if i := slices.IndexFunc(fields, func(f field[T]) bool { return f.name == key }); i >= 0 {
			f.add(fields[i].read(to, value, key == o.required)...)
		} else if ignored := o.readOnly && slices.Contains(readOnly, key); !ignored && len(f.list) < docket.MaxFaults {
			f.add(unknownField(key, fields))
		}
	})
	if err == nil {
		err = atEnd(d)
	}
	switch {
	case err != nil:
		return err
	case !isObject:
		f.add(bodyFault("", "wrong_type", "The body must be a JSON object."))
	case !found:
		i := slices.IndexFunc(fields, func(f field[T]) bool { return f.name == o.required })
		f.add(bodyFault("/"+o.required, "required", fmt.Sprintf("The field %s is missing. Add %q, %s.", o.required, o.required, fields[i].want)))
	}
	return nil
}

// eachMember calls visit for each member of the JSON object that d is at, and
// reports whether it is an object. The error is of kind Malformed.
func eachMember(d *jsontext.Decoder, visit func(name string, value jsontext.Value)) (isObject bool, err error) {
	if d.PeekKind() != '{' {
		if _, err := d.ReadValue(); err != nil {
			return false, malformedBody(err)
		}
		return false, nil
	}
	if _, err := d.ReadToken(); err != nil {
		return true, malformedBody(err)
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return true, malformedBody(err)
		}
		key := name.String()
		value, err := d.ReadValue()
		if err != nil {
			return true, malformedBody(err)
		}
		visit(key, value)
	}
	if _, err := d.ReadToken(); err != nil {
		return true, malformedBody(err)
	}
	return true, nil
}

// read sets the field to v, or returns why it cannot.
func (f field[T]) read(to *T, v jsontext.Value, required bool) []docket.Fault {
	switch {
	case strings.IndexByte(f.kinds, byte(v.Kind())) >= 0:
		f.set(to, v)
		return nil
	case v.Kind() == 'n' && required:
		return []docket.Fault{bodyFault("/"+f.name, "null", fmt.Sprintf("The field %s may not be null. Give %s.", f.name, f.want))}
	case v.Kind() == 'n':
		return []docket.Fault{bodyFault("/"+f.name, "null", fmt.Sprintf("The field %s may not be null. Give %s, or leave it out.", f.name, f.want))}
	default:
		return []docket.Fault{bodyFault("/"+f.name, "wrong_type", fmt.Sprintf("The field %s must be %s.", f.name, f.want))}
	}
}

func unknownField[T any](key string, fields []field[T]) docket.Fault {
	detail := fmt.Sprintf("There is no field %q.", shorten(key))
	known := make([]string, len(fields))
	for i, f := range fields {
		known[i] = f.name
	}
	if near := nearest(key, known); near != "" {
		detail += fmt.Sprintf(" Did you mean %q?", near)
	} else {
		detail += fmt.Sprintf(" The fields are %s.", strings.Join(known, ", "))
	}
	return bodyFault("/"+pointerEscape(shorten(key)), "unknown_field", detail)
}

func bodyFault(pointer, code, detail string) docket.Fault {
	return docket.Fault{In: docket.InBody, Name: pointer, Code: code, Detail: detail}
}

// pointerEscape writes a reference token of a JSON pointer (RFC 6901, section 3).
func pointerEscape(s string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(s) }

// shorten bounds a name that the client chose and that an answer repeats.
func shorten(name string) string {
	const most = 64
	if utf8.RuneCountInString(name) <= most {
		return name
	}
	return string([]rune(name)[:most]) + "…"
}

func atEnd(d *jsontext.Decoder) error {
	_, err := d.ReadToken()
	if errors.Is(err, io.EOF) {
		return nil
	}
	return &docket.Error{Kind: problem.Malformed, Detail: "The body holds more than one JSON value. Send one object and nothing after it."}
}

// malformedBody says, without repeating the body, why it is no JSON.
func malformedBody(err error) error {
	if errors.Is(err, io.EOF) { // nothing but white space
		return problem.ErrEmptyBody
	}
	detail := "The body is not valid JSON."
	switch e, ok := errors.AsType[*jsontext.SyntacticError](err); {
	case errors.Is(err, jsontext.ErrDuplicateName):
		detail = "A name appears twice in one JSON object of the body. Send it once."
		if ok {
			detail = fmt.Sprintf("The name at %q appears twice in the body. Send it once.", shorten(string(e.JSONPointer)))
		}
	case errors.Is(err, io.ErrUnexpectedEOF):
		detail = "The body ends in the middle of a JSON value."
	case ok:
		detail = fmt.Sprintf("The body is not valid JSON: the fault is at byte %d.", e.ByteOffset)
	}
	return &docket.Error{Kind: problem.Malformed, Detail: detail, Err: err}
}
