package httpapi_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3filter"

	"docket"
	"docket/internal/auth"
	"docket/internal/edge"
	"docket/internal/httpapi"
)

const (
	asCSV      = "Content-Type: text/csv"
	asCalendar = "Content-Type: text/calendar; charset=utf-8"
	asTodoTxt  = "Content-Type: text/plain"
)

// imported is the JSON of what an import did.
type imported struct {
	Added        int `json:"added"`
	Unchanged    int `json:"unchanged"`
	SkippedCount int `json:"skipped_count"`
	Skipped      []struct {
		Line   int    `json:"line"`
		Code   string `json:"code"`
		Detail string `json:"detail"`
	} `json:"skipped"`
}

// imports sends a file, which must be imported, and returns the numbers of tasks added
// and unchanged, and what was skipped.
func (c *client) imports(path, file string, headers ...string) (counts string, skipped []string) {
	c.Helper()
	var got imported
	c.do("POST", path, file, headers...).is(200).decode(&got)
	for _, s := range got.Skipped {
		skipped = append(skipped, fmt.Sprintf("%d %s", s.Line, s.Code))
		if s.Detail == "" {
			c.Errorf("a skip is bare: %+v", s)
		}
	}
	if len(skipped) != min(got.SkippedCount, 100) {
		c.Errorf("%d skips are listed of %d", len(skipped), got.SkippedCount)
	}
	return fmt.Sprint(got.Added, " ", got.Unchanged), skipped
}

// exported returns the tasks of an export in JSON.
func (c *client) exported(path string) (tasks []task) {
	c.Helper()
	var file struct {
		Docket     int    `json:"docket"`
		ExportedAt string `json:"exported_at"`
		Tasks      []task `json:"tasks"`
	}
	c.do("GET", path, "").is(200).decode(&file)
	if file.Docket != 1 || !timeFormat.MatchString(file.ExportedAt) || file.Tasks == nil {
		c.Errorf("an export is %+v", file)
	}
	return file.Tasks
}

func testExportImport(c *client) {
	full := c.do("POST", "/api/alice/tasks", `{"title":"Buy milk","description":"Two\nlitres, \"fresh\"; \\","completed":true,"priority":"high","due_date":"2026-12-01","tags":["home","a, b"],"metadata":{"n":1.50}}`).is(201).task()
	local := c.do("POST", "/api/alice/tasks", `{"title":"=1+1","due_date":"2026-12-01T09:00:00","priority":"low"}`).is(201).task()
	instant := c.do("POST", "/api/alice/tasks", `{"title":"Ü😀","due_date":"2026-12-01T09:00:00Z"}`).is(201).task()
	gone := c.create("alice", "gone")
	gone = c.do("DELETE", "/api/alice/tasks/"+gone.ID, "").is(200).task()
	all := []task{full, local, instant}

	c.equal(c.exported("/api/alice/export"), all)
	withTrash := c.exported("/api/alice/export?format=json&deleted=true")
	c.equal(withTrash[:3], all)
	c.equal([]string{withTrash[3].ID, withTrash[3].Title, withTrash[3].DeletedAt}, []string{gone.ID, "gone", gone.DeletedAt})

	for format, test := range map[string]struct {
		header, contentType, extension string
		unlike                         func(*task) // takes away what the format cannot say
	}{
		"json": {asJSON, "application/json", "json", func(*task) {}},
		"csv":  {asCSV, "text/csv; charset=utf-8", "csv", func(*task) {}},
		"ics":  {asCalendar, "text/calendar; charset=utf-8", "ics", func(t *task) { t.CreatedAt, t.UpdatedAt, t.CompletedAt = t.CreatedAt[:19], t.UpdatedAt[:19], nil }},
		"todotxt": {asTodoTxt, "text/plain; charset=utf-8", "txt", func(t *task) {
			t.CreatedAt, t.UpdatedAt, t.CompletedAt, t.Description, t.Metadata = t.CreatedAt[:10], "", nil, nil, nil
			if t.DueDate != nil {
				t.DueDate = new((*t.DueDate)[:10])
			}
			for i := range t.Tags {
				t.Tags[i] = strings.ReplaceAll(t.Tags[i], " ", "_")
			}
		}},
	} {
		file := c.do("GET", "/api/alice/export?format="+format, "").is(200)
		c.equal(file.header.Get("Content-Type"), test.contentType)
		c.equal(file.header.Get("Content-Disposition"), `attachment; filename="tasks.`+test.extension+`"`)
		c.equal(file.header.Get("Cache-Control"), "no-store")
		user := "/api/" + format
		for i, want := range []string{"3 0", "3 0", "0 3", "0 3"} {
			path := user + "/import"
			if i%2 == 0 {
				path += "?dry_run=true"
			}
			counts, skipped := c.imports(path, file.body, test.header)
			if counts != want || skipped != nil {
				c.Errorf("step %d of %s: %s, %q", i, format, counts, skipped)
			}
		}
		got := c.exported(user + "/export")
		for i := range all {
			for _, t := range []*task{&got[i], new(all[i])} {
				t.Tags = slices.Clone(t.Tags)
			}
			want := all[i]
			want.Tags = slices.Clone(want.Tags)
			want.UserID, want.Version = format, got[i].Version
			test.unlike(&got[i])
			test.unlike(&want)
			c.equal(got[i], want)
		}
	}
	file := c.do("GET", "/api/alice/export?deleted=true", "").is(200)
	c.equal(first(c.imports("/api/bob/import", file.body)), "4 0")
	c.equal(c.do("POST", "/api/bob/tasks/"+gone.ID+"/restore", "").is(200).task().Title, "gone")
	c.equal(first(c.imports("/api/alice/import", file.body)), "0 4")
}

