package docket

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
)

const (
	// MaxKey is the longest text of a Key, in bytes of visible ASCII.
	MaxKey = 255
	// KeyLifetime is how long a key replays its write.
	KeyLifetime = 24 * time.Hour
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
		Detail: "This key was sent with another request in the last " + strconv.Itoa(int(KeyLifetime.Hours())) + " hours: the method, the path, the body (byte for byte) or If-Match differs. Use a new key for each request that is not a repetition.",
	})
}

// compressFrom is the size in bytes from which a result is compressed. A short
// request can have a long result: the same task many times.
const compressFrom = 4 << 10

// EncodeResult returns the tasks of a write as a store keeps them under a key:
// JSON, with the names of the fields of Task and Fields as members of one object.
func EncodeResult(tasks []Task) ([]byte, error) {
	text, err := json.Marshal(tasks)
	if err != nil || len(text) < compressFrom {
		return text, err
	}
	var short bytes.Buffer
	w, err := gzip.NewWriterLevel(&short, gzip.BestSpeed)
	if err != nil {
		return nil, err
	}
	_, err = w.Write(text)
	err = errors.Join(err, w.Close())
	return short.Bytes(), err
}

// DecodeResult is the inverse of EncodeResult.
func DecodeResult(result []byte) (tasks []Task, err error) {
	if bytes.HasPrefix(result, []byte("[")) {
		err = json.Unmarshal(result, &tasks)
		return tasks, err
	}
	r, err := gzip.NewReader(bytes.NewReader(result))
	if err != nil {
		return nil, err
	}
	err = json.UnmarshalRead(r, &tasks)
	return tasks, err
}

var errInFlight = &Error{Kind: KeyInFlight, Detail: "A request with this key is still being carried out. Send the same request again shortly to get its answer."}

// InFlight returns the error of kind KeyInFlight.
func InFlight() error { return errInFlight }
