package httpapi_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"docket"
	"docket/internal/httpapi"
	"docket/internal/pgtest"
	"docket/internal/postgres/schema"
)

// suite is what the API does on every store.
var suite = []struct {
	name string
	run  func(c *client)
}{
	{"CreateAndGet", testCreateAndGet},
	{"CreateTrimsTheTitleAndKeepsTheRest", testText},
	{"ListIsABareArrayInOrder", testList},
	{"FieldsAreKeptAndChanged", testFields},
	{"PutCreatesUnderTheClientsID", testPutCreates},
	{"BatchCreatesUnderTheClientsID", testBatchCreatesUnderIDs},
	{"PreferencesAreFollowed", testPreferences},
	{"ListsArePaged", testPaging},
	{"ListsAreFiltered", testFilters},
	{"ListsHaveOrders", testOrders},
	{"ListsArePagedByNumber", testOffset},
	{"ListsAreSortedAndFiltered", testListParameters},
	{"UnchangedListsAreNotSentAgain", testListTags},
	{"PreconditionsOfTasks", testConditions},
	{"PutSetsWhatIsGiven", testPut},
	{"PatchIsAMergePatch", testPatch},
	{"CompleteTogglesAndSets", testComplete},
	{"DeleteHidesTheTask", testDelete},
	{"RestoreUndoesADelete", testRestore},
	{"BatchDoesAllOrNothing", testBatch},
	{"BatchSaysWhatFailed", testBatchFailures},
	{"BatchListsAllFaults", testBatchFaults},
	{"KeyedWritesAreReplayed", testReplay},
	{"KeysAreForOneRequest", testKeyReuse},
	{"ChangesAreTold", testChanges},
	{"TheTrashIsListed", testTrash},
	{"DeletedTasksAreAbsent", testDeletedIsAbsent},
	{"EraseLeavesNothing", testErase},
	{"EventsArePushed", testEvents},
	{"EventsOfAUserWithoutHistory", testEventsOfNobody},
	{"EventsEndWithAnErasure", testEventsOfTheErased},
	{"ChangingNothingKeepsTheVersion", testNoChange},
	{"UsersAreApart", testUsers},
	{"ForeignAndAbsentTasksLookTheSame", testSame404},
	{"WholeTasksAreSentBack", testWholeTask},
	{"ExportsAreImported", testExportImport},
	{"ImportsTellWhatIsLeftOut", testImportParts},
	{"ImportsAreRefused", testImportRefusals},
	{"TheCalendarHasWhatIsDue", testCalendar},
	{"TrailingSlash", testTrailingSlash},
	{"Head", testHead},
	{"UserIDsOfEveryKind", testUserIDs},
	{"Ready", testReady},
}

func TestSuite(t *testing.T) {
	for name, open := range backends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runSuite(t, open)
		})
	}
}

func runSuite(t *testing.T, open func(*testing.T) docket.Store) {
	t.Helper()
	for _, test := range suite {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(serve(t, open(t), httpapi.Options{}))
		})
	}
}

// TestSuiteOnCitus runs the suite on distributed databases, with connections to the
// workers.
func TestSuiteOnCitus(t *testing.T) {
	c := pgtest.NewCitus(t, 2)
	url := c.Database(t)
	target := targetOf(t, url)
	if err := openPostgres(t, url).Close(); err != nil { // it makes the tables
		t.Fatal(err)
	}
	if err := schema.Distribute(t.Context(), target, func(string) {}); err != nil {
		t.Fatal(err)
	}
	c.Copy(t, url)
	t.Run("workers", func(t *testing.T) {
		runSuite(t, func(t *testing.T) docket.Store { return openPostgres(t, c.Database(t)) })
	})
}