func first(counts string, _ []string) string { return counts }

func testImportParts(c *client) {
	file := "title,due_date,tags\na,2026-12-01,\"x,y\"\n,,\nb,tomorrow,\nc,,\nc,,\n" + strings.Repeat("x", 501) + ",,\n"
	counts, skipped := c.imports("/api/alice/import", file, asCSV)
	c.equal(counts, "3 0")
	c.equal(skipped, []string{"4 invalid_date", "7 too_long"})
	c.equal(first(c.imports("/api/alice/import", file, asCSV)), "0 3")

	counts, skipped = c.imports("/api/alice/import", "title\n"+strings.Repeat("x,y\"\n", 250)+"d\n", asCSV)
	c.equal([]any{counts, len(skipped)}, []any{"1 0", 100})

	id := "019a4e6f-1b2c-7d3e-8f40-516273849a5b"
	twice := fmt.Sprintf(`[{"id":%q,"title":"first"},{"id":%[1]q,"title":"second"},{"id":%[1]q,"title":"third","created_at":"2999-01-01T00:00:00Z"}]`, id)
	counts, skipped = c.imports("/api/alice/import", twice)
	c.equal(counts, "1 0")
	c.equal(skipped, []string{"1 repeated_id", "1 out_of_range"})
	c.equal(c.do("GET", "/api/alice/tasks/"+id, "").is(200).task().Title, "first")

	counts, skipped = c.imports("/api/alice/import", `[{"title":"old","deleted_at":"2020-01-01T00:00:00Z"}]`)
	c.equal(counts, "0 0")
	c.equal(skipped, []string{"1 expired"})

	// Metadata that is stored as it stands would keep its owner from ever exporting again.
	cells := `"{""a"":""\ud800""}",half` + "\n" + `"{""a"":1,""a"":2}",twice` + "\n"
	counts, skipped = c.imports("/api/dave/import", "metadata,title\n"+cells, asCSV)
	c.equal(counts, "0 0")
	c.equal(skipped, []string{"2 wrong_type", "3 wrong_type"})
	todo := "BEGIN:VCALENDAR\nBEGIN:VTODO\nUID:1\nSUMMARY:half\nX-DOCKET-METADATA:{\"a\":\"\\\\ud800\"}\nEND:VTODO\nEND:VCALENDAR\n"
	counts, skipped = c.imports("/api/dave/import", todo, asCalendar)
	c.equal(counts, "0 0")
	c.equal(skipped, []string{"2 wrong_type"})
	c.equal(c.exported("/api/dave/export"), []task{})
}

