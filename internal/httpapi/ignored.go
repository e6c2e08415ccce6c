package httpapi

import (
	"net/http"

	"docket/internal/headers"
)

// maxIgnored is how many ignored names an answer tells.
const maxIgnored = 20

// ignore adds the name of what was ignored, while there is room: the JSON pointer of a
// member of the body, or a query parameter behind a question mark.
func ignore(names []string, name string) []string {
	if len(names) >= maxIgnored {
		return names
	}
	return append(names, name)
}

// tellIgnored names what was ignored of the request.
func tellIgnored(w http.ResponseWriter, names []string) {
	if len(names) == 0 {
		return
	}
	w.Header().Set("Docket-Ignored", headers.Names(names[:min(len(names), maxIgnored)]))
}
