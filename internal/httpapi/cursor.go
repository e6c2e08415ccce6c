package httpapi

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"docket"
)

// A cursor is base64url of: a version byte, the position's id and sort key, and
// a checksum over that, the user and the filters. The checksum keeps a cursor
// to the list that it came from. It is no secret: a cursor that somebody makes
// up is a place in their own list, which they could have asked for.
const (
	cursorVersion  = 1
	cursorChecksum = 8
)

var errNotACursor = errors.New("httpapi: not a cursor of this list")

// listMark tells apart the lists that a cursor or an entity tag may belong to:
// by the user, the order and the filters.
type listMark struct {
	sum [sha256.Size]byte
	by  docket.SortKey
}

func markList(user string, q docket.ListQuery) listMark {
	h := sha256.New()
	parts := []string{
		user, strconv.Itoa(int(q.Sort.Key)), strconv.FormatBool(q.Sort.Descending), strconv.FormatBool(q.Completed.Set), strconv.FormatBool(q.Completed.Value), q.Search,
	}
	if q.Deleted {
		parts = append(parts, "deleted")
	}
	if len(q.Priorities) > 0 {
		parts = append(parts, "priorities", strconv.Itoa(len(q.Priorities)))
		for _, p := range q.Priorities {
			parts = append(parts, p.String())
		}
	}
	if len(q.Tags) > 0 {
		parts = append(append(parts, "tags", strconv.Itoa(len(q.Tags))), q.Tags...)
	}
	if !q.DueFrom.IsZero() {
		parts = append(parts, "due from", q.DueFrom.Format(time.RFC3339Nano))
	}
	if !q.DueBefore.IsZero() {
		parts = append(parts, "due before", q.DueBefore.Format(time.RFC3339Nano))
	}
	for _, part := range parts {
		h.Write(binary.AppendUvarint(nil, uint64(len(part))))
		h.Write([]byte(part))
	}
	m := listMark{by: q.Sort.Key}
	h.Sum(m.sum[:0])
	return m
}

// checksum is a checksum over b and the list.
func (m listMark) checksum(b []byte) []byte {
	sum := sha256.Sum256(append(m.sum[:], b...))
	return sum[:cursorChecksum]
}

// cursor returns the cursor of the page behind p.
func (m listMark) cursor(p docket.Position) string {
	b := append([]byte{cursorVersion}, p.ID[:]...)
	switch m.by {
	case docket.ByUpdate:
		b = binary.BigEndian.AppendUint64(b, uint64(p.UpdatedAt.UnixMicro()))
	case docket.ByTitle:
		b = append(b, p.Title...)
	case docket.ByDueDate:
		if !p.Due.IsZero() {
			b = binary.BigEndian.AppendUint64(b, uint64(p.Due.Unix())) //nolint:gosec // its bits
		}
	case docket.ByPriority:
		b = append(b, p.Priority.String()...)
	}
	return base64.RawURLEncoding.EncodeToString(append(b, m.checksum(b)...))
}

// position is the inverse of cursor.
func (m listMark) position(cursor string) (*docket.Position, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || len(b) < 1+len(uuid.UUID{})+cursorChecksum || b[0] != cursorVersion || strings.ContainsAny(cursor, "\r\n") {
		return nil, errNotACursor
	}
	b, sum := b[:len(b)-cursorChecksum], b[len(b)-cursorChecksum:]
	if !bytes.Equal(sum, m.checksum(b)) {
		return nil, errNotACursor
	}
	p := &docket.Position{ID: uuid.UUID(b[1:17])}
	return p, readSortKey(b[17:], m.by, p)
}

// readSortKey reads the part of a cursor that depends on the order.
func readSortKey(key []byte, by docket.SortKey, p *docket.Position) error {
	ok := false
	switch by {
	case docket.ByCreation:
		ok = len(key) == 0
	case docket.ByUpdate:
		if len(key) == 8 {
			p.UpdatedAt = time.UnixMicro(int64(binary.BigEndian.Uint64(key))).UTC() //nolint:gosec // any number is a time
			ok = hasDate(p.UpdatedAt)
		}
	case docket.ByTitle:
		p.Title, ok = string(key), utf8.Valid(key) && !bytes.ContainsRune(key, 0)
	case docket.ByDueDate:
		if ok = len(key) == 0; len(key) == 8 { // without a key the task has no due date
			p.Due = time.Unix(int64(binary.BigEndian.Uint64(key)), 0).UTC() //nolint:gosec // any number is a time
			ok = hasDate(p.Due) && !p.Due.IsZero()
		}
	case docket.ByPriority:
		p.Priority, ok = docket.ParsePriority(string(key))
	}
	if !ok {
		return errNotACursor
	}
	return nil
}

// hasDate reports whether stores can compare t with a time of theirs.
func hasDate(t time.Time) bool { return t.Year() >= 1 && t.Year() <= 9999 }

// pageMark tells apart the pages of all lists.
type pageMark struct {
	list listMark
	sum  []byte
}

// markPage returns the mark of the page of a list that begins after cursor, which is
// empty for the first page, or after offset tasks.
func markPage(list listMark, limit, offset int, cursor string) pageMark {
	b := binary.BigEndian.AppendUint64(nil, uint64(limit)) //nolint:gosec // positive
	if offset > 0 {
		b = append(b, "offset "+strconv.Itoa(offset)+" "...) // no cursor has spaces
	}
	return pageMark{list, list.checksum(append(b, cursor...))}
}

// tag is the entity tag of the page while the owner's state is s.
func (m pageMark) tag(s docket.State) string {
	b := make([]byte, 0, 32)
	for _, n := range []int64{s.Epoch, s.Counter, s.PurgedThrough} {
		b = binary.BigEndian.AppendUint64(b, uint64(n)) //nolint:gosec // its bits
	}
	return `"` + base64.RawURLEncoding.EncodeToString(append(b, m.sum...)) + `"`
}

// knownState returns the owner's state at which a client had the page, if one of
// its tags belongs to the page.
func (m pageMark) knownState(tags []string) *docket.State {
	for _, tag := range tags {
		b, err := base64.RawURLEncoding.Strict().DecodeString(strings.Trim(strings.TrimPrefix(tag, "W/"), `"`))
		if err != nil || len(b) != 32 || !bytes.Equal(b[24:], m.sum) {
			continue
		}
		number := func(i int) int64 { return int64(binary.BigEndian.Uint64(b[8*i:])) } //nolint:gosec // its bits
		return &docket.State{Epoch: number(0), Counter: number(1), PurgedThrough: number(2)}
	}
	return nil
}
