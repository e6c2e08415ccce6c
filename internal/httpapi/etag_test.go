package httpapi

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"docket"
)

func TestCursors(t *testing.T) {
	position := docket.Position{ID: uuid.MustParse("019a4e6f-1b2c-7d3e-8f40-516273849a5b")}
	for _, known := range sorts {
		q := docket.ListQuery{Sort: known.sort, Completed: docket.Some(true), Search: "x"}
		p := position
		switch known.sort.Key {
		case docket.ByUpdate:
			p.UpdatedAt = time.Date(2026, 1, 31, 9, 30, 0, 123_456_000, time.UTC)
		case docket.ByTitle:
			p.Title = strings.Repeat("😀", docket.MaxTitle)
		case docket.ByDueDate:
			p.Due = time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)
		case docket.ByPriority:
			p.Priority = docket.High
		}
		text := docket.MarkList("alice", q).Cursor(p)
		got, err := docket.MarkList("alice", q).Position(text)
		if err != nil || cmp.Diff(p, *got) != "" {
			t.Fatalf("%s: %+v, %v", known.name, got, err)
		}
		for i := range len(text) { // any change
			for _, c := range []byte("A-_z0=%") {
				if changed := text[:i] + string(c) + text[i+1:]; changed != text {
					if got, err := docket.MarkList("alice", q).Position(changed); err == nil {
						t.Fatalf("%s: changed at %d, it was read as %+v", known.name, i, got)
					}
				}
			}
		}
		if _, err := docket.MarkList("bob", q).Position(text); err == nil {
			t.Errorf("%s: it serves another user", known.name)
		}
	}
}

func FuzzCursor(f *testing.F) {
	f.Add("", "alice", uint8(0))
	f.Add(docket.MarkList("alice", docket.ListQuery{Sort: docket.Sort{Key: docket.ByTitle}}).Cursor(docket.Position{Title: "x"}), "alice", uint8(4))
	f.Fuzz(func(t *testing.T, text, user string, order uint8) {
		q := docket.ListQuery{Sort: sorts[int(order)%len(sorts)].sort}
		list := docket.MarkList(docket.UserID(user), q)
		p, err := list.Position(text)
		if err == nil && list.Cursor(*p) != text {
			t.Fatalf("%q was read as %+v, which is written %q", text, p, list.Cursor(*p))
		}
	})
}

// TestEveryFilterMarksTheList sets each field of a query that changes what a list
// holds: another list has another mark, so that it takes no cursor and no entity tag
// of the first.
func TestEveryFilterMarksTheList(t *testing.T) {
	plain := docket.MarkList("alice", docket.ListQuery{})
	elsewhere := []string{"Limit", "Offset", "After", "Known", "Count"} // in the mark of a page, or of no consequence for its tasks
	query := reflect.TypeFor[docket.ListQuery]()
	for i := range query.NumField() {
		name := query.Field(i).Name
		if slices.Contains(elsewhere, name) {
			continue
		}
		q := docket.ListQuery{}
		fill(reflect.ValueOf(&q).Elem().Field(i))
		if docket.MarkList("alice", q) == plain {
			t.Errorf("with %s the list has the same mark", name)
		}
	}
}

// TestFiltersDoNotMixInTheMark compares lists whose filters have the same texts in
// different places.
func TestFiltersDoNotMixInTheMark(t *testing.T) {
	at := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	queries := []docket.ListQuery{
		{},
		{Tags: []string{"due from", at.Format(time.RFC3339Nano)}},
		{Tags: []string{"due from"}, DueBefore: at},
		{DueFrom: at},
		{DueBefore: at},
		{DueFrom: at, DueBefore: at},
		{Tags: []string{"a", "b"}},
		{Tags: []string{"a,b"}},
		{Search: "tags"},
		{Priorities: []docket.Priority{docket.Low}},
		{Tags: []string{"low"}},
		{Tags: []string{"deleted"}},
		{Deleted: true},
	}
	met := map[docket.ListMark]int{}
	for i, q := range queries {
		if first, twice := met[docket.MarkList("alice", q)]; twice {
			t.Errorf("%+v has the mark of %+v", q, queries[first])
		}
		met[docket.MarkList("alice", q)] = i
	}
}

// TestPositionsWithoutADueDate have cursors of their own, which are not that of another
// order, nor that of the first due date.
func TestPositionsWithoutADueDate(t *testing.T) {
	by := func(key docket.SortKey) docket.ListMark {
		return docket.MarkList("alice", docket.ListQuery{Sort: docket.Sort{Key: key}})
	}
	want := docket.Position{ID: uuid.MustParse("019a4e6f-1b2c-7d3e-8f40-516273849a5b")}
	text := by(docket.ByDueDate).Cursor(want)
	if got, err := by(docket.ByDueDate).Position(text); err != nil || *got != want {
		t.Errorf("%+v, %v", got, err)
	}
	want.Due, _ = docket.DueDate("0001-01-01").Moment()
	if got, err := by(docket.ByDueDate).Position(by(docket.ByDueDate).Cursor(want)); err != nil || *got != want {
		t.Errorf("behind the first due date: %+v, %v", got, err)
	}
	for _, other := range []docket.SortKey{docket.ByCreation, docket.ByUpdate, docket.ByTitle, docket.ByPriority} {
		if _, err := by(other).Position(text); err == nil {
			t.Errorf("it is taken for order %d", other)
		}
	}
}

// TestAlteredTags tells the tags that proxies make of a version from others.
func TestAlteredTags(t *testing.T) {
	for tag, altered := range map[string]bool{
		`W/"5"`: true, `"5-gzip"`: true, `W/"5-gzip"`: true, `"5--gzip"`: true, `"5;br"`: true, `W/"9223372036854775807"`: true,
		`"5"`: false, `"05"`: false, `W/"05"`: false, `"x"`: false, `W/"x"`: false, `"55x"`: true, `"-5"`: false, `""`: false, `W/"99999999999999999999"`: false, `W/"9999999999999999999"`: false, `*`: false,
	} {
		in := &input{match: []string{tag}}
		if got := in.explain(docket.Stale()) != docket.Stale(); got != altered {
			t.Errorf("%s: altered is %v", tag, got)
		}
		if err := in.explain(docket.NoSuchTask()); err != docket.NoSuchTask() {
			t.Errorf("%s changes another error to %v", tag, err)
		}
	}
}

// fill sets v, and everything in it, to something else than zero.
func fill(v reflect.Value) {
	if v.Type() == reflect.TypeFor[time.Time]() {
		v.Set(reflect.ValueOf(time.Unix(1, 0)))
		return
	}
	switch v.Kind() {
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Int8:
		v.SetInt(1)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.String:
		v.SetString("x")
	case reflect.Uint8:
		v.SetUint(1)
	case reflect.Struct:
		for _, field := range v.Fields() {
			fill(field)
		}
	default:
		panic("fill: a kind that no filter has had: " + v.Kind().String())
	}
}
