package httpapi_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// TestBodies holds every rule for request bodies, on each route that takes one.
func TestBodies(t *testing.T) {
	c := serveSQLite(t)
	id := c.create("alice", "title").ID
	routes := []struct {
		method, path string
		create       bool
	}{{"POST", "/api/alice/tasks", true}, {"PUT", "/api/alice/tasks/" + id, false}, {"PATCH", "/api/alice/tasks/" + id, false}}
	big := `{"title":"` + strings.Repeat("x", 100) + `","description":"` + strings.Repeat(" ", 200_000) + `"}`

	for name, test := range map[string]struct {
		body    string
		headers []string
		status  int
		kind    string
		faults  []string
	}{
		"broken":             {`{"title":`, nil, 400, "malformed-request", nil},
		"text":               {`hello`, nil, 400, "malformed-request", nil},
		"trailing comma":     {`{"title":"x",}`, nil, 400, "malformed-request", nil},
		"two documents":      {`{"title":"x"}{"title":"y"}`, nil, 400, "malformed-request", nil},
		"trailing text":      {`{"title":"x"} x`, nil, 400, "malformed-request", nil},
		"array and more":     {`[1] 2`, nil, 400, "malformed-request", nil},
		"byte order mark":    {"\ufeff" + `{"title":"x"}`, nil, 400, "malformed-request", nil},
		"white space":        {" \n", nil, 400, "malformed-request", nil},
		"duplicate name":     {`{"title":"x","title":"y"}`, nil, 400, "malformed-request", nil},
		"duplicate, nested":  {`{"title":"x","id":{"a":1,"a":2}}`, nil, 400, "malformed-request", nil},
		"duplicate, escaped": {`{"title":"x","\u0074itle":"y"}`, nil, 400, "malformed-request", nil},
		"invalid UTF-8":      {"{\"title\":\"\xff\"}", nil, 400, "malformed-request", nil},
		"UTF-8 surrogate":    {"{\"title\":\"\xed\xa0\x80\"}", nil, 400, "malformed-request", nil},
		"lone surrogate":     {`{"title":"\ud800"}`, nil, 400, "malformed-request", nil},
		"deep":               {`{"id":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + `}`, nil, 400, "malformed-request", nil},
		"control character":  {"{\"title\":\"a\nb\"}", nil, 400, "malformed-request", nil},
		"not a number":       {`{"title":NaN}`, nil, 400, "malformed-request", nil},

		"array":                {`[]`, nil, 422, "invalid-input", []string{" wrong_type"}},
		"null":                 {`null`, nil, 422, "invalid-input", []string{" wrong_type"}},
		"string":               {`"title"`, nil, 422, "invalid-input", []string{" wrong_type"}},
		"null title":           {`{"title":null}`, nil, 422, "invalid-input", []string{"/title null"}},
		"number as title":      {`{"title":1e400}`, nil, 422, "invalid-input", []string{"/title wrong_type"}},
		"empty title":          {`{"title":""}`, nil, 422, "invalid-input", []string{"/title too_short"}},
		"blank title":          {`{"title":"\u00a0\t"}`, nil, 422, "invalid-input", []string{"/title too_short"}},
		"long title":           {`{"title":"` + strings.Repeat("é", 501) + `"}`, nil, 422, "invalid-input", []string{"/title too_long"}},
		"long description":     {`{"title":"x","description":"` + strings.Repeat("é", 5001) + `"}`, nil, 422, "invalid-input", []string{"/description too_long"}},
		"NUL":                  {`{"title":"a\u0000"}`, nil, 422, "invalid-input", []string{"/title nul_character"}},
		"NUL in a description": {`{"title":"a","description":"\u0000"}`, nil, 422, "invalid-input", []string{"/description nul_character"}},
		"null completed":       {`{"title":"a","completed":null}`, nil, 422, "invalid-input", []string{"/completed null"}},
		"text as completed":    {`{"title":"a","completed":"true"}`, nil, 422, "invalid-input", []string{"/completed wrong_type"}},
		"number as completed":  {`{"title":"a","completed":1}`, nil, 422, "invalid-input", []string{"/completed wrong_type"}},
		"unknown field":        {`{"title":"a","colour":1}`, []string{strictly}, 422, "invalid-input", []string{"/colour unknown_field"}},
		"slash in a name":      {`{"title":"a","a/b~c":1}`, []string{strictly}, 422, "invalid-input", []string{"/a~1b~0c unknown_field"}},
		"all at once": {
			`{"title":5,"description":[],"completed":{},"x":1,"y":2}`,
			[]string{strictly},
			422, "invalid-input",
			[]string{"/title wrong_type", "/description wrong_type", "/completed wrong_type", "/x unknown_field", "/y unknown_field"},
		},
		"kinds of fault together": {
			`{"title":"","description":"` + strings.Repeat("x", 5001) + `","completed":0}`, nil, 422, "invalid-input",
			[]string{"/completed wrong_type", "/title too_short", "/description too_long"},
		},

		"no type":        {`{"title":"x"}`, []string{"Content-Type:"}, 415, "unsupported-media-type", nil},
		"text type":      {`{"title":"x"}`, []string{"Content-Type: text/plain"}, 415, "unsupported-media-type", nil},
		"form type":      {`title=x`, []string{"Content-Type: application/x-www-form-urlencoded"}, 415, "unsupported-media-type", nil},
		"JSON Patch":     {`[]`, []string{"Content-Type: application/json-patch+json"}, 415, "unsupported-media-type", nil},
		"bad type":       {`{"title":"x"}`, []string{"Content-Type: application/json, text/plain"}, 415, "unsupported-media-type", nil},
		"compressed":     {`{"title":"x"}`, []string{"Content-Encoding: gzip"}, 415, "unsupported-media-type", nil},
		"large":          {big, nil, 413, "content-too-large", nil},
		"large, chunked": {big, []string{"chunked"}, 413, "content-too-large", nil},
	} {
		for _, route := range routes {
			t.Run(name+" "+route.method, func(t *testing.T) {
				c := &client{T: t, url: c.url}
				send := c.do
				headers := test.headers
				if len(headers) == 1 && headers[0] == "chunked" {
					headers, send = nil, c.doChunked
				}
				a := send(route.method, route.path, test.body, headers...).is(test.status)
				p := a.problem(test.kind)
				if test.faults != nil {
					a.faults(test.faults...)
				}
				if strings.Contains(a.body, "éé") || strings.Contains(p.Detail, "1e400") {
					t.Errorf("the answer repeats the input: %s", a.body)
				}
			})
		}
	}
	for _, route := range routes {
		a := c.do(route.method, route.path, "", asJSON).is(400)
		a.problem("malformed-request")
		if !strings.Contains(a.body, "empty") {
			t.Errorf("%s without a body: %s", route.method, a.body)
		}
	}
	c.do("POST", "/api/alice/tasks", `{}`).faults("/title required")
	c.do("POST", "/api/alice/tasks", `{"Title":"x"}`, strictly).faults("/Title unknown_field", "/title required")
	lenient := c.do("POST", "/api/alice/tasks", `{"Title":"x"}`)
	lenient.faults("/title required")
	if !strings.Contains(lenient.body, `has \"Title\", which was ignored`) {
		t.Errorf("the near miss is not named: %s", lenient.body)
	}
	c.do("PUT", "/api/alice/tasks/"+id, `{"title":"x"}`, "Content-Type: application/merge-patch+json").is(415)
	c.equal(len(c.do("GET", "/api/alice/tasks", "").tasks()), 1) // nothing of all this was written
}

