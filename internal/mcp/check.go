package mcp

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"docket"
	"docket/internal/problem"
)

// checker collects everything that is wrong with the arguments of one call.
type checker struct {
	owner  docket.UserID
	faults []string // sentences that say what to send instead
}

func (c *checker) faultf(format string, args ...any) {
	if len(c.faults) < docket.MaxFaults {
		c.faults = append(c.faults, fmt.Sprintf(format, args...))
	}
}

// checkArguments returns the arguments of a call as its tool reads them, or a refusal
// that lists every fault. An array may be in a string, as some clients send them, and
// user_id may be there when it names the caller.
func checkArguments(s *schema, owner docket.UserID, arguments jsontext.Value) (jsontext.Value, error) {
	if len(bytes.TrimSpace(arguments)) == 0 || arguments.Kind() == 'n' {
		arguments = jsontext.Value("{}")
	}
	if !arguments.IsValid() {
		return nil, refuse("The arguments are not valid JSON: a name occurs twice, or a text is not UTF-8. Send one JSON object.")
	}
	c := &checker{owner: owner}
	checked := c.check(s, "", "", arguments)
	if len(c.faults) > 0 {
		return nil, refuse(c.faults...)
	}
	return checked, nil
}

// check checks a valid value against a schema. The value is at path, and name is that
// of the field that it, or the array around it, is in.
func (c *checker) check(s *schema, path, name string, v jsontext.Value) jsontext.Value {
	at := cmp.Or(path, "The value")
	if s.Type == "array" && v.Kind() == '"' {
		if inner := jsontext.Value(strings.TrimSpace(unquote(v))); inner.IsValid() && inner.Kind() == '[' {
			v = inner
		}
	}
	switch {
	case v.Kind() == 'n' && s.clears(name):
		c.faultf(`%s may not be null. Leave it out, or send "" for none.`, at)
	case v.Kind() == 'n':
		c.faultf("%s may not be null. Leave it out, or send %s.", at, s.want())
	case !s.has(v.Kind()):
		c.faultf("%s has the wrong type. Send %s.", at, s.want())
	case s.Type == "object":
		return c.checkObject(s, path, v)
	case s.Type == "array":
		return c.checkArray(s, path, name, v)
	case s.Type == "string":
		c.checkString(s, path, name, unquote(v))
	case s.Type == "integer":
		return c.checkInteger(s, at, v)
	}
	return v
}

func (c *checker) checkInteger(s *schema, at string, v jsontext.Value) jsontext.Value {
	n, err := strconv.ParseFloat(string(v), 64)
	if err != nil || n != float64(int64(n)) || int64(n) < s.Minimum || s.Maximum > 0 && int64(n) > s.Maximum {
		c.faultf("%s is %s. Send %s.", at, shorten(string(v)), s.want())
		return v
	}
	return strconv.AppendInt(nil, int64(n), 10)
}

// clears reports whether an empty text clears a field.
func (s *schema) clears(name string) bool {
	return s.Type == "string" && s.MinLength == 0 && len(s.Enum) == 0 && name != "id"
}

// has reports whether values of this kind have the schema's type.
func (s *schema) has(kind jsontext.Kind) bool {
	return strings.IndexByte(map[string]string{"object": "{", "array": "[", "string": `"`, "integer": "0", "boolean": "tf"}[s.Type], byte(kind)) >= 0
}

// unchanging are the fields of a task that an update sets nothing with.
var unchanging = []string{"id", "if_version"}

func (c *checker) checkObject(s *schema, path string, v jsontext.Value) jsontext.Value {
	missing, out := slices.Clone(s.Required), []byte{'{'}
	prefix := path
	if path != "" {
		prefix += "."
	}
	d := jsontext.NewDecoder(bytes.NewReader(v))
	_, _ = d.ReadToken() // v is valid
	changes := 0
	for d.PeekKind() == '"' {
		token, _ := d.ReadToken()
		name := token.String()
		value, _ := d.ReadValue()
		inner := s.Properties[name]
		switch {
		case inner == nil && name == "user_id":
			c.checkUser(prefix, value)
			continue
		case inner == nil:
			c.unknownField(s, prefix, name)
			continue
		}
		missing = slices.DeleteFunc(missing, func(m string) bool { return m == name })
		if !slices.Contains(unchanging, name) {
			changes++
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(out, strconv.Quote(name)...), ':')
		out = append(out, c.check(inner, prefix+name, name, value)...)
	}
	for _, name := range missing {
		c.faultf("%s%s is missing. Send %s.", prefix, name, s.Properties[name].want())
	}
	if len(missing) == 0 && s.MinProperties > 0 && changes == 0 {
		c.faultf("%s names no field to change. Send at least one of %s.", path, strings.Join(s.names(unchanging...), ", "))
	}
	return append(out, '}')
}

