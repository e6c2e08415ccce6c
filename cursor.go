package docket

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
)

// A cursor is base64url of: a version byte, the position's id and sort key, and
// a checksum over that, the user and the filters. The checksum keeps a cursor
// to the list that it came from. It is no secret: a cursor that somebody makes
// up is a place in their own list, which they could have asked for.
const (
	cursorVersion  = 1
	cursorChecksum = 8
)

var errNotACursor = errors.New("docket: not a cursor of this list")

// ListMark tells apart the lists that a cursor or an entity tag may belong to:
// by the user, the order and the filters.
type ListMark struct {
	sum [sha256.Size]byte
	by  SortKey
}

// MarkList returns the mark of a list of owner.
func MarkList(owner UserID, q ListQuery) ListMark {
	h := sha256.New()
	parts := []string{
		string(owner), strconv.Itoa(int(q.Sort.Key)), strconv.FormatBool(q.Sort.Descending), strconv.FormatBool(q.Completed.Set), strconv.FormatBool(q.Completed.Value), q.Search,
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
	m := ListMark{by: q.Sort.Key}
	h.Sum(m.sum[:0])
	return m
}

// Checksum is a checksum of 8 bytes over b and the list.
func (m ListMark) Checksum(b []byte) []byte {
	sum := sha256.Sum256(append(m.sum[:], b...))
	return sum[:cursorChecksum]
}

// Cursor returns the cursor of the page behind p.
func (m ListMark) Cursor(p Position) string {
	b := append([]byte{cursorVersion}, p.ID[:]...)
	switch m.by {
	case ByUpdate:
		b = binary.BigEndian.AppendUint64(b, uint64(p.UpdatedAt.UnixMicro()))
	case ByTitle:
		b = append(b, p.Title...)
	case ByDueDate:
		if !p.Due.IsZero() {
			b = binary.BigEndian.AppendUint64(b, uint64(p.Due.Unix())) //nolint:gosec // its bits
		}
	case ByPriority:
		b = append(b, p.Priority.String()...)
	}
	return base64.RawURLEncoding.EncodeToString(append(b, m.Checksum(b)...))
}

// Position is the inverse of Cursor. It fails for what is no cursor of this list.
func (m ListMark) Position(cursor string) (*Position, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || len(b) < 1+len(uuid.UUID{})+cursorChecksum || b[0] != cursorVersion || strings.ContainsAny(cursor, "\r\n") {
		return nil, errNotACursor
	}
	b, sum := b[:len(b)-cursorChecksum], b[len(b)-cursorChecksum:]
	if !bytes.Equal(sum, m.Checksum(b)) {
		return nil, errNotACursor
	}
	p := &Position{ID: uuid.UUID(b[1:17])}
	return p, readSortKey(b[17:], m.by, p)
}

// readSortKey reads the part of a cursor that depends on the order.
func readSortKey(key []byte, by SortKey, p *Position) error {
	ok := false
	switch by {
	case ByCreation:
		ok = len(key) == 0
	case ByUpdate:
		if len(key) == 8 {
			p.UpdatedAt = time.UnixMicro(int64(binary.BigEndian.Uint64(key))).UTC() //nolint:gosec // any number is a time
			ok = hasDate(p.UpdatedAt)
		}
	case ByTitle:
		p.Title, ok = string(key), utf8.Valid(key) && !bytes.ContainsRune(key, 0)
	case ByDueDate:
		if ok = len(key) == 0; len(key) == 8 { // without a key the task has no due date
			p.Due = time.Unix(int64(binary.BigEndian.Uint64(key)), 0).UTC() //nolint:gosec // any number is a time
			ok = hasDate(p.Due)
			if p.Due.IsZero() { // as DueDate.Moment has it
				p.Due = p.Due.Add(time.Microsecond)
			}
		}
	case ByPriority:
		p.Priority, ok = ParsePriority(string(key))
	}
	if !ok {
		return errNotACursor
	}
	return nil
}

// hasDate reports whether stores can compare t with a time of theirs.
func hasDate(t time.Time) bool { return t.Year() >= 1 && t.Year() <= 9999 }
