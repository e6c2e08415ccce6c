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
	texts   = reflect.TypeFor[[]string]()
)

func reflectTag(s string) reflect.StructTag { return reflect.StructTag(s) }

// parseQuery reads the query string, and returns a fault for each parameter that is
// given more often than it may be. One that is not known is ignored or, where input is
// strict, a fault. The error is malformed when the string cannot be decoded.
func (in *input) parseQuery(raw string, known []param) (faults []docket.Fault, err error) {
	if in.query, err = url.ParseQuery(raw); err != nil {
		return nil, errMalformedQuery
	}
	for _, name := range slices.Sorted(maps.Keys(in.query)) {
		if !utf8.ValidString(name) || slices.ContainsFunc(in.query[name], func(v string) bool { return !utf8.ValidString(v) }) {
			return nil, errMalformedQuery
		}
		i := slices.IndexFunc(known, func(p param) bool { return p.name == name })
		switch n := len(in.query[name]); {
		case i < 0 && in.strict:
			faults = append(faults, unknownParameter(name, known))
		case i < 0:
			in.ignored = ignore(in.ignored, "?"+name)
		case n > 1 && !known[i].repeats:
			faults = append(faults, queryFault(name, "repeated", fmt.Sprintf("The parameter %s is given %d times. Give it once.", name, n)))
		}
	}
	return faults, nil
}

func unknownParameter(name string, known []param) docket.Fault {
	var names, first []string // first: without second names
	for _, p := range known {
		names = append(names, p.name)
		if !p.deprecated {
			first = append(first, p.name)
		}
	}
	detail := fmt.Sprintf("There is no query parameter %q here.", shorten(name))
	if near := problem.Nearest(name, names); near != "" {
		detail += fmt.Sprintf(" Did you mean %q?", near)
	} else if len(known) > 0 {
		detail += " The parameters are " + strings.Join(first, ", ") + "."
	}
	return queryFault(name, "unknown_parameter", detail)
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

// readNumber returns the value of a parameter that is a whole number from least to most.
func readNumber(in *input, name, value string, least, most int) int {
	n, err := strconv.Atoi(value)
	if err != nil || n < least || n > most || value != strconv.Itoa(n) {
		in.fault(queryFault(name, "out_of_range", fmt.Sprintf("The parameter %s must be a whole number from %d to %d.", name, least, most)))
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
