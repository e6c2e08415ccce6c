package headers

import (
	"strings"

	"github.com/dunglas/httpsfv"
)

// maxName is the length in bytes up to which Names writes a name.
const maxName = 80

// Names writes names from the client as a list of Strings (RFC 9651).
func Names(names []string) string {
	list := make(httpsfv.List, len(names))
	for i, name := range names {
		list[i] = httpsfv.NewItem(visible(name))
	}
	text, _ := httpsfv.Marshal(list) // visible has made the names valid
	return text
}

// visible returns a name from the client as a String of RFC 9651 can hold it: what is
// not ASCII, and %, is percent-encoded, and a long name is cut.
func visible(name string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for _, c := range []byte(name) {
		if b.Len() > maxName-len("%xx")-len("...") {
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
