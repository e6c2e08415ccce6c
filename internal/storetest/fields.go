package storetest

import (
	"reflect"
	"testing"

	"docket"
)

// testFields stores every field of docket.Fields, with a value other than zero, in each
// way that there is. It fails when a store has no column for a field.
func testFields(t *testing.T, f *fixture) {
	fields := docket.Fields{
		Title: "title", Description: new("note"), Completed: true, Priority: docket.High, DueDate: "2026-12-01T09:00:00",
		Tags: []string{"Two words", `"quoted", {b\race}`, "\n"}, Metadata: `{"n":1.50,"list":[null,{}]}`,
	}
	draft := func() docket.Task {
		task := f.draft("alice", "")
		task.Fields = fields
		return task
	}
	created := f.store1(draft())
	f.equal(created.Fields, fields)
	f.equal(f.get("alice", created.ID), created)

	imported := draft()
	imported.Settle()
	_, err := f.store.Import(f.ctx, "alice", docket.Import{Tasks: []docket.Task{imported}, Epoch: 1})
	f.ok(err)
	f.equal(f.get("alice", imported.ID).Fields, fields)

	key, keyed := &docket.Key{Text: "key"}, creation(draft())
	for range 2 {
		written, err := f.write(key, keyed)
		f.ok(err)
		f.equal(written.Tasks[0].Fields, fields)
	}

	deleted := f.toggle(f.toggle(created))
	f.delete(deleted)
	f.equal(f.page("alice", docket.ListQuery{Deleted: true}).Tasks[0].Fields, fields)
	f.equal(f.restore(deleted).Fields, fields)

	values := reflect.ValueOf(fields)
	for i := range values.NumField() {
		name := values.Type().Field(i).Name
		if values.Field(i).IsZero() {
			t.Errorf("%s is zero in this test", name)
		}
		var update docket.TaskUpdate
		field := reflect.ValueOf(&update).Elem().FieldByName(name)
		field.FieldByName("Set").SetBool(true)
		field.FieldByName("Value").Set(values.Field(i))
		task := f.create("alice", "other")
		want, _, err := docket.Write{Now: f.tick()}.Change(task, updating(task.ID, update))
		f.ok(err)
		want.Version = task.Version + 1
		updated, err := f.do(f.ctx, "alice", updating(task.ID, update), f.now)
		f.ok(err)
		f.equal(updated, want)
		f.equal(f.get("alice", task.ID), want)
		f.equal(f.update(updated, update), want) // which changes nothing
	}
}
