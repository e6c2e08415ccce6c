package httpapi

import (
	"net/http"
	"strings"

	"github.com/dunglas/httpsfv"
)

const (
	// maxIgnored is how many ignored names an answer tells.
	maxIgnored = 20
	// maxIgnoredName is the length in bytes up to which it tells a name.
	maxIgnoredName = 80
)

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
	list := make(httpsfv.List, 0, maxIgnored)
	for _, name := range names[:min(len(names), maxIgnored)] {
		list = append(list, httpsfv.NewItem(visible(name)))
	}
	if text, err := httpsfv.Marshal(list); err == nil { // visible has made the names valid
		w.Header().Set("Docket-Ignored", text)
	}
}

// visible returns a name from the client as a String of RFC 9651 can hold it: what is
// not ASCII, and %, is percent-encoded, and a long name is cut.
func visible(name string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for _, c := range []byte(name) {
		if b.Len() > maxIgnoredName-len("%xx")-len("...") {
			return b.String() + "..."
		}
		if c >= ' ' && c <= '~' && c != '%' {
			b.WriteByte(c)
		} else {
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
	return b.String()
}
