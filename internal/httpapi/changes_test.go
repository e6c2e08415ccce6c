package httpapi_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"docket"
	"docket/internal/httpapi"
)

type changes struct {
	Items   []task `json:"items"`
	Next    string `json:"next"`
	HasMore bool   `json:"has_more"`
}

func (c *client) changes(query string) (page changes) {
	c.Helper()
	c.do("GET", "/api/alice/changes"+query, "").is(200).decode(&page)
	return page
}

func testChanges(c *client) {
	empty := c.changes("")
	c.equal(empty, changes{Items: []task{}, Next: empty.Next})
	a, b, d := c.create("alice", "a"), c.create("alice", "b"), c.create("alice", "d")
	c.create("bob", "not hers")

	first := c.changes("?since=" + empty.Next + "&limit=2") // of no history: a snapshot
	c.equal(first, changes{Items: []task{a, b}, Next: first.Next, HasMore: true})
	c.do("DELETE", "/api/alice/tasks/"+a.ID, "").is(200)
	second := c.changes("?limit=2&since=" + first.Next)
	c.equal(second, changes{Items: []task{d}, Next: second.Next, HasMore: true})
	third := c.changes("?since=" + second.Next)
	if len(third.Items) != 1 || third.Items[0].ID != a.ID || !third.Items[0].Deleted || len(third.Items[0].DeletedAt) != len("2026-01-31T09:30:00.000000Z") || third.Items[0].Version != 4 || third.HasMore {
		c.Errorf("the deletion is told as %+v", third)
	}
	c.equal(c.changes("?since="+third.Next), changes{Items: []task{}, Next: third.Next})
	raw := c.do("GET", "/api/alice/changes?since="+second.Next, "").is(200)
	if strings.Contains(raw.body, "title") || raw.header.Get("Cache-Control") != "no-store" {
		c.Errorf("a deletion is %s, with Cache-Control %q", raw.body, raw.header.Get("Cache-Control"))
	}
	c.equal(c.do("HEAD", "/api/alice/changes", "").is(200).body, "")

	for query, fault := range map[string]string{
		"since=": "?since invalid_token", "since=x": "?since invalid_token", "since=" + third.Next + "&since=" + third.Next: "?since repeated", "limit=0": "?limit out_of_range", "limit=1001": "?limit out_of_range",
		"limit=01": "?limit out_of_range", "since=" + third.Next + "A": "?since invalid_token",
	} {
		c.do("GET", "/api/alice/changes?"+query, "").faults(fault)
	}
	c.do("GET", "/api/alice/changes?sinc="+third.Next, "", strictly).faults("?sinc unknown_parameter")
	c.equal(c.do("GET", "/api/alice/changes?sinc=x", "").is(200).header.Get("Docket-Ignored"), `"?sinc"`)
	c.do("GET", "/api/bob/changes?since="+third.Next, "").faults("?since invalid_token") // hers, not his
}

// TestTrashAfterPurges has tasks in the trash that were deleted in one order by their
// versions and in another by the clock, as instances delete whose clocks differ. Each
// purge changes the page, its tasks or whether more follow.
func TestTrashAfterPurges(t *testing.T) {
	const path = "/api/alice/tasks?deleted=true&limit=1"
	start := time.Date(2026, 1, 31, 9, 0, 0, 0, time.UTC)
	var ahead atomic.Int64
	store := backends["sqlite"](t)
	c := serve(t, store, httpapi.Options{}, docket.WithClock(func() time.Time { return start.Add(time.Duration(ahead.Load())) }))
	first, second, third := c.create("alice", "1"), c.create("alice", "2"), c.create("alice", "3")
	for _, deleted := range []struct {
		task  task
		after time.Duration
	}{{third, 2 * time.Hour}, {second, time.Hour}, {first, 3 * time.Hour}} {
		ahead.Store(int64(deleted.after))
		c.do("DELETE", "/api/alice/tasks/"+deleted.task.ID, "").is(200)
	}
	for left := 2; left >= 0; left-- {
		tag := "If-None-Match: " + c.do("GET", path, "").is(200).header.Get("ETag")
		c.do("GET", path, "", tag).is(304)
		if n, err := store.Purge(t.Context(), start.Add(4*time.Hour), 1); n != 1 || err != nil {
			t.Fatalf("%d tasks were purged, %v", n, err)
		}
		c.equal(len(c.do("GET", path, "", tag).is(200).tasks()), min(left, 1))
	}
}

