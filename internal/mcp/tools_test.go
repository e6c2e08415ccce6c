package mcp_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"docket"
)

// listed returns the tools that a list holds.
func listed(t *testing.T, a answer) []struct {
	Name        string
	InputSchema map[string]any
} {
	t.Helper()
	var got struct {
		Result struct {
			Tools []struct {
				Name        string
				InputSchema map[string]any
			}
			TTLMs      int
			CacheScope string
		}
	}
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || got.Result.CacheScope != "private" || got.Result.TTLMs == 0 {
		t.Fatalf("%s (%v)", a.body, err)
	}
	return got.Result.Tools
}

func TestTheListIsTheSameAlways(t *testing.T) {
	t.Parallel()
	first, second := serve(t, options{}), serve(t, options{})
	want := first.send(200, aliceTools, listTools).body
	for range 100 {
		if got := first.send(200, aliceTools, listTools).body; got != want {
			t.Fatalf("the list was\n%s\nand is\n%s", want, got)
		}
	}
	if got := second.send(200, "/api/bob/mcp", listTools).body; got != want {
		t.Fatalf("another instance lists\n%s\nnot\n%s", got, want)
	}
	names := []string{}
	for _, tool := range listed(t, first.send(200, aliceTools, listTools)) {
		names = append(names, tool.Name)
		checkKeywords(t, tool.Name, tool.InputSchema)
	}
	if want := []string{"add_tasks", "delete_tasks", "list_tasks", "restore_tasks", "update_tasks"}; !slices.Equal(names, want) {
		t.Errorf("the tools are %q", names)
	}
}

// checkKeywords refuses what clients truncate: unions of types and formats.
func checkKeywords(t *testing.T, path string, schema map[string]any) {
	for name, value := range schema {
		if slices.Contains([]string{"anyOf", "oneOf", "allOf", "format", "$ref"}, name) {
			t.Errorf("%s has the keyword %s", path, name)
		}
		if _, text := value.(string); name == "type" && !text {
			t.Errorf("%s has the types %v", path, value)
		}
		if inner, ok := value.(map[string]any); ok {
			checkKeywords(t, path+"/"+name, inner)
		}
	}
}

// TestSchemasHoldWhatIsChecked sends for each keyword of each schema arguments that
// violate it alone.
func TestSchemasHoldWhatIsChecked(t *testing.T) {
	t.Parallel()
	s := serve(t, options{})
	id := s.add("there")[0]
	valid := map[string]map[string]any{
		"add_tasks":     {"tasks": []any{map[string]any{"title": "x"}}},
		"delete_tasks":  {"ids": []any{id}},
		"restore_tasks": {"ids": []any{id}},
		"list_tasks":    {},
		"update_tasks":  {"tasks": []any{map[string]any{"id": id, "completed": true}}},
	}
	violations := 0
	for _, tool := range listed(t, s.send(200, aliceTools, listTools)) {
		eachViolation(tool.InputSchema, valid[tool.Name], func(place string, arguments any) {
			violations++
			r := s.call(tool.Name, quote(arguments))
			if !r.refused || !strings.Contains(r.text, place) || strings.Contains(r.text, "\n- ") {
				t.Errorf("%s with a fault at %s: %.300s", tool.Name, place, r.text)
			}
		})
		if tool.Name == "delete_tasks" {
			s.do("list_tasks", fmt.Sprintf(`{"ids":[%q]}`, id))
		}
	}
	if got := s.do("list_tasks", `{"status":"all"}`).Tasks; len(got) != 1 || got[0].Version != 1 {
		t.Errorf("refused calls left %+v", got)
	}
	if violations < 90 {
		t.Errorf("only %d violations were sent", violations)
	}
}

