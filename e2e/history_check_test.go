package e2e

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// goodHistory is a history of two tasks as it may happen, with operations at
// the same time. The tests below break it.
func goodHistory() map[string]*operation {
	yes, no := true, false
	state := func(id, title string, completed bool, version int64) task {
		t := freshTask("u", title)
		t.ID, t.Completed, t.Version = id, completed, version
		t.CreatedAt = map[string]string{"a": "t1", "b": "t2"}[id]
		t.UpdatedAt = fmt.Sprintf("t%d", version)
		if completed {
			t.CompletedAt = nullable{true, map[string]string{"a": "t3", "b": "t6"}[id]}
		}
		return t
	}
	a1, b2 := state("a", "A", false, 1), state("b", "B", false, 2)
	a3, a4, b6 := state("a", "A", true, 3), state("a", "A2", true, 4), state("b", "B", true, 6)
	at := func(start, end int, o operation) *operation {
		o.User, o.ID = "u", cmp.Or(o.ID, o.Task.ID)
		o.Start, o.End = time.Duration(start), time.Duration(end)
		if o.Status == 0 {
			o.Status = opSuccess[o.Kind]
		}
		return &o
	}
	return map[string]*operation{
		"createA":     at(10, 20, operation{Kind: opCreate, Title: nullable{true, "A"}, Task: a1}),
		"earlyList":   at(12, 40, operation{Kind: opList, List: []task{a1}}),
		"createB":     at(30, 50, operation{Kind: opCreate, Title: nullable{true, "B"}, Task: b2}),
		"toggleA":     at(60, 90, operation{Kind: opToggle, Task: a3}),
		"readDuring":  at(65, 70, operation{Kind: opGet, Task: a3}),
		"readBefore":  at(62, 80, operation{Kind: opGet, Task: a1}),
		"setNothing":  at(95, 99, operation{Kind: opChange, Completed: &yes, Task: a3}),
		"titleA":      at(100, 120, operation{Kind: opChange, Title: nullable{true, "A2"}, Task: a4}),
		"titleAAgain": at(105, 130, operation{Kind: opChange, Title: nullable{true, "A2"}, Task: a4}),
		"list":        at(101, 140, operation{Kind: opList, List: []task{a4, b2}}),
		"deleteA":     at(150, 170, operation{Kind: opDelete, Task: task{ID: "a", Version: 5}}),
		"readDeleted": at(155, 160, operation{Kind: opGet, ID: "a", Status: http.StatusNotFound}),
		"setB":        at(165, 180, operation{Kind: opChange, Completed: &yes, Task: b6}),
		"deleteAgain": at(175, 190, operation{Kind: opDelete, ID: "a", Status: http.StatusNotFound}),
		"lateList":    at(200, 210, operation{Kind: opList, List: []task{b6}}),
		"lateSet":     at(220, 230, operation{Kind: opChange, Completed: &no, Task: state("b", "B", false, 7)}),
	}
}

func checkMap(history map[string]*operation) []string {
	var list []operation
	for _, o := range history {
		list = append(list, *o)
	}
	return checkHistory(list)
}

func TestHistoryAcceptsWhatMayHappen(t *testing.T) {
	if faults := checkMap(goodHistory()); len(faults) > 0 {
		t.Errorf("faults in a good history:\n%s", strings.Join(faults, "\n"))
	}
}

