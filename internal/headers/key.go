package headers

import (
	"errors"
	"strings"

	"github.com/dunglas/httpsfv"

	"docket"
)

var errNotAKey = errors.New("headers: not an idempotency key")

// IdempotencyKey reads the lines of Idempotency-Key: the characters as they are, or a
// String of RFC 9651 that holds them.
func IdempotencyKey(lines []string) (string, error) {
	if len(lines) != 1 {
		return "", errNotAKey
	}
	text := strings.Trim(lines[0], " \t")
	if strings.HasPrefix(text, `"`) {
		var err error
		if text, err = parseString(text); err != nil {
			return "", err
		}
	}
	if len(text) < 1 || len(text) > docket.MaxKey || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", errNotAKey
	}
	return text, nil
}

// parseString reads a String of RFC 9651, section 3.3.3, without parameters.
func parseString(text string) (string, error) {
	item, err := httpsfv.UnmarshalItem([]string{text})
	if err != nil {
		return "", err
	}
	value, ok := item.Value.(string)
	if !ok || len(item.Params.Names()) > 0 {
		return "", errNotAKey
	}
	return value, nil
}
