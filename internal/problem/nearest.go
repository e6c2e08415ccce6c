package problem

import "strings"

// Nearest returns the known name that name was probably meant to be, or "".
func Nearest(name string, known []string) string {
	plain := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r == '_' || r == '-' || r == ' ' {
				return -1
			}
			return r
		}, strings.ToLower(s))
	}
	if len(name) > 64 {
		return ""
	}
	for _, k := range known {
		a, b := plain(name), plain(k)
		if len(b) > 3 && strings.Contains(a, b) || distance(a, b) <= min(2, len(b)/2) {
			return k
		}
	}
	return ""
}

// distance is the number of single-character edits between a and b (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next := min(row[j]+1, row[j+1]+1, diagonal+cost)
			diagonal, row[j+1] = row[j+1], next
		}
	}
	return row[len(b)]
}
