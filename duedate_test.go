package docket

import "testing"

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
