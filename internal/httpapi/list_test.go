package httpapi_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// next returns the query of the page behind an answer's, or "".
func (a answer) next() string {
	a.Helper()
	link := a.header.Get("Link")
	if link == "" {
		return ""
	}
	query, ok := strings.CutSuffix(strings.TrimPrefix(link, "<"), `>; rel="next"`)
	if !ok || !strings.HasPrefix(query, "?cursor=") {
		a.Fatalf("Link is %q", link)
	}
	return query
}

func testPaging(c *client) {
	const user = "a/b c"
	base := "/api/" + url.PathEscape(user) + "/tasks"
	var made []task
	for i := range 7 {
		made = append(made, c.create(url.PathEscape(user), fmt.Sprintf("task %d", i%3)))
	}
	for _, query := range []string{"?limit=3", "?limit=3&sort=-created_at", "?limit=3&sort=title", "?limit=3&sort=-title", "?limit=3&sort=updated_at&completed=false", "?limit=3&q=TASK+%26%3f", "?limit=3&q=%C3%A9"} {
		var met []task
		pages := 0
		for next := query; next != ""; pages++ {
			a := c.do("GET", base+next, "").is(200)
			met = append(met, a.tasks()...)
			next = a.next()
		}
		if strings.Contains(query, "q=") {
			if len(met) != 0 {
				c.Errorf("%s found %v", query, met)
			}
			continue
		}
		if pages != 3 || len(met) != len(made) {
			c.Errorf("%s has %d tasks on %d pages", query, len(met), pages)
		}
	}
	c.equal(c.do("GET", base+"?limit=7", "").is(200).next(), "")
	c.equal(c.do("GET", base, "").is(200).tasks(), made)

	counted := c.do("GET", base+"?limit=2&q=task%201", "", "Prefer: respond-async, count=exact; x=y").is(200)
	c.equal(counted.header.Get("X-Total-Count"), "2")
	c.equal(counted.header.Get("Preference-Applied"), "count=exact")
	c.equal(c.do("GET", base, "", "Prefer: count=estimated").is(200).header.Get("X-Total-Count"), "")

	// A cursor is of one list only.
	first := c.do("GET", base+"?limit=2", "").is(200)
	_, rest, _ := strings.Cut(first.next(), "cursor=")
	cursor, _, _ := strings.Cut(rest, "&")
	c.equal(c.do("GET", base+"?limit=5&cursor="+cursor, "").is(200).tasks(), made[2:]) // another length is the same list
	for _, other := range []string{base + "?sort=title&cursor=", base + "?sort=-created_at&cursor=", base + "?completed=true&cursor=", base + "?q=x&cursor=", "/api/bob/tasks?cursor="} {
		c.do("GET", other+cursor, "").faults("?cursor invalid_cursor")
	}
	for _, bad := range []string{"", "x", cursor + "A", cursor[:len(cursor)-1], "B" + cursor[1:], cursor + "=", strings.ToLower(cursor), "%00", "AQ"} {
		c.do("GET", base+"?cursor="+bad, "").faults("?cursor invalid_cursor")
	}
}

func testListParameters(c *client) {
	b, a := c.create("alice", "b"), c.create("alice", "a Milk")
	a = c.do("PATCH", "/api/alice/tasks/"+a.ID+"/complete", "").is(200).task()
	for query, want := range map[string][]task{
		"": {b, a}, "?sort=created_at": {b, a}, "?sort=-created_at": {a, b}, "?sort=title": {a, b}, "?sort=-title": {b, a}, "?sort=-updated_at": {a, b},
		"?completed=true": {a}, "?completed=false": {b}, "?q=mILK": {a}, "?q=x": {}, "?limit=1&sort=title": {a}, "?limit=1000": {b, a},
	} {
		c.equal(c.do("GET", "/api/alice/tasks"+query, "").is(200).tasks(), want)
	}
	for query, fault := range map[string]string{
		"limit=0": "?limit out_of_range", "limit=1001": "?limit out_of_range", "limit=-1": "?limit out_of_range", "limit=x": "?limit out_of_range", "limit=": "?limit out_of_range", "limit=1.0": "?limit out_of_range", "limit=01": "?limit out_of_range",
		"limit=99999999999999999999": "?limit out_of_range", "limit=1&limit=1": "?limit repeated", "completed=1": "?completed wrong_type", "completed=TRUE": "?completed wrong_type", "completed=": "?completed wrong_type",
		"sort=name": "?sort unknown_sort", "sort=+title": "?sort unknown_sort", "sort=": "?sort unknown_sort", "q=": "?q too_short", "q=" + strings.Repeat("x", 501): "?q too_long", "q=a%00": "?q nul_character",
	} {
		c.do("GET", "/api/alice/tasks?"+query, "").faults(fault)
	}
	c.do("GET", "/api/alice/tasks?limt=5&limit=x&sort=y&completed=z&q="+strings.Repeat("x", 501), "", strictly).
		faults("?limt unknown_parameter", "?limit out_of_range", "?completed wrong_type", "?sort unknown_sort", "?q too_long")
}

