package headers

import "strings"

// Prefers reports whether the field Prefer (RFC 7240) names a preference with
// this value. Preferences that are not known, or malformed, are ignored, as the
// RFC asks; of several with one name the first counts.
func Prefers(lines []string, name, value string) bool {
	for preference := range strings.SplitSeq(strings.Join(lines, ","), ",") {
		token, _, _ := strings.Cut(preference, ";")
		key, given, _ := strings.Cut(token, "=")
		if strings.EqualFold(strings.TrimSpace(key), name) {
			return strings.Trim(strings.TrimSpace(given), `"`) == value
		}
	}
	return false
}
