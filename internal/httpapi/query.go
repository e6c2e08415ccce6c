package httpapi

import (
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"docket"
	"docket/internal/problem"
)

// The shapes of parameters.
var (
	text    = reflect.TypeFor[string]()
	boolean = reflect.TypeFor[bool]()
	number  = reflect.TypeFor[int32]()
)

func reflectTag(s string) reflect.StructTag { return reflect.StructTag(s) }

// parseQuery returns the parameters of the query string, and a fault for each
// that is not among known or is given more than once. The error is malformed
// when the string cannot be decoded.
func parseQuery(raw string, known ...string) (url.Values, []docket.Fault, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, nil, errMalformedQuery
	}
	var faults []docket.Fault
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !utf8.ValidString(name) || slices.ContainsFunc(values[name], func(v string) bool { return !utf8.ValidString(v) }) {
			return nil, nil, errMalformedQuery
		}
		switch n := len(values[name]); {
		case !slices.Contains(known, name):
			detail := fmt.Sprintf("There is no query parameter %q here.", shorten(name))
			if near := nearest(name, known); near != "" {
				detail += fmt.Sprintf(" Did you mean %q?", near)
			} else if len(known) > 0 {
				detail += " The parameters are " + strings.Join(known, ", ") + "."
			}
			faults = append(faults, queryFault(name, "unknown_parameter", detail))
		case n > 1:
			faults = append(faults, queryFault(name, "repeated", fmt.Sprintf("The parameter %s is given %d times. Give it once.", name, n)))
		}
	}
	return values, faults, nil
}

var errMalformedQuery = &docket.Error{Kind: problem.Malformed, Detail: "The query string cannot be decoded. Percent-encode it, as UTF-8, with & between parameters."}

func queryFault(name, code, detail string) docket.Fault {
	return docket.Fault{In: docket.InParameter, Name: printable(shorten(name)), Code: code, Detail: detail}
}

// printable replaces the control characters of a name from the client.
func printable(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return unicode.ReplacementChar
		}
		return r
	}, name)
}

// readLimit returns the value of the parameter limit, which is from 1 to most.
func readLimit(in *input, value string, most int) int {
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > most || value != strconv.Itoa(n) {
		in.fault(queryFault("limit", "out_of_range", fmt.Sprintf("The limit must be a whole number from 1 to %d.", most)))
	}
	return n
}

// readBool returns the value of a parameter that is true or false.
func readBool(in *input, name, value string) bool {
	if value != "true" && value != "false" {
		in.fault(queryFault(name, "wrong_type", "The parameter "+name+" must be true or false."))
	}
	return value == "true"
}