// eachViolation calls f with arguments that have one fault, and with the place of it,
// for each keyword of an object's schema.
func eachViolation(schema, valid map[string]any, f func(place string, arguments any)) {
	with := func(name string, value any) map[string]any {
		changed := maps.Clone(valid)
		if changed[name] = value; value == absent {
			delete(changed, name)
		}
		return changed
	}
	required, _ := schema["required"].([]any)
	for _, name := range required {
		f(name.(string)+" is missing", with(name.(string), absent))
	}
	if schema["additionalProperties"] == false {
		f("zzzzzz is not a field", with("zzzzzz", 1))
	}
	if schema["minProperties"] != nil {
		f("names no field to change", with("completed", absent))
	}
	for name, property := range schema["properties"].(map[string]any) {
		property := property.(map[string]any)
		f(name+" may not be null", with(name, nil))
		for _, value := range wrongValues(property) {
			f(name, with(name, value))
		}
		items, _ := property["items"].(map[string]any)
		switch {
		case items == nil:
		case items["type"] == "object":
			element := valid[name].([]any)[0].(map[string]any)
			f(name+"[0] has the wrong type", with(name, []any{7}))
			eachViolation(items, element, func(place string, changed any) { f(place, with(name, []any{changed})) })
		default:
			for _, value := range append(wrongValues(items), nil) {
				f(name+"[0]", with(name, []any{value}))
			}
		}
	}
}

const absent = "absent\x00"

// wrongValues returns values of which each violates one keyword of a schema.
func wrongValues(schema map[string]any) (values []any) {
	number := func(keyword string) (int, bool) {
		n, ok := schema[keyword].(float64)
		return int(n), ok
	}
	switch schema["type"] {
	case "string":
		values = append(values, 7, true, []any{"x"})
		if _, ok := schema["enum"]; ok {
			values = append(values, "urgent")
		}
		if n, ok := number("maxLength"); ok {
			values = append(values, strings.Repeat("é", n+1))
		}
		if n, ok := number("minLength"); ok {
			values = append(values, strings.Repeat("x", n-1))
		}
	case "integer":
		values = append(values, "7", 1.5, true)
		if n, ok := number("minimum"); ok {
			values = append(values, n-1)
		}
		if n, ok := number("maximum"); ok {
			values = append(values, n+1)
		}
	case "boolean":
		values = append(values, "true", 1)
	case "array":
		values = append(values, 7, "x", map[string]any{})
		if n, ok := number("minItems"); ok && n > 0 {
			values = append(values, []any{})
		}
		if n, ok := number("maxItems"); ok {
			many := make([]any, n+1)
			for i := range many {
				many[i] = map[string]any{"title": fmt.Sprint(i), "id": fmt.Sprintf("01a21d3e-d668-7937-b3e9-%012d", i), "completed": true}
				if items := schema["items"].(map[string]any); items["type"] == "string" {
					many[i] = fmt.Sprintf("01a21d3e-d668-7937-b3e9-%012d", i)
				} else {
					delete(many[i].(map[string]any), map[bool]string{true: "title", false: "id"}[items["properties"].(map[string]any)["id"] != nil])
				}
			}
			values = append(values, many)
		}
		if schema["uniqueItems"] == true {
			values = append(values, []any{"01a21d3e-d668-7937-b3e9-72d5250a5684", "01a21d3e-d668-7937-b3e9-72d5250a5684"})
		}
	}
	return values
}