func TestUnknownFieldsNameTheNearest(t *testing.T) {
	c := serveSQLite(t)
	for sent, want := range map[string]string{
		"Title": "title", "titel": "title", "complete": "completed", "isCompleted": "completed", "is_completed": "completed", "COMPLETED": "completed",
		"task_title": "title", "descripton": "description", "desc": "", "colour": "", "done": "", "dueDate": "due_date", "due": "", "prio": "", "metaData": "metadata", "": "", strings.Repeat("title", 20): "",
	} {
		body, _ := json.Marshal(map[string]any{"title": "x", sent: 1})
		detail := c.do("POST", "/api/alice/tasks", string(body), strictly).is(422).problem("invalid-input").Errors[0].Detail
		if got := strings.Contains(detail, "Did you mean"); got != (want != "") || !strings.Contains(detail, fmt.Sprintf("%q?", want)) && want != "" {
			t.Errorf("%q: %s", sent, detail)
		}
	}
}

func TestManyFaultsAreBounded(t *testing.T) {
	c := serveSQLite(t)
	var body strings.Builder
	body.WriteString(`{"title":"x"`)
	for i := range 9000 {
		fmt.Fprintf(&body, `,"x%d":1`, i)
	}
	body.WriteString(`,"` + strings.Repeat("y", 9000) + `":1}`)
	a := c.do("POST", "/api/alice/tasks", body.String(), strictly).is(422)
	p := a.problem("invalid-input")
	if len(p.Errors) != 100 || !strings.Contains(p.Detail, "at least 99 more") || len(a.body) > 20_000 {
		t.Errorf("%d faults in %d bytes: %s", len(p.Errors), len(a.body), p.Detail)
	}
}

