package httpapi_test

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"docket"
	"docket/internal/httpapi"
)

const madeID = "019a4e6f-1b2c-7d3e-8f40-516273849a5b"

func testPutCreates(c *client) {
	path := "/api/alice/tasks/" + madeID
	made := c.do("PUT", path, `{"title":"mine","tags":["a"]}`, "If-None-Match: *").is(201)
	c.equal([]string{made.task().ID, made.task().Title, made.header.Get("ETag"), made.header.Get("Location")}, []string{madeID, "mine", `"1"`, madeID})
	c.equal(c.do("GET", path, "").is(200).task(), made.task())

	there := c.do("PUT", path, `{"title":"again"}`, "If-None-Match: *").is(412)
	there.problem("precondition-failed")
	c.do("PUT", path, `{"title":"changed"}`).is(200)
	c.do("DELETE", path, "").is(200)
	c.do("PUT", path, `{"title":"again"}`, "If-None-Match: *").is(412) // it can be restored
	c.do("PUT", path, `{"title":"again"}`).is(404)
	c.do("PUT", strings.Replace(path, "alice", "bob", 1), `{"title":"his"}`, "If-None-Match: *").is(201)

	for _, id := range []string{"x", "019a4e6f-1b2c-4d3e-8f40-516273849a5b", "019a4e6f-1b2c-7d3e-cf40-516273849a5b", "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"} {
		c.do("PUT", "/api/alice/tasks/"+id, `{"title":""}`, "If-None-Match: *").faults("?id not_uuid_v7", "/title too_short")
	}
	other := "/api/alice/tasks/" + strings.ToUpper("019a4e6f-1b2c-7d3e-8f40-516273849a5c")
	c.do("PUT", other, `{}`, "If-None-Match: *").faults("/title required")
	c.do("PUT", other, `{"title":"x"}`, "If-None-Match: *", "If-Match: *").faults("If-Match: unexpected")
	c.do("PUT", other, `{"title":"x"}`, `If-None-Match: "1"`).is(404) // that is no creation

	const key = "Idempotency-Key: put"
	first := c.do("PUT", other, `{"title":"keyed"}`, "If-None-Match: *", key).is(201)
	c.equal(first.task().ID, strings.ToLower(strings.TrimPrefix(other, "/api/alice/tasks/")))
	again := c.do("PUT", other, `{"title":"keyed"}`, "If-None-Match: *", key).is(201)
	c.equal(again.body, first.body)
	c.equal(again.header.Get("Idempotent-Replayed"), "true")
}

func testBatchCreatesUnderIDs(c *client) {
	create := `{"op":"create","id":"` + madeID + `","task":{"title":"mine"}}`
	var got batchResults
	c.do("POST", batchPath, `{"operations":[`+create+`,{"op":"complete","id":"`+madeID+`"}]}`).is(200).decode(&got)
	if got.Results[0].Status != 201 || got.Results[0].Task.ID != madeID || !got.Results[1].Task.Completed {
		c.Errorf("the batch did %+v", got)
	}
	p := c.do("POST", batchPath, `{"operations":[{"op":"create","task":{"title":"x"}},`+create+`]}`).is(412).problem("precondition-failed")
	if len(p.Errors) != 1 || p.Errors[0].String() != "/operations/1/id precondition_failed" {
		c.Errorf("the fault is %+v", p)
	}
	c.equal(len(c.do("GET", "/api/alice/tasks", "").is(200).tasks()), 1)
	c.do("POST", batchPath, `{"operations":[{"op":"create","id":"019a4e6f-1b2c-4d3e-8f40-516273849a5b","task":{"title":"x"}},{"op":"create","id":null,"task":{"title":"x"}}]}`).
		faults("/operations/0/id not_uuid_v7", "/operations/1/id null")
}

// TestLocations resolves the reference to a task that was made, whatever the request's
// URL, as a browser does.
func TestLocations(t *testing.T) {
	c, _ := serveEcho(t)
	for _, r := range [][2]string{
		{"POST", "/api/alice/tasks"},
		{"POST", "/api/alice/tasks/"},
		{"POST", "/api/a%2Fb/tasks?x=/"},
		{"POST", "/api/alice/tasks/?x"},
		{"PUT", "/api/alice/tasks/" + madeID},
		{"PUT", "/api/alice/tasks/" + madeID + "/"},
	} {
		a := c.do(r[0], r[1], `{"title":"x"}`, "If-None-Match: *").is(201)
		base, err := url.Parse(c.url + r[1])
		if err != nil {
			t.Fatal(err)
		}
		at, err := base.Parse(a.header.Get("Location"))
		if err != nil {
			t.Fatal(err)
		}
		collection, _, _ := strings.Cut(strings.TrimPrefix(base.EscapedPath(), "/"), "/tasks")
		if want := "/" + collection + "/tasks/" + a.task().ID; at.EscapedPath() != want {
			t.Errorf("%s %s: Location %s leads to %s, want %s", r[0], r[1], a.header.Get("Location"), at.EscapedPath(), want)
		}
	}
}

func testPreferences(c *client) {
	t := c.create("alice", "task")
	path := "/api/alice/tasks/" + t.ID
	minimal := c.do("DELETE", path, "", "Prefer: return=minimal, handling=strict").is(204)
	c.equal([]string{minimal.body, minimal.header.Get("Content-Type"), minimal.header.Get("ETag"), minimal.header.Get("Preference-Applied")},
		[]string{"", "", `"2"`, "handling=strict, return=minimal"})
	c.do("POST", path+"/restore", "", `If-Match: "2"`).is(200)
	whole := c.do("DELETE", path, "", "Prefer: return=representation").is(200)
	c.equal(whole.header.Get("Preference-Applied"), "")
	c.equal(c.do("DELETE", path, "", "Prefer: return=minimal").is(404).header.Get("Preference-Applied"), "")
}

// kept answers every write as a program did that kept no tombstones.
type kept struct{ echo }

func (k *kept) Write(_ context.Context, _ docket.UserID, w docket.Write) (docket.Written, error) {
	return docket.Written{Tasks: make([]docket.Task, len(w.Operations)), Replayed: true}, nil
}

func TestAnswersFromBeforeTombstones(t *testing.T) {
	c := serve(t, &kept{}, httpapi.Options{})
	a := c.do("DELETE", "/api/alice/tasks/"+madeID, "", "Idempotency-Key: old").is(204)
	c.equal([]string{a.body, a.header.Get("ETag"), a.header.Get("Idempotent-Replayed")}, []string{"", "", "true"})
	c.equal(c.do("POST", batchPath, `{"operations":[{"op":"delete","id":"`+madeID+`"}]}`, "Idempotency-Key: old").is(200).body, `{"results":[{"status":204}]}`)
}
