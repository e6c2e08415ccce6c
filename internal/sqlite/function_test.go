package sqlite

import "testing"

// truthOf returns what a query with arguments returns.
func truthOf(t *testing.T, conn *connection, query string, bind func(*statement)) (got bool) {
	t.Helper()
	_, err := conn.once(query, func(s *statement) error {
		bind(s)
		_, err := s.row(func() { got = s.ColumnBool(0) })
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
		got := truthOf(t, conn, "SELECT contains(?, ?)", func(s *statement) {
			switch text := test.text.(type) {
			case string:
				s.text(text)
			case []byte:
				s.blob(text)
			default:
				s.null()
			}
			s.text(test.part)
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
		got := truthOf(t, conn, "SELECT has_tags(?, ?)", func(s *statement) { s.blob(foldedTags(test.tags)).blob(foldedTags(test.wanted)) })
		if got != test.want {
			t.Errorf("has_tags(%q, %q) is %v", test.tags, test.wanted, got)
		}
	}
}
