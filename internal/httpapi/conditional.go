package httpapi

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"slices"
	"strconv"
	"strings"

	"docket"
)

// anyTag stands in a list of entity tags for *.
const anyTag = "*"

var errMalformedTags = errors.New("httpapi: not a list of entity tags")

// parseTags reads If-Match or If-None-Match (RFC 9110, sections 8.8.3 and 13.1):
// * or a list of entity tags, whose lines count as one list. It returns nil
// when there is no such field.
func parseTags(lines []string) ([]string, error) {
	if len(lines) == 0 {
		return nil, nil
	}
	rest := strings.Trim(strings.Join(lines, ","), " \t")
	if rest == anyTag {
		return []string{anyTag}, nil
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

// matchesAny is the weak comparison of a tag, which is strong, with a list.
func matchesAny(tags []string, tag string) bool {
	return slices.ContainsFunc(tags, func(t string) bool { return t == anyTag || strings.TrimPrefix(t, "W/") == tag })
}

// withoutWeakness makes weak tags strong, for the weak comparison.
func withoutWeakness(tags []string) []string {
	var strong []string
	for _, t := range tags {
		strong = append(strong, strings.TrimPrefix(t, "W/"))
	}
	return strong
}

// versionsOf returns the versions that the strong tags of a list stand for. A
// tag that is no version, or weak, stands for none: it never matches strongly.
func versionsOf(tags []string) []int64 {
	versions := []int64{}
	for _, tag := range tags {
		if v, err := strconv.ParseInt(strings.Trim(tag, `"`), 10, 64); err == nil && etag(v) == tag {
			versions = append(versions, v)
		}
	}
	return versions
}

// listTag is the entity tag of a page: the state of the owner, and which page of
// which list it is.
func listTag(s docket.State, user string, q docket.ListQuery) string {
	b := make([]byte, 0, 32)
	for _, n := range []int64{s.Epoch, s.Counter, s.PurgedThrough} {
		b = binary.BigEndian.AppendUint64(b, uint64(n)) //nolint:gosec // its bits
	}
	return `"` + base64.RawURLEncoding.EncodeToString(append(b, pageMark(user, q)...)) + `"`
}

// pageMark tells apart the pages of all lists.
func pageMark(user string, q docket.ListQuery) []byte {
	b := binary.BigEndian.AppendUint64(nil, uint64(q.Limit)) //nolint:gosec // positive
	if q.After != nil {
		b = append(b, formatCursor(*q.After, user, q)...)
	}
	return checksum(b, user, q)
}

// knownState returns the owner's state at which a client had the page that q
// asks for, if one of its tags is of that page.
func knownState(tags []string, user string, q docket.ListQuery) *docket.State {
	for _, tag := range tags {
		b, err := base64.RawURLEncoding.Strict().DecodeString(strings.Trim(strings.TrimPrefix(tag, "W/"), `"`))
		if err != nil || len(b) != 32 || !bytes.Equal(b[24:], pageMark(user, q)) {
			continue
		}
		number := func(i int) int64 { return int64(binary.BigEndian.Uint64(b[8*i:])) } //nolint:gosec // its bits
		return &docket.State{Epoch: number(0), Counter: number(1), PurgedThrough: number(2)}
	}
	return nil
}

// prefers reports whether the field Prefer (RFC 7240) names a preference with
// this value. Preferences that are not known, or malformed, are ignored, as the
// RFC asks; of several with one name the first counts.
func prefers(lines []string, name, value string) bool {
	for preference := range strings.SplitSeq(strings.Join(lines, ","), ",") {
		token, _, _ := strings.Cut(preference, ";")
		key, given, _ := strings.Cut(token, "=")
		if strings.EqualFold(strings.TrimSpace(key), name) {
			return strings.Trim(strings.TrimSpace(given), `"`) == value
		}
	}
	return false
}
