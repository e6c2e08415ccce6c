package transfer

import (
	"strings"
	"time"
	_ "time/tzdata" // images have no time zones of their own

	"docket"
)

const localTime = "2006-01-02T15:04:05"

// isLocal reports whether a due date is a local date and time.
func isLocal(due docket.DueDate) bool { return len(due) == len(localTime) }

// loadZone returns the time zone of an IANA name, which may stand behind other parts of
// a path, as some calendars write it: /example.org/20260101/Europe/Berlin.
func loadZone(name string) (*time.Location, bool) {
	parts := strings.Split(strings.Trim(name, "/"), "/")
	if len(name) > 200 || name == "" || name == "Local" {
		return nil, false
	}
	for i := max(0, len(parts)-3); i < len(parts); i++ { // no name has more
		candidate := strings.Join(parts[i:], "/")
		if in, err := time.LoadLocation(candidate); err == nil && candidate != "" && candidate != "Local" {
			return in, true
		}
	}
	return nil, false
}

// maxZones bounds the zones of one file. There are about 600, and to look for one takes
// long where it is not known.
const maxZones = 1000

// zones are the time zones met in a file, by their names in it; nil: not known.
type zones map[string]*time.Location

// load returns the zone of a name. Those behind the first maxZones are not known.
func (z zones) load(name string) (*time.Location, bool) {
	in, met := z[name]
	if !met && len(z) < maxZones {
		in, _ = loadZone(name)
		z[name] = in
	}
	return in, in != nil
}

// inZone returns the instant that a local date and time is in a zone.
func inZone(due docket.DueDate, in *time.Location) docket.DueDate {
	t, err := time.ParseInLocation(localTime, string(due), in)
	if err != nil {
		return due
	}
	return dueOf(t.UTC().Format(time.RFC3339))
}
