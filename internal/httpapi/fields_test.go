package httpapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"docket"
	"docket/internal/httpapi"
)

// echo is a store of one task, which answers a write and forgets it.
type echo struct {
	docket.Store
	task docket.Task
}

func (e *echo) Get(context.Context, docket.UserID, uuid.UUID) (docket.Task, error) {
	return e.task, nil
}

func (e *echo) Write(_ context.Context, owner docket.UserID, w docket.Write) (docket.Written, error) {
	var written docket.Written
	for i, o := range w.Operations {
		t := w.NewTask(owner, o)
		if o.Action != docket.Create {
			var err error
			if t, _, err = w.Change(e.task, o); err != nil {
				return docket.Written{}, docket.FailOperation(i, err)
			}
		}
		t.Version = 1
		written.Tasks = append(written.Tasks, t)
	}
	return written, nil
}

func (e *echo) Close() error { return nil }

func serveEcho(t *testing.T) (*client, docket.Task) {
	t.Helper()
	made := docket.Task{ID: uuid.MustParse("019a4e6f-1b2c-7d3e-8f40-516273849a5b"), UserID: "alice", Version: 1}
	made.Title = "title"
	return serve(t, &echo{task: made}, httpapi.Options{}), made
}

// repeated returns n values of a JSON array.
func repeated(n int, value func(i int) string) string {
	var list []string
	for i := range n {
		list = append(list, value(i))
	}
	return "[" + strings.Join(list, ",") + "]"
}

func numbered(i int) string { return fmt.Sprintf(`"tag %d"`, i) }

func deep(n int) string { return strings.Repeat(`{"a":`, n-1) + `{}` + strings.Repeat(`}`, n-1) }

