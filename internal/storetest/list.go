package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"docket"
)

// page reads a page of owner's tasks.
func (f *fixture) page(owner docket.UserID, q docket.ListQuery) docket.Page {
	f.Helper()
	if q.Limit == 0 {
		q.Limit = docket.MaxList
	}
	page, err := f.store.List(f.ctx, owner, q)
	f.ok(err)
	return page
}

func titles(tasks []docket.Task) []string {
	list := []string{}
	for _, t := range tasks {
		list = append(list, t.Title)
	}
	return list
}

func testListSorts(t *testing.T, f *fixture) {
	var made []docket.Task
	for _, title := range []string{"b", "a", "B", "é", "z", "a", "\uFFFF", "\U00010000", "aa", " x", "日"} {
		made = append(made, f.create("alice", title))
	}
	made[1] = f.toggle(made[1])
	made[0] = f.toggle(made[0])
	for _, order := range everyOrder {
		want := slices.Clone(made)
		slices.SortFunc(want, order.Compare)
		f.equal(f.page("alice", docket.ListQuery{Sort: order}).Tasks, want)
	}
}

var everyOrder = func() (orders []docket.Sort) {
	for _, key := range []docket.SortKey{docket.ByCreation, docket.ByUpdate, docket.ByTitle, docket.ByDueDate, docket.ByPriority} {
		orders = append(orders, docket.Sort{Key: key}, docket.Sort{Key: key, Descending: true})
	}
	return orders
}()

