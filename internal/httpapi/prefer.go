package httpapi

import (
	"net/http"

	"docket/internal/headers"
)

// The preferences that a request may have (RFC 7240). That it be handled strictly is read
// first of all, by decode.
var (
	preferStrict  = preferParam("", `"handling=strict"`, func(*input, []string) {})
	preferCount   = preferParam("count=exact asks for X-Total-Count; ", `"count=exact"`, func(in *input, lines []string) { in.list.Count = headers.Prefers(lines, "count", "exact") })
	preferMinimal = preferParam("return=minimal asks for a 204 without a body; ", `"return=minimal"`, func(in *input, lines []string) { in.minimal = headers.Prefers(lines, "return", "minimal") })
)

func preferParam(doc, example string, read func(in *input, lines []string)) param {
	return param{
		in: inHeader, name: "Prefer", shape: text,
		tag: reflectTag(`pattern:"^[\\t -~]*$" maxLength:"1000" doc:"` + doc +
			`handling=strict makes unknown fields and parameters a 422 instead of ignoring them (RFC 7240)." example:` + example),
		read: func(in *input, _ string, lines []string) { read(in, lines) },
	}
}

// handleStrictly reports whether unknown names are to be faults (RFC 7240, section 4.4).
func handleStrictly(h http.Header) bool { return headers.Prefers(h["Prefer"], "handling", "strict") }

// applied says that a preference of the request was followed.
func applied(w http.ResponseWriter, preference string) {
	const name = "Preference-Applied"
	if before := w.Header().Get(name); before != "" {
		preference = before + ", " + preference
	}
	w.Header().Set(name, preference)
}
