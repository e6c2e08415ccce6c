package httpapi_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/dunglas/httpsfv"

	"docket/internal/httpapi"
)

// TestUnknownInputIsIgnoredAndNamed sends what is not known, and reads which of it the
// answer names.
func TestUnknownInputIsIgnoredAndNamed(t *testing.T) {
	c, made := serveEcho(t)
	path := "/api/alice/tasks/" + made.ID.String()
	for _, test := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"POST", "/api/alice/tasks?foo=1&foo=2", `{"title":"x","titel":"y"}`, 201, `"/titel", "?foo"`},
		{"POST", "/api/alice/tasks", `{"title":"x","id":1,"user_id":null,"completed_at":[]}`, 201, ``},
		{"POST", "/api/alice/tasks", `{"Title":"x"}`, 422, `"/Title"`},
		{"POST", "/api/alice/tasks", `{"title":"x","a/b~c":1,"":2,"q\"\\":3}`, 201, `"/a~1b~0c", "/", "/q\"\\"`},
		{"POST", "/api/alice/tasks", `{"title":"x","é%\n":1}`, 201, `"/%C3%A9%25%0A"`},
		{"PUT", path + "?dry_run", `{"x":{"a":1}}`, 200, `"/x", "?dry_run"`},
		{"PATCH", path, `{"tag":["a"]}`, 200, `"/tag"`},
		{"PATCH", path + "/complete?x", `{"done":true}`, 200, `"/done", "?x"`},
		{"PATCH", path, `{"x":1,"title":""}`, 422, `"/x"`},
		{"DELETE", path + "?purge=true", ``, 200, `"?purge"`},
		{"GET", path + "?fields=title&%C3%A9=1", ``, 200, `"?fields", "?%C3%A9"`},
		{
			"POST", batchPath, `{"atomic":true,"operations":[{"op":"update","id":"` + made.ID.String() + `","note":1,"task":{"titel":"x"}},{"op":"complete","id":"` + made.ID.String() + `","task":{"title":"x"}}]}`, 200,
			`"/atomic", "/operations/0/note", "/operations/0/task/titel", "/operations/1/task/title"`,
		},
		{"GET", "/healthz?x=1", ``, 200, ``},
	} {
		a := c.do(test.method, test.path, test.body)
		if got := a.header.Get("Docket-Ignored"); a.status != test.status || got != test.want || a.header.Get("Preference-Applied") != "" {
			t.Errorf("%s %s %s: %d, ignored %s, want %s", test.method, test.path, test.body, a.status, got, test.want)
		}
	}
}

// TestIgnoredNamesAreBounded sends many and long names.
func TestIgnoredNamesAreBounded(t *testing.T) {
	c, _ := serveEcho(t)
	body := map[string]any{"title": "x"}
	for i := range 30 {
		body[fmt.Sprintf("%d%s", i, strings.Repeat("😀", 1000))] = 1
	}
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	told := c.do("POST", "/api/alice/tasks?"+strings.Repeat("x", 1000), string(text)).is(201).header.Get("Docket-Ignored")
	list, err := httpsfv.UnmarshalList([]string{told})
	if err != nil || len(list) != 20 || len(told) > 2000 {
		t.Errorf("%d names in %d bytes, %v: %s", len(list), len(told), err, told)
	}
}

