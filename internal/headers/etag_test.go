package headers

import (
	"slices"
	"strings"
	"testing"

	"docket"
)

func TestParseTags(t *testing.T) {
	for text, want := range map[string][]string{
		`*`: {"*"}, ` * `: {"*"}, `"a"`: {`"a"`}, `"a", W/"b","c"`: {`"a"`, `W/"b"`, `"c"`}, `,"a",,`: {`"a"`}, `""`: {`""`}, `"a,b"`: {`"a,b"`}, "\"\x80\"": {"\"\x80\""},
	} {
		if got, err := ParseETags([]string{text}); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
	if got, err := ParseETags([]string{`"a"`, `"b"`}); err != nil || !slices.Equal(got, []string{`"a"`, `"b"`}) {
		t.Errorf("two lines: %q, %v", got, err)
	}
	for _, text := range []string{``, `,`, `a`, `"a`, `a"`, `"a" "b"`, `"a"b`, `W"a"`, `w/"a"`, `*,*`, `"a b"`, "\"a\x00\"", `'a'`} {
		if got, err := ParseETags([]string{text}); err == nil {
			t.Errorf("%q was read as %q", text, got)
		}
	}
	if got, err := ParseETags(nil); got != nil || err != nil {
		t.Errorf("no field was read as %q, %v", got, err)
	}
}

func TestPrefers(t *testing.T) {
	for text, want := range map[string]bool{
		"count=exact": true, "COUNT=exact": true, `count="exact"`: true, "return=minimal, count=exact;x": true, " count = exact ": true,
		"": false, "count": false, "count=estimated": false, "exact": false, "count=none, count=exact": false, "discount=exact": false, "count=EXACT": false,
	} {
		if got := Prefers([]string{text}, "count", "exact"); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func FuzzTags(f *testing.F) {
	for _, seed := range []string{`*`, `"a", W/"b"`, `"`, `,`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		tags, err := ParseETags([]string{text})
		if err != nil {
			return
		}
		again, err := ParseETags([]string{strings.Join(tags, ", ")})
		if err != nil || !slices.Equal(tags, again) {
			t.Fatalf("%q was read as %q and then as %q, %v", text, tags, again, err)
		}
		for _, v := range Versions(tags) {
			if !slices.Contains(tags, ETag(v)) {
				t.Fatalf("%q stands for version %d", text, v)
			}
		}
		NewPage(docket.MarkList("alice", docket.ListQuery{}), 1, 0, "").KnownState(tags)
	})
}

func FuzzPrefer(f *testing.F) {
	f.Add("count=exact")
	f.Add(`a;b="c, d", count`)
	f.Fuzz(func(t *testing.T, text string) {
		if Prefers([]string{text}, "count", "exact") && !strings.Contains(strings.ToLower(text), "count") {
			t.Fatalf("%q prefers a count", text)
		}
	})
}

// TestEveryPageHasAMark compares the pages of one list.
func TestEveryPageHasAMark(t *testing.T) {
	list := docket.MarkList("alice", docket.ListQuery{})
	tags := map[string]bool{}
	for _, page := range []Page{NewPage(list, 1, 0, ""), NewPage(list, 2, 0, ""), NewPage(list, 1, 1, ""), NewPage(list, 1, 2, ""), NewPage(list, 1, 0, "AQ"), NewPage(list, 1, 0, "offset")} {
		tags[page.ETag(docket.State{})] = true
	}
	if len(tags) != 6 {
		t.Errorf("6 pages have %d entity tags", len(tags))
	}
}