var timeFormat = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$`)

func testCreateAndGet(c *client) {
	made := c.do("POST", "/api/alice/tasks", `{"title":"Buy milk","description":"Two litres"}`).is(201)
	t := made.task()
	if t.UserID != "alice" || t.Title != "Buy milk" || *t.Description != "Two litres" || t.Completed || t.Version != 1 ||
		!timeFormat.MatchString(t.CreatedAt) || t.UpdatedAt != t.CreatedAt {
		c.Errorf("created %s", made.body)
	}
	path := "/api/alice/tasks/" + t.ID
	c.equal(made.header.Get("Location"), "tasks/"+t.ID)
	c.equal(made.header.Get("ETag"), `"1"`)
	c.equal(made.header.Get("Cache-Control"), "private, no-cache")
	c.equal(made.header.Get("Vary"), "Authorization, Origin")

	got := c.do("GET", path, "").is(200)
	c.equal(got.body, made.body)
	c.equal(got.header.Get("ETag"), `"1"`)

	done := c.do("POST", "/api/alice/tasks", `{"title":"Done","completed":true,"description":null}`).is(201).task()
	if !done.Completed || done.Description != nil {
		c.Errorf("created %+v", done)
	}
}

func testText(c *client) {
	for _, text := range []string{"<b>&amp;</b> \"q\" \\ /", "e\u0301 é", "日本 😀 \u202e", strings.Repeat("😀", 500), "a\u2028\u007f\u0001"} {
		body, _ := json.Marshal(map[string]string{"title": " \t" + text + "\n\u3000", "description": " " + text + " "})
		t := c.do("POST", "/api/alice/tasks", string(body)).is(201).task()
		if t.Title != text || *t.Description != " "+text+" " {
			c.Errorf("sent %q, got %q and %q", text, t.Title, *t.Description)
		}
	}
	if body := c.do("POST", "/api/alice/tasks", `{"title":"<&>é"}`).is(201).body; !strings.Contains(body, `"<&>é"`) {
		c.Errorf("the title was escaped: %s", body)
	}
}

func testList(c *client) {
	empty := c.do("GET", "/api/alice/tasks", "").is(200)
	c.equal(empty.body, "[]")
	c.equal(empty.header.Get("Cache-Control"), "private, no-cache")
	var want []task
	for i := range 5 {
		want = append(want, c.create("alice", fmt.Sprint("task ", i)))
	}
	c.create("bob", "his")
	c.equal(c.do("GET", "/api/alice/tasks", "").is(200).tasks(), want)
}

func testPut(c *client) {
	t := c.create("alice", "title")
	path := "/api/alice/tasks/" + t.ID
	answered := c.do("PUT", path, `{"title":" new "}`).is(200)
	got := answered.task()
	if got.Title != "new" || got.Version != 2 || got.UpdatedAt <= t.UpdatedAt || got.CreatedAt != t.CreatedAt {
		c.Errorf("updated to %+v", got)
	}
	c.equal(answered.header.Get("ETag"), `"2"`)
	got = c.do("PUT", path, `{"description":"note","completed":true}`).is(200).task()
	if got.Title != "new" || *got.Description != "note" || !got.Completed {
		c.Errorf("updated to %+v", got)
	}
	c.equal(c.do("GET", path, "").is(200).task(), got)
}

func testPatch(c *client) {
	t := c.do("POST", "/api/alice/tasks", `{"title":"title","description":"note"}`).is(201).task()
	path := "/api/alice/tasks/" + t.ID
	got := c.do("PATCH", path, `{"description":null}`, "Content-Type: application/merge-patch+json").is(200).task()
	if got.Title != "title" || got.Description != nil {
		c.Errorf("patched to %+v", got)
	}
	got = c.do("PATCH", path, `{"completed":true}`, "Content-Type: Application/JSON; charset=UTF-8").is(200).task()
	if !got.Completed || got.Version != 3 {
		c.Errorf("patched to %+v", got)
	}
}

func testComplete(c *client) {
	t := c.create("alice", "title")
	path := "/api/alice/tasks/" + t.ID + "/complete"
	for i, step := range []struct {
		body, contentType string
		want              bool
	}{
		{"", "Content-Type:", true},
		{"", asJSON, false},
		{"{}", asJSON, true},
		{" \n", asJSON, false},
		{"{}", "Content-Type: text/plain", true},
		{`{"completed":false}`, asJSON, false},
		{`{"completed":false}`, "Content-Type:", false},
		{`{"completed":true}`, "Content-Type: application/x-www-form-urlencoded", true},
		{`{"completed":true,"id":"ignored"}`, asJSON, true},
	} {
		if got := c.do("PATCH", path, step.body, step.contentType).is(200).task(); got.Completed != step.want {
			c.Errorf("step %d: completed is %v", i, got.Completed)
		}
	}
	c.do("PATCH", path, `{"completed":null}`).faults("/completed null")
	c.do("PATCH", path, `{"completed":"true"}`).faults("/completed wrong_type")
	c.do("PATCH", path, `{"title":"x"}`, strictly).faults("/title unknown_field")
	c.equal(c.do("PATCH", path, `{"completed":true,"title":"x"}`).is(200).header.Get("Docket-Ignored"), `"/title"`)
	c.do("PATCH", path, `[]`).faults(" wrong_type")
	c.do("PATCH", path, `{`).is(400).problem("malformed-request")
}

func testDelete(c *client) {
	kept, gone := c.create("alice", "kept"), c.create("alice", "gone")
	path := "/api/alice/tasks/" + gone.ID
	answered := c.do("DELETE", path, "").is(200)
	tombstone := answered.task()
	if answered.body != fmt.Sprintf(`{"id":%q,"deleted":true,"deleted_at":%q,"version":3}`, gone.ID, tombstone.DeletedAt) || answered.header.Get("ETag") != `"3"` {
		c.Errorf("a delete answered %s with ETag %s", answered.body, answered.header.Get("ETag"))
	}
	c.equal(c.changes("").Items, []task{kept})
	for _, r := range [][3]string{{"GET", path}, {"PUT", path, `{"title":"x"}`}, {"PATCH", path, `{}`}, {"PATCH", path + "/complete"}, {"DELETE", path}} {
		c.do(r[0], r[1], r[2]).is(404).problem("task-not-found")
	}
	c.equal(c.do("GET", "/api/alice/tasks", "").is(200).tasks(), []task{kept})
}

func testNoChange(c *client) {
	t := c.do("POST", "/api/alice/tasks", `{"title":"title","description":"note"}`).is(201).task()
	path := "/api/alice/tasks/" + t.ID
	for _, r := range [][3]string{
		{"PUT", path, `{}`},
		{"PATCH", path, `{}`},
		{"PUT", path, `{"title":" title "}`},
		{"PATCH", path, `{"description":"note","completed":false}`},
		{"PATCH", path, `{"priority":"medium","due_date":null,"tags":[],"metadata":{}}`},
		{"PUT", path, `{"tags":null,"metadata":null}`},
		{"PATCH", path + "/complete", `{"completed":false}`},
		{"PUT", path, `{"version":99,"deleted":true}`},
	} {
		c.equal(c.do(r[0], r[1], r[2]).is(200).task(), t)
	}
}

func testUsers(c *client) {
	hers := c.create("alice", "hers")
	path := "/api/bob/tasks/" + hers.ID
	for _, r := range [][3]string{{"GET", path}, {"PUT", path, `{"title":"x"}`}, {"PATCH", path, `{}`}, {"PATCH", path + "/complete"}, {"DELETE", path}} {
		c.do(r[0], r[1], r[2]).is(404).problem("task-not-found")
	}
	c.equal(c.do("GET", "/api/bob/tasks", "").is(200).body, "[]")
	c.equal(c.do("GET", "/api/alice/tasks", "").is(200).tasks(), []task{hers})
}

func testSame404(c *client) {
	hers := c.create("alice", "hers")
	deleted := c.create("bob", "deleted")
	c.do("DELETE", "/api/bob/tasks/"+deleted.ID, "").is(200)
	var bodies []string
	for _, id := range []string{hers.ID, deleted.ID, "019a4e6f-1b2c-7d3e-8f40-516273849a5b", "1", "not-a-uuid"} {
		a := c.do("GET", "/api/bob/tasks/"+id, "").is(404)
		p := a.problem("task-not-found")
		body := strings.NewReplacer(p.RequestID, "ID", p.Instance, "PATH").Replace(a.body)
		if !slices.Contains(bodies, body) {
			bodies = append(bodies, body)
		}
	}
	if len(bodies) != 1 {
		c.Errorf("the answers can be told apart: %q", bodies)
	}
}

func testWholeTask(c *client) {
	t := c.create("alice", "title")
	var whole map[string]any
	c.do("GET", "/api/alice/tasks/"+t.ID, "").is(200).decode(&whole)
	whole["title"], whole["id"], whole["user_id"], whole["deleted_at"], whole["deleted"] = "sent back", 7, []int{1}, nil, map[string]any{}
	body, _ := json.Marshal(whole)
	for _, method := range []string{"PUT", "PATCH"} {
		got := c.do(method, "/api/alice/tasks/"+t.ID, string(body)).is(200).task()
		if got.Title != "sent back" || got.ID != t.ID || got.UserID != "alice" || got.CreatedAt != t.CreatedAt {
			c.Errorf("%s of a whole task made %+v", method, got)
		}
	}
	copied := c.do("POST", "/api/alice/tasks", string(body)).is(201).task()
	if copied.ID == t.ID || copied.Title != "sent back" {
		c.Errorf("POST of a whole task made %+v", copied)
	}
}

func testTrailingSlash(c *client) {
	t := c.do("POST", "/api/a%2Fb/tasks/", `{"title":"title"}`).is(201).task()
	c.equal(t.UserID, "a/b")
	path := "/api/a%2Fb/tasks/" + t.ID
	c.equal(c.do("GET", "/api/a%2Fb/tasks/", "").is(200).tasks(), []task{t})
	c.equal(c.do("GET", path+"/", "").is(200).task(), t)
	c.do("PATCH", path+"/complete/", "").is(200)
	c.do("GET", "/api/a%2Fb/tasks//", "").is(404).problem("route-not-found")
	c.do("DELETE", path+"/", "").is(200)
}

func testHead(c *client) {
	t := c.create("alice", "title")
	for _, path := range []string{"/api/alice/tasks", "/api/alice/tasks/" + t.ID, "/healthz", "/health", "/readyz", "/docs", "/openapi.json", "/openapi.yaml", "/", "/problems/task-not-found"} {
		head, get := c.do("HEAD", path, "").is(200), c.do("GET", path, "").is(200)
		if head.body != "" || head.header.Get("Content-Type") != get.header.Get("Content-Type") || head.header.Get("ETag") != get.header.Get("ETag") {
			c.Errorf("HEAD %s differs from GET: %v and %v", path, head.header, get.header)
		}
	}
	c.do("HEAD", "/api/alice/tasks/1", "").is(404)
}

func testUserIDs(c *client) {
	for _, user := range []string{
		"auth0|62c0d3", "a@example.com", "Nq3vXz0fYkC4m8QeTtR1aBpL6sWuJ2dH", "u1/../u2", "a b", "100%", "ü", "😀", "a+b", "a?b#c", "%2e%2e", "...",
		strings.Repeat("😀", 255),
	} {
		t := c.create(url.PathEscape(user), "title")
		c.equal(t.UserID, user)
		location := "/api/" + url.PathEscape(user) + "/tasks/" + t.ID
		c.equal(c.do("GET", location, "").is(200).task(), t)
		c.equal(len(c.do("GET", "/api/"+url.PathEscape(user)+"/tasks", "").is(200).tasks()), 1)
	}
	for user, code := range map[string]string{
		"%2e": "reserved", "%2E%2e": "reserved", "a%00": "control_character", "%0a": "control_character", strings.Repeat("x", 256): "too_long",
	} {
		c.do("GET", "/api/"+user+"/tasks", "").faults("?user_id " + code)
	}
	c.do("GET", "/api/%ff/tasks", "").is(400).problem("malformed-request")
}

func testReady(c *client) {
	c.equal(c.do("GET", "/healthz", "").is(200).body, `{"status":"ok"}`)
	c.equal(c.do("GET", "/health", "").is(200).body, `{"status":"ok"}`)
	c.equal(c.do("GET", "/readyz", "").is(200).body, `{"status":"ok"}`)
}
