package httpapi_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

const batchPath = "/api/alice/tasks/batch"

type batchResults struct {
	Results []struct {
		Status int   `json:"status"`
		Task   *task `json:"task"`
	} `json:"results"`
}

func testBatch(c *client) {
	a, b := c.create("alice", "a"), c.create("alice", "b")
	body := fmt.Sprintf(`{"operations":[
		{"op":"create","task":{"title":" new ","completed":true,"version":9}},
		{"op":"update","id":%[1]q,"if_version":1,"task":{"title":"A","description":"note","id":"x"}},
		{"op":"complete","id":%[1]q},
		{"op":"complete","id":%[1]q,"task":{}},
		{"op":"complete","id":%[1]q,"task":{"completed":false}},
		{"op":"delete","id":%[2]q,"if_version":2},
		{"op":"restore","id":%[2]q},
		{"op":"update","id":%[2]q,"task":{}}]}`, a.ID, b.ID)
	answered := c.do("POST", batchPath, body).is(200)
	c.equal(answered.header.Get("Cache-Control"), "no-store")
	var got batchResults
	answered.decode(&got)
	var statuses, versions []int64
	for _, r := range got.Results {
		statuses = append(statuses, int64(r.Status))
		if r.Task == nil {
			versions = append(versions, 0)
			continue
		}
		versions = append(versions, r.Task.Version)
	}
	c.equal(statuses, []int64{201, 200, 200, 200, 200, 200, 200, 200})
	c.equal(versions, []int64{3, 4, 5, 5, 6, 7, 8, 8})
	if gone := *got.Results[5].Task; gone.ID != b.ID || !gone.Deleted || gone.DeletedAt == "" || gone.Title != "" {
		c.Errorf("a delete is told as %+v", gone)
	}
	made := *got.Results[0].Task
	if made.Title != "new" || !made.Completed {
		c.Errorf("made %+v", made)
	}
	c.equal(c.do("GET", "/api/alice/tasks", "").is(200).tasks(), []task{*got.Results[4].Task, *got.Results[7].Task, made})
	c.equal(c.do("POST", batchPath+"/", `{"operations":[{"op":"create","task":{"title":"x"}}]}`).status, 200)
	for _, method := range []string{"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"} {
		c.equal(c.do(method, batchPath, "").is(405).header.Get("Allow"), "POST")
	}
	c.do("POST", batchPath, `{"operations":[]}`, `If-Match: "1"`).faults("If-Match: unexpected", "/operations out_of_range")
	c.do("POST", "/api/alice/tasks", `{"title":"x"}`, `If-Match: "1"`).faults("If-Match: unexpected")
}

func testBatchFailures(c *client) {
	t, gone := c.create("alice", "task"), c.create("alice", "gone")
	c.do("DELETE", "/api/alice/tasks/"+gone.ID, "").is(200)
	his := c.create("bob", "his")
	before := c.do("GET", "/api/alice/tasks", "").is(200)
	good := `{"op":"create","task":{"title":"x"}},{"op":"complete","id":"` + t.ID + `"},`
	for _, test := range []struct {
		operation, kind, fault string
		status                 int
	}{
		{`{"op":"delete","id":"` + his.ID + `"}`, "task-not-found", "/operations/2/id task_not_found", 404},
		{`{"op":"update","id":"` + gone.ID + `","task":{}}`, "task-not-found", "/operations/2/id task_not_found", 404},
		{`{"op":"restore","id":"` + t.ID + `"}`, "task-not-deleted", "/operations/2/id task_not_deleted", 409},
		{`{"op":"update","id":"` + t.ID + `","if_version":1,"task":{"title":"y"}}`, "precondition-failed", "/operations/2/if_version precondition_failed", 412},
	} {
		p := c.do("POST", batchPath, `{"operations":[`+good+test.operation+`]}`).is(test.status).problem(test.kind)
		if len(p.Errors) != 1 || p.Errors[0].String() != test.fault || !strings.Contains(p.Detail, "Nothing was changed") {
			c.Errorf("%s: %+v", test.operation, p)
		}
		after := c.do("GET", "/api/alice/tasks", "").is(200)
		c.equal(after.header.Get("ETag"), before.header.Get("ETag"))
	}
}