func TestPathQueryAndBodyFaultsAreListedTogether(t *testing.T) {
	c := serveSQLite(t)
	long := strings.Repeat("x", 256)
	c.do("POST", "/api/"+long+"/tasks?dry_run=1", `{"title":"","x":1}`, strictly).
		faults("?dry_run unknown_parameter", "?user_id too_long", "/x unknown_field", "/title too_short")
	c.do("PUT", "/api/"+long+"/tasks/1", `{"title":""}`).faults("?user_id too_long", "/title too_short")
	c.do("PUT", "/api/alice/tasks/1", `{"title":""}`).faults("/title too_short") // input comes before existence
}

func TestQueries(t *testing.T) {
	c := serveSQLite(t)
	c.do("GET", "/api/alice/tasks?page=1&page=2&x", "", strictly).faults("?page unknown_parameter", "?x unknown_parameter")
	c.do("GET", "/api/alice/tasks?page=1&page=2&limit=1&limit=1", "").faults("?limit repeated")
	c.do("GET", "/api/alice/tasks?", "").is(200)
	for _, query := range []string{"%zz", "a=1;b=2", "a=%ff", "%ff=1", "a=%"} {
		c.do("GET", "/api/alice/tasks?"+query, "").is(400).problem("malformed-request")
	}
}

func TestPaths(t *testing.T) {
	c := serveSQLite(t)
	for _, path := range []string{
		"/api", "/api/", "/api/alice/tasks/1/2", "/API/alice/tasks", "/api/alice/Tasks", "/api//tasks", "/api/alice//tasks", "/api/bob/../alice/tasks",
		"/api/./alice/tasks", "/docs/", "/docs/../docs", "/docs/none.js", "/problems", "/problems/none", "/healthz/", "/metrics", "/debug/pprof/", "/favicon.ico", "//", "/api/alice/tasks//",
	} {
		a := c.do("GET", path, "").is(404)
		a.problem("route-not-found")
	}
	c.do("GET", "/api/alice", "").is(405).problem("method-not-allowed")
	c.do("GET", "/api/%2e%2e/tasks", "").faults("?user_id reserved") // decoded once, and not a step up
	c.equal(c.create("a%252Fb", "title").UserID, "a%2Fb")

	long := c.do("GET", "/api/alice/"+strings.Repeat("é", 2000), "").is(404).problem("route-not-found")
	if len(long.Instance) > 1024 || strings.HasSuffix(long.Instance, "%") {
		t.Errorf("instance has %d bytes and ends in %q", len(long.Instance), long.Instance[len(long.Instance)-4:])
	}
}

func TestMethods(t *testing.T) {
	c := serveSQLite(t)
	one := "/api/alice/tasks/" + c.create("alice", "title").ID
	for path, allow := range map[string]string{
		"/api/alice/tasks": "GET, HEAD, POST", "/api/alice/tasks/": "GET, HEAD, POST", one: "GET, HEAD, PUT, PATCH, DELETE", one + "/complete": "PATCH", "/docs": "GET, HEAD", "/": "GET, HEAD",
	} {
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY", "get"} {
			if strings.Contains(allow, method) {
				continue
			}
			a := c.do(method, path, "").is(405)
			a.problem("method-not-allowed")
			if got := a.header.Get("Allow"); got != allow {
				t.Errorf("%s %s allows %q, want %q", method, path, got, allow)
			}
		}
	}
	c.do("DELETE", "/nothing", "").is(404).problem("route-not-found")
}
