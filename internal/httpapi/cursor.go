package httpapi

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"docket"
)

// A cursor is base64url of: a version byte, the position's id and sort key, and
// a checksum over that, the user and the filters. The checksum keeps a cursor
// to the list that it came from. It is no secret: a cursor that somebody makes
// up is a place in that somebody's own list, which they could have asked for.
const (
	cursorVersion  = 1
	cursorChecksum = 8
)

var errNotACursor = errors.New("httpapi: not a cursor of this list")

// fingerprint tells apart the lists that a cursor or an entity tag may be of.
func fingerprint(user string, q docket.ListQuery) []byte {
	h := sha256.New()
	parts := []string{
		user, strconv.Itoa(int(q.Sort.Key)), strconv.FormatBool(q.Sort.Descending), strconv.FormatBool(q.Completed.Set), strconv.FormatBool(q.Completed.Value), q.Search,
	}
	if q.Deleted {
		parts = append(parts, "deleted")
	}
	for _, part := range parts {
		h.Write(binary.AppendUvarint(nil, uint64(len(part))))
		h.Write([]byte(part))
	}
	return h.Sum(nil)
}

func formatCursor(p docket.Position, user string, q docket.ListQuery) string {
	b := append([]byte{cursorVersion}, p.ID[:]...)
	switch q.Sort.Key {
	case docket.ByUpdate:
		b = binary.BigEndian.AppendUint64(b, uint64(p.UpdatedAt.UnixMicro()))
	case docket.ByTitle:
		b = append(b, p.Title...)
	}
	return base64.RawURLEncoding.EncodeToString(append(b, checksum(b, user, q)...))
}

func checksum(b []byte, user string, q docket.ListQuery) []byte {
	sum := sha256.Sum256(append(fingerprint(user, q), b...))
	return sum[:cursorChecksum]
}

func parseCursor(text, user string, q docket.ListQuery) (*docket.Position, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) < 1+len(uuid.UUID{})+cursorChecksum || b[0] != cursorVersion || base64.RawURLEncoding.EncodeToString(b) != text {
		return nil, errNotACursor
	}
	b, sum := b[:len(b)-cursorChecksum], b[len(b)-cursorChecksum:]
	if !bytes.Equal(sum, checksum(b, user, q)) {
		return nil, errNotACursor
	}
	p := &docket.Position{ID: uuid.UUID(b[1:17])}
	return p, parseSortKey(b[17:], q.Sort.Key, p)
}

// parseSortKey reads the part of a cursor that depends on the order.
func parseSortKey(key []byte, by docket.SortKey, p *docket.Position) error {
	switch {
	case by == docket.ByCreation && len(key) == 0:
		return nil
	case by == docket.ByUpdate && len(key) == 8:
		p.UpdatedAt = time.UnixMicro(int64(binary.BigEndian.Uint64(key))).UTC() //nolint:gosec // any number is a time; the next line bounds it
		if year := p.UpdatedAt.Year(); year >= 1 && year <= 9999 {
			return nil
		}
	case by == docket.ByTitle && utf8.Valid(key) && !bytes.ContainsRune(key, 0):
		p.Title = string(key)
		return nil
	}
	return errNotACursor
}
