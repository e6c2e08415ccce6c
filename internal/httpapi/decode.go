package httpapi

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
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
	// set takes in a value of one of these kinds, and returns its faults.
	set func(to *T, v jsontext.Value) []docket.Fault
}

// always is a set that takes every value of its kinds.
func always[T any](set func(to *T, v jsontext.Value)) func(*T, jsontext.Value) []docket.Fault {
	return func(to *T, v jsontext.Value) []docket.Fault {
		set(to, v)
		return nil
	}
}

// faults are the faults of a body, one for each place: the bounds of a title
// say nothing when the title, or the whole body, had the wrong type.
type faults struct {
	strict  bool // an unknown name is a fault, not ignored
	list    []docket.Fault
	places  map[string]bool
	ignored []string // names that were ignored, as Docket-Ignored has them
}

// add keeps the faults whose place has none yet, up to docket.MaxFaults.
func (f *faults) add(list ...docket.Fault) {
	if f.places[""] {
		return
	}
	before := len(f.list)
	for _, fault := range list {
		if !f.places[fault.Name] && len(f.list) < docket.MaxFaults {
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

// within adds what was found in a part of the body.
func (f *faults) within(pointer string, part faults) {
	for _, fault := range part.list {
		fault.Name = pointer + fault.Name
		f.add(fault)
	}
	for _, name := range part.ignored {
		f.ignored = ignore(f.ignored, pointer+name)
	}
}

// object is what a JSON object may or must have besides its fields.
type object struct {
	required string // a field that must be there; "": none
	readOnly bool   // the read-only fields of a task are ignored
}

// readObject decodes a JSON object into to. Duplicate names, invalid UTF-8, lone
// surrogates and trailing data are Malformed. Names count in their exact case; one that
// is no field is ignored or, where input is strict, a fault. It finds all faults, not
// only the first.
func readObject[T any](f *faults, data []byte, fields []field[T], to *T, o object) error {
	d := decoderOf(data)
	defer release(d)
	found, near := o.required == "", ""
	isObject, err := eachMember(d, func(key string, value jsontext.Value) {
		found = found || key == o.required
		i := slices.IndexFunc(fields, func(f field[T]) bool { return f.name == key })
		switch {
		case i >= 0:
			f.add(fields[i].read(to, value, key == o.required)...)
		case o.readOnly && slices.Contains(readOnly, key):
		case !f.strict:
			if problem.Nearest(key, []string{o.required}) != "" {
				near = fmt.Sprintf(" The body has %q, which was ignored.", shorten(key))
			}
			f.ignored = ignore(f.ignored, "/"+pointerEscape(key))
		case len(f.list) < docket.MaxFaults:
			f.add(unknownField(key, fields))
		}
	})
	if err != nil {
		return malformedBody(data, err)
	}
	if err := atEnd(d); err != nil {
		return err
	}
	switch {
	case !isObject:
		f.add(bodyFault("", "wrong_type", "The body must be a JSON object."))
	case !found:
		i := slices.IndexFunc(fields, func(f field[T]) bool { return f.name == o.required })
		f.add(bodyFault("/"+o.required, "required", fmt.Sprintf("The field %s is missing. Add %q, %s.%s", o.required, o.required, fields[i].want, near)))
	}
	return nil
}

// decoders have no text. Most of what a new one costs is the memory for its checks of
// names.
var decoders = sync.Pool{New: func() any { return new(jsontext.Decoder) }}

// decoderOf returns a decoder of data, until release.
func decoderOf(data []byte) *jsontext.Decoder {
	d, ok := decoders.Get().(*jsontext.Decoder)
	if !ok {
		d = new(jsontext.Decoder)
	}
	d.Reset(bytes.NewBuffer(data))
	return d
}

func release(d *jsontext.Decoder) {
	d.Reset(new(bytes.Buffer))
	decoders.Put(d)
}

// eachMember calls visit for each member of the JSON object that d is at, and
// reports whether it is an object. The error is the decoder's.
func eachMember(d *jsontext.Decoder, visit func(name string, value jsontext.Value)) (isObject bool, err error) {
	if d.PeekKind() != '{' {
		if _, err := d.ReadValue(); err != nil {
			return false, err
		}
		return false, nil
	}
	if _, err := d.ReadToken(); err != nil {
		return true, err
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return true, err
		}
		key := name.String()
		value, err := d.ReadValue()
		if err != nil {
			return true, err
		}
		visit(key, value)
	}
	if _, err := d.ReadToken(); err != nil {
		return true, err
	}
	return true, nil
}

// read sets the field to v, or returns why it cannot.
func (f field[T]) read(to *T, v jsontext.Value, required bool) []docket.Fault {
	switch {
	case strings.IndexByte(f.kinds, byte(v.Kind())) >= 0:
		return f.set(to, v)
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
	if near := problem.Nearest(key, known); near != "" {
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