func testImportRefusals(c *client) {
	const path = "/api/alice/import"
	refused := func(status int, kind, code, file string, headers ...string) {
		c.Helper()
		p := c.do("POST", path, file, headers...).is(status).problem(kind)
		if len(p.Errors) != 1 || p.Errors[0].String() != " "+code {
			c.Errorf("want %s, got %+v", code, p)
		}
		c.equal(c.exported("/api/alice/export"), []task{})
	}
	refused(400, "malformed-request", "truncated", `{"docket":1,"tasks":[{"title":"a"},`)
	refused(400, "malformed-request", "not_utf8", "title\na\n\xff\n", asCSV)
	refused(400, "malformed-request", "compressed", "PK\x03\x04...", asTodoTxt)
	refused(400, "malformed-request", "not_icalendar", "title\na\n", asCalendar)
	refused(400, "malformed-request", "truncated", "", asJSON)
	refused(422, "invalid-input", "newer_version", `{"docket":2,"tasks":[{"title":"a"}]}`)
	refused(422, "invalid-input", "no_header", "a,b\n", asCSV)
	refused(422, "invalid-input", "too_many_tasks", strings.Repeat("task\n", 10_001), asTodoTxt)
	c.equal(first(c.imports(path+"?dry_run=true", strings.Repeat("task\n", 10_000), asTodoTxt)), "10000 0")

	c.do("POST", path, "x", "Content-Type: text/html").is(415).problem("unsupported-media-type")
	c.do("POST", path, "title\nx", asCSV, "Content-Encoding: gzip").is(415).problem("unsupported-media-type")
	c.do("POST", path+"?dry_run=1", "[]").faults("?dry_run wrong_type")
	c.do("GET", "/api/alice/export?format=xml", "").faults("?format unknown_format")
	c.do("GET", "/api/alice/export?format=csv&deleted=true", "").faults("?deleted not_in_format")
	c.do("GET", "/api/alice/import", "").is(405).problem("method-not-allowed")
	c.equal(c.exported("/api/alice/export"), []task{})
}

func testCalendar(c *client) {
	due := c.do("POST", "/api/alice/tasks", `{"title":"due","due_date":"2026-12-01"}`).is(201).task()
	c.create("alice", "some day")
	a := c.do("GET", "/api/alice/tasks.ics", "").is(200)
	for line, want := range map[string]bool{"UID:" + due.ID: true, "SUMMARY:due": true, "DUE;VALUE=DATE:20261201": true, "SUMMARY:some day": false, "DTSTAMP:" + strings.NewReplacer("-", "", ":", "").Replace(due.UpdatedAt[:19]) + "Z": true} {
		if strings.Contains(a.body, "\r\n"+line+"\r\n") != want {
			c.Errorf("the calendar has %s: %v\n%s", line, !want, a.body)
		}
	}
	tag := a.header.Get("ETag")
	c.equal([]string{a.header.Get("Content-Type"), a.header.Get("Cache-Control"), a.header.Get("Content-Disposition")}, []string{"text/calendar; charset=utf-8", "private, no-cache", ""})
	for _, method := range []string{"GET", "HEAD"} {
		unchanged := c.do(method, "/api/alice/tasks.ics", "", "If-None-Match: W/"+tag).is(304)
		c.equal(unchanged.header.Get("ETag"), tag)
	}
	c.equal(c.do("HEAD", "/api/alice/tasks.ics/", "").is(200).header.Get("ETag"), tag)
	c.do("GET", "/api/alice/tasks", "", "If-None-Match: "+tag).is(200)
	c.create("alice", "another")
	if again := c.do("GET", "/api/alice/tasks.ics", "", "If-None-Match: "+tag).is(200); again.header.Get("ETag") == tag || again.body != a.body {
		c.Errorf("after another task the calendar is %s, %s", again.header.Get("ETag"), again.body)
	}
	c.equal(strings.Count(c.do("GET", "/api/nobody/tasks.ics", "").is(200).body, "VTODO"), 0)
}

// TestImportKeepsToTheQuota says so before it writes.
func TestImportKeepsToTheQuota(t *testing.T) {
	for name, open := range backends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := serve(t, open(t), httpapi.Options{}, docket.WithMaxTasks(2000))
			file := func(n int) string {
				var b strings.Builder
				for i := range n {
					fmt.Fprintf(&b, "task %d\n", i)
				}
				return b.String()
			}
			for _, path := range []string{"/api/alice/import", "/api/alice/import?dry_run=true"} {
				c.do("POST", path, file(2001), asTodoTxt).is(403).problem("task-quota-exceeded")
				c.equal(len(c.exported("/api/alice/export")), 0)
			}
			c.equal(first(c.imports("/api/alice/import", file(1999), asTodoTxt)), "1999 0")
			c.equal(first(c.imports("/api/alice/import", file(2000), asTodoTxt)), "1 1999")
			c.do("POST", "/api/alice/import", file(2001), asTodoTxt).is(403).problem("task-quota-exceeded")
			c.equal(len(c.exported("/api/alice/export")), 2000)
		})
	}
}

