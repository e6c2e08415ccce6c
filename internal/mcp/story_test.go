package mcp_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
)

func TestAnswersHoldWhatIsNotDefault(t *testing.T) {
	t.Parallel()
	s := serve(t, options{})
	s.call("add_tasks", `{"tasks":[{"title":"Plain <&>"},{"title":"Full","description":"D","completed":true,"priority":"high","due_date":"2026-12-01T09:00","tags":["a","b"]}]}`)
	text := s.call("list_tasks", `{"status":"all"}`).text
	ids := s.do("list_tasks", `{"status":"all"}`).Tasks
	want := fmt.Sprintf(`{"tasks":[{"id":%q,"title":"Plain <&>","completed":false,"version":1},`+
		`{"id":%q,"title":"Full","description":"D","completed":true,"priority":"high","due_date":"2026-12-01T09:00:00","tags":["a","b"],"version":2}]}`, ids[0].ID, ids[1].ID)
	if text != want {
		t.Errorf("listed\n%s\nnot\n%s", text, want)
	}
	var details struct{ Tasks []map[string]any }
	if err := json.Unmarshal([]byte(s.call("list_tasks", `{"details":true}`).text), &details); err != nil || len(details.Tasks) != 1 {
		t.Fatal(details, err)
	}
	for name, want := range map[string]any{"description": nil, "priority": "medium", "due_date": nil, "completed_at": nil} {
		if got, there := details.Tasks[0][name]; !there || got != want {
			t.Errorf("details have the %s %v", name, got)
		}
	}
	for _, name := range []string{"tags", "metadata", "created_at", "updated_at"} {
		if details.Tasks[0][name] == nil {
			t.Errorf("details have no %s", name)
		}
	}
}

func TestUnnamedFieldsStay(t *testing.T) {
	t.Parallel()
	s := serve(t, options{})
	id := s.do("add_tasks", `{"tasks":[{"title":"Full","description":"D","priority":"high","due_date":"2026-12-01","tags":["a"]}]}`).Tasks[0].ID
	s.do("update_tasks", fmt.Sprintf(`{"tasks":[{"id":%q,"completed":true}]}`, id))
	got := s.call("list_tasks", fmt.Sprintf(`{"ids":[%q]}`, id)).text
	want := fmt.Sprintf(`{"tasks":[{"id":%q,"title":"Full","description":"D","completed":true,"priority":"high","due_date":"2026-12-01","tags":["a"],"version":2}]}`, id)
	if got != want {
		t.Errorf("after completing it the task is\n%s\nnot\n%s", got, want)
	}
	s.do("update_tasks", fmt.Sprintf(`{"tasks":[{"id":%q,"description":"","due_date":"","tags":[],"completed":false,"priority":"medium"}]}`, id))
	got = s.call("list_tasks", fmt.Sprintf(`{"ids":[%q]}`, id)).text
	if want = fmt.Sprintf(`{"tasks":[{"id":%q,"title":"Full","completed":false,"version":3}]}`, id); got != want {
		t.Errorf("after clearing it the task is\n%s\nnot\n%s", got, want)
	}
	if repeated := s.do("update_tasks", fmt.Sprintf(`{"tasks":[{"id":%q,"completed":false,"if_version":3}]}`, id)); repeated.Tasks[0].Version != 3 {
		t.Errorf("an update that changes nothing makes version %d", repeated.Tasks[0].Version)
	}
}

