package headers

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"

	"docket"
)

// A sync token is base64url of: a version byte, the token's epoch and numbers as
// varints, and a checksum over that and the user, which binds the token to its user.
// Like a cursor, it is no secret.
const (
	syncTokenVersion  = 1
	syncTokenChecksum = 8
)

var errNotASyncToken = errors.New("headers: not a sync token of this user")

// FormatSyncToken writes the token of a user.
func FormatSyncToken(t docket.SyncToken, user string) string {
	b := []byte{syncTokenVersion}
	for _, n := range []int64{t.Epoch, t.Through, t.After} {
		b = binary.AppendVarint(b, n)
	}
	return base64.RawURLEncoding.EncodeToString(append(b, syncTokenSum(b, user)...))
}

func syncTokenSum(b []byte, user string) []byte {
	sum := sha256.Sum256(append(append([]byte("sync token\x00"), b...), user...))
	return sum[:syncTokenChecksum]
}

// ParseSyncToken reads what FormatSyncToken has written for the same user.
func ParseSyncToken(text, user string) (t docket.SyncToken, err error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) < 1+syncTokenChecksum || b[0] != syncTokenVersion {
		return t, errNotASyncToken
	}
	b, sum := b[:len(b)-syncTokenChecksum], b[len(b)-syncTokenChecksum:]
	if !bytes.Equal(sum, syncTokenSum(b, user)) {
		return t, errNotASyncToken
	}
	b = b[1:]
	for _, n := range []*int64{&t.Epoch, &t.Through, &t.After} {
		value, size := binary.Varint(b)
		if size <= 0 || value < 0 {
			return docket.SyncToken{}, errNotASyncToken
		}
		*n, b = value, b[size:]
	}
	if len(b) > 0 || FormatSyncToken(t, user) != text {
		return docket.SyncToken{}, errNotASyncToken
	}
	return t, nil
}