// TestImportOfTheLargestFile takes 16 MiB and not a byte more.
func TestImportOfTheLargestFile(t *testing.T) {
	c := serveSQLite(t)
	line := strings.Repeat(" ", 63) + "\n"
	blank := "title\n" + strings.Repeat(line, 16<<20/len(line))
	c.equal(first(c.imports("/api/alice/import", blank[:16<<20], asCSV)), "0 0")
	c.do("POST", "/api/alice/import", blank[:16<<20+1], asCSV).is(413).problem("content-too-large")
	c.doChunked("POST", "/api/alice/import", blank[:16<<20+1], asCSV).is(413).problem("content-too-large")
}

// TestExportHasManyPages and so takes tasks that are larger than a page together.
func TestExportHasManyPages(t *testing.T) {
	c := serveSQLite(t)
	var tasks []string
	for i := range 1300 {
		body, _ := json.Marshal(map[string]any{"title": fmt.Sprint("task ", i), "description": strings.Repeat("😀", 1000), "due_date": "2026-12-01"})
		tasks = append(tasks, string(body))
	}
	c.equal(first(c.imports("/api/alice/import", "["+strings.Join(tasks, ",")+"]")), "1300 0")
	seen := map[string]bool{}
	for _, task := range c.exported("/api/alice/export") {
		seen[task.Title] = true
	}
	c.equal(len(seen), 1300)
	c.equal(strings.Count(c.do("GET", "/api/alice/tasks.ics", "").is(200).body, "BEGIN:VTODO"), 1300)
}

// A calendar is a text for kin-openapi, which has no decoder for it.
func init() { //nolint:gochecknoinits // kin-openapi has a registry
	openapi3filter.RegisterBodyDecoder("text/calendar", openapi3filter.FileBodyDecoder)
}

// TestCalendarTakesAKeyAsPassword and no other route does.
func TestCalendarTakesAKeyAsPassword(t *testing.T) {
	store := backends["sqlite"](t)
	options := shared
	options.APIKeys = store
	verifier, err := auth.New(options)
	if err != nil {
		t.Fatal(err)
	}
	c := serve(t, store, httpapi.Options{Edge: edge.Options{Verifier: verifier}})
	key := func(scope string) string {
		var made struct{ Key string }
		c.do("POST", "/api/alice/keys", fmt.Sprintf(`{"name":"calendar","scopes":[%q]}`, scope), as(t, "alice")).is(201).decode(&made)
		return made.Key
	}
	basic := func(name, password string) string {
		return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+password))
	}
	reads, manages := key("tasks:read"), key("keys:manage")
	const path = "/api/alice/tasks.ics"
	c.do("GET", path, "", basic("me@example.com", reads)).is(200)
	c.do("HEAD", path+"/", "", basic("", reads)).is(200)
	c.do("GET", path, "", "Authorization: Bearer "+reads).is(200)
	c.do("GET", path, "", as(t, "alice")).is(200)
	c.do("GET", path, "", basic("alice", manages)).is(403).problem("insufficient-scope")
	c.do("GET", "/api/bob/tasks.ics", "", basic("bob", reads)).is(403).problem("forbidden")
	_, token, _ := strings.Cut(as(t, "alice"), "Bearer ")
	for _, header := range []string{"X: y", basic("alice", "secret"), basic("alice", reads+"x"), basic(reads, ""), basic("alice", token), "Authorization: Basic !"} {
		refused := c.do("GET", path, "", header).is(401)
		refused.problem("unauthorized")
		if got := refused.header.Values("WWW-Authenticate"); len(got) != 2 || got[0] != `Basic realm="docket", charset="UTF-8"` || !strings.HasPrefix(got[1], "Bearer ") {
			t.Errorf("%s is answered with %q", header, got)
		}
	}
	for _, other := range []string{"GET /api/alice/tasks", "GET /api/alice/export", "GET /api/alice/tasks.ics.", "GET /api/alice/tasks/tasks.ics", "HEAD /api/alice/keys/tasks.ics", "POST /api/alice/tasks.ics", "GET /api/alice%2Ftasks.ics", "DELETE /api/alice"} {
		method, other, _ := strings.Cut(other, " ")
		refused := c.do(method, other, "", basic("alice", reads)).is(401)
		if got := refused.header.Get("WWW-Authenticate"); !strings.HasPrefix(got, "Bearer ") {
			t.Errorf("%s %s is answered with %q", method, other, got)
		}
	}
}