func testTrash(c *client) {
	kept, gone := c.create("alice", "kept"), c.create("alice", "gone")
	tag := c.do("GET", "/api/alice/tasks?deleted=true", "").is(200).header.Get("ETag")
	c.do("DELETE", "/api/alice/tasks/"+gone.ID, "").is(200)
	trash := c.do("GET", "/api/alice/tasks?deleted=true", "", "If-None-Match: "+tag, "Prefer: count=exact").is(200)
	var items []task
	trash.decode(&items)
	if len(items) != 1 || items[0].ID != gone.ID || items[0].Title != "gone" || items[0].DeletedAt == "" || trash.header.Get("X-Total-Count") != "1" {
		c.Errorf("the trash is %+v of %s", items, trash.header.Get("X-Total-Count"))
	}
	c.do("GET", "/api/alice/tasks?deleted=true", "", "If-None-Match: "+trash.header.Get("ETag")).is(304)
	c.do("GET", "/api/alice/tasks", "", "If-None-Match: "+trash.header.Get("ETag")).is(200) // another list
	live := c.do("GET", "/api/alice/tasks?deleted=false", "").is(200)
	c.equal(live.tasks(), []task{kept})
	if strings.Contains(live.body, "deleted_at") {
		c.Errorf("a live task is %s", live.body)
	}
	c.do("GET", "/api/alice/tasks?deleted=yes", "").faults("?deleted wrong_type")
	c.do("DELETE", "/api/alice/tasks/"+kept.ID, "").is(200)
	first := c.do("GET", "/api/alice/tasks?deleted=true&limit=1&sort=-title", "").is(200)
	c.equal(first.tasks()[0].ID, kept.ID)
	if !strings.Contains(first.next(), "deleted=true") {
		c.Errorf("the next page is %s", first.next())
	}
	c.equal(c.do("GET", "/api/alice/tasks"+first.next(), "").is(200).tasks()[0].ID, gone.ID)
	c.do("GET", "/api/alice/tasks"+strings.Replace(first.next(), "deleted=true", "deleted=false", 1), "").faults("?cursor invalid_cursor")
	c.do("POST", "/api/alice/tasks/"+gone.ID+"/restore", "").is(200)
	c.equal(c.do("GET", "/api/alice/tasks", "").is(200).tasks()[0].ID, gone.ID)
}

// testDeletedIsAbsent sends each request that names a task to one that is
// deleted, to one that never was and to one of another user: only restore, the
// trash and changes tell the first from the others.
func testDeletedIsAbsent(c *client) {
	gone, foreign := c.create("alice", "gone"), c.create("bob", "his")
	c.do("DELETE", "/api/alice/tasks/"+gone.ID, "").is(200)
	before := c.changes("")
	for _, id := range []string{gone.ID, foreign.ID, "019a4e6f-1b2c-7d3e-8f40-516273849a5b"} {
		path := "/api/alice/tasks/" + id
		for _, r := range [][4]string{
			{"GET", path},
			{"HEAD", path},
			{"GET", path, "", `If-None-Match: "1"`},
			{"GET", path, "", "If-None-Match: *"},
			{"PUT", path, `{"title":"x"}`},
			{"PUT", path, `{}`},
			{"PUT", path, `{"title":"x"}`, `If-Match: "1"`},
			{"PUT", path, `{"title":"x"}`, "If-Match: *"},
			{"PATCH", path, `{"title":"x"}`},
			{"PATCH", path, `{}`},
			{"PATCH", path + "/complete", ""},
			{"PATCH", path + "/complete", `{"completed":true}`},
			{"DELETE", path},
			{"DELETE", path, "", `If-Match: "2"`},
			{"DELETE", path, "", "Idempotency-Key: " + id},
		} {
			headers := []string{}
			if r[3] != "" {
				headers = append(headers, r[3])
			}
			if a := c.do(r[0], r[1], r[2], headers...).is(404); r[0] != "HEAD" {
				a.problem("task-not-found")
			}
		}
		for _, op := range []string{`"op":"update","task":{"title":"x"}`, `"op":"complete"`, `"op":"delete"`} {
			c.do("POST", "/api/alice/tasks/batch", `{"operations":[{`+op+`,"id":"`+id+`"}]}`).is(404).problem("task-not-found")
		}
		for _, query := range []string{"", "?completed=false", "?q=gone", "?sort=title", "?sort=-updated_at", "?limit=1"} {
			c.equal(c.do("GET", "/api/alice/tasks"+query, "", "Prefer: count=exact").is(200).body, "[]")
		}
	}
	c.equal(c.changes("").Items, []task{})
	c.equal(c.changes(""), before) // nothing of that has changed anything
}

func testErase(c *client) {
	c.create("alice", "a")
	gone := c.create("alice", "b")
	c.do("DELETE", "/api/alice/tasks/"+gone.ID, "").is(200)
	c.do("POST", "/api/alice/tasks", `{"title":"keyed"}`, "Idempotency-Key: k").is(201)
	his := c.create("bob", "his")
	old := c.changes("")

	answered := c.do("DELETE", "/api/alice", "", "Idempotency-Key: e").is(204)
	c.equal(answered.body, "")
	for _, path := range []string{"/api/alice/tasks", "/api/alice/tasks?deleted=true"} {
		c.equal(c.do("GET", path, "").is(200).body, "[]")
	}
	c.equal(c.changes("").Items, []task{})
	c.do("GET", "/api/alice/changes?since="+old.Next, "").is(410).problem("sync-token-expired")
	c.do("DELETE", "/api/alice/", "").is(204) // always
	c.do("DELETE", "/api/nobody", "").is(204)
	c.do("POST", "/api/alice/tasks/"+gone.ID+"/restore", "").is(404)

	again := c.do("POST", "/api/alice/tasks", `{"title":"keyed"}`, "Idempotency-Key: k").is(201)
	c.equal(again.header.Get("Idempotent-Replayed"), "")
	for range 5 { // past the numbers of the history before
		c.create("alice", "new")
	}
	c.do("GET", "/api/alice/changes?since="+old.Next, "").is(410).problem("sync-token-expired")
	c.equal(c.do("GET", "/api/bob/tasks", "").is(200).tasks(), []task{his})
	c.do("DELETE", "/api/alice", "", `If-Match: "1"`).faults("If-Match: unexpected")
	c.do("GET", "/api/alice", "").is(405)
}
