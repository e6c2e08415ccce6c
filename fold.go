package docket

import (
	"strings"
	"unicode"
)

// Fold returns s with each character replaced by the one that stands for all
// its case variants under Unicode simple folding, so that two texts fold to
// the same one exactly when strings.EqualFold holds of them. Stores keep the
// result beside the text and search that.
func Fold(s string) string { return strings.Map(foldRune, s) }

// FoldOptional is Fold of a text that may be absent.
func FoldOptional(s *string) *string {
	if s == nil {
		return nil
	}
	folded := Fold(*s)
	return &folded
}

func foldRune(r rune) rune {
	if r < 0x80 {
		if 'a' <= r && r <= 'z' {
			return r - ('a' - 'A')
		}
		return r
	}
	least := r
	for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
		least = min(least, next)
	}
	return least
}