// TestRefusals has the rows of bad input that no keyword of a schema says.
func TestRefusals(t *testing.T) {
	t.Parallel()
	s := serve(t, options{})
	id := s.add("there")[0]
	const unknown = "01a21d3e-d668-7937-b3e9-72d5250a5684"
	for _, row := range []struct {
		tool, arguments string
		texts           []string
	}{
		{"add_tasks", `{"tasks":[{"titel":"x"}]}`, []string{`tasks[0].titel is not a field. Did you mean "title"?`, "tasks[0].title is missing. Send a string of 1 to 500 characters."}},
		{"add_tasks", `{"task":[{"title":"x"}]}`, []string{`task is not a field. Did you mean "tasks"?`}},
		{"add_tasks", `{"tasks":[{"title":"x","assignee":"bob"}]}`, []string{"The fields are completed, description, due_date, priority, tags, title."}},
		{"add_tasks", `{"tasks":[{"title":"x","due_date":"tomorrow"}]}`, []string{`due_date is "tomorrow". Send a day that exists, such as 2026-12-01`}},
		{"add_tasks", `{"tasks":[{"title":"x","due_date":"2026-02-30"}]}`, []string{"Send a day that exists"}},
		{"add_tasks", `{"tasks":[{"title":" \t "}]}`, []string{"tasks[0].title has only white space"}},
		{"add_tasks", `{"tasks":[{"title":"a\u0000b"}]}`, []string{"tasks[0].title holds a NUL character"}},
		{"add_tasks", `{"tasks":[{"title":"x"}],"key":"two words"}`, []string{"key may hold ASCII letters"}},
		{"add_tasks", `{"tasks":"[{\"title\":\"x\""}`, []string{"tasks has the wrong type. Send an array of 1 to 100 elements."}},
		{"add_tasks", `{"tasks":[{"title":"x"}],"user_id":"bob"}`, []string{"user_id is not the user that this connection acts for"}},
		{"add_tasks", `{"tasks":[{"title":"","priority":"urgent","completed":"no"},{"title":7}],"kee":"x"}`, []string{
			"\n- tasks[0].title has 0 characters", "\n- tasks[0].priority is \"urgent\"", "\n- tasks[0].completed has the wrong type", "\n- tasks[1].title has the wrong type", "\n- kee is not a field",
		}},
		{"update_tasks", fmt.Sprintf(`{"tasks":[{"id":%q,"due_date":null}]}`, id), []string{`due_date may not be null. Leave it out, or send "" for none.`}},
		{"update_tasks", fmt.Sprintf(`{"tasks":[{"id":%q,"if_version":1}]}`, id), []string{"tasks[0] names no field to change"}},
		{"update_tasks", fmt.Sprintf(`{"tasks":[{"id":%q,"completed":true,"if_version":9}]}`, id), []string{"tasks[0] (" + id + ") has changed since if_version", "Call list_tasks"}},
		{"update_tasks", fmt.Sprintf(`{"tasks":[{"id":%q,"completed":true},{"id":%q,"completed":true}]}`, id, unknown), []string{"tasks[1] (" + unknown + "): the user has no such task. Call list_tasks"}},
		{"delete_tasks", fmt.Sprintf(`{"ids":[%q,%q]}`, id, unknown), []string{"ids[1] (" + unknown + "): the user has no such task. Call list_tasks"}},
		{"delete_tasks", `{"ids":["first","second"]}`, []string{`ids[0] is "first", which is no task's id. Call list_tasks`, `ids[1] is "second"`}},
		{"restore_tasks", fmt.Sprintf(`{"ids":[%q]}`, id), []string{"ids[0] (" + id + ") is not deleted. Leave it out."}},
		{"restore_tasks", fmt.Sprintf(`{"ids":[%q]}`, unknown), []string{"Call list_tasks with status deleted"}},
		{"list_tasks", `{"query":"  "}`, []string{"query has only white space"}},
		{"list_tasks", `{"status":"done"}`, []string{`status is "done". Send "pending", "completed", "all" or "deleted".`}},
		{"list_tasks", `{"cursor":"AAAA"}`, []string{"cursor is not one of this list"}},
		{"list_tasks", fmt.Sprintf(`{"ids":[%q],"status":"all","limit":3}`, id), []string{"status cannot be sent with ids", "limit cannot be sent with ids"}},
		{"list_tasks", `{"due_before":"soon","due_after":""}`, []string{`due_before is "soon"`, "due_after"}},
		{"list_tasks", `[]`, []string{"The value has the wrong type. Send an object."}},
	} {
		s.refuse(row.tool, row.arguments, row.texts...)
	}
	if got := s.do("list_tasks", `{"status":"all"}`).Tasks; len(got) != 1 || got[0].Version != 1 {
		t.Errorf("refused calls left %+v", got)
	}
}

func TestUnknownToolsNameTheNearest(t *testing.T) {
	t.Parallel()
	s := serve(t, options{})
	for name, want := range map[string]string{
		"list_task": `Did you mean \"list_tasks\"?`, "addTasks": `Did you mean \"add_tasks\"?`,
		"search": "The tools are add_tasks, delete_tasks, list_tasks, restore_tasks, update_tasks.",
	} {
		if a := s.send(200, aliceTools, message(name, "{}")); !strings.Contains(a.body, "-32602") || !strings.Contains(a.body, want) {
			t.Errorf("%s: %s", name, a.body)
		}
	}
}

func TestQuota(t *testing.T) {
	t.Parallel()
	s := serve(t, options{rules: []docket.Option{docket.WithMaxTasks(2)}})
	s.add("one")
	s.refuse("add_tasks", `{"tasks":[{"title":"two"},{"title":"three"}]}`, "tasks[1]", "Delete some first")
	if got := s.do("list_tasks", `{}`).Tasks; len(got) != 1 {
		t.Errorf("after a refused call there are %+v", got)
	}
}
