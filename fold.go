package docket

import (
	"strings"
	"unicode"
)

// Fold returns s with each character replaced by one representative of its case
// variants under Unicode simple folding. Two texts fold to the same text exactly
// when strings.EqualFold reports them equal. Stores keep the folded text beside
// the text, and search the folded one.
func Fold(s string) string { return strings.Map(foldRune, s) }

// FoldOptional is Fold for a text that may be absent.
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
