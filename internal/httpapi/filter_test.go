package httpapi_test

import (
	"net/url"
	"strings"
)

// titles returns those of a list, or fails.
func (c *client) titles(query string) string {
	c.Helper()
	var titles []string
	for _, t := range c.do("GET", "/api/alice/tasks"+query, "").is(200).tasks() {
		titles = append(titles, t.Title)
	}
	return strings.Join(titles, " ")
}

// fill makes tasks that differ in what lists filter and order by.
func (c *client) fill() {
	c.Helper()
	for _, body := range []string{
		`{"title":"a","priority":"high","due_date":"2026-12-01","tags":["Home","x y"]}`,
		`{"title":"b","priority":"low","due_date":"2026-12-01T12:00:00","tags":["home","Straße"],"completed":true}`,
		`{"title":"c","due_date":"2026-12-01T23:30:00-01:00","description":"milk"}`,
		`{"title":"d","tags":["MILK"]}`,
		`{"title":"e","priority":"high","due_date":"2026-12-02","completed":true}`,
	} {
		c.do("POST", "/api/alice/tasks", body).is(201)
	}
	c.create("bob", "his")
}

func testFilters(c *client) {
	c.fill()
	for query, want := range map[string]string{
		"": "a b c d e", "?status=all": "a b c d e", "?status=pending": "a c d", "?status=completed": "b e", "?status_filter=completed": "b e", "?completed=true": "b e",
		"?priority=high": "a e", "?priority=low,medium": "b c d", "?priority=low&priority=high": "a b e", "?priority=low,%20high,low": "a b e", "?priority=medium": "c d",
		"?tag=home": "a b", "?tag=HOME": "a b", "?tag=home&tag=x%20y": "a", "?tag=home,x+y": "a", "?tags=home": "a b", "?tags=home&tags=stra%C3%9Fe": "b", "?tag=none": "", "?tag=hom": "",
		"?due_before=2026-12-01": "", "?due_before=2026-12-01T00:00:01": "a", "?due_before=2026-12-01T12:00:00": "a", "?due_before=2026-12-02": "a b", "?due_before=2026-12-02T00:30:01Z": "a b c e",
		"?due_after=2026-12-01": "a b c e", "?due_after=2026-12-01T12:00": "b c e", "?due_after=2026-12-02": "c e", "?due_date_from=2026-12-02": "c e", "?due_after=2026-12-03": "",
		"?due_date_to=2026-12-01": "a b", "?due_date_to=2026-12-01T12:00:00": "a b", "?due_date_to=2026-12-01T11:59:59": "a", "?due_date_to=2026-12-02": "a b c e", "?due_date_to=2026-11-30": "",
		"?due_after=2026-12-01T12:00:00%2B01:00&due_before=2026-12-02": "b", "?due_date_from=2026-12-01&due_date_to=2026-12-01": "a b",
		"?due_after=0001-01-01": "a b c e", "?due_before=0001-01-01": "",
		"?q=milk": "c d", "?search=MiLK": "c d", "?q=stra": "b", "?q=x%20y": "a",
		"?status=pending&priority=high,medium&tag=home&due_before=2027-01-01&q=A": "a", "?status=completed&priority=high&search=E": "e",
	} {
		if got := c.titles(query); got != want {
			c.Errorf("%s holds %q, want %q", query, got, want)
		}
	}
	for query, fault := range map[string]string{
		"status=open": "?status unknown_status", "status=": "?status unknown_status", "status_filter=PENDING": "?status_filter unknown_status", "status=all&status=all": "?status repeated",
		"priority=urgent": "?priority unknown_priority", "priority=": "?priority unknown_priority", "priority=low,,high": "?priority unknown_priority", "priority=HIGH&priority=x": "?priority unknown_priority",
		"tag=": "?tag too_short", "tags=a,": "?tags too_short", "tag=a%00": "?tag nul_character", "tags=a%00": "?tags nul_character",
		"tag=" + many(21): "?tag too_many", "tags=" + many(21): "?tags too_many",
		"due_before=": "?due_before invalid_date", "due_before=tomorrow": "?due_before invalid_date", "due_after=2026-02-30": "?due_after invalid_date", "due_date_from=1": "?due_date_from invalid_date", "due_date_to=2026-12-01+10:00": "?due_date_to invalid_date",
		"due_before=2026-12-01&due_before=2026-12-01": "?due_before repeated",
		"search=": "?search too_short", "search=" + strings.Repeat("x", 101): "?search too_long", "search=%00": "?search nul_character",
		"completed=true&status=all": "?status two_names", "status=all&status_filter=all": "?status_filter two_names", "completed=true&status_filter=all": "?status_filter two_names",
		"tag=a&tags=b": "?tags two_names", "q=a&search=a": "?search two_names", "due_after=2026-12-01&due_date_from=2026-12-01": "?due_date_from two_names", "due_before=2026-12-01&due_date_to=2026-12-01": "?due_date_to two_names",
		"sort=title&sort_by=title": "?sort_by two_names", "sort_order=asc&order=asc": "?order two_names", "sort=-title&order=asc": "?order two_names", "sort_by=-title&sort_order=desc": "?sort_order two_names",
		"sort_by=name": "?sort_by unknown_sort", "order=up": "?order unknown_order", "sort_order=DESC": "?sort_order unknown_order",
		"offset=-1": "?offset out_of_range", "offset=10001": "?offset out_of_range", "offset=x": "?offset out_of_range", "offset=1&cursor=AQ": "?offset not_with_cursor",
	} {
		c.do("GET", "/api/alice/tasks?"+query, "").faults(fault)
	}
	c.do("GET", "/api/alice/tasks?status=x&priority=x&tags=&due_before=x&search=&sort_by=x&offset=x", "").faults(
		"?offset out_of_range", "?priority unknown_priority", "?due_before invalid_date", "?status unknown_status", "?tags too_short", "?search too_short", "?sort_by unknown_sort")

	first := c.do("GET", "/api/alice/tasks?limit=1&tags=home&priority=low&priority=high&due_before=2027-01-01&status=all&utm=1", "").is(200)
	next, err := url.ParseQuery(strings.TrimPrefix(first.next(), "?"))
	if err != nil {
		c.Fatal(err)
	}
	cursor := next.Get("cursor")
	next.Del("cursor")
	c.equal(next, url.Values{"limit": {"1"}, "tags": {"home"}, "priority": {"low", "high"}, "due_before": {"2027-01-01"}, "status": {"all"}})
	c.equal(c.titles(first.next()), "b")
	for _, other := range []string{"", "&tags=home", "&tags=home&priority=low,high", "&tags=home&priority=low,high&due_before=2026-12-31", "&tags=home&priority=low&due_before=2027-01-01", "&priority=low,high&due_before=2027-01-01", "&tags=home&priority=low,high&due_after=2027-01-01"} {
		c.do("GET", "/api/alice/tasks?cursor="+cursor+other, "").faults("?cursor invalid_cursor")
	}
	c.equal(c.titles("?cursor="+cursor+"&tag=home&priority=low,high&due_before=2027-01-01T00:00:00Z"), "b") // the same list, said otherwise
}