func TestDeleteSaysHowToUndo(t *testing.T) {
	t.Parallel()
	s := serve(t, options{})
	ids := s.add("one", "two", "three")
	gone := s.do("delete_tasks", fmt.Sprintf(`{"ids":%s}`, quote(ids[:2])))
	if !slices.Equal(gone.Deleted, ids[:2]) || gone.Note != "To undo, call restore_tasks with these ids within 30 days." {
		t.Errorf("deleted: %+v", gone)
	}
	missing := s.do("list_tasks", fmt.Sprintf(`{"ids":%s}`, quote(ids)))
	if !slices.Equal(missing.Missing, ids[:2]) || len(missing.Tasks) != 1 || !strings.Contains(missing.Note, "call list_tasks without ids") {
		t.Errorf("deleted tasks are shown as %+v", missing)
	}
	if trash := s.do("list_tasks", `{"status":"deleted"}`).Tasks; len(trash) != 2 {
		t.Errorf("the trash holds %+v", trash)
	}
	s.do("restore_tasks", fmt.Sprintf(`{"ids":%s}`, quote(ids[:2])))
	if live := s.do("list_tasks", `{}`).Tasks; len(live) != 3 {
		t.Errorf("restored: %+v", live)
	}
}

func TestKeysReplay(t *testing.T) {
	t.Parallel()
	s := serve(t, options{})
	first := s.do("add_tasks", `{"tasks":[{"title":"once"}],"key":"k"}`)
	again := s.do("add_tasks", `{ "key": "k", "tasks": "[{\"title\": \"once\"}]" }`) // a client may write the same otherwise
	if again.Tasks[0] != first.Tasks[0] || !strings.Contains(again.Note, "Nothing was added now") {
		t.Errorf("repeated: %+v after %+v", again, first)
	}
	s.refuse("add_tasks", `{"tasks":[{"title":"another"}],"key":"k"}`, "key was sent with other tasks", "Use a new key")
	if all := s.do("list_tasks", `{}`).Tasks; len(all) != 1 {
		t.Errorf("there are %+v", all)
	}
}

func TestArraysInStringsAreTaken(t *testing.T) {
	t.Parallel()
	s := serve(t, options{})
	added := s.do("add_tasks", `{"tasks":"[{\"title\":\"one\",\"tags\":\"[\\\"a\\\"]\"}]","user_id":"alice"}`)
	ids := s.do("list_tasks", `{"tag":"A"}`).Tasks
	if len(ids) != 1 || ids[0] != added.Tasks[0] {
		t.Errorf("listed %+v of %+v", ids, added)
	}
	s.do("delete_tasks", fmt.Sprintf(`{"ids":%s}`, quote(quote([]string{ids[0].ID}))))
	s.do("update_tasks", fmt.Sprintf(`{"tasks":[{"id":%q,"completed":true,"user_id":"alice"}]}`, s.add("two")[0]))
}

func TestLists(t *testing.T) {
	t.Parallel()
	s := serve(t, options{})
	s.call("add_tasks", `{"tasks":[
		{"title":"b","due_date":"2026-12-02","priority":"low"},{"title":"a","due_date":"2026-12-01T10:00:00Z","priority":"high"},
		{"title":"MILK","tags":["home"]},{"title":"done","completed":true}]}`)
	for arguments, want := range map[string]string{
		`{}`:                                  "b a MILK",
		`{"status":"all"}`:                    "b a MILK done",
		`{"status":"completed"}`:              "done",
		`{"query":"milk"}`:                    "MILK",
		`{"tag":"Home"}`:                      "MILK",
		`{"priority":"high"}`:                 "a",
		`{"due_before":"2026-12-02"}`:         "a",
		`{"due_after":"2026-12-02"}`:          "b",
		`{"sort":"-created_at"}`:              "MILK a b",
		`{"sort":"due_date"}`:                 "a b MILK",
		`{"sort":"-priority","status":"all"}`: "a done MILK b",
		`{"limit":1}`:                         "b",
	} {
		var titles []string
		for _, task := range s.do("list_tasks", arguments).Tasks {
			titles = append(titles, task.Title)
		}
		if got := strings.Join(titles, " "); got != want {
			t.Errorf("%s: %s, not %s", arguments, got, want)
		}
	}
}

