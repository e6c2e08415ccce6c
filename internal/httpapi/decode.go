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
)

// body is the part that all request bodies share: what was wrong with it.
// Either the text is no JSON that we accept (err), or it has faults, or both
// are zero and the fields hold what the client sent.
type body struct {
	err    error
	faults []docket.Fault
	places map[string]bool // of faults
	whole  bool            // a client may send a whole task: names that are read-only are ignored
}

// decoder is a body that reads itself, keeping its faults for the resolver.
type decoder interface{ decode(data []byte) }

// unmarshal is the huma.Format of request bodies.
func unmarshal(data []byte, v any) error {
	switch v := v.(type) {
	case decoder:
		v.decode(data)
	case **TaskComplete:
		*v = &TaskComplete{}
		(*v).decode(data)
	default:
		return fmt.Errorf("httpapi: no decoder for %T", v)
	}
	return nil
}

// add keeps the faults, but for those in places that have one already: the
// bounds of a title say nothing when the title, or the whole body, was of the
// wrong type.
func (b *body) add(faults ...docket.Fault) {
	if b.err != nil || b.places[""] || len(b.faults) >= docket.MaxFaults {
		return
	}
	before := len(b.faults)
	for _, f := range faults {
		if !b.places[f.Name] {
			b.faults = append(b.faults, f)
		}
	}
	for _, f := range b.faults[before:] {
		if b.places == nil {
			b.places = map[string]bool{}
		}
		b.places[f.Name] = true
	}
}

// with returns the body with faults of other parts of the request before its own.
func (b body) with(faults ...docket.Fault) body {
	b.faults = append(faults, b.faults...)
	return b
}

// field is a member of a body object.
type field struct {
	name     string
	want     string // "a string"
	required bool
	nullable bool
	kind     []jsontext.Kind
	set      func(jsontext.Value)
}

func stringField(name string, to *string) field {
	return field{name: name, want: "a string", kind: []jsontext.Kind{'"'}, set: func(v jsontext.Value) { *to = text(v) }}
}

func nullableField(name string, to **string) field {
	return field{name: name, want: "a string or null", nullable: true, kind: []jsontext.Kind{'"', 'n'}, set: func(v jsontext.Value) {
		*to = nil
		if v.Kind() == '"' {
			s := text(v)
			*to = &s
		}
	}}
}

func boolField(name string, to *bool) field {
	return field{name: name, want: "true or false", kind: []jsontext.Kind{'t', 'f'}, set: func(v jsontext.Value) { *to = v.Kind() == 't' }}
}

// marking makes f note in set that it was given.
func (f field) marking(set *bool) field {
	keep := f.set
	f.set = func(v jsontext.Value) {
		keep(v)
		*set = true
	}
	return f
}

func text(v jsontext.Value) string {
	b, _ := jsontext.AppendUnquote(nil, v) // v was read as a valid string
	return string(b)
}

// read decodes a JSON object into fields. It is strict: duplicate names,
// invalid UTF-8, lone surrogates and trailing data are malformed, names count
// in their exact case, and a name that is neither a field nor read-only is a
// fault. All faults are found, not only the first.
func (b *body) read(data []byte, fields []field) {
	d := jsontext.NewDecoder(bytes.NewBuffer(data))
	if d.PeekKind() != '{' {
		if _, err := d.ReadValue(); err != nil {
			b.err = malformedBody(err)
		} else if b.err = atEnd(d); b.err == nil {
			b.add(bodyFault("", "wrong_type", "The body must be a JSON object."))
		}
		return
	}
	seen := make([]bool, len(fields))
	if _, err := d.ReadToken(); err != nil {
		b.err = malformedBody(err)
		return
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			b.err = malformedBody(err)
			return
		}
		key := name.String()
		value, err := d.ReadValue()
		if err != nil {
			b.err = malformedBody(err)
			return
		}
		if i := slices.IndexFunc(fields, func(f field) bool { return f.name == key }); i >= 0 {
			seen[i] = true
			b.add(fields[i].read(value)...)
		} else {
			b.refuse(key, fields)
		}
	}
	if _, err := d.ReadToken(); err != nil {
		b.err = malformedBody(err)
		return
	}
	if b.err = atEnd(d); b.err != nil {
		return
	}
	for i, f := range fields {
		if f.required && !seen[i] {
			b.add(bodyFault("/"+f.name, "required", fmt.Sprintf("The field %s is missing. Add %q, %s.", f.name, f.name, f.want)))
		}
	}
}

// refuse adds a fault for a name that is not among fields, unless it is read-only.
func (b *body) refuse(key string, fields []field) {
	ignored := b.whole && slices.Contains(readOnly, key)
	if !ignored && len(b.faults) < docket.MaxFaults {
		b.add(unknownField(key, fields))
	}
}

// read sets the field to v, or returns why it cannot.
func (f field) read(v jsontext.Value) []docket.Fault {
	switch {
	case slices.Contains(f.kind, v.Kind()):
		f.set(v)
		return nil
	case v.Kind() == 'n' && f.required:
		return []docket.Fault{bodyFault("/"+f.name, "null", fmt.Sprintf("The field %s may not be null. Give %s.", f.name, f.want))}
	case v.Kind() == 'n':
		return []docket.Fault{bodyFault("/"+f.name, "null", fmt.Sprintf("The field %s may not be null. Give %s, or leave it out.", f.name, f.want))}
	default:
		return []docket.Fault{bodyFault("/"+f.name, "wrong_type", fmt.Sprintf("The field %s must be %s.", f.name, f.want))}
	}
}

func unknownField(key string, fields []field) docket.Fault {
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
	return &docket.Error{Kind: malformed, Detail: "The body holds more than one JSON value. Send one object and nothing after it."}
}

var errEmptyBody = &docket.Error{Kind: malformed, Detail: "The request body is empty. Send a JSON object."}

// malformedBody says, without repeating the body, why it is no JSON.
func malformedBody(err error) error {
	if errors.Is(err, io.EOF) { // nothing but white space
		return errEmptyBody
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
	return &docket.Error{Kind: malformed, Detail: detail, Err: err}
}

// nearest returns the known name that name was probably meant to be, or "".
func nearest(name string, known []string) string {
	plain := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r == '_' || r == '-' || r == ' ' {
				return -1
			}
			return r
		}, strings.ToLower(s))
	}
	if len(name) > 64 {
		return ""
	}
	for _, k := range known {
		a, b := plain(name), plain(k)
		if len(b) > 3 && strings.Contains(a, b) || distance(a, b) <= min(2, len(b)/2) {
			return k
		}
	}
	return ""
}

// distance is the number of single-character edits between a and b (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next := min(row[j]+1, row[j+1]+1, diagonal+cost)
			diagonal, row[j+1] = row[j+1], next
		}
	}
	return row[len(b)]
}