func (c *checker) checkUser(prefix string, v jsontext.Value) {
	if v.Kind() != '"' || unquote(v) != string(c.owner) {
		c.faultf("%suser_id is not the user that this connection acts for. Leave it out.", prefix)
	}
}

func (c *checker) unknownField(s *schema, prefix, name string) {
	if len(c.faults) == docket.MaxFaults { // what is meant takes long to find
		return
	}
	known := s.names()
	if near := problem.Nearest(name, known); near != "" {
		c.faultf("%s%s is not a field. Did you mean %q?", prefix, printable(shorten(name)), near)
		return
	}
	c.faultf("%s%s is not a field. The fields are %s.", prefix, printable(shorten(name)), strings.Join(known, ", "))
}

// names returns the names of the properties, without some.
func (s *schema) names(but ...string) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(s.Properties)), func(name string) bool { return slices.Contains(but, name) })
}

func (c *checker) checkArray(s *schema, path, name string, v jsontext.Value) jsontext.Value {
	out, n := []byte{'['}, 0
	d := jsontext.NewDecoder(bytes.NewReader(v))
	_, _ = d.ReadToken() // v is valid
	seen := map[string]int{}
	for ; d.PeekKind() != ']'; n++ {
		element, _ := d.ReadValue()
		if n >= s.MaxItems {
			continue
		}
		place := fmt.Sprintf("%s[%d]", path, n)
		if first, twice := seen[string(element)]; twice && s.UniqueItems {
			c.faultf("%s is the same as %s[%d]. Send each once.", place, path, first)
		} else if seen[string(element)] = n; n > 0 {
			out = append(out, ',')
		}
		out = append(out, c.check(s.Items, place, name, element)...)
	}
	if n < s.MinItems || n > s.MaxItems {
		c.faultf("%s has %d elements. Send %d to %d.", path, n, s.MinItems, s.MaxItems)
	}
	return append(out, ']')
}

func (c *checker) checkString(s *schema, path, name, text string) {
	length := utf8.RuneCountInString(text)
	switch {
	case strings.ContainsRune(text, 0):
		c.faultf(`%s holds a NUL character (\u0000). Remove it.`, path)
	case len(s.Enum) > 0 && !slices.Contains(s.Enum, text):
		c.faultf("%s is %q. Send %s.", path, shorten(text), s.want())
	case s.MaxLength > 0 && (length < s.MinLength || length > s.MaxLength):
		c.faultf("%s has %d characters. Send %s.", path, length, s.want())
	case s.MinLength > 0 && strings.TrimSpace(text) == "":
		c.faultf("%s has only white space. Send %s, or leave it out.", path, s.want())
	default:
		if rule := rules[name]; rule != nil {
			rule(c, path, text)
		}
	}
}

// rules are what the texts of some fields keep to and no schema says without a format.
var rules = map[string]func(c *checker, path, text string){
	"id": checkID, "ids": checkID,
	"due_date": checkDate, "due_before": checkDate, "due_after": checkDate,
	"key": func(c *checker, path, text string) {
		if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
			c.faultf("%s may hold ASCII letters, digits and punctuation, and no spaces. Send such a text.", path)
		}
	},
}

func checkID(c *checker, path, text string) {
	if _, err := docket.ParseTaskID(text); err != nil {
		c.faultf("%s is %q, which is no task's id. Call list_tasks to see the ids.", path, shorten(text))
	}
}

func checkDate(c *checker, path, text string) {
	if _, ok := docket.ParseDueDate(text); !ok && text != "" {
		c.faultf("%s is %q. Send a day that exists, such as 2026-12-01, that day and a time, such as 2026-12-01T09:00:00, or an instant, such as 2026-12-01T09:00:00Z.", path, shorten(text))
	}
}

// unquote returns the text of a valid JSON string.
func unquote(v jsontext.Value) string {
	b, _ := jsontext.AppendUnquote(nil, v)
	return string(b)
}

// shorten bounds a text of the agent's that an answer repeats.
func shorten(text string) string {
	const most = 64
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most]) + "…"
}

// printable returns a name as one line.
func printable(name string) string { return strings.Trim(strconv.Quote(name), `"`) }
