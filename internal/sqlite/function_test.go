package sqlite

import (
	"testing"

	"docket/internal/sqlite/engine"
)

// truthOf returns what a query with arguments returns.
func truthOf(t *testing.T, conn *engine.Conn, query string, bind func(*engine.Stmt)) (got bool) {
	t.Helper()
	_, err := conn.Once(query, func(s *engine.Stmt) error {
		bind(s)
		_, err := s.Row(func() { got = s.FlagAt(0) })
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestContains(t *testing.T) {
	conn := beside(t, open(t, tempPath(t)))
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
		got := truthOf(t, conn, "SELECT contains(?, ?)", func(s *engine.Stmt) {
			switch text := test.text.(type) {
			case string:
				s.Text(text)
			case []byte:
				s.Blob(text)
			default:
				s.Null()
			}
			s.Text(test.part)
		})
		if got != test.want {
			t.Errorf("contains(%v, %q) is %v", test.text, test.part, got)
		}
	}
}

func TestHasTags(t *testing.T) {
	conn := beside(t, open(t, tempPath(t)))
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
		got := truthOf(t, conn, "SELECT has_tags(?, ?)", func(s *engine.Stmt) { s.Blob(foldedTags(test.tags)).Blob(foldedTags(test.wanted)) })
		if got != test.want {
			t.Errorf("has_tags(%q, %q) is %v", test.tags, test.wanted, got)
		}
	}
}