// values is the table of the fields' values: the bytes of a member, and the bytes that it
// is answered with, the faults, or that the body is malformed.
var values = []struct {
	member, answered string
	faults           []string
}{
	{`"priority":"low"`, `"priority":"low"`, nil},
	{`"priority":"medium"`, `"priority":"medium"`, nil},
	{`"priority":"h\u0069gh"`, `"priority":"high"`, nil},
	{`"priority":"HIGH"`, "", []string{"/priority unknown_priority"}},
	{`"priority":" high"`, "", []string{"/priority unknown_priority"}},
	{`"priority":""`, "", []string{"/priority unknown_priority"}},
	{`"priority":null`, "", []string{"/priority null"}},
	{`"priority":1`, "", []string{"/priority wrong_type"}},
	{`"priority":["high"]`, "", []string{"/priority wrong_type"}},

	{`"due_date":null`, `"due_date":null`, nil},
	{`"due_date":"2026-12-01"`, `"due_date":"2026-12-01"`, nil},
	{`"due_date":"2024-02-29"`, `"due_date":"2024-02-29"`, nil},
	{`"due_date":"0001-01-01"`, `"due_date":"0001-01-01"`, nil},
	{`"due_date":"9999-12-31T23:59:59Z"`, `"due_date":"9999-12-31T23:59:59Z"`, nil},
	{`"due_date":"2026-12-01T09:00"`, `"due_date":"2026-12-01T09:00:00"`, nil},
	{`"due_date":"2026-12-01T09:00:00.999999999"`, `"due_date":"2026-12-01T09:00:00"`, nil},
	{`"due_date":"2026-12-01t09:00:00z"`, `"due_date":"2026-12-01T09:00:00Z"`, nil},
	{`"due_date":"2026-12-01T01:00:00+02:00"`, `"due_date":"2026-11-30T23:00:00Z"`, nil},
	{`"due_date":"2026-12-01T00:00:00-23:59"`, `"due_date":"2026-12-01T23:59:00Z"`, nil},
	{`"due_date":"2026-12-01T09:00:00-00:00"`, `"due_date":"2026-12-01T09:00:00Z"`, nil},
	{`"due_date":"2026-02-29"`, "", badDate},
	{`"due_date":"2026-04-31T10:00:00Z"`, "", badDate},
	{`"due_date":"2026-13-01"`, "", badDate},
	{`"due_date":"2026-00-10"`, "", badDate},
	{`"due_date":"2026-12-00"`, "", badDate},
	{`"due_date":"2026-12-01T24:00:00"`, "", badDate},
	{`"due_date":"2026-12-01T09:60"`, "", badDate},
	{`"due_date":"2016-12-31T23:59:60Z"`, "", badDate},
	{`"due_date":"0000-01-01"`, "", badDate},
	{`"due_date":"10000-01-01"`, "", badDate},
	{`"due_date":"9999-12-31T23:59:59-00:01"`, "", badDate},
	{`"due_date":"0001-01-01T00:00:00+00:01"`, "", badDate},
	{`"due_date":"2026-12-01T09:00:00+24:00"`, "", badDate},
	{`"due_date":"2026-12-01T09:00:00+02:60"`, "", badDate},
	{`"due_date":"2026-12-01T09:00:00+0200"`, "", badDate},
	{`"due_date":"2026-12-01Z"`, "", badDate},
	{`"due_date":"2026-12-01 09:00:00"`, "", badDate},
	{`"due_date":" 2026-12-01"`, "", badDate},
	{`"due_date":"2026-12-01\u0000"`, "", badDate},
	{`"due_date":"２０２６-12-01"`, "", badDate},
	{`"due_date":"20261201"`, "", badDate},
	{`"due_date":"tomorrow"`, "", badDate},
	{`"due_date":""`, "", badDate},
	{`"due_date":1764547200`, "", []string{"/due_date wrong_type"}},
	{`"due_date":{}`, "", []string{"/due_date wrong_type"}},

	{`"tags":null`, `"tags":[]`, nil},
	{`"tags":[]`, `"tags":[]`, nil},
	{`"tags":[" a\u3000","b","a","A"]`, `"tags":["a","b","A"]`, nil},
	{`"tags":["a,b","<é>"]`, `"tags":["a,b","<é>"]`, nil},
	{`"tags":["` + strings.Repeat("😀", 50) + ` "]`, `"tags":["` + strings.Repeat("😀", 50) + `"]`, nil},
	{`"tags":` + repeated(20, numbered), `"tags":` + repeated(20, numbered), nil},
	{`"tags":` + repeated(40, func(i int) string { return numbered(i % 20) }), `"tags":` + repeated(20, numbered), nil},
	{`"tags":` + repeated(21, numbered), "", []string{"/tags too_many"}},
	{`"tags":["` + strings.Repeat("é", 51) + `"]`, "", []string{"/tags/0 too_long"}},
	{`"tags":["a"," \t"]`, "", []string{"/tags/1 too_short"}},
	{`"tags":["a\u0000"]`, "", []string{"/tags/0 nul_character"}},
	{`"tags":["",1,null,["a"]]`, "", []string{"/tags/1 wrong_type", "/tags/2 wrong_type", "/tags/3 wrong_type", "/tags/0 too_short"}},
	{`"tags":"a,b"`, "", []string{"/tags wrong_type"}},
	{`"tags":{"0":"a"}`, "", []string{"/tags wrong_type"}},

	{`"metadata":null`, `"metadata":{}`, nil},
	{`"metadata":{ }`, `"metadata":{}`, nil},
	{`"metadata":{ "b": [1, {"a": true}], "a": "<é>" }`, `"metadata":{"b":[1,{"a":true}],"a":"<é>"}`, nil},
	{`"metadata":{"n":` + strings.Repeat("9", 400) + `,"x":1e400,"z":-0,"one":1.0}`, `"metadata":{"n":` + strings.Repeat("9", 400) + `,"x":1e400,"z":-0,"one":1.0}`, nil},
	{`"metadata":{"a":"` + strings.Repeat("x", 4088) + `"}`, `"metadata":{"a":"` + strings.Repeat("x", 4088) + `"}`, nil},
	{`"metadata":{"a":` + strings.Repeat(" ", 5000) + `1}`, `"metadata":{"a":1}`, nil},
	{`"metadata":` + deep(8), `"metadata":` + deep(8), nil},
	{`"metadata":{"a":"` + strings.Repeat("x", 4089) + `"}`, "", []string{"/metadata too_long"}},
	{`"metadata":{"a":"` + strings.Repeat("é", 2045) + `"}`, "", []string{"/metadata too_long"}},
	{`"metadata":` + deep(9), "", []string{"/metadata too_deep"}},
	{`"metadata":{"a":[[[[[[[[]]]]]]]]}`, "", []string{"/metadata too_deep"}},
	{`"metadata":{"a":"\u0000"}`, "", []string{"/metadata nul_character"}},
	{`"metadata":{"a":[{"b\u0000":1}]}`, "", []string{"/metadata nul_character"}},
	{`"metadata":[]`, "", []string{"/metadata wrong_type"}},
	{`"metadata":"{}"`, "", []string{"/metadata wrong_type"}},
	{`"metadata":1`, "", []string{"/metadata wrong_type"}},
	{`"metadata":{"a":1,"a":2}`, "", malformed},
	{`"metadata":{"a":[{"b":1,"\u0062":2}]}`, "", malformed},
	{`"metadata":{"a":"\ud83d"}`, "", malformed},
	{"\"metadata\":{\"a\":\"\xe9\"}", "", malformed},
	{`"metadata":{"a":01}`, "", malformed},

	{`"priority":1,"due_date":"x","tags":[1],"metadata":[]`, "", []string{"/priority wrong_type", "/due_date invalid_date", "/tags/0 wrong_type", "/metadata wrong_type"}},
	{`"completed_at":7,"deleted":"x","version":[],"id":null,"user_id":{},"created_at":1,"updated_at":1,"deleted_at":1`, `"completed_at":null`, nil},
}

