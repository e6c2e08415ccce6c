package docket

import (
	"bytes"
	"crypto/sha256"
	"time"
)

const (
	// MaxKey is the longest text of a Key, in bytes of visible ASCII.
	MaxKey = 255
	// KeyLifetime is how long a key replays its write, at least.
	KeyLifetime = 24 * time.Hour
	// MaxKeptBytes bounds the results that are kept under one owner's keys, by the
	// length of EncodeResult.
	MaxKeptBytes = 16 << 20
)

// Key makes a write safe to send again: the write is carried out once for each
// owner and Text, and every repetition within KeyLifetime gets the result of the
// first (the Idempotency-Key of draft-ietf-httpapi-idempotency-key-header).
type Key struct {
	Text        string
	Fingerprint [sha256.Size]byte // of the request; a repetition has the same
}

// CheckRetry compares fingerprint, which was stored with the first write under
// the key's text. The error is of kind Invalid when it belongs to another request.
func (k *Key) CheckRetry(fingerprint []byte) error {
	if bytes.Equal(fingerprint, k.Fingerprint[:]) {
		return nil
	}
	return InvalidInput(Fault{
		In: InHeader, Name: "Idempotency-Key", Code: "key_reused",
		Detail: "This key was sent with another request before: the method, the path, the body (byte for byte) or If-Match differs. Use a new key for each request that is not a repetition.",
	})
}

var errInFlight = &Error{Kind: KeyInFlight, Detail: "A request with this key is still being carried out. Send the same request again shortly to get its answer."}

// InFlight returns the error of kind KeyInFlight.
func InFlight() error { return errInFlight }

var errKeptFull = &Error{Kind: KeptFull, Limit: MaxKeptBytes, Detail: "The answers that are kept for this user's repeated requests take as much space as they may. Nothing was written. Send the request without an Idempotency-Key, or wait: an answer is kept for a day."}

// NoRoomToKeep returns the error of kind KeptFull.
func NoRoomToKeep() error { return errKeptFull }