func many(n int) string {
	var tags []string
	for i := range n {
		tags = append(tags, string(rune('a'+i)))
	}
	return strings.Join(tags, ",")
}

func testOrders(c *client) {
	c.fill()
	for query, want := range map[string]string{
		"?sort=due_date": "a b e c d", "?sort=-due_date": "c e b a d", "?sort=priority": "b c d a e", "?sort=-priority": "e a d c b",
		"?sort=created": "a b c d e", "?sort=-created": "e d c b a", "?sort_by=created_at": "a b c d e", "?sort=updated": "a b c d e", "?sort_by=-updated": "e d c b a",
		"?sort_by=title&sort_order=desc": "e d c b a", "?sort_by=due_date&order=desc": "c e b a d", "?order=desc": "e d c b a", "?order=asc": "a b c d e", "?sort=priority&order=desc": "e a d c b",
		"?sort_by=title&order=asc": "a b c d e", "?order=desc&sort_by=priority&status=all": "e a d c b",
	} {
		if got := c.titles(query); got != want {
			c.Errorf("%s holds %q, want %q", query, got, want)
		}
		for _, limit := range []string{"1", "2"} {
			var met []string
			for next := query + "&limit=" + limit; next != ""; {
				a := c.do("GET", "/api/alice/tasks"+next, "").is(200)
				for _, t := range a.tasks() {
					met = append(met, t.Title)
				}
				next = a.next()
			}
			if got := strings.Join(met, " "); got != want {
				c.Errorf("%s in pages of %s holds %q, want %q", query, limit, got, want)
			}
		}
	}
}

func testOffset(c *client) {
	c.fill()
	for query, want := range map[string]string{"?offset=0": "a b c d e", "?offset=2": "c d e", "?offset=5": "", "?offset=10000": "", "?offset=1&limit=2": "b c", "?offset=1&sort=-title": "d c b a", "?offset=1&status=completed": "e"} {
		if got := c.titles(query); got != want {
			c.Errorf("%s holds %q, want %q", query, got, want)
		}
	}
	page := c.do("GET", "/api/alice/tasks?offset=1&limit=2", "", "Prefer: count=exact").is(200)
	c.equal(page.header.Get("X-Total-Count"), "5")
	if strings.Contains(page.next(), "offset") {
		c.Errorf("the next page is %s", page.next())
	}
	c.equal(c.titles(page.next()), "d e")
	c.equal(c.titles(page.next()+"&offset=0"), "d e")
	c.do("GET", "/api/alice/tasks?offset=2&limit=2", "", "If-None-Match: "+page.header.Get("ETag")).is(200)
	c.do("GET", "/api/alice/tasks?limit=2", "", "If-None-Match: "+page.header.Get("ETag")).is(200)
	c.do("GET", "/api/alice/tasks?limit=2&offset=1", "", "If-None-Match: "+page.header.Get("ETag")).is(304)
	c.do("GET", "/api/alice/tasks"+page.next()+"&offset=1", "").faults("?offset not_with_cursor")
}
