package docket

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Bounds of metadata.
const (
	MaxMetadata      = 4096            // bytes in compact form
	MaxMetadataPatch = 4 * MaxMetadata // and of a patch: to remove a member takes more than the member has
	MaxMetadataDepth = 8               // objects and arrays within each other, the whole included
)

// Metadata is a JSON object in compact form, for fields of the application's own. ""
// is the empty object. Its members are in the order and its numbers as the client
// wrote them.
type Metadata string

// JSON returns the object.
func (m Metadata) JSON() string {
	if m == "" {
		return "{}"
	}
	return string(m)
}

// NewMetadata returns the metadata of a valid JSON object, or its faults.
func NewMetadata(object []byte) (Metadata, []Fault) {
	m := Metadata(object)
	faults := normalizeMetadata(&m)
	return m, faults
}

// normalizeMetadata brings a valid JSON object into compact form.
func normalizeMetadata(m *Metadata) []Fault { return normalizeObject(m, "metadata", MaxMetadata) }

// normalizePatch is normalizeMetadata for a patch.
func normalizePatch(m *Metadata) []Fault {
	return normalizeObject(m, "patch of the metadata", MaxMetadataPatch)
}

func normalizeObject(m *Metadata, name string, most int) []Fault {
	if *m == "" {
		return nil
	}
	fault := func(code, format string, args ...any) []Fault {
		return []Fault{bodyFault("/metadata", code, fmt.Sprintf(format, args...))}
	}
	value := jsontext.Value(*m)
	if err := value.Compact(); err != nil || value.Kind() != '{' {
		return fault("wrong_type", "The metadata must be a JSON object.")
	}
	*m = Metadata(value)
	if *m == "{}" {
		*m = ""
	}
	if n := len(*m); n > most {
		return fault("too_long", "The %s has %d bytes in compact form. Shorten it to at most %d.", name, n, most)
	}
	switch depth, nul := survey(value); {
	case depth > MaxMetadataDepth:
		return fault("too_deep", "The metadata is nested %d deep. Nest it at most %d deep.", depth, MaxMetadataDepth)
	case nul:
		return fault("nul_character", "The metadata holds a NUL character (\\u0000). Remove it.")
	}
	return nil
}

// survey returns how deep a valid value is nested, and whether a text in it holds a
// NUL character.
func survey(value jsontext.Value) (depth int, nul bool) {
	for d := jsontext.NewDecoder(bytes.NewReader(value)); ; {
		token, err := d.ReadToken()
		if err != nil {
			return depth, nul
		}
		depth = max(depth, d.StackDepth())
		nul = nul || token.Kind() == '"' && strings.ContainsRune(token.String(), 0)
	}
}

// Merge returns m with a JSON merge patch applied (RFC 7396), or the faults of the
// result.
func (m Metadata) Merge(patch Metadata) (Metadata, []Fault) {
	merged := Metadata(merge(jsontext.Value(m.JSON()), jsontext.Value(patch.JSON())))
	faults := normalizeMetadata(&merged)
	return merged, faults
}

// merge applies a patch to a valid value. What it keeps stays in its place, and what
// it adds comes last.
func merge(target, patch jsontext.Value) jsontext.Value {
	if patch.Kind() != '{' {
		return patch
	}
	list := members(target)
	at := make(map[string]int, len(list))
	for i, m := range list {
		at[m.name] = i
	}
	for _, change := range members(patch) {
		i, known := at[change.name]
		switch {
		case change.value.Kind() == 'n' && known:
			list[i].value = nil
		case change.value.Kind() == 'n':
		case known:
			list[i].value = merge(list[i].value, change.value)
		default:
			list = append(list, member{change.name, change.text, merge(nil, change.value)})
		}
	}
	out := []byte{'{'}
	for _, m := range list {
		if m.value == nil { // removed
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(append(out, m.text...), ':'), m.value...)
	}
	return append(out, '}')
}

// member is one member of a JSON object.
type member struct {
	name  string
	text  jsontext.Value // the name as it was written
	value jsontext.Value
}

// members returns those of a valid object, and none of another value.
func members(object jsontext.Value) (list []member) {
	if object.Kind() != '{' {
		return nil
	}
	d := jsontext.NewDecoder(bytes.NewReader(object))
	_, _ = d.ReadToken()
	for d.PeekKind() == '"' {
		text, _ := d.ReadValue() // valid, as the caller says
		text = text.Clone()
		name, _ := jsontext.AppendUnquote(nil, text)
		value, _ := d.ReadValue()
		list = append(list, member{string(name), text, value.Clone()})
	}
	return list
}