// testListsAreThoseOfTheDomain is a property test: whatever a list asks for, it holds
// the tasks that Matches says, in the order that Compare says.
func testListsAreThoseOfTheDomain(t *testing.T, f *fixture) {
	word := rapid.SampledFrom([]string{"a", "A", "b", "é", "É", "b b", "\n", `"`, `\`, "n", "\U00010000", "ß"})
	moment := rapid.Map(rapid.SampledFrom([]docket.DueDate{"0001-01-01", "2026-11-30T23:59:59", "2026-12-01", "2026-12-01T00:00:01Z", "2026-12-02"}), func(d docket.DueDate) time.Time {
		at, _ := d.Moment()
		return at
	})
	owners := 0
	rapid.Check(t, func(r *rapid.T) {
		owners++
		owner := docket.UserID(fmt.Sprint("owner ", owners))
		var tasks []docket.Task
		for range rapid.IntRange(0, 15).Draw(r, "tasks") {
			draft := f.draft(owner, word.Draw(r, "title"))
			draft.Completed, draft.Priority, draft.DueDate, draft.Tags = rapid.Bool().Draw(r, "completed"), anyPriority.Draw(r, "priority"), anyDueDate.Draw(r, "due date"), anyTags.Draw(r, "tags")
			if rapid.Bool().Draw(r, "described") {
				draft.Description = new(word.Draw(r, "description"))
			}
			task := f.store1(draft)
			if rapid.IntRange(0, 4).Draw(r, "delete") == 0 {
				f.delete(task)
				task = f.page(owner, docket.ListQuery{Deleted: true, Sort: docket.Sort{Descending: true}}).Tasks[0]
			}
			tasks = append(tasks, task)
		}
		for range 4 {
			query := anyListQuery(r, word, moment)
			want := slices.DeleteFunc(slices.Clone(tasks), func(t docket.Task) bool { return !query.Matches(t) })
			slices.SortFunc(want, query.Sort.Compare)
			total := len(want)
			want = want[min(query.Offset, len(want)):]
			more := len(want) > query.Limit
			want = want[:min(query.Limit, len(want))]
			page := f.page(owner, query)
			if diff := cmp.Diff(want, page.Tasks, cmpopts.EquateEmpty()); diff != "" || page.More != more || page.Total != total {
				r.Fatalf("%+v: more %t, want %t; %d in all, want %d; (-want +got)\n%s", query, page.More, more, page.Total, total, diff)
			}
		}
	})
}

// anyListQuery draws a query with few filters, so that it finds something.
func anyListQuery(r *rapid.T, word *rapid.Generator[string], moment *rapid.Generator[time.Time]) docket.ListQuery {
	q := docket.ListQuery{Limit: docket.MaxList, Count: true, Sort: rapid.SampledFrom(everyOrder).Draw(r, "order")}
	one := func(name string) bool { return rapid.IntRange(0, 4).Draw(r, name) == 0 }
	if one("limited") {
		q.Limit = rapid.IntRange(1, 10).Draw(r, "limit")
	}
	if one("offset") {
		q.Offset = rapid.SampledFrom([]int{1, 3, 20}).Draw(r, "offset")
	}
	if one("by completed") {
		q.Completed = docket.Some(rapid.Bool().Draw(r, "completed"))
	}
	q.Deleted = one("deleted")
	if one("by priority") {
		q.Priorities = rapid.SliceOfNDistinct(anyPriority, 1, 2, rapid.ID).Draw(r, "priorities")
	}
	if one("by tag") {
		q.Tags = rapid.SliceOfN(word, 1, 2).Draw(r, "with tags")
	}
	if one("due from") {
		q.DueFrom = moment.Draw(r, "due from")
	}
	if one("due before") {
		q.DueBefore = moment.Draw(r, "due before")
	}
	if one("by text") {
		q.Search = word.Draw(r, "search")
	}
	return q
}

func testListFilters(t *testing.T, f *fixture) {
	open := f.create("alice", "open")
	done := f.toggle(f.create("alice", "done"))
	f.delete(f.toggle(f.create("alice", "done and gone")))
	f.equal(f.page("alice", docket.ListQuery{Completed: docket.Some(false)}).Tasks, []docket.Task{open})
	f.equal(f.page("alice", docket.ListQuery{Completed: docket.Some(true)}).Tasks, []docket.Task{done})
	f.equal(f.page("alice", docket.ListQuery{Completed: docket.Some(true), Search: "DON"}).Tasks, []docket.Task{done})
	f.equal(f.page("alice", docket.ListQuery{Completed: docket.Some(false), Search: "done"}).Tasks, []docket.Task{})
}

func testSearch(t *testing.T, f *fixture) {
	note := "the note: Ärger, 100% _sure_ \\ [x]"
	with := f.draft("alice", "with a note")
	with.Description = &note
	f.store1(with)
	for _, title := range []string{"Éclair", "ΣΊΣΥΦΟΣ", "I", "ı", "Straße", "50%", "a_b", `back\slash`, "smile 😀 👩‍👩‍👧", "K (Kelvin: \u212a)", "'quoted'", "[a-z]*?"} {
		f.create("alice", title)
	}
	for search, want := range map[string][]string{
		"éCLAIR": {"Éclair"}, "E\u0301": {}, "σίσυφος": {"ΣΊΣΥΦΟΣ"}, "ς": {"ΣΊΣΥΦΟΣ"}, "i": {"with a note", "Éclair", "I", "smile 😀 👩‍👩‍👧", "K (Kelvin: \u212a)"}, "ı": {"ı"}, "İ": {},
		"STRASSE": {}, "STRAẞE": {"Straße"}, "%": {"with a note", "50%"}, "_": {"with a note", "a_b"}, `\`: {"with a note", `back\slash`}, "😀": {"smile 😀 👩‍👩‍👧"}, "👩": {"smile 😀 👩‍👩‍👧"},
		"kelvin: k": {"K (Kelvin: \u212a)"}, "'": {"'quoted'"}, "[": {"with a note", "[a-z]*?"}, "*?": {"[a-z]*?"}, "ärger": {"with a note"}, "100% _SURE_ \\": {"with a note"}, "noteÄ": {}, "note the": {}, "nothing": {},
	} {
		if got := titles(f.page("alice", docket.ListQuery{Search: search}).Tasks); !slices.Equal(got, want) {
			t.Errorf("searching for %q found %q, want %q", search, got, want)
		}
	}
	// A change of the text changes what is found.
	task := f.create("alice", "before")
	f.update(task, docket.TaskUpdate{Title: docket.Some("AFTER"), Description: docket.Some(&note)})
	for search, n := range map[string]int{"before": 0, "after": 1, "ärger": 2} {
		if got := f.page("alice", docket.ListQuery{Search: search}).Tasks; len(got) != n {
			t.Errorf("searching for %q found %q", search, titles(got))
		}
	}
}

func testListCounts(t *testing.T, f *fixture) {
	for i := range 7 {
		task := f.create("alice", "task")
		if i%3 == 0 {
			f.toggle(task)
		}
	}
	f.delete(f.create("alice", "gone"))
	f.create("bob", "his")
	for _, test := range []struct {
		query docket.ListQuery
		total int
	}{
		{docket.ListQuery{Limit: 2, Count: true}, 7},
		{docket.ListQuery{Limit: 2, Count: true, Completed: docket.Some(true)}, 3},
		{docket.ListQuery{Limit: 2, Count: true, Search: "TAS"}, 7},
		{docket.ListQuery{Limit: 2, Count: true, Search: "x"}, 0},
		{docket.ListQuery{Limit: 2}, 0},
	} {
		first := f.page("alice", test.query)
		if first.Total != test.total {
			t.Errorf("%+v counted %d, want %d", test.query, first.Total, test.total)
		}
		if len(first.Tasks) > 0 {
			after := test.query.Sort.PositionOf(first.Tasks[len(first.Tasks)-1])
			test.query.After = &after
			if next := f.page("alice", test.query); next.Total != test.total {
				t.Errorf("%+v counted %d on its second page, want %d", test.query, next.Total, test.total)
			}
		}
	}
	if page := f.page("nobody", docket.ListQuery{Count: true}); page.Total != 0 {
		t.Errorf("a user without tasks has %d", page.Total)
	}
}

func testListState(t *testing.T, f *fixture) {
	empty := f.page("alice", docket.ListQuery{})
	f.equal(empty.State, docket.State{})
	if again := f.page("alice", docket.ListQuery{Known: &empty.State}); !again.Unchanged {
		t.Error("the list of a user without tasks has changed")
	}
	task := f.create("alice", "task")
	f.create("bob", "his")
	last := empty.State
	for name, change := range map[string]func(){
		"create": func() { f.create("alice", "another") },
		"toggle": func() { task = f.toggle(task) },
		"update": func() { task = f.update(task, docket.TaskUpdate{Title: docket.Some(task.Title + "x")}) },
		"delete": func() { f.delete(f.create("alice", "gone")) },
	} {
		change()
		page := f.page("alice", docket.ListQuery{Known: &last})
		if page.Unchanged || page.State == last || len(page.Tasks) == 0 {
			t.Errorf("%s left the state %+v", name, page.State)
		}
		last = page.State
		f.create("bob", "not hers")
		f.update(task, docket.TaskUpdate{})
		known := f.page("alice", docket.ListQuery{Known: &last, Count: true})
		if !known.Unchanged || known.State != last || known.Tasks == nil || len(known.Tasks) != 0 {
			t.Errorf("after %s nothing changed, and the list is %+v", name, known)
		}
	}
	other := docket.State{Epoch: last.Epoch + 1, Counter: last.Counter, PurgedThrough: last.PurgedThrough}
	if page := f.page("alice", docket.ListQuery{Known: &other}); page.Unchanged {
		t.Error("the state of another history was taken for this one")
	}
}

// testPages is a property test. It reads lists in every order and with every filter,
// page by page, and creates, changes and deletes tasks in between. No task that existed
// unchanged throughout is skipped or returned twice.
func testPages(t *testing.T, f *fixture) {
	word := rapid.SampledFrom([]string{"a", "A", "b", "é", "É", "z z", "\U00010000", "ß"})
	owners := 0
	rapid.Check(t, func(r *rapid.T) {
		owners++
		owner := docket.UserID(fmt.Sprint("owner ", owners))
		touched := map[string]bool{} // ids of tasks that were made, changed or deleted meanwhile
		var live []docket.Task
		add := func() docket.Task {
			draft := f.draft(owner, word.Draw(r, "title"))
			draft.Priority, draft.DueDate = anyPriority.Draw(r, "priority"), anyDueDate.Draw(r, "due date")
			task := f.store1(draft)
			if rapid.Bool().Draw(r, "completed") {
				task = f.toggle(task)
			}
			live = append(live, task)
			return task
		}
		for range rapid.IntRange(0, 12).Draw(r, "tasks") {
			add()
		}
		query := docket.ListQuery{Limit: rapid.IntRange(1, 5).Draw(r, "limit"), Sort: rapid.SampledFrom(everyOrder).Draw(r, "order")}
		if rapid.Bool().Draw(r, "filtered") {
			query.Completed = docket.Some(rapid.Bool().Draw(r, "value"))
		}
		if rapid.Bool().Draw(r, "searched") {
			query.Search = word.Draw(r, "search")
		}
		begin := slices.Clone(live)
		met := map[string]int{}
		var order []docket.Task
		for pages := 0; ; pages++ {
			page := f.page(owner, query)
			if len(page.Tasks) > query.Limit || page.More && len(page.Tasks) < query.Limit || pages > 80 {
				r.Fatalf("page %d of %+v is %+v", pages, query, page)
			}
			for _, task := range page.Tasks {
				met[task.ID.String()]++
				order = append(order, task)
			}
			if !page.More {
				break
			}
			after := query.Sort.PositionOf(page.Tasks[len(page.Tasks)-1])
			query.After = &after
			if pages > 20 { // else a list in the order of updates may never end
				continue
			}
			for range rapid.IntRange(0, 2).Draw(r, "changes") {
				if len(live) == 0 || rapid.Bool().Draw(r, "make") {
					touched[add().ID.String()] = true
					continue
				}
				i := rapid.IntRange(0, len(live)-1).Draw(r, "which")
				touched[live[i].ID.String()] = true
				switch rapid.IntRange(0, 2).Draw(r, "how") {
				case 0:
					f.delete(live[i])
					live = slices.Delete(live, i, i+1)
				case 1:
					live[i] = f.toggle(live[i])
				case 2:
					live[i] = f.update(live[i], docket.TaskUpdate{Title: docket.Some(word.Draw(r, "new title"))})
				}
			}
		}
		undisturbed := slices.DeleteFunc(order, func(t docket.Task) bool { return touched[t.ID.String()] })
		if !slices.IsSortedFunc(undisturbed, query.Sort.Compare) {
			r.Fatalf("%+v is out of order: %+v", query.Sort, undisturbed)
		}
		for _, task := range begin {
			want := 0
			if query.Matches(task) {
				want = 1
			}
			if id := task.ID.String(); !touched[id] && met[id] != want {
				r.Fatalf("task %q was met %d times, want %d, by %+v", task.Title, met[id], want, query)
			}
		}
	})
}
