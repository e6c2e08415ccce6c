package headers

import (
	"strings"
	"testing"

	"github.com/dunglas/httpsfv"

	"docket"
)

// TestStrings holds parseString against the cases for strings of the HTTP
// working group's tests of structured fields (RFC 9651): those written by hand,
// and each ASCII character by itself and escaped.
func TestStrings(t *testing.T) {
	type vector struct {
		raw, want string
		ok        bool
	}
	vectors := []vector{
		{`"foo"`, "foo", true},
		{`""`, "", true},
		{`"foo \"bar\""`, `foo "bar"`, true},
		{`"b` + strings.Repeat("a", 262) + `r"`, "b" + strings.Repeat("a", 262) + "r", true},
		{`"   "`, "   ", true},
		{`'foo'`, "", false},
		{`"foo`, "", false},
		{`"foo \,"`, "", false},
		{`"foo \`, "", false},
		{`"füü"`, "", false},
		{"\"\\", "", false},
	}
	for c := range 128 {
		char := string(rune(c))
		visible := c >= ' ' && c < 0x7f
		vectors = append(vectors,
			vector{`" ` + char + ` "`, " " + char + " ", visible && char != `"` && char != `\`},
			vector{`"\` + char + `"`, char, char == `"` || char == `\`})
	}
	for _, v := range vectors {
		got, err := parseString(v.raw)
		if (err == nil) != v.ok || v.ok && got != v.want {
			t.Errorf("%q was read as %q, %v", v.raw, got, err)
		}
	}
}

func FuzzKey(f *testing.F) {
	for _, seed := range []string{"8e03978e-40d5-43dd-bc93-6894a57f9324", `"a"`, `"a\"b"`, "", `"`, "a b", `"a";q=1`, "é"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		key, err := IdempotencyKey([]string{text})
		if err != nil {
			return
		}
		if len(key) < 1 || len(key) > docket.MaxKey {
			t.Fatalf("%q was read as a key of %d bytes", text, len(key))
		}
		quoted, err := httpsfv.Marshal(httpsfv.NewItem(key))
		if err != nil {
			t.Fatalf("%q was read as %q, which cannot be written: %v", text, key, err)
		}
		if again, err := IdempotencyKey([]string{quoted}); err != nil || again != key {
			t.Fatalf("%q was read as %q, and %q as %q, %v", text, key, quoted, again, err)
		}
	})
}
