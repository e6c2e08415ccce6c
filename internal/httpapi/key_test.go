package httpapi_test

import (
	"slices"
	"strings"

	"docket"
)

func testRestore(c *client) {
	t := c.create("alice", "task")
	path := "/api/alice/tasks/" + t.ID
	c.do("POST", path+"/restore", "").is(409).problem("task-not-deleted")
	c.do("DELETE", path, "").is(200)
	c.do("POST", path+"/restore", "", `If-Match: "1"`).is(412).problem("precondition-failed")
	c.do("POST", strings.Replace(path, "alice", "bob", 1)+"/restore", "").is(404).problem("task-not-found")
	restored := c.do("POST", path+"/restore", "", `If-Match: "2"`).is(200)
	got := restored.task()
	if got.Version != 3 || got.Title != "task" || got.UpdatedAt <= t.UpdatedAt || restored.header.Get("ETag") != `"3"` {
		c.Errorf("restored to %s", restored.body)
	}
	c.equal(c.do("GET", "/api/alice/tasks", "").is(200).tasks(), []task{got})
	c.do("POST", path+"/restore", "").is(409)
	c.do("POST", "/api/alice/tasks/x/restore", "").is(404).problem("task-not-found")
}

// replayable are headers that a replay repeats.
var replayable = []string{"Etag", "Location", "Content-Type", "Cache-Control"}

func testReplay(c *client) {
	other := c.create("alice", "other")
	gone := c.create("alice", "gone")
	for _, r := range []struct {
		method, path, body string
		headers            []string
	}{
		{"POST", "/api/alice/tasks", `{"title":"new <&> é","description":"note"}`, nil},
		{"PUT", "/api/alice/tasks/" + other.ID, `{"title":"put"}`, []string{`If-Match: "4"`}},
		{"PATCH", "/api/alice/tasks/" + other.ID, `{"description":"patched"}`, nil},
		{"PATCH", "/api/alice/tasks/" + other.ID + "/complete", "", nil},
		{"PATCH", "/api/alice/tasks/" + other.ID + "/complete", `{"completed":false}`, nil},
		{"DELETE", "/api/alice/tasks/" + gone.ID, "", []string{`If-Match: "2"`}},
		{"POST", "/api/alice/tasks/" + gone.ID + "/restore", "", nil},
		{"POST", "/api/alice/tasks/batch", `{"operations":[{"op":"create","task":{"title":"x"}},{"op":"delete","id":"` + gone.ID + `"},{"op":"complete","id":"` + other.ID + `"}]}`, nil},
	} {
		key := "Idempotency-Key: " + r.method + r.path + r.body[:min(len(r.body), 3)]
		headers := append(slices.Clone(r.headers), key)
		first := c.do(r.method, r.path, r.body, headers...)
		if first.status >= 300 || first.header.Get("Idempotent-Replayed") != "" {
			c.Fatalf("%s %s: %d %v", r.method, r.path, first.status, first.header)
		}
		c.do("PUT", "/api/alice/tasks/"+other.ID, `{"title":"changed after `+r.method+r.path+`"}`).is(200)
		for range 2 {
			again := c.do(r.method, r.path, r.body, headers...).is(first.status)
			c.equal(again.header.Get("Idempotent-Replayed"), "true")
			c.equal(again.body, first.body)
			for _, name := range replayable {
				c.equal(again.header.Get(name), first.header.Get(name))
			}
		}
	}
	if list := c.do("GET", "/api/alice/tasks", "").is(200).tasks(); len(list) != 3 {
		c.Errorf("there are %d tasks: %+v", len(list), list)
	}

	path, long := "/api/alice/tasks/"+other.ID, strings.Repeat("x", docket.MaxMetadata*3/4)
	merge := func(headers ...string) answer {
		return c.do("PATCH", path, `{"metadata":{"a":"`+long+`"}}`, headers...)
	}
	first := merge("Idempotency-Key: merge").is(200)
	c.do("PUT", path, `{"title":"x","metadata":{"b":"`+long+`"}}`).is(200)
	merge().faults("/metadata too_long")
	c.equal(merge("Idempotency-Key: merge").is(200).body, first.body)
}

func testKeyReuse(c *client) {
	t := c.create("alice", "task")
	path := "/api/alice/tasks/" + t.ID
	const key = "Idempotency-Key: one"
	c.do("PUT", path, `{"title":"x"}`, key, `If-Match: "1"`).is(200)
	for name, a := range map[string]answer{
		"body":     c.do("PUT", path, `{"title":"y"}`, key, `If-Match: "1"`),
		"spaces":   c.do("PUT", path, `{"title":"x"} `, key, `If-Match: "1"`),
		"method":   c.do("PATCH", path, `{"title":"x"}`, key, `If-Match: "1"`),
		"path":     c.do("PUT", "/api/alice/tasks/019a4e6f-1b2c-7d3e-8f40-516273849a5b", `{"title":"x"}`, key, `If-Match: "1"`),
		"If-Match": c.do("PUT", path, `{"title":"x"}`, key, `If-Match: "2"`),
		"none":     c.do("PUT", path, `{"title":"x"}`, key),
	} {
		if a.status != 422 {
			c.Errorf("another %s is answered with %d", name, a.status)
			continue
		}
		a.faults("Idempotency-Key: key_reused")
	}
	c.do("PUT", path, `{"title":"x"}`, `Idempotency-Key: "one"`, `If-Match: "1"`, "X-Request-Id: another").is(200) // the same, quoted
	c.do("PUT", path+"/", `{"title":"x"}`, key, `If-Match: "1"`).is(200)
	c.do("POST", "/api/bob/tasks", `{"title":"his"}`, key).is(201)
	gone := c.create("alice", "gone")
	c.do("DELETE", "/api/alice/tasks/"+gone.ID, "one", "Idempotency-Key: body").is(200)
	c.do("DELETE", "/api/alice/tasks/"+gone.ID, "other", "Idempotency-Key: body").faults("Idempotency-Key: key_reused")
	c.do("DELETE", "/api/alice/tasks/"+gone.ID, "one", "Idempotency-Key: body").is(200)

	c.doChunked("DELETE", path, strings.Repeat("x", 200_000), "Idempotency-Key: chunks").is(413).problem("content-too-large")

	// Failures are not kept.
	c.do("PUT", path, `{"title":"z"}`, "Idempotency-Key: two", `If-Match: "9"`).is(412)
	c.do("PUT", path, `{"title":"z"}`, "Idempotency-Key: two", `If-Match: "2"`).is(200)
	c.do("DELETE", "/api/alice/tasks/x", "", "Idempotency-Key: three").is(404)
	c.do("PUT", path, `{"title":""}`, "Idempotency-Key: three").faults("/title too_short")
	c.do("DELETE", path, "", "Idempotency-Key: three").is(200)

	for _, bad := range []string{"", " ", `""`, `"a`, `"a"b`, `a b`, "é", `"a b"`, `"a";x=1`, `"\x"`, strings.Repeat("x", 256), `"` + strings.Repeat("x", 256) + `"`} {
		c.do("POST", "/api/alice/tasks", `{"title":""}`, "Idempotency-Key: "+bad).faults("Idempotency-Key: malformed", "/title too_short")
	}
	c.do("POST", "/api/alice/tasks", `{"title":"x"}`, `Idempotency-Key: "`+strings.Repeat(`\\`, 255)+`"`).is(201)
	c.do("GET", "/api/alice/tasks", "", "Idempotency-Key: a b").is(200) // of no meaning to a read
}
