package transfer

import (
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"docket"
)

// calendarReader reads the VTODOs of iCalendar objects (RFC 5545).
type calendarReader struct {
	lines contentLines
	to    *reading
	open  []string // the components that have begun and not ended
	zones zones
	names map[string]string // the IANA names that VTIMEZONEs give for their TZID

	todo     *todo
	zoneID   string // of the VTIMEZONE that is read
	calendar bool   // one has begun
}

// todo is the VTODO that is read.
type todo struct {
	docket.Draft

	line   int
	fault  string   // why the task cannot be kept; "" when it can
	tagged int      // the size of its CATEGORIES, in bytes
	lost   []string // the names of what Docket has no field for
	seen   []string // the properties that may stand once
	status string
	notice func() // of its due date; may be nil
}

// maxNesting bounds the components within each other.
const maxNesting = 10

func readCalendar(r io.Reader, to *reading) error {
	c := &calendarReader{lines: contentLines{newLineReader(r)}, to: to, zones: zones{}, names: map[string]string{}}
	for {
		line, ok, err := c.lines.next()
		switch {
		case errors.Is(err, io.EOF) && c.calendar && len(c.open) == 0:
			return nil
		case errors.Is(err, io.EOF) && c.calendar:
			return orTruncated(c.lines.line, err)
		case errors.Is(err, io.EOF):
			return errNotACalendar
		case err != nil:
			return err
		}
		if !c.calendar && (!ok || line.name != "BEGIN" || !strings.EqualFold(line.value, "VCALENDAR")) {
			return errNotACalendar
		}
		if err := c.take(line, ok); err != nil {
			return err
		}
	}
}

var errNotACalendar = badFile(1, "not_icalendar", "The file is not iCalendar: it does not begin with BEGIN:VCALENDAR.")

// take takes in one line; ok is false when it is no content line.
func (c *calendarReader) take(line contentLine, ok bool) error {
	inTodo := len(c.open) == 2 && c.todo != nil
	switch {
	case !ok && c.todo != nil:
		c.todo.fault = "line " + strconv.Itoa(line.line) + " is no content line"
	case !ok:
		c.to.skip(line.line, "malformed_line", "The line was left out: it is no content line of iCalendar.")
	case line.name == "BEGIN":
		return c.begin(line)
	case line.name == "END":
		return c.end(line)
	case inTodo:
		if !c.todo.repeated(line.name) { // the first counts
			c.property(line)
		}
	case len(c.open) == 2 && c.open[1] == "VTIMEZONE":
		c.zone(line)
	}
	return nil
}

// zone takes in a property of a VTIMEZONE.
func (c *calendarReader) zone(line contentLine) {
	switch {
	case line.name == "TZID":
		c.zoneID = line.value
	case line.name == "X-LIC-LOCATION" && len(c.names) < maxZones:
		c.names[c.zoneID] = line.value
	}
}

func (c *calendarReader) begin(line contentLine) error {
	name := strings.ToUpper(line.value)
	switch {
	case len(c.open) == maxNesting:
		return badFile(line.line, "too_deep", "The components are nested more than %d deep.", maxNesting)
	case len(c.open) == 0 && name != "VCALENDAR":
		return badFile(line.line, "not_icalendar", "A component %s stands outside of a calendar.", shorten(name))
	case len(c.open) == 1 && name == "VTODO":
		c.todo = &todo{line: line.line}
	case len(c.open) == 1 && name != "VTIMEZONE":
		c.to.skip(line.line, "not_a_task", "The component "+shorten(name)+" was left out: it is no VTODO.")
	case len(c.open) == 2 && c.todo != nil:
		c.todo.lose(name)
	}
	c.open, c.calendar = append(c.open, name), true
	return nil
}

func (c *calendarReader) end(line contentLine) error {
	last := len(c.open) - 1
	if last < 0 || !strings.EqualFold(c.open[last], line.value) {
		return badFile(line.line, "malformed", "END:%s ends no component that has begun.", shorten(line.value))
	}
	c.open = c.open[:last]
	if last != 1 || c.todo == nil {
		return nil
	}
	t := c.todo
	c.todo = nil
	return c.finish(t)
}