func testListTags(c *client) {
	t := c.create("alice", "task")
	lists := []string{"/api/alice/tasks", "/api/alice/tasks?limit=1", "/api/alice/tasks?sort=title", "/api/alice/tasks?completed=false", "/api/nobody/tasks"}
	var tags []string
	for _, path := range lists {
		a := c.do("GET", path, "").is(200)
		tag := a.header.Get("ETag")
		if slices.Contains(tags, tag) {
			c.Errorf("two lists have the tag %s", tag)
		}
		tags = append(tags, tag)
		for _, held := range []string{tag, "W/" + tag, `"other", ` + tag, "*"} {
			kept := c.do("GET", path, "", "If-None-Match: "+held).is(304)
			if kept.body != "" || kept.header.Get("ETag") != tag || kept.header.Get("Cache-Control") != "private, no-cache" {
				c.Errorf("the answer to %s is %q with %v", held, kept.body, kept.header)
			}
		}
	}
	for i, path := range lists {
		c.do("GET", path, "", "If-None-Match: "+tags[(i+1)%len(tags)]).is(200)
	}
	c.do("PUT", "/api/alice/tasks/"+t.ID, `{}`).is(200) // nothing changes
	c.do("GET", lists[0], "", "If-None-Match: "+tags[0]).is(304)
	c.do("DELETE", "/api/alice/tasks/"+t.ID, "").is(200)
	for i, path := range lists[:4] {
		c.do("GET", path, "", "If-None-Match: "+tags[i]).is(200)
	}
	counted := c.do("GET", lists[4], "", "If-None-Match: *", "Prefer: count=exact").is(304)
	c.equal(counted.header.Get("X-Total-Count"), "0")
	c.do("GET", lists[0], "", "If-None-Match: x").faults("If-None-Match: malformed")
}

func testConditions(c *client) {
	made := c.create("alice", "task")
	path := "/api/alice/tasks/" + made.ID
	c.equal(c.do("GET", path, "", `If-None-Match: "1"`).is(304).body, "")
	c.do("GET", path, "", `If-None-Match: W/"1", "7"`).is(304)
	c.do("GET", path, "", `If-None-Match: *`).is(304)
	c.do("GET", path, "", `If-None-Match: "2", "01"`).is(200)
	c.do("GET", path, "", `If-Match: "1"`).is(200)
	c.do("GET", path, "", `If-Match: *`, `If-None-Match: "1"`).is(304)
	c.do("GET", path, "", `If-Match: "2"`, `If-None-Match: "1"`).is(412).problem("precondition-failed") // If-Match comes first
	c.do("GET", path, "", `If-Match: W/"1"`).is(412)

	for _, r := range [][3]string{{"GET", path}, {"PUT", path, `{"title":"x"}`}, {"PATCH", path, `{}`}, {"PATCH", path + "/complete"}, {"DELETE", path}} {
		for _, altered := range []string{`W/"1"`, `"1-gzip"`, `W/"1-gzip"`, `"7", "1--gzip"`} {
			p := c.do(r[0], r[1], r[2], "If-Match: "+altered).is(412).problem("precondition-failed")
			if !strings.Contains(p.Detail, "was altered") || !strings.Contains(p.Detail, `If-Match: "1".`) {
				c.Errorf("of the tag %s it says %s", altered, p.Detail)
			}
		}
	}
	for _, r := range [][3]string{{"PUT", path, `{"title":"x"}`}, {"PATCH", path, `{}`}, {"PATCH", path + "/complete"}, {"DELETE", path}} {
		for _, stale := range []string{`If-Match: "2"`, `If-Match: "x"`, `If-Match: "-1", "01"`, `If-None-Match: *`, `If-None-Match: "1"`, `If-None-Match: W/"1"`} {
			p := c.do(r[0], r[1], r[2], stale).is(412).problem("precondition-failed")
			if strings.Contains(p.Detail, "altered") {
				c.Errorf("of the tag %s it says %s", stale, p.Detail)
			}
		}
		for _, bad := range []string{`1`, `"1`, `"1" "2"`, `'1'`, `w/"1"`, `"1",, x`, `*, "1"`, `"a b"`} {
			c.do(r[0], r[1], r[2], "If-Match: "+bad).faults("If-Match: malformed")
		}
		c.do(r[0], strings.Replace(r[1], made.ID, "019a4e6f-1b2c-7d3e-8f40-516273849a5b", 1), r[2], `If-Match: "1"`).is(404)
	}
	c.equal(c.do("GET", path, "").is(200).task(), made)
	c.do("PUT", path, `{"title":""}`, `If-Match: x`).faults("If-Match: malformed", "/title too_short")

	toggled := c.do("PATCH", path+"/complete", "", `If-Match: "1", "5"`).is(200)
	c.equal(toggled.header.Get("ETag"), `"2"`)
	c.do("PUT", path, `{"title":"x"}`, `If-Match: *`, `If-None-Match: "1"`).is(200)
	c.do("PATCH", path, `{"title":"y"}`, `If-Match: "3"`).is(200)
	c.do("DELETE", path, "", `If-Match: "3"`).is(412)
	c.do("DELETE", path, "", `If-Match: "4"`).is(200)
}