var (
	badDate   = []string{"/due_date invalid_date"}
	malformed = []string{"malformed"}
)

// TestValues sends each value on every route that takes one.
func TestValues(t *testing.T) {
	c, made := serveEcho(t)
	path := "/api/alice/tasks/" + made.ID.String()
	routes := map[string]struct{ method, path, before, after, pointer string }{
		"create":       {"POST", "/api/alice/tasks", `{"title":"x",`, `}`, ""},
		"put":          {"PUT", path, `{`, `}`, ""},
		"patch":        {"PATCH", path, `{`, `}`, ""},
		"batch create": {"POST", batchPath, `{"operations":[{"op":"create","task":{"title":"x",`, `}}]}`, "/operations/0/task"},
		"batch update": {"POST", batchPath, `{"operations":[{"op":"update","id":"` + made.ID.String() + `","task":{`, `}}]}`, "/operations/0/task"},
	}
	for _, value := range values {
		for name, route := range routes {
			a := c.do(route.method, route.path, route.before+value.member+route.after)
			var want []string
			for _, fault := range value.faults {
				want = append(want, route.pointer+fault)
			}
			switch {
			case slices.Equal(value.faults, malformed):
				a.is(400).problem("malformed-request")
			case want != nil:
				a.faults(want...)
			case a.status >= 300 || !strings.Contains(a.body, value.answered+",") || a.header.Get("Docket-Ignored") != "":
				t.Errorf("%s: %.100s is answered with %d %s, ignored %q", name, value.member, a.status, a.body, a.header.Get("Docket-Ignored"))
			}
		}
	}
}

// TestManyBadTagsAreBounded sends as many faults as a body has room for.
func TestManyBadTagsAreBounded(t *testing.T) {
	c, _ := serveEcho(t)
	for _, tag := range []string{"1", `""`} {
		body := `{"title":"x","tags":[` + strings.TrimSuffix(strings.Repeat(tag+",", 40_000), ",") + `]}`
		a := c.do("POST", "/api/alice/tasks", body).is(422)
		if n := len(a.problem("invalid-input").Errors); n > 101 || len(a.body) > 20_000 {
			t.Errorf("%d faults in %d bytes", n, len(a.body))
		}
	}
}

