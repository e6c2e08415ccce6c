package sqlite

import "testing"

func TestContains(t *testing.T) {
	s := open(t, tempPath(t))
	for _, test := range []struct {
		text any
		part string
		want bool
	}{
		{"abc", "bc", true},
		{"abc", "", true},
		{"abc", "d", false},
		{nil, "a", false},
		{"", "a", false},
		{"😀é", "é", true},
		{[]byte("\x00A\x00B\x00"), "B", true},
		{[]byte("\x00A\x00B\x00"), "AB", false},
	} {
		var got bool
		if err := s.writer.conn.QueryRowContext(t.Context(), "SELECT contains(?, ?)", test.text, test.part).Scan(&got); err != nil || got != test.want {
			t.Errorf("contains(%v, %q) is %v, %v", test.text, test.part, got, err)
		}
	}
}

func TestHasTags(t *testing.T) {
	s := open(t, tempPath(t))
	for _, test := range []struct {
		tags, wanted []string
		want         bool
	}{
		{[]string{"a"}, []string{"A"}, true},
		{[]string{"a", "b", "c"}, []string{"c", "a"}, true},
		{[]string{"a", "b"}, []string{"a", "c"}, false},
		{[]string{"ab"}, []string{"a"}, false},
		{[]string{"ab"}, []string{"b"}, false},
		{[]string{"a", "b"}, []string{"ab"}, false},
		{[]string{`"`, "\n", `a","b`}, []string{`A","B`, `"`}, true},
		{[]string{`a","b`}, []string{"a"}, false},
		{nil, []string{"a"}, false},
		{[]string{"ß"}, []string{"ẞ"}, true},
	} {
		var got bool
		if err := s.writer.conn.QueryRowContext(t.Context(), "SELECT has_tags(?, ?)", foldedTags(test.tags), foldedTags(test.wanted)).Scan(&got); err != nil || got != test.want {
			t.Errorf("has_tags(%q, %q) is %v, %v", test.tags, test.wanted, got, err)
		}
	}
}
