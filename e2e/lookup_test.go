package e2e

import (
	"fmt"
	"regexp"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var pathStep = regexp.MustCompile(`^(?:\.?\[(\d*)\]|\.([A-Za-z_][A-Za-z0-9_]*))`)

// lookUp returns the value at path in decoded JSON. .a.b[0] is one value; after []
// the rest of the path applies to each element of an array. ok reports whether the
// value exists. The error says that path is not a path.
func lookUp(v any, path string) (value any, ok bool, err error) {
	if path == "" || path == "." {
		return v, true, nil
	}
	step := pathStep.FindStringSubmatch(path)
	if step == nil {
		return nil, false, fmt.Errorf("%q is no path, such as .errors[0].pointer", path)
	}
	rest := path[len(step[0]):]
	if step[2] != "" {
		object, _ := v.(map[string]any)
		if v, ok = object[step[2]]; !ok {
			return nil, false, nil
		}
		return lookUp(v, rest)
	}
	array, ok := v.([]any)
	if !ok {
		return nil, false, nil
	}
	if step[1] == "" {
		return lookUpEach(array, rest)
	}
	i, err := strconv.Atoi(step[1])
	if err != nil || i >= len(array) {
		return nil, false, err
	}
	return lookUp(array[i], rest)
}

// lookUpEach returns the values at path of all elements that have one.
func lookUpEach(array []any, path string) (any, bool, error) {
	all := []any{}
	for _, element := range array {
		value, ok, err := lookUp(element, path)
		if err != nil {
			return nil, false, err
		}
		if ok {
			all = append(all, value)
		}
	}
	return all, true, nil
}

func TestLookUp(t *testing.T) {
	body := map[string]any{"errors": []any{map[string]any{"pointer": "/a"}, map[string]any{"pointer": "/b"}}}
	for path, want := range map[string]any{
		".":                    body,
		".errors[1].pointer":   "/b",
		".errors[].pointer":    []any{"/a", "/b"},
		".errors[2].pointer":   nil,
		".errors.pointer":      nil,
		".title":               nil,
		".errors[].no_such":    []any{},
		".errors[0].pointer.x": nil,
	} {
		got, ok, err := lookUp(body, path)
		if err != nil || ok != (want != nil) || !cmp.Equal(want, got) {
			t.Errorf("%s is %v (%t, %v), not %v", path, got, ok, err, want)
		}
	}
	if _, _, err := lookUp(body, "errors"); err == nil {
		t.Error("a path without a dot is accepted")
	}
}
