package column

import (
	"slices"
	"testing"

	"github.com/go-json-experiment/json"
	"pgregory.net/rapid"
)

// TestTextsOfAPage keeps texts of all lengths, and overwrites their bytes, as pgx does
// with the next row.
func TestTextsOfAPage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kept := texts{page: rapid.Bool().Draw(t, "page")}
		var got []string
		var optional []*string
		var want []string
		for _, text := range rapid.SliceOfN(rapid.StringN(0, -1, 6000), 1, 200).Draw(t, "texts") {
			row := []byte(text)
			got, optional, want = append(got, kept.keep(row)), append(optional, kept.keepOptional(row)), append(want, text)
			clear(row)
		}
		for i := range want {
			if got[i] != want[i] || *optional[i] != want[i] {
				t.Fatalf("text %d: %q and %q, want %q", i, got[i], *optional[i], want[i])
			}
		}
	})
}

// TestTagsAreReadAsWritten keeps tags of all texts, and overwrites their bytes, as pgx
// does with the next row.
func TestTagsAreReadAsWritten(t *testing.T) {
	tag := rapid.StringOfN(rapid.SampledFrom([]rune("ab,\"\\[]{}/'é\u2028\n\x01\x1f<&\U0010ffff")), 1, 6, -1)
	rapid.Check(t, func(r *rapid.T) {
		tags := rapid.SliceOfN(tag, 1, 4).Draw(r, "tags")
		text := *tagsJSON(tags)
		var parsed []string
		if err := json.Unmarshal([]byte(text), &parsed); err != nil || !slices.Equal(parsed, tags) {
			r.Fatalf("%q are stored as %s, which is %q, %v", tags, text, parsed, err)
		}
		kept := texts{page: rapid.Bool().Draw(r, "page")}
		row := []byte(text)
		got := kept.keepTags(row)
		clear(row)
		if kept.bad != nil || !slices.Equal(got, tags) {
			r.Fatalf("%s was read as %q, %v", text, got, kept.bad)
		}
	})
}

func TestTagsOfAnotherProgram(t *testing.T) {
	for text, want := range map[string][]string{
		`[]`: {}, `["a", "b"]`: {"a", "b"}, ` [ "a" ]`: {"a"}, `["\u0061"]`: {"a"}, `["a" ,"b","c"]`: {"a", "b", "c"},
	} {
		var kept texts
		if got := kept.keepTags([]byte(text)); !slices.Equal(got, want) || kept.bad != nil {
			t.Errorf("%s was read as %q, %v", text, got, kept.bad)
		}
	}
	for _, text := range []string{``, `{}`, `"a"`, `["a"`, `["a",]`, `[1]`, `["a"]]`, `["a""b"]`, `a,b`, "[\"\xff\\\"]"} {
		var kept texts
		if got := kept.keepTags([]byte(text)); kept.bad == nil {
			t.Errorf("%s was read as %q", text, got)
		}
	}
}
