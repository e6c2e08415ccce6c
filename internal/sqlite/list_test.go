package sqlite

import (
	"slices"
	"testing"

	"docket"
	"docket/internal/storetest"
)

// TestSizes reads lists and the sizes of the same tasks, which must be those of
// docket.Task.Size.
func TestSizes(t *testing.T) {
	s := open(t, tempPath(t))
	for _, fields := range []docket.Fields{
		{Title: "bare"},
		{Title: "described", Description: new("é 😀")},
		{Title: "with metadata", Metadata: `{"key":"é"}`},
		{Title: "tagged", Tags: []string{"one"}},
		{Title: "with odd tags", Tags: []string{"\x01\n\t", `"quoted\`, "<&>", "😀", "\u212a"}}, // longer as JSON, shorter when folded
		largest.Fields,
	} {
		for _, deleted := range []bool{false, true} {
			task := storetest.Draft("")
			task.Fields = fields
			task, err := storetest.Create(t.Context(), s, task)
			if err == nil && deleted {
				_, err = storetest.Do(t.Context(), s, "alice", docket.Operation{Action: docket.Delete, ID: task.ID}, task.CreatedAt)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	r := <-s.passes.idle
	defer func() { s.passes.idle <- r }()
	for l, text := range sizesSQL {
		q := docket.ListQuery{Limit: 10, Sort: l.sort, Deleted: l.trash}
		if l.filtered {
			q.Completed = docket.Some(false)
		}
		page, err := r.page("alice", q)
		if err != nil {
			t.Fatal(err)
		}
		var want []int64
		for _, task := range page.Tasks {
			want = append(want, task.Size()-bareSize)
		}
		if got := sizes(t, r, text, q); len(got) != 6 || !slices.Equal(got, want) {
			t.Errorf("%+v: the sizes are %d, want %d", l, got, want)
		}
	}
}

// sizes returns what a statement of sizesSQL reads.
func sizes(t *testing.T, r *reader, text string, q docket.ListQuery) (list []int64) {
	t.Helper()
	s := r.conn.Stmt(text)
	err := bindList(s, "alice", q, q.Limit).Each(func() bool {
		list = append(list, s.Int64At(0))
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// TestLargestTasksFit has alwaysFit tasks of the largest size take a page.
func TestLargestTasksFit(t *testing.T) {
	room := docket.NewRoom(docket.MaxList)
	for n := range alwaysFit {
		if !room.Take(&largest) {
			t.Fatalf("%d tasks of the largest size fit, want %d", n, alwaysFit)
		}
	}
	if faults := new(docket.NewTask{Fields: largest.Fields}).Normalize(); len(faults) != 1 || faults[0].Name != "/metadata" {
		t.Errorf("but for metadata that is no JSON, the largest task has the faults %+v", faults)
	}
}
