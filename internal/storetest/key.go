package storetest

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"docket"
)

func as[E error](err error) (E, bool) { return errors.AsType[E](err) }

func testReplay(t *testing.T, f *fixture) {
	note := "<&> \u2028 😀"
	draft := f.draft("alice", "title")
	draft.Description = &note
	task := f.create("alice", "task")
	gone := f.create("alice", "gone")
	titled := f.create("alice", "titled")
	conditional := updating(titled.ID, docket.TaskUpdate{Title: docket.Some("new")})
	conditional.If = match(titled.Version)
	for name, operations := range map[string][]docket.Operation{
		"create":  {creation(draft)},
		"update":  {conditional},
		"toggle":  {acting(docket.Toggle, task.ID)},
		"delete":  {acting(docket.Delete, gone.ID)},
		"several": {creation(f.draft("alice", "first")), acting(docket.Toggle, task.ID), creation(f.draft("alice", "last"))},
	} {
		key := docket.Key{Text: name, Fingerprint: [32]byte{1}}
		first, err := f.write(&key, operations...)
		f.ok(err)
		if first.Replayed {
			t.Errorf("%s: the first was replayed", name)
		}
		before := f.page("alice", docket.ListQuery{})
		for i := range operations {
			if operations[i].Action == docket.Create {
				operations[i].ID = newID() // as the service does, which does not know the first id
			}
		}
		again, err := f.write(&key, operations...)
		f.ok(err)
		if !again.Replayed {
			t.Errorf("%s: the second was not replayed", name)
		}
		f.equal(again.Tasks, first.Tasks)
		// Later changes of the tasks do not matter.
		f.toggle(task)
		again, err = f.write(&key, operations...)
		f.ok(err)
		f.equal(again.Tasks, first.Tasks)
		f.equal(f.page("alice", docket.ListQuery{}).State.Counter, before.State.Counter+1)

		other := docket.Key{Text: name, Fingerprint: [32]byte{2}}
		_, err = f.write(&other, operations...)
		f.fails(err, docket.Invalid)
		if e, _ := as[*docket.Error](err); e.Faults[0].In != docket.InHeader || e.Faults[0].Name != "Idempotency-Key" {
			t.Errorf("%s: the fault is %+v", name, e.Faults)
		}
	}
	// Each owner has keys of its own. They are compared byte for byte.
	f.equal(len(f.list("bob")), 0)
	for _, text := range []string{"create ", "Create", "creat", "!", "~", strings.Repeat("x", docket.MaxKey), "'; --", "1"} {
		key := docket.Key{Text: text, Fingerprint: [32]byte{1}}
		written, err := f.write(&key, creation(f.draft("alice", "another")))
		f.ok(err)
		if written.Replayed {
			t.Errorf("the key %q was taken for another", text)
		}
	}
	his := f.draft("bob", "his")
	written, err := f.store.Write(f.ctx, "bob", docket.Write{Operations: []docket.Operation{creation(his)}, Key: &docket.Key{Text: "create"}, Now: f.tick(), Epoch: 1})
	f.ok(err)
	if written.Replayed || len(f.list("bob")) != 1 {
		t.Error("the key of another owner was taken for his")
	}
}

func testKeyOfFailure(t *testing.T, f *fixture) {
	task := f.create("alice", "task")
	key := docket.Key{Text: "key"}
	_, err := f.write(&key, acting(docket.Toggle, newID()))
	f.fails(err, docket.NotFound)
	stale := acting(docket.Toggle, task.ID)
	stale.If = match(task.Version + 1)
	_, err = f.write(&key, stale)
	f.fails(err, docket.PreconditionFailed)
	key.Fingerprint = [32]byte{9} // another request may use it
	written, err := f.write(&key, acting(docket.Toggle, task.ID))
	f.ok(err)
	if written.Replayed {
		t.Error("a write that failed was replayed")
	}
}

func testKeysExpire(t *testing.T, f *fixture) {
	begin := f.now
	for _, text := range []string{"a", "b", "c"} {
		_, err := f.write(&docket.Key{Text: text}, creation(f.draft("alice", "task")))
		f.ok(err)
	}
	write := func(text string, now time.Time) docket.Written {
		t.Helper()
		w := docket.Write{Operations: []docket.Operation{creation(f.draft("alice", "task"))}, Key: &docket.Key{Text: text, Fingerprint: [32]byte{7}}, Now: now, Epoch: 1}
		written, err := f.store.Write(f.ctx, "alice", w)
		f.ok(err)
		return written
	}
	// A key replays until ExpireKeys removes it, whatever the clock of a write says.
	later := begin.Add(docket.KeyLifetime + time.Second)
	_, err := f.store.Write(f.ctx, "alice", docket.Write{Operations: []docket.Operation{creation(f.draft("alice", "task"))}, Key: &docket.Key{Text: "a", Fingerprint: [32]byte{7}}, Now: later, Epoch: 1})
	f.fails(err, docket.Invalid)
	n := len(f.list("alice"))
	for _, step := range []struct {
		now         time.Time
		limit, want int
	}{{begin.Add(docket.KeyLifetime), 500, 0}, {later, 1, 1}, {later, 500, 2}, {later, 500, 0}} {
		if got, err := f.store.ExpireKeys(f.ctx, step.now, step.limit); err != nil || got != step.want {
			t.Errorf("%d keys have expired, %v; want %d", got, err, step.want)
		}
	}
	f.equal(len(f.list("alice")), n)
	if write("a", later).Replayed || !write("a", later).Replayed || !write("a", begin).Replayed {
		t.Error("a key that has expired is not as good as new")
	}
}

// testConcurrentKey sends the same write many times at once, for several keys. Each is
// carried out once, and every sender gets that result.
func testConcurrentKey(t *testing.T, f *fixture) {
	const senders, keys = 12, 8
	for k := range keys {
		key := docket.Key{Text: string(rune('a' + k))}
		drafts := make([]docket.Operation, senders)
		for i := range drafts {
			drafts[i] = creation(f.draft("alice", "task"))
		}
		now := f.tick()
		results, errs := make([]docket.Written, senders), make([]error, senders)
		together(senders, func(i int) {
			results[i], errs[i] = f.store.Write(f.ctx, "alice", docket.Write{Operations: drafts[i : i+1], Key: &key, Now: now, Epoch: 1})
		})
		first := 0
		for i := range senders {
			f.ok(errs[i])
			f.equal(results[i].Tasks, results[0].Tasks)
			if !results[i].Replayed {
				first++
			}
		}
		if list := f.list("alice"); first != 1 || len(list) != k+1 || !slices.ContainsFunc(list, func(t docket.Task) bool { return cmp.Equal(t, results[0].Tasks[0]) }) {
			t.Fatalf("%d senders carried it out, and there are %d tasks", first, len(list))
		}
	}
}
