package httpapi

import (
	"crypto/sha256"
	"encoding/binary"
	"net/http"
	"strings"

	"docket"
	"docket/internal/headers"
)

// idempotencyKey is the parameter that makes a write safe to send again.
var idempotencyKey = param{
	in: inHeader, name: "Idempotency-Key", shape: text,
	tag: `pattern:"^([!#-~][!-~]*|\"([!#-\\[\\]-~]|\\\\[\"\\\\])+\")$" maxLength:"512" doc:"Makes the request safe to send again for 24 hours: it is carried out once, and its repetitions, which must be the same to the byte, get the first one's answer with Idempotent-Replayed. 1 to 255 visible ASCII characters, bare or as a quoted string (RFC 9651), made up by the client for each request." example:"8e03978e-40d5-43dd-bc93-6894a57f9324"`,
	read: func(in *input, _ string, lines []string) {
		var err error
		if in.keyText, err = headers.IdempotencyKey(lines); err != nil {
			in.fault(docket.Fault{
				In: docket.InHeader, Name: "Idempotency-Key", Code: "malformed",
				Detail: "The header Idempotency-Key must be given once, as 1 to 255 visible ASCII characters without spaces, bare or in double quotes.",
			})
		}
	},
}

// fingerprint distinguishes requests with the same key: by method, path, If-Match and
// the hash of the body.
func fingerprint(r *http.Request, body [sha256.Size]byte) (sum [sha256.Size]byte) {
	h := sha256.New()
	for _, part := range []string{r.Method, r.URL.Path, strings.Join(r.Header.Values("If-Match"), ", ")} {
		h.Write(binary.AppendUvarint(nil, uint64(len(part))))
		h.Write([]byte(part))
	}
	h.Write(body[:])
	h.Sum(sum[:0])
	return sum
}