func testBatchFaults(c *client) {
	t := c.create("alice", "task")
	id := t.ID
	for body, want := range map[string][]string{
		`[]`: {" wrong_type"}, `{}`: {"/operations required"}, `{"operations":{}}`: {"/operations wrong_type"}, `{"operations":null}`: {"/operations null"},
		`{"operations":[]}`: {"/operations out_of_range"}, `{"operation":[]}`: {"/operation unknown_field", "/operations required"},
		`{"operations":[1,null,[]]}`:  {"/operations/0 wrong_type", "/operations/1 wrong_type", "/operations/2 wrong_type"},
		`{"operations":[{}]}`:         {"/operations/0/op required"},
		`{"operations":[{"op":1}]}`:   {"/operations/0/op wrong_type"},
		`{"operations":[{"op":"x"}]}`: {"/operations/0/op unknown_operation"},
		`{"operations":[{"op":"create","id":"1","if_version":1},{"op":"update"},{"op":"complete","task":{"title":"x"}},{"op":"delete","task":{}},{"op":"restore","id":"` + id + `","task":{}}]}`: {
			"/operations/0/id not_uuid_v7", "/operations/0/if_version unexpected", "/operations/0/task required", "/operations/1/id required", "/operations/1/task required",
			"/operations/2/id required", "/operations/2/task/title unknown_field", "/operations/3/id required", "/operations/3/task unexpected", "/operations/4/task unexpected",
		},
		`{"operations":[{"op":"create","task":{"titel":"x","completed":1}},{"op":"update","id":"1","if_version":0,"task":{"title":" ","description":7},"a/b":1}]}`: {
			"/operations/0/task/titel unknown_field", "/operations/0/task/completed wrong_type", "/operations/0/task/title required",
			"/operations/1/a~1b unknown_field", "/operations/1/id invalid_uuid", "/operations/1/if_version out_of_range", "/operations/1/task/title too_short", "/operations/1/task/description wrong_type",
		},
		`{"id":"x","operations":[{"op":"delete","id":"` + id + `","version":1,"deleted":true}]}`: {
			"/id unknown_field", "/operations/0/version unknown_field", "/operations/0/deleted unknown_field",
		},
		`{"operations":[{"op":"delete","id":"` + id + `","if_version":1.5},{"op":"delete","id":"` + id + `","if_version":"1"},{"op":"delete","id":null}]}`: {
			"/operations/0/if_version out_of_range", "/operations/1/if_version wrong_type", "/operations/2/id null",
		},
	} {
		var got []string
		for _, f := range c.do("POST", batchPath, body, strictly).is(422).problem("invalid-input").Errors {
			got = append(got, f.String())
		}
		c.equal(missing(want, got), []string{})
		c.equal(missing(got, append(want, "/operations/2/id required")), []string{})
	}
	for _, malformed := range []string{``, `{"operations":[{"op":"create","op":"delete"}]}`, `{"operations":[{"op":"create","task":{"title":"` + "\xff" + `"}}]}`, `{"operations":[`, `{"operations":[]} []`} {
		c.do("POST", batchPath, malformed, asJSON).is(400).problem("malformed-request")
	}
	c.do("POST", batchPath, `{"operations":[]}`, "Content-Type: text/plain").is(415)
	c.equal(c.do("GET", "/api/alice/tasks", "").is(200).tasks(), []task{t})
}

// missing returns those of list that are not in in.
func missing(list, in []string) []string {
	lacking := []string{}
	for _, s := range list {
		if !strings.Contains("\n"+strings.Join(in, "\n")+"\n", "\n"+s+"\n") {
			lacking = append(lacking, s)
		}
	}
	return lacking
}

func TestLargeBatches(t *testing.T) {
	c := serveSQLite(t)
	operation := `{"op":"create","task":{"title":"` + strings.Repeat("😀", 500) + `","description":"` + strings.Repeat("😀", 5000) + `"}}`
	operations := func(n int) string {
		return `{"operations":[` + strings.TrimSuffix(strings.Repeat(operation+",", n), ",") + `]}`
	}
	var got batchResults
	c.do("POST", batchPath, operations(100), "Idempotency-Key: a").is(200).decode(&got)
	c.equal(len(got.Results), 100)
	c.do("POST", batchPath, operations(101)).faults("/operations out_of_range")
	padding := strings.Repeat(" ", 4<<20-len(operations(1)))
	c.do("POST", batchPath, operations(1)+padding).is(200)
	c.do("POST", batchPath, operations(1)+padding+" ").is(413).problem("content-too-large")
	c.do("POST", "/api/alice/tasks/batches", operations(10)).is(413) // only a batch may be so large

	// Many faults are neither all looked for nor all told.
	var names []string
	for i := range 100_000 {
		names = append(names, fmt.Sprintf(`"x%d":1`, i))
	}
	hostile := `{"operations":[` + strings.TrimSuffix(strings.Repeat(`{`+strings.Join(names[:20_000], ",")+`},`, 10), ",") + `]}`
	if !json.Valid([]byte(hostile)) {
		t.Fatal("the hostile batch is not JSON")
	}
	ignored := c.do("POST", batchPath, hostile).is(422)
	if told := ignored.header.Get("Docket-Ignored"); len(ignored.problem("invalid-input").Errors) != 10 || strings.Count(told, ",") != 19 {
		t.Errorf("ignored are %s", told)
	}
	a := c.do("POST", batchPath, hostile, strictly).is(422)
	if n := len(a.problem("invalid-input").Errors); n != 100 || len(a.body) > 20_000 {
		t.Errorf("%d faults in %d bytes", n, len(a.body))
	}
}