func testFields(c *client) {
	const all = `{"title":"x","description":"note","completed":true,"priority":"high","due_date":"2026-12-01T09:00+01:00","tags":["b"," a "],"metadata":{"n":1.0,"o":{"a":1,"b":2}}}`
	made := c.do("POST", "/api/alice/tasks", all).is(201).task()
	want := task{
		ID: made.ID, UserID: "alice", Title: "x", Description: new("note"), Completed: true, CompletedAt: &made.CreatedAt, Priority: "high", DueDate: new("2026-12-01T08:00:00Z"),
		Tags: []string{"b", "a"}, Metadata: json.RawMessage(`{"n":1.0,"o":{"a":1,"b":2}}`), CreatedAt: made.CreatedAt, UpdatedAt: made.CreatedAt, Version: 1,
	}
	c.equal(made, want)
	path := "/api/alice/tasks/" + made.ID
	c.equal(c.do("GET", path, "").is(200).task(), want)
	c.equal(c.do("GET", "/api/alice/tasks", "").is(200).tasks(), []task{want})
	c.equal(c.changes("").Items, []task{want})

	step := func(method, path, body string, change func(t *task)) {
		c.Helper()
		got := c.do(method, path, body).is(200).task()
		change(&want)
		want.Version++
		want.UpdatedAt = got.UpdatedAt
		c.equal(got, want)
		c.equal(c.do("GET", "/api/alice/tasks/"+made.ID, "").is(200).task(), want)
	}
	step("PATCH", path, `{"metadata":{"o":{"a":null,"c":[]},"p":"new"}}`, func(t *task) { t.Metadata = json.RawMessage(`{"n":1.0,"o":{"b":2,"c":[]},"p":"new"}`) })
	step("PATCH", path, `{"metadata":{"n":null,"o":null}}`, func(t *task) { t.Metadata = json.RawMessage(`{"p":"new"}`) })
	step("PUT", path, `{"metadata":{"q":null},"due_date":"2026-12-01"}`, func(t *task) { t.Metadata, t.DueDate = json.RawMessage(`{"q":null}`), new("2026-12-01") })
	step("PATCH", path, `{"completed":false,"priority":"low"}`, func(t *task) { t.Completed, t.CompletedAt, t.Priority = false, nil, "low" })
	c.equal(c.do("PATCH", path, `{"metadata":{}}`).is(200).task(), want) // changes nothing
	step("PUT", path, `{"due_date":null,"tags":null,"metadata":null}`, func(t *task) {
		t.DueDate, t.Tags, t.Metadata = nil, []string{}, json.RawMessage(`{}`)
	})
	step("PATCH", path, `{"metadata":{"a":{"x":1}},"tags":["t"]}`, func(t *task) { t.Metadata, t.Tags = json.RawMessage(`{"a":{"x":1}}`), []string{"t"} })
	step("PATCH", path, `{"metadata":null,"description":null}`, func(t *task) { t.Metadata, t.Description = json.RawMessage(`{}`), nil })

	done := c.do("PATCH", path+"/complete", "").is(200).task()
	c.equal(done.CompletedAt, &done.UpdatedAt)
	again := c.do("PATCH", path, `{"title":"y"}`).is(200).task()
	c.equal(again.CompletedAt, done.CompletedAt)

	var got batchResults
	c.do("POST", batchPath, `{"operations":[{"op":"update","id":"`+made.ID+`","task":{"metadata":{"b":1}}},{"op":"update","id":"`+made.ID+`","task":{"metadata":{"c":1}}}]}`).is(200).decode(&got)
	c.equal(string(got.Results[1].Task.Metadata), `{"c":1}`)

	full := `"` + strings.Repeat("x", 4000) + `"`
	c.do("PATCH", path, `{"metadata":{"a":`+full+`}}`).is(200)
	c.do("PATCH", path, `{"metadata":{"d":"`+strings.Repeat("x", 200)+`"}}`).faults("/metadata too_long") // what comes of the two
	c.do("PATCH", path, `{"metadata":{"c":null}}`, `If-Match: "1"`).is(412)
	c.do("PATCH", "/api/alice/tasks/019a4e6f-1b2c-7d3e-8f40-516273849a5b", `{"metadata":{"c":null}}`).is(404)
}
