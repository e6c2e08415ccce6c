package docket

import (
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

func TestParseUserID(t *testing.T) {
	for _, s := range []string{
		"a", "alice", "auth0|62c0d3", "a@example.com", "Nq3vXz0fYkC4m8QeTtR1aBpL6sWuJ2dH", "…", "...", " a ", "a/b", "u1/../u2",
		strings.Repeat("x", 255), strings.Repeat("😀", 255), "\u202e", "null",
	} {
		if id, err := ParseUserID(s); err != nil || string(id) != s {
			t.Errorf("ParseUserID(%q) = %q, %v", s, id, err)
		}
	}
	for s, code := range map[string]string{
		"": "too_short", ".": "reserved", "..": "reserved", "a\x00": "control_character", "\n": "control_character", "a\u0085": "control_character",
		"\x7f": "control_character", "a\xff": "invalid_utf8", strings.Repeat("x", 256): "too_long", strings.Repeat("é", 256): "too_long",
	} {
		_, err := ParseUserID(s)
		checkFaults(t, err, Fault{In: InParameter, Name: "user_id", Code: code})
	}
}

// checkFaults compares the faults of err, except their details, which must not be empty.
func checkFaults(t *testing.T, err error, want ...Fault) {
	t.Helper()
	if KindOf(err) != Invalid {
		t.Fatalf("error is %v, want kind %s", err, Invalid)
	}
	got := append([]Fault{}, err.(*Error).Faults...)
	for i := range got {
		if got[i].Detail == "" {
			t.Errorf("fault %v has no detail", got[i])
		}
		got[i].Detail = ""
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("faults differ (-want +got):\n%s", diff)
	}
}

func TestParseTaskID(t *testing.T) {
	const canonical = "019a4e6f-1b2c-7d3e-8f40-516273849a5b"
	want := uuid.MustParse(canonical)
	for _, s := range []string{canonical, strings.ToUpper(canonical)} {
		if id, err := ParseTaskID(s); err != nil || id != want {
			t.Errorf("ParseTaskID(%q) = %v, %v", s, id, err)
		}
	}
	for _, s := range []string{
		"", "1", "{" + canonical + "}", "urn:uuid:" + canonical, strings.ReplaceAll(canonical, "-", ""), canonical[:35], canonical + "0",
		"019a4e6f-1b2c-7d3e-8f40-516273849a5g", "019a4e6f 1b2c 7d3e 8f40 516273849a5b", "😀9a4e6f-1b2c-7d3e-8f40-516273849a",
	} {
		if _, err := ParseTaskID(s); KindOf(err) != NotFound {
			t.Errorf("ParseTaskID(%q) returned %v", s, err)
		}
	}
}

func TestNormalize(t *testing.T) {
	text := func(s string) *string { return &s }
	title := func(code string) Fault { return Fault{In: InBody, Name: "/title", Code: code} }
	description := func(code string) Fault { return Fault{In: InBody, Name: "/description", Code: code} }
	for _, test := range []struct {
		title       string
		description *string
		trimmed     string
		faults      []Fault
	}{
		{"a", nil, "a", nil},
		{" \t\n\u00a0\u3000a b \r\n", nil, "a b", nil},
		{strings.Repeat("😀", 500), text(strings.Repeat("😀", 5000)), strings.Repeat("😀", 500), nil},
		{"  " + strings.Repeat("x", 500) + "  ", text(""), strings.Repeat("x", 500), nil},
		{"<b>&\u200b", text(" kept "), "<b>&\u200b", nil},
		{"", nil, "", []Fault{title("too_short")}},
		{" \u2003 ", nil, "", []Fault{title("too_short")}},
		{strings.Repeat("e\u0301", 251), nil, strings.Repeat("e\u0301", 251), []Fault{title("too_long")}},
		{"a\x00", text("\x00"), "a\x00", []Fault{title("nul_character"), description("nul_character")}},
		{"a\xff", text(strings.Repeat("x", 5001)), "a\xff", []Fault{title("invalid_utf8"), description("too_long")}},
	} {
		task := NewTask{Fields{Title: test.title, Description: test.description}}
		update := TaskUpdate{Title: Some(test.title), Description: Some(test.description)}
		for _, faults := range [][]Fault{task.Normalize(), update.Normalize()} {
			if len(faults) > 0 || len(test.faults) > 0 {
				if len(faults) == 0 {
					t.Errorf("%.20q: no fault, want %v", test.title, test.faults)
					continue
				}
				checkFaults(t, InvalidInput(faults...), test.faults...)
			}
		}
		if task.Title != test.trimmed || update.Title.Value != test.trimmed {
			t.Errorf("%.20q was trimmed to %.20q and %.20q", test.title, task.Title, update.Title.Value)
		}
	}
	if faults := new(TaskUpdate).Normalize(); faults != nil {
		t.Errorf("an empty update has the faults %v", faults)
	}
}

func TestInvalidInputCountsItsFaults(t *testing.T) {
	f := Fault{Detail: "One."}
	for want, faults := range map[string][]Fault{
		"One.": {f}, "One. There is 1 more fault; see errors.": {f, f}, "One. There are 2 more faults; see errors.": {f, f, f},
	} {
		if got := InvalidInput(faults...).Detail; got != want {
			t.Errorf("detail is %q, want %q", got, want)
		}
	}
}

func TestFold(t *testing.T) {
	texts := []string{
		"", "a", "A", "ab", "É", "é", "e\u0301", "E\u0301", "Σ", "σ", "ς", "ı", "I", "i", "İ", "ß", "ẞ", "ss", "K", "k", "\u212a", "ſ", "s", "S",
		"Straße", "STRASSE", "日本", "😀", "%_\\", "ǅ", "ǆ", "Ǆ", "ᾳ", "ᾼ", "Ω", "ω", "\u2126", "Å", "å", "\u212b", "\xff", "Ａ", "ａ",
	}
	for _, a := range texts {
		for _, b := range texts {
			if got, want := Fold(a) == Fold(b), strings.EqualFold(a, b); got != want {
				t.Errorf("Fold(%q) == Fold(%q) is %v, EqualFold says %v", a, b, got, want)
			}
		}
		if Fold(Fold(a)) != Fold(a) {
			t.Errorf("Fold is not idempotent for %q", a)
		}
	}
}

// TestUpdatesCoverEveryField fails when a field of Fields is missing in TaskUpdate or
// in Apply.
func TestUpdatesCoverEveryField(t *testing.T) {
	others := reflect.ValueOf(Fields{
		Title: "x", Description: new("x"), Completed: true, Priority: High, DueDate: "2026-01-31", Tags: []string{"x"}, Metadata: `{"x":1}`,
	})
	for i := range others.NumField() {
		name := others.Type().Field(i).Name
		var update TaskUpdate
		field := reflect.ValueOf(&update).Elem().FieldByName(name)
		if !field.IsValid() || others.Field(i).IsZero() {
			t.Errorf("%s is not in TaskUpdate, or has no other value than zero in this test", name)
			continue
		}
		field.FieldByName("Set").SetBool(true)
		field.FieldByName("Value").Set(others.Field(i))
		var got, want Fields
		reflect.ValueOf(&want).Elem().Field(i).Set(others.Field(i))
		if !update.Apply(&got) || cmp.Diff(want, got) != "" || update.Apply(&got) {
			t.Errorf("%s: applied twice, the update makes %+v", name, got)
		}
	}
}

func TestApplyLooksAtWhatIsSet(t *testing.T) {
	before := Fields{Title: "title", Description: new("note"), Completed: true}
	for name, test := range map[string]struct {
		update TaskUpdate
		want   Fields
	}{
		"nothing":     {TaskUpdate{Title: Optional[string]{Value: "x"}, Completed: Optional[bool]{Value: false}}, before},
		"the same":    {TaskUpdate{Title: Some("title"), Description: Some(new("note")), Completed: Some(true)}, before},
		"null":        {TaskUpdate{Description: Some[*string](nil)}, Fields{Title: "title", Completed: true}},
		"one of many": {TaskUpdate{Title: Some("title"), Description: Some(new("note")), Completed: Some(false)}, Fields{Title: "title", Description: new("note")}},
		"empty":       {TaskUpdate{Description: Some(new(""))}, Fields{Title: "title", Description: new(""), Completed: true}},
	} {
		got := before
		changed := test.update.Apply(&got)
		if diff := cmp.Diff(test.want, got); diff != "" || changed != (cmp.Diff(before, test.want) != "") {
			t.Errorf("%s: changed is %v (-want +got):\n%s", name, changed, diff)
		}
	}
}
