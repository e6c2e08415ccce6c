package postgres

import (
	"testing"

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
