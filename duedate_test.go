package docket

import (
	"testing"
	"time"
)

// TestNoDueDateComesLast in both directions, and has no moment.
func TestNoDueDateComesLast(t *testing.T) {
	if moment, dated := DueDate("").Moment(); dated || !moment.IsZero() {
		t.Errorf("no due date is at %s, %v", moment, dated)
	}
	var none, early Task
	early.DueDate = "1970-01-01"
	for _, s := range []Sort{{Key: ByDueDate}, {Key: ByDueDate, Descending: true}} {
		if s.Compare(none, early) <= 0 || s.Compare(early, none) >= 0 || !s.PositionOf(none).Due.IsZero() {
			t.Errorf("%+v puts it first", s)
		}
	}
}

// TestTheFirstMomentIsOne looks at the due dates whose moment is Go's zero time.
func TestTheFirstMomentIsOne(t *testing.T) {
	first := time.Time{}.Add(time.Microsecond)
	for due, end := range map[DueDate]time.Time{
		"0001-01-01": time.Time{}.AddDate(0, 0, 1), "0001-01-01T00:00:00": time.Time{}.Add(time.Second), "0001-01-01T00:00:00Z": time.Time{}.Add(time.Second),
	} {
		if at, ok := due.Moment(); !ok || !at.Equal(first) {
			t.Errorf("%q counts at %s, %v", due, at, ok)
		}
		if at, ok := due.End(); !ok || !at.Equal(end) {
			t.Errorf("%q ends at %s, %v", due, at, ok)
		}
	}
}

func TestParseDueDate(t *testing.T) {
	for text, want := range map[string]DueDate{
		"2026-01-31": "2026-01-31", "2028-02-29": "2028-02-29", "9999-12-31": "9999-12-31",
		"2026-01-31T10:00": "2026-01-31T10:00:00", "2026-01-31t10:00:59": "2026-01-31T10:00:59", "2026-01-31T10:00:00.999": "2026-01-31T10:00:00",
		"2026-01-31T10:00Z": "2026-01-31T10:00:00Z", "2026-01-31T10:00:00z": "2026-01-31T10:00:00Z", "2026-01-31T10:00:00.123456Z": "2026-01-31T10:00:00Z",
		"2026-01-31T00:30:00+01:00": "2026-01-30T23:30:00Z", "2026-01-31T23:59:59-23:59": "2026-02-01T23:58:59Z",
		"": "", "2026-02-30": "", "2027-02-29": "", "2026-13-01": "", "2026-1-31": "", "0000-01-01": "", "10000-01-01": "",
		"2026-01-31T24:00": "", "2026-01-31T23:59:60": "", "2026-01-31T10": "", "2026-01-31 10:00": "", "2026-01-31T10:00.5": "", "2026-01-31T10:00:00.": "",
		"2026-01-31T10:00:00+24:00": "", "2026-01-31T10:00:00+01:60": "", "2026-01-31T10:00:00+0100": "", "2026-01-31Z": "",
		"0001-01-01T00:00:00+00:01": "", "9999-12-31T23:59:59-00:01": "", " 2026-01-31": "", "2026-01-31\n": "",
	} {
		if got, ok := ParseDueDate(text); got != want || ok != (want != "") {
			t.Errorf("%q is %q, %v; want %q", text, got, ok, want)
		}
		if again, ok := ParseDueDate(string(want)); want != "" && (again != want || !ok) {
			t.Errorf("%q becomes %q", want, again)
		}
	}
}
