package storetest

import (
	"bytes"
	stdcmp "cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"docket"
)

// testRules holds the store to the functions of package docket that state its
// rules: Write.NewTask, Write.Change and, with them, TaskUpdate.Apply and
// Precondition.Holds. A store may state them once more in SQL.
func testRules(t *testing.T, f *fixture) {
	owners := 0
	rapid.Check(t, func(r *rapid.T) {
		owners++
		m := &model{owner: docket.UserID(fmt.Sprint("owner ", owners)), now: f.now, tasks: map[uuid.UUID]docket.Task{}}
		for range rapid.IntRange(5, 30).Draw(r, "writes") {
			w := m.draw(r)
			want, wantErr := m.write(w)
			got, err := f.store.Write(f.ctx, m.owner, w)
			if diff := cmp.Diff(describe(wantErr), describe(err)); diff != "" {
				r.Fatalf("%+v fails differently (-want +got):\n%s", w, diff)
			}
			if diff := cmp.Diff(want, got.Tasks); diff != "" {
				r.Fatalf("%+v returns other tasks (-want +got):\n%s", w, diff)
			}
		}
		for _, deleted := range []bool{false, true} {
			page := f.page(m.owner, docket.ListQuery{Deleted: deleted, Count: true})
			want := m.list(deleted)
			if diff := cmp.Diff(want, page.Tasks); diff != "" || page.Total != len(want) || page.State.Counter != m.counter || page.State.PurgedThrough != m.purgedThrough {
				r.Fatalf("deleted %v: %d tasks and the state %+v instead of %d and %d changes, purged through %d (-want +got):\n%s", deleted, page.Total, page.State, len(want), m.counter, m.purgedThrough, diff)
			}
		}
	})
}

// describe returns what a caller can tell from the error of a write.
func describe(err error) string {
	failed, ok := errors.AsType[*docket.OperationError](err)
	switch {
	case ok:
		return fmt.Sprintf("operation %d: %s, limit %d", failed.Index, failed.Err.Kind, failed.Err.Limit)
	case err != nil:
		return err.Error()
	}
	return ""
}

// model is what a store must hold about an owner.
type model struct {
	owner         docket.UserID
	now           time.Time
	counter       int64
	purgedThrough int64
	tasks         map[uuid.UUID]docket.Task
	ids           []uuid.UUID // of all tasks ever drawn
}

// draw returns a write of one operation, or of three.
func (m *model) draw(r *rapid.T) docket.Write {
	w := docket.Write{
		Now:   m.now.Add(time.Duration(rapid.IntRange(-3, 3).Draw(r, "µs")) * time.Microsecond),
		Epoch: 1, MaxTasks: rapid.SampledFrom([]int64{0, 1, 2, 2}).Draw(r, "most"),
	}
	for range rapid.SampledFrom([]int{1, 1, 1, 3}).Draw(r, "operations") {
		w.Operations = append(w.Operations, m.drawOperation(r))
	}
	return w
}

func (m *model) drawOperation(r *rapid.T) docket.Operation {
	title, description := rapid.SampledFrom([]string{"a", "A", "b"}), rapid.Ptr(rapid.SampledFrom([]string{"", "x"}), true)
	action := rapid.SampledFrom([]docket.Action{docket.Create, docket.Update, docket.Toggle, docket.Delete, docket.Restore, docket.Restore}).Draw(r, "action")
	if action == docket.Create || len(m.ids) == 0 {
		if len(m.ids) == 0 || rapid.IntRange(0, 5).Draw(r, "same id") > 0 {
			m.ids = append(m.ids, newID())
		}
		return docket.Operation{Action: action, ID: m.ids[len(m.ids)-1], New: docket.NewTask{Fields: docket.Fields{
			Title: title.Draw(r, "title"), Description: description.Draw(r, "description"), Completed: rapid.Bool().Draw(r, "completed"),
			Priority: anyPriority.Draw(r, "priority"), DueDate: anyDueDate.Draw(r, "due date"), Tags: anyTags.Draw(r, "tags"), Metadata: anyMetadata.Draw(r, "metadata"),
		}}}
	}
	o := docket.Operation{Action: action, ID: rapid.SampledFrom(m.ids[max(0, len(m.ids)-4):]).Draw(r, "id")}
	version := rapid.SampledFrom([]int64{m.tasks[o.ID].Version, m.tasks[o.ID].Version, 1})
	o.If.Match = drawOptional(r, rapid.SliceOfN(version, 1, 2), 1)
	o.If.NoneMatch = drawOptional(r, rapid.SliceOfN(version, 0, 1), 1)
	if action == docket.Update {
		o.Update = docket.TaskUpdate{
			Title: drawOptional(r, title, 4), Description: drawOptional(r, description, 4), Completed: drawOptional(r, rapid.Bool(), 4),
			Priority: drawOptional(r, anyPriority, 2), DueDate: drawOptional(r, anyDueDate, 2), Tags: drawOptional(r, anyTags, 2), Metadata: drawOptional(r, anyMetadata, 2),
		}
	}
	return o
}

