package httpapi

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/dunglas/httpsfv"

	"docket"
)

const keyHeader = "Idempotency-Key"

// Retry is the part of an input that makes a write safe to send again.
type Retry struct {
	IdempotencyKey string `header:"Idempotency-Key" pattern:"^([!#-~][!-~]*|\"([!#-\\[\\]-~]|\\\\[\"\\\\])+\")$" maxLength:"512" doc:"Makes the request safe to send again for 24 hours: it is carried out once, and its repetitions, which must be the same to the byte, get the first one's answer with Idempotent-Replayed. 1 to 255 visible ASCII characters, bare or as a quoted string (RFC 9651), made up by the client for each request." example:"8e03978e-40d5-43dd-bc93-6894a57f9324"`

	key *docket.Key // nil without the field
}

// read reads the field, and what no handler reads of the body, which is the
// request's too. It returns b with their faults, and with others before its own.
func (in *Retry) read(ctx huma.Context, b body, others ...docket.Fault) body {
	r, _ := humago.Unwrap(ctx)
	lines := r.Header.Values(keyHeader)
	if len(lines) == 0 {
		return b.with(others...)
	}
	text, err := parseKey(lines)
	if err != nil {
		return b.with(append(others, docket.Fault{
			In: docket.InHeader, Name: keyHeader, Code: "malformed",
			Detail: "The header Idempotency-Key must be given once, as 1 to 255 visible ASCII characters without spaces, bare or in double quotes.",
		})...)
	}
	if _, err := io.Copy(io.Discard, r.Body); b.err == nil && err != nil {
		if b.err = err; errors.Is(err, os.ErrDeadlineExceeded) {
			b.err = errSlowBody
		}
	}
	in.key = &docket.Key{Text: text, Fingerprint: fingerprintOf(r, requestOf(ctx.Context()).body)}
	return b.with(others...)
}

var errNotAKey = errors.New("httpapi: not an idempotency key")

// parseKey reads the lines of the field: the characters as they are, or a
// String of RFC 9651 that holds them.
func parseKey(lines []string) (string, error) {
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

// fingerprintOf tells requests apart that have one key: by method, path, body
// and If-Match.
func fingerprintOf(r *http.Request, body hash.Hash) (sum [sha256.Size]byte) {
	h := sha256.New()
	for _, part := range []string{r.Method, r.URL.Path, strings.Join(r.Header.Values("If-Match"), ", ")} {
		h.Write(binary.AppendUvarint(nil, uint64(len(part))))
		h.Write([]byte(part))
	}
	h.Write(body.Sum(nil))
	return [sha256.Size]byte(h.Sum(nil))
}

// replayMark is the value of Idempotent-Replayed: "" when it is to be absent.
func replayMark(replayed bool) string {
	if replayed {
		return "true"
	}
	return ""
}
