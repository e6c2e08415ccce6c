package transfer

import (
	"cmp"
	"io"
	"strings"
	"time"

	"docket"
)

// The forms of dates and times in iCalendar (RFC 5545, sections 3.3.4 and 3.3.5).
const (
	icalDay   = "20060102"
	icalLocal = "20060102T150405"
	icalUTC   = "20060102T150405Z"
)

// icalPriorities are those of iCalendar: 1 is the highest, 9 the lowest, 0 says nothing.
var icalPriorities = map[docket.Priority]string{docket.High: "1", docket.Medium: "5", docket.Low: "9"}

type calendarWriter struct{ w io.Writer }

// beginCalendar begins a calendar of to-dos. It says nothing of the time of its export,
// so that the same tasks always make the same calendar.
func beginCalendar(w io.Writer, _ time.Time) (writer, error) {
	c := calendarWriter{w}
	return c, c.lines([][2]string{{"BEGIN", "VCALENDAR"}, {"VERSION", "2.0"}, {"PRODID", "-//Docket//Docket//EN"}, {"X-WR-CALNAME", "Tasks"}})
}

func (c calendarWriter) end() error { return writeLine(c.w, "END", "VCALENDAR") }

// lines writes those of the content lines that have a value.
func (c calendarWriter) lines(lines [][2]string) error {
	for _, line := range lines {
		if line[1] == "" {
			continue
		}
		if err := writeLine(c.w, line[0], line[1]); err != nil {
			return err
		}
	}
	return nil
}

func (c calendarWriter) task(t *docket.Task) error {
	status := "NEEDS-ACTION"
	if t.Completed {
		status = "COMPLETED"
	}
	due, value := icalDue(t.DueDate)
	categories := make([]string, len(t.Tags))
	for i, tag := range t.Tags {
		categories[i] = escapeText(tag)
	}
	return c.lines([][2]string{
		{"BEGIN", "VTODO"},
		{"UID", t.ID.String()},
		{"DTSTAMP", icalTime(t.UpdatedAt)},
		{"CREATED", icalTime(t.CreatedAt)},
		{"LAST-MODIFIED", icalTime(t.UpdatedAt)},
		{"SUMMARY", escapeText(t.Title)},
		{"DESCRIPTION", escapeText(textOf(t.Description))},
		{"STATUS", status},
		{"COMPLETED", icalTime(t.CompletedAt)},
		{"PRIORITY", icalPriorities[t.Priority]},
		{due, value},
		{"CATEGORIES", strings.Join(categories, ",")},
		{metadataName, escapeText(string(t.Metadata))},
		{"END", "VTODO"},
	})
}

// metadataName is the property that holds metadata, which others pass over.
const metadataName = "X-DOCKET-METADATA"

// icalTime writes an instant, to the second.
func icalTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(icalUTC)
}

// icalDue returns the property of a due date with its parameter, and its value.
func icalDue(d docket.DueDate) (property, value string) {
	at, ok := d.Moment()
	switch {
	case !ok:
		return "DUE", ""
	case isLocal(d):
		return "DUE", at.Format(icalLocal)
	case strings.HasSuffix(string(d), "Z"):
		return "DUE", at.Format(icalUTC)
	default:
		return "DUE;VALUE=DATE", at.Format(icalDay)
	}
}

// parseIcalDue returns a due date of any form. In a zone that is not known it is a local
// time.
func (c *calendarReader) parseIcalDue(line contentLine) (due docket.DueDate, ok, zoned bool) {
	layout, to := icalLocal, localTime
	switch {
	case len(line.value) == len(icalDay):
		layout, to = icalDay, time.DateOnly
	case strings.HasSuffix(line.value, "Z"):
		layout, to = icalUTC, time.RFC3339
	}
	t, err := time.Parse(layout, line.value)
	if err != nil {
		return "", false, true
	}
	due, ok = docket.ParseDueDate(t.Format(to))
	if !ok || line.zone == "" || !isLocal(due) {
		return due, ok, true
	}
	in, known := c.zones.load(cmp.Or(c.names[line.zone], line.zone))
	if !known {
		return due, true, false
	}
	return inZone(due, in), true, true
}

// parseIcalTime returns an instant; one without a zone is taken for UTC.
func (c *calendarReader) parseIcalTime(line contentLine) (time.Time, bool) {
	due, ok, _ := c.parseIcalDue(line)
	at, dated := due.Moment()
	return at, ok && dated
}