// A few values of each field.
var (
	anyPriority = rapid.SampledFrom([]docket.Priority{docket.Low, docket.Medium, docket.High})
	anyDueDate  = rapid.SampledFrom([]docket.DueDate{"", "0001-01-01", "2026-12-01", "2026-12-01T00:00:00", "2026-12-01T00:00:00Z", "2026-11-30T23:59:59Z", "2026-12-02"})
	anyTags     = rapid.Map(rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "A", "É", "\n", `"\`, "b b"}), 0, 3, rapid.ID), func(tags []string) []string {
		return append([]string(nil), tags...) // none are nil
	})
	anyMetadata = rapid.SampledFrom([]docket.Metadata{"", `{"a":1}`, `{"a":1.0}`})
)

// drawOptional draws a value in so many of eight cases.
func drawOptional[T any](r *rapid.T, values *rapid.Generator[T], eighths int) docket.Optional[T] {
	if rapid.IntRange(1, 8).Draw(r, "set") > eighths {
		return docket.Optional[T]{}
	}
	return docket.Some(values.Draw(r, "value"))
}

// write carries out w, all of it or nothing.
func (m *model) write(w docket.Write) (tasks []docket.Task, err error) {
	next := *m
	next.tasks = maps.Clone(m.tasks)
	for i, o := range w.Operations {
		after, err := next.carryOut(w, o)
		if err != nil {
			return nil, docket.FailOperation(i, err)
		}
		if o.Action == docket.Delete {
			after = after.Tombstone()
		}
		tasks = append(tasks, after)
	}
	*m = next
	return tasks, nil
}

func (m *model) carryOut(w docket.Write, o docket.Operation) (docket.Task, error) {
	t, exists := m.tasks[o.ID]
	differs := true
	var err error
	switch {
	case o.Action == docket.Create:
		if exists {
			return t, docket.AlreadyExists()
		}
		t = w.NewTask(m.owner, o)
	case !exists:
		return t, docket.NoSuchTask()
	default:
		t, differs, err = w.Change(t, o)
	}
	if err != nil || !differs {
		return t, err
	}
	if grows := o.Action == docket.Create || o.Action == docket.Restore; grows && int64(len(m.list(false))) >= w.TaskLimit() {
		return t, docket.TooManyTasks(w.MaxTasks)
	}
	m.counter++
	t.Version = m.counter
	m.tasks[o.ID] = t
	if trash := m.list(true); o.Action == docket.Delete && int64(len(trash)) > w.TaskLimit() {
		first := slices.MinFunc(trash, func(a, b docket.Task) int { return stdcmp.Compare(a.Version, b.Version) })
		m.purgedThrough = max(m.purgedThrough, first.Version)
		delete(m.tasks, first.ID)
	}
	return t, nil
}

// list returns the live tasks, or the deleted ones, in the order of their ids.
func (m *model) list(deleted bool) []docket.Task {
	list := []docket.Task{}
	for _, t := range m.tasks {
		if !t.DeletedAt.IsZero() == deleted {
			list = append(list, t)
		}
	}
	slices.SortFunc(list, func(a, b docket.Task) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	return list
}
