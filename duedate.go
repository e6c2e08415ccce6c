package docket

import (
	"cmp"
	"regexp"
	"strings"
	"time"
)

// DueDate is when a task is due, in one of three forms: a date (the whole day,
// wherever its reader is), a local date and time, or an instant in UTC. "" is none.
//
// A value other than "" comes from ParseDueDate, and is the text that clients see:
// 2026-12-01, 2026-12-01T09:00:00 or 2026-12-01T09:00:00Z. A date never becomes an
// instant: a reader west of it would lose the day.
type DueDate string

// The layouts of the three forms.
const (
	dueDay     = "2006-01-02"
	dueLocal   = "2006-01-02T15:04:05"
	dueInstant = "2006-01-02T15:04:05Z"
)

// ParseDueDate returns the due date that a text holds: a date, or a date and a time
// with or without an offset (RFC 3339). Seconds may be left out, and a fraction of a
// second is dropped. An instant is taken to UTC. It reports false for other texts, for
// days and times that do not exist (24:00, 23:59:60), and for years that are not from
// 1 to 9999 in the form in which the date is kept.
func ParseDueDate(text string) (DueDate, bool) {
	part := dueForms.FindStringSubmatch(text)
	if part == nil {
		return "", false
	}
	day, clock, seconds, offset := part[1], part[2], cmp.Or(part[3], ":00"), strings.ToUpper(part[4])
	value, layout, kept := day+"T"+clock+seconds+offset, dueLocal+"Z07:00", dueInstant
	switch {
	case clock == "":
		value, layout, kept = day, dueDay, dueDay
	case offset == "":
		layout, kept = dueLocal, dueLocal
	}
	t, err := time.Parse(layout, value)
	t = t.UTC()
	if year := t.Year(); err != nil || year < 1 || year > 9999 {
		return "", false
	}
	return DueDate(t.Format(kept)), true
}

// dueForms are the three forms. What they hold need not exist.
var dueForms = regexp.MustCompile(`^(\d{4}-\d\d-\d\d)(?:[Tt](\d\d:\d\d)(?:(:\d\d)(?:\.\d+)?)?([Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)?)?$`)

// Moment returns the moment at which a due date counts in orders and filters: the
// first one of a date; a date and a local time as if in UTC. The zero time, which
// elsewhere stands for no due date, counts a microsecond later. It reports false for "".
func (d DueDate) Moment() (time.Time, bool) {
	layout := map[int]string{len(dueDay): dueDay, len(dueLocal): dueLocal, len(dueInstant): dueInstant}[len(d)]
	t, err := time.Parse(layout, string(d))
	if err != nil || d == "" {
		return time.Time{}, false
	}
	if t.IsZero() {
		t = t.Add(time.Microsecond)
	}
	return t, true
}

// End returns the first moment after d: the next day's after a date, the next second
// otherwise. It reports false for "".
func (d DueDate) End() (time.Time, bool) {
	t, ok := d.Moment()
	t = t.Truncate(time.Second)
	if len(d) == len(dueDay) {
		return t.AddDate(0, 0, 1), ok
	}
	return t.Add(time.Second), ok
}

func checkDueDate(d *DueDate) []Fault {
	if *d == "" {
		return nil
	}
	if kept, ok := ParseDueDate(string(*d)); !ok || kept != *d {
		return []Fault{BadDueDate()}
	}
	return nil
}

// BadDueDate returns the fault of a text that ParseDueDate does not take.
func BadDueDate() Fault {
	return bodyFault("/due_date", "invalid_date", "The due date must be a day that exists, such as 2026-12-01, that day and a time, such as 2026-12-01T09:00:00, or an instant, such as 2026-12-01T09:00:00Z.")
}
