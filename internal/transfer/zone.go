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

// inZone returns the instant that a local date and time is in a zone.
func inZone(due docket.DueDate, in *time.Location) docket.DueDate {
	t, err := time.ParseInLocation(localTime, string(due), in)
	if err != nil {
		return due
	}
	return dueOf(t.UTC().Format(time.RFC3339))
}