// TestPages reads lists to their end, in each order, while tasks change.
func TestPages(t *testing.T) {
	t.Parallel()
	s := serve(t, options{})
	titles := make([]string, 60)
	for i := range titles {
		titles[i] = fmt.Sprint("task ", i)
	}
	ids := s.add(titles...)
	for _, sort := range []string{"created_at", "-created_at", "due_date", "-due_date", "priority", "-priority", "updated_at"} {
		seen, arguments := map[string]bool{}, map[string]any{"sort": sort}
		for {
			page := s.do("list_tasks", quote(arguments))
			for _, task := range page.Tasks {
				if seen[task.ID] {
					t.Errorf("%s: %s comes twice", sort, task.Title)
				}
				seen[task.ID] = true
			}
			if page.Cursor == "" {
				break
			}
			if !strings.Contains(page.Note, "call again with cursor") {
				t.Errorf("a page that is not the last says %q", page.Note)
			}
			arguments["cursor"] = page.Cursor
			s.add("later, not seen in every order")
		}
		for _, id := range ids {
			if !seen[id] {
				t.Errorf("%s: %s was skipped", sort, id)
			}
		}
		s.refuse("list_tasks", quote(map[string]any{"sort": sort, "status": "all", "cursor": arguments["cursor"]}), "Send it with the arguments of the call that it came from")
	}
}

// TestLongAnswersAreCut lists tasks that take more than an answer may, and adds them.
func TestLongAnswersAreCut(t *testing.T) {
	t.Parallel()
	s := serve(t, options{})
	text := strings.Repeat("Some words of a long description. ", 147)
	tasks := make([]map[string]string, 40)
	for i := range tasks {
		tasks[i] = map[string]string{"title": fmt.Sprint("task ", i), "description": text}
	}
	added := s.do("add_tasks", fmt.Sprintf(`{"tasks":%s}`, quote(tasks)))
	if len(added.Tasks) != 40 || added.Tasks[0].Title != "" || added.Tasks[0].ID == "" {
		t.Errorf("added %d tasks, the first as %+v", len(added.Tasks), added.Tasks[0])
	}
	seen, arguments := 0, map[string]any{"limit": 100}
	for pages := 0; ; pages++ {
		r := s.call("list_tasks", quote(arguments))
		if len(r.text) > 60_000 { // 20,000 tokens of English have more
			t.Fatalf("an answer has %d bytes", len(r.text))
		}
		page := s.do("list_tasks", quote(arguments))
		seen += len(page.Tasks)
		if page.Cursor == "" {
			if pages < 3 {
				t.Errorf("%d tasks in %d pages", seen, pages)
			}
			break
		}
		if !strings.Contains(page.Note, "too long") {
			t.Errorf("a page that was cut says %q", page.Note)
		}
		arguments["cursor"] = page.Cursor
	}
	if seen != 40 {
		t.Errorf("%d of 40 tasks were listed", seen)
	}

	huge := strings.Repeat("🜀", 5000)
	id := s.do("add_tasks", fmt.Sprintf(`{"tasks":[{"title":"huge","description":%q}]}`, huge)).Tasks[0].ID
	if r := s.call("list_tasks", fmt.Sprintf(`{"ids":[%q]}`, id)); !strings.Contains(r.text, "… (cut)") || len(r.text) > 20_000 {
		t.Errorf("a task that is too long by itself has %d bytes: %.200s", len(r.text), r.text)
	}

	dense := strings.Repeat("🜀", 2400) // 9,600 tokens
	two := s.do("add_tasks", fmt.Sprintf(`{"tasks":[{"title":"a","description":%q},{"title":"b","description":%q}]}`, dense, dense)).Tasks
	asked := []string{two[0].ID, two[1].ID}
	for range 98 {
		asked = append(asked, uuid.Must(uuid.NewV7()).String())
	}
	r := s.do("list_tasks", fmt.Sprintf(`{"ids":%s}`, quote(asked)))
	if len(r.Tasks) != 1 || len(r.Missing) != 98 || !strings.Contains(r.Note, "too long") || !strings.Contains(r.Note, "missing ids") {
		t.Errorf("beside %d missing ids there are %d tasks and the note %q", len(r.Missing), len(r.Tasks), r.Note)
	}
}