// finish takes in a VTODO that is complete.
func (c *calendarReader) finish(t *todo) error {
	if t.fault != "" {
		c.to.skip(t.line, "malformed_todo", "The VTODO was left out: "+t.fault+".")
		return nil
	}
	if t.notice != nil {
		t.notice()
	}
	t.Completed = t.status == "COMPLETED" || t.status == "" && !t.CompletedAt.IsZero()
	if t.status == "CANCELLED" {
		t.Completed = true
		c.to.skip(t.line, "status_changed", "The task was cancelled, and is kept as completed.")
	}
	if t.ID == "" {
		c.to.skip(t.line, "no_uid", "The VTODO has no UID: the task is kept, under an id that comes from its content.")
	}
	if len(t.lost) > 0 {
		c.to.skip(t.line, "fields_left_out", "The task is kept, without its "+strings.Join(t.lost, ", ")+".")
	}
	return c.to.add(t.line, t.Draft)
}

// lose notes something for which Docket has no field.
func (t *todo) lose(name string) {
	const most = 20
	if name = shorten(name); len(t.lost) < most && !slices.Contains(t.lost, name) {
		t.lost = append(t.lost, name)
	}
}

// withoutMeaning are properties that say nothing about a task that Docket does not know,
// or that are the same for all.
var withoutMeaning = []string{"DTSTAMP", "SEQUENCE", "CLASS", "PERCENT-COMPLETE", "REQUEST-STATUS"}

// onlyOnce are the properties that a VTODO has once (RFC 5545, section 3.6.2), and ours.
var onlyOnce = []string{"UID", "SUMMARY", "DESCRIPTION", "STATUS", "PRIORITY", "DUE", "CREATED", "LAST-MODIFIED", "COMPLETED", metadataName}

// repeated reports whether a property stands here for a second time, and notes that.
func (t *todo) repeated(name string) bool {
	if !slices.Contains(onlyOnce, name) {
		return false
	}
	if slices.Contains(t.seen, name) {
		t.lose("second " + name)
		return true
	}
	t.seen = append(t.seen, name)
	return false
}

// property takes in a property of the VTODO.
func (c *calendarReader) property(line contentLine) {
	t := c.todo
	switch line.name {
	case "UID":
		t.ID = line.value
		if !docketID(line.value) {
			t.ID = "ical:" + line.value
		}
	case "SUMMARY":
		t.Title = textUnescapes.Replace(line.value)
	case "DESCRIPTION":
		t.Description = optional(textUnescapes.Replace(line.value))
	case "STATUS":
		t.status = strings.ToUpper(line.value)
	case "PRIORITY":
		t.Priority = icalPriority(line.value)
	case "CATEGORIES":
		if t.tagged += len(line.value); t.tagged > maxRecord {
			t.fault = "its CATEGORIES have more than " + strconv.Itoa(maxRecord) + " bytes"
			return
		}
		t.Tags = append(t.Tags, slices.DeleteFunc(splitTexts(line.value), func(tag string) bool { return strings.TrimSpace(tag) == "" })...)
	case metadataName:
		t.Metadata = metadataOf(textUnescapes.Replace(line.value))
	case "DUE":
		c.due(line)
	case "CREATED", "LAST-MODIFIED", "COMPLETED":
		c.time(line, map[string]*time.Time{"CREATED": &t.CreatedAt, "LAST-MODIFIED": &t.UpdatedAt, "COMPLETED": &t.CompletedAt}[line.name])
	default:
		if !strings.HasPrefix(line.name, "X-") && !slices.Contains(withoutMeaning, line.name) {
			t.lose(line.name)
		}
	}
}

// docketID reports whether a text is an id that a task keeps.
func docketID(text string) bool {
	id, err := docket.ParseTaskID(text)
	return err == nil && docket.ValidNewID(id)
}

func icalPriority(value string) docket.Priority {
	switch n, err := strconv.Atoi(value); {
	case err != nil || n == 0 || n == 5:
		return docket.Medium
	case n < 5:
		return docket.High
	default:
		return docket.Low
	}
}

func (c *calendarReader) due(line contentLine) {
	due, ok, zoned := c.parseIcalDue(line)
	c.todo.notice = nil
	switch {
	case !ok:
		c.todo.fault = "its DUE " + shorten(line.value) + " is no date and no time"
	case !zoned:
		c.todo.notice = func() {
			c.to.skip(line.line, "unknown_zone", `The task is kept, with a local time as due date: the zone "`+shorten(line.zone)+`" is not known.`)
		}
	}
	c.todo.DueDate = due
}

func (c *calendarReader) time(line contentLine, to *time.Time) {
	at, ok := c.parseIcalTime(line)
	if !ok {
		c.todo.fault = "its " + line.name + " " + shorten(line.value) + " is no time"
	}
	*to = at
}