// TestHistoryFindsFaults shows that the checker can fail, and for each reason.
func TestHistoryFindsFaults(t *testing.T) {
	type history = map[string]*operation
	for name, c := range map[string]struct {
		spoil func(history)
		want  string
	}{
		"a 500": {func(h history) { h["list"].Status = 500 }, "never should"},
		"a lost update": {func(h history) {
			h["titleA"].Task.Completed = false
			h["titleAAgain"].Task.Completed = false
			h["list"].List[0].Completed = false
		}, "no operation led"},
		"a toggle that does not": {func(h history) { h["toggleA"].Task.Completed = false; delete(h, "readDuring"); delete(h, "setNothing") }, "does not make"},
		"a change of more than was asked": {func(h history) {
			for _, o := range h {
				if o.Task.Version == 7 {
					o.Task.Title = "C"
				}
			}
		}, "no operation led"},
		"a version shared by tasks":      {func(h history) { h["lateSet"].Task.Version = 4 }, "share version 4"},
		"two toggles that share one":     {func(h history) { o := *h["toggleA"]; h["toggleA2"] = &o }, "share a version"},
		"a version for no change":        {func(h history) { h["setNothing"].Task.Version = 33 }, "no operation led"},
		"one version, two states":        {func(h history) { h["readDuring"].Task.Title = "X" }, "but that version is"},
		"a stale read":                   {func(h history) { h["readBefore"].Start, h["readBefore"].End = 95, 96 }, "after"},
		"a stale list":                   {func(h history) { h["lateList"].List[0] = h["createB"].Task }, "after"},
		"a write out of order":           {func(h history) { h["titleA"].Start, h["titleA"].End = 40, 45; delete(h, "titleAAgain") }, "after"},
		"a read of the future":           {func(h history) { h["readDuring"].Start, h["readDuring"].End = 50, 55 }, "written later"},
		"a 404 without a delete":         {func(h history) { delete(h, "deleteA") }, "no delete had begun"},
		"a 404 before the delete":        {func(h history) { h["readDeleted"].Start, h["readDeleted"].End = 140, 145 }, "no delete had begun"},
		"a read after the delete":        {func(h history) { o := *h["titleA"]; o.Kind, o.Start, o.End = opGet, 300, 310; h["ghost"] = &o }, "was gone"},
		"a read after a 404":             {func(h history) { o := *h["titleA"]; o.Kind, o.Start, o.End = opGet, 161, 168; h["ghost"] = &o }, "was gone"},
		"a list with a deleted task":     {func(h history) { h["lateList"].List = h["list"].List }, "was gone"},
		"two deletes":                    {func(h history) { h["deleteAgain"].Status = 200 }, "deleted 2 times"},
		"a delete that takes no version": {func(h history) { h["deleteA"].Task.Version = 6 }, "share version 6"},
		"a delete of an older version":   {func(h history) { h["deleteA"].Task.Version = 0 }, "not its last"},
		"another task's delete":          {func(h history) { h["deleteA"].Task.ID = "b" }, "not its last"},
		"a list that lacks a task":       {func(h history) { h["lateList"].List = nil }, "no delete had begun"},
		"a list out of order":            {func(h history) { l := h["list"].List; l[0], l[1] = l[1], l[0] }, "does not come after"},
		"a list with a task twice":       {func(h history) { l := h["lateList"]; l.List = append(l.List, l.List[0]) }, "does not come after"},
		"a list of two moments": {func(h history) {
			h["list"].List[0] = h["toggleA"].Task
			h["list"].List[1] = h["setB"].Task
			h["list"].End = 170
		}, "and not 4"},
		"a list of one half of history":  {func(h history) { h["earlyList"].List[0] = h["toggleA"].Task; h["earlyList"].End = 100 }, "and not 2"},
		"a task from nowhere":            {func(h history) { delete(h, "createB") }, "nobody created"},
		"another user's task":            {func(h history) { h["readDuring"].Task.UserID = "v" }, "of \"v\""},
		"another task":                   {func(h history) { h["readDuring"].Task.ID = "c" }, "shows the task c"},
		"a change before the creation":   {func(h history) { h["lateSet"].Task.UpdatedAt = "t0" }, "before it was created"},
		"a completion of another time":   {func(h history) { everywhere(h, 6, func(t *task) { t.CompletedAt.Text = "t5" }) }, "no operation led"},
		"a completion that is not ended": {func(h history) { h["lateSet"].Task.CompletedAt = nullable{true, "t6"} }, "no operation led"},
		"a priority that nobody gave":    {func(h history) { h["lateSet"].Task.Priority = "high" }, "no operation led"},
		"a new creation time":            {func(h history) { h["lateSet"].Task.CreatedAt = "t6" }, "no operation led"},
	} {
		t.Run(name, func(t *testing.T) {
			h := goodHistory()
			c.spoil(h)
			faults := strings.Join(checkMap(h), "\n")
			if !strings.Contains(faults, c.want) {
				t.Errorf("no fault with %q among:\n%s", c.want, faults)
			}
		})
	}
}

// everywhere spoils the task of a version in all that shows it.
func everywhere(h map[string]*operation, version int64, spoil func(*task)) {
	for _, o := range h {
		for _, t := range append([]*task{&o.Task}, pointers(o.List)...) {
			if t.Version == version {
				spoil(t)
			}
		}
	}
}

func pointers(list []task) (to []*task) {
	for i := range list {
		to = append(to, &list[i])
	}
	return to
}
