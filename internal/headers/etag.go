package headers

import (
	"errors"
	"slices"
	"strconv"
	"strings"
)

// ETag is the strong entity tag of a task at a version (RFC 9110, 8.8.3).
func ETag(version int64) string { return `"` + strconv.FormatInt(version, 10) + `"` }

// AnyETag stands in a list of entity tags for *.
const AnyETag = "*"

var errMalformedTags = errors.New("headers: not a list of entity tags")

// ParseETags reads If-Match or If-None-Match (RFC 9110, sections 8.8.3 and 13.1):
// * or a list of entity tags, whose lines count as one list. It returns nil
// when there is no such field.
func ParseETags(lines []string) ([]string, error) {
	if len(lines) == 0 {
		return nil, nil
	}
	rest := strings.Trim(strings.Join(lines, ","), " \t")
	if rest == AnyETag {
		return []string{AnyETag}, nil
	}
	var tags []string
	for rest != "" {
		if rest = strings.TrimLeft(rest, " \t,"); rest == "" {
			break
		}
		start := rest
		rest = strings.TrimPrefix(rest, "W/")
		if !strings.HasPrefix(rest, `"`) {
			return nil, errMalformedTags
		}
		end := strings.IndexByte(rest[1:], '"')
		if end < 0 || strings.ContainsFunc(rest[1:1+end], func(r rune) bool { return r <= ' ' || r == 0x7f }) {
			return nil, errMalformedTags
		}
		rest = rest[end+2:]
		tags = append(tags, start[:len(start)-len(rest)])
		if rest = strings.TrimLeft(rest, " \t"); rest != "" && rest[0] != ',' {
			return nil, errMalformedTags
		}
	}
	if len(tags) == 0 {
		return nil, errMalformedTags
	}
	return tags, nil
}

// MatchesAny is the weak comparison of a tag, which is strong, with a list, in which
// AnyETag matches every tag.
func MatchesAny(tags []string, tag string) bool {
	return slices.ContainsFunc(tags, func(t string) bool { return t == AnyETag || strings.TrimPrefix(t, "W/") == tag })
}

// Strong makes weak tags strong, for the weak comparison.
func Strong(tags []string) []string {
	var strong []string
	for _, t := range tags {
		strong = append(strong, strings.TrimPrefix(t, "W/"))
	}
	return strong
}

// Versions returns the versions that the strong tags of a list stand for. A
// tag that is no version, or is weak, stands for none: it never matches strongly.
func Versions(tags []string) []int64 {
	versions := []int64{}
	for _, tag := range tags {
		if v, err := strconv.ParseInt(strings.Trim(tag, `"`), 10, 64); err == nil && ETag(v) == tag {
			versions = append(versions, v)
		}
	}
	return versions
}
