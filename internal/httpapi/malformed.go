package httpapi

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"docket"
	"docket/internal/problem"
)

// malformedBody says, without repeating the body, why it is no JSON: err is what the
// decoder found.
func malformedBody(data []byte, err error) error {
	if errors.Is(err, io.EOF) { // nothing but white space
		return problem.ErrEmptyBody
	}
	detail := "The body is not valid JSON."
	switch e, ok := errors.AsType[*jsontext.SyntacticError](err); {
	case errors.Is(err, jsontext.ErrDuplicateName):
		detail = "A name appears twice in one JSON object of the body. Send it once."
		if ok {
			detail = fmt.Sprintf("The name at %q appears twice in the body. Send it once.", shorten(string(e.JSONPointer)))
		}
	case errors.Is(err, io.ErrUnexpectedEOF):
		detail = "The body ends in the middle of a JSON value."
	case ok:
		detail = badEncoding(data, e.ByteOffset)
	}
	return &docket.Error{Kind: problem.Malformed, Detail: detail, Err: err}
}

// badEncoding says what is wrong with a body whose first fault is at a byte.
func badEncoding(data []byte, at int64) string {
	rest := data[min(max(at, 0), int64(len(data))):]
	switch r, size := utf8.DecodeRune(rest); {
	case bytes.HasPrefix(data, []byte("\ufeff")):
		return "The body begins with a byte order mark (U+FEFF), which JSON may not have. Remove its three bytes: save the text as UTF-8 without a byte order mark."
	case r == utf8.RuneError && size == 1:
		return fmt.Sprintf("The body is not UTF-8: the fault is at byte %d. It is probably Latin-1, Windows-1252 or UTF-16. Encode it as UTF-8, whatever charset Content-Type names.", at)
	case bytes.HasPrefix(rest, []byte(`\ud`)) || bytes.HasPrefix(rest, []byte(`\uD`)):
		return fmt.Sprintf("The body has half of a surrogate pair (\\ud800 to \\udfff) at byte %d: a character such as an emoji was cut in two. Send both halves, or none; in JavaScript, toWellFormed mends a text.", at)
	default:
		return fmt.Sprintf("The body is not valid JSON: the fault is at byte %d.", at)
	}
}