// TestStrictInput has everything that is not known refused, by the request or by the
// server's configuration.
func TestStrictInput(t *testing.T) {
	_, made := serveEcho(t)
	path := "/api/alice/tasks/" + made.ID.String()
	lenient, _ := serveEcho(t)
	strict := serve(t, &echo{task: made}, httpapi.Options{StrictInput: true})
	for _, test := range []struct {
		method, path, body, fault, near string
	}{
		{"POST", "/api/alice/tasks", `{"title":"x","dueDate":"y"}`, "/dueDate unknown_field", `"due_date"?`},
		{"POST", "/api/alice/tasks?serach=x", `{"title":"x"}`, "?serach unknown_parameter", "no query parameter"},
		{"GET", "/api/alice/tasks?limt=1", ``, "?limt unknown_parameter", `"limit"?`},
		{"GET", "/api/alice/tasks?priorty=low", ``, "?priorty unknown_parameter", `"priority"?`},
		{"PATCH", path, `{"tagz":[]}`, "/tagz unknown_field", `"tags"?`},
		{"PATCH", path + "/complete", `{"complete":true}`, "/complete unknown_field", `"completed"?`},
		{"DELETE", path + "?purge", ``, "?purge unknown_parameter", "no query parameter"},
		{"POST", batchPath, `{"operations":[{"op":"create","task":{"title":"x","titel":"y"}}]}`, "/operations/0/task/titel unknown_field", `"title"?`},
		{"POST", batchPath, `{"operations":[{"op":"create","tasks":1,"task":{"title":"x"}}]}`, "/operations/0/tasks unknown_field", `"task"?`},
	} {
		asked := lenient.do(test.method, test.path, test.body, strictly)
		configured := strict.do(test.method, test.path, test.body, "Prefer: handling=lenient")
		for _, a := range []answer{asked, configured} {
			a.faults(test.fault)
			if a.header.Get("Docket-Ignored") != "" || !strings.Contains(a.body, strings.ReplaceAll(test.near, `"`, `\"`)) {
				t.Errorf("%s %s: %s", test.method, test.path, a.body)
			}
		}
		if got := asked.header.Get("Preference-Applied") + "|" + configured.header.Get("Preference-Applied"); got != "handling=strict|" {
			t.Errorf("%s: applied are %s", test.path, got)
		}
	}
	known := lenient.do("PUT", path, `{"title":"x","id":7,"completed_at":null}`, strictly).is(200) // read-only fields are known
	if known.header.Get("Preference-Applied") != "handling=strict" {
		t.Error("an answer does not say that input was strict")
	}
}

// TestEncodings sends bodies in which a text has the wrong encoding, and reads what the
// answer says of it.
func TestEncodings(t *testing.T) {
	c, made := serveEcho(t)
	for body, want := range map[string]string{
		"\ufeff" + `{"title":"x"}`:                    "byte order mark",
		"\ufeff":                                      "byte order mark",
		"{\"title\":\"caf\xe9\"}":                     "is not UTF-8: the fault is at byte 13",
		"{\"caf\xe9\":1}":                             "is not UTF-8: the fault is at byte 5",
		"{\"title\":\"\xed\xa0\xbd\"}":                "is not UTF-8: the fault is at byte 10",
		"{\"title\":\"\xc3\xa9\",\"metadata\":\"\xff": "is not UTF-8",
		"\xff\xfe{\x00":                               "is not UTF-8: the fault is at byte 0",
		`{"title":"ab\ud83d"}`:                        "half of a surrogate pair (\\ud800 to \\udfff) at byte 12",
		`{"title":"\uDE00"}`:                          "half of a surrogate pair",
		`{"title":"x","metadata":{"a":"\ud83dx"}}`:    "half of a surrogate pair",
		`{"\ud83d\u0041":1}`:                          "half of a surrogate pair",
		`{"title":"\u12"}`:                            "is not valid JSON: the fault is at byte 10",
		`{"title":"x",}`:                              "is not valid JSON: the fault is at byte",
	} {
		for _, r := range [][2]string{{"POST", "/api/alice/tasks"}, {"PATCH", "/api/alice/tasks/" + made.ID.String()}, {"PATCH", "/api/alice/tasks/" + made.ID.String() + "/complete"}, {"POST", batchPath}} {
			if p := c.do(r[0], r[1], body).is(400).problem("malformed-request"); !strings.Contains(p.Detail, want) {
				t.Errorf("%s %s %q: %s", r[0], r[1], body, p.Detail)
			}
		}
	}
	for _, charset := range []string{"utf-8", "latin1", "UTF-16", `"utf-8"`, "x; y=z", ""} {
		c.do("POST", "/api/alice/tasks", `{"title":"é"}`, "Content-Type: application/json; charset="+charset).is(201)
	}
	c.do("POST", "/api/alice/tasks", `{"title":"é"}`, "Content-Type: application/json;charset").is(201)
}
