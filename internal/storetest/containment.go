package storetest

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"docket"
)

// long returns a description of the greatest length, which no compression shortens by
// much. The same seed gives the same text.
func long(seed uint64) *string {
	r := rand.New(rand.NewPCG(seed, 0))
	var text strings.Builder
	for range docket.MaxDescription {
		text.WriteRune(0x20000 + r.Int32N(0xa6d0)) // 4 bytes
	}
	s := text.String()
	return &s
}

// createLong creates n tasks of alice with long descriptions, at most MaxBatch at once.
func (f *fixture) createLong(n int) []docket.Task {
	f.Helper()
	var tasks []docket.Task
	for len(tasks) < n {
		operations := make([]docket.Operation, min(n-len(tasks), docket.MaxBatch))
		for i := range operations {
			draft := f.draft("alice", fmt.Sprintf("%03d", (len(tasks)+i)*7%1000))
			draft.Description = long(uint64(len(tasks) + i))
			operations[i] = creation(draft)
		}
		written, err := f.write(nil, operations...)
		f.ok(err)
		tasks = append(tasks, written.Tasks...)
	}
	return tasks
}

// testPageBytes has lists and changes of tasks that together are more than
// MaxPageBytes.
func testPageBytes(t *testing.T, f *fixture) {
	tasks := f.createLong(docket.MaxPageBytes/20_000 + 20)
	small := f.create("alice", "small")
	tasks = append(tasks, small)
	expect := func(name string, got []docket.Task, more bool, all []docket.Task) int {
		t.Helper()
		room, n := docket.NewRoom(len(all)), 0
		for n < len(all) && room.Take(&all[n]) {
			n++
		}
		if n == len(all) {
			t.Fatalf("%s: all %d tasks fit", name, n)
		}
		if len(got) != n || !more {
			t.Fatalf("%s: a page of %d tasks, more: %v; want %d and more", name, len(got), more, n)
		}
		f.equal(got, all[:n])
		return n
	}
	byTitle := slices.Clone(tasks)
	slices.SortStableFunc(byTitle, func(a, b docket.Task) int { return strings.Compare(a.Title, b.Title) })
	lists := func(deleted bool) {
		t.Helper()
		for name, test := range map[string]struct {
			q   docket.ListQuery
			all []docket.Task
		}{
			"by creation": {docket.ListQuery{}, tasks},
			"filtered":    {docket.ListQuery{Completed: docket.Some(false)}, tasks},
			"by title":    {docket.ListQuery{Sort: docket.Sort{Key: docket.ByTitle}}, byTitle},
		} {
			test.q.Deleted, test.q.Count, test.q.Limit = deleted, true, docket.MaxList
			page := f.page("alice", test.q)
			n := expect(name, page.Tasks, page.More, test.all)
			f.equal(page.Total, len(tasks))
			after := test.q.Sort.PositionOf(page.Tasks[n-1])
			test.q.After, test.q.Limit = &after, 2
			f.equal(f.page("alice", test.q).Tasks, test.all[n:n+2])
		}
	}
	lists(false)
	for _, live := range []bool{false, true} {
		page := f.changes("alice", docket.ChangeRange{Live: live})
		n := expect("changes", page.Tasks, page.More, tasks)
		f.equal(f.changes("alice", docket.ChangeRange{After: page.Tasks[n-1].Version, Limit: 1}).Tasks, tasks[n:n+1])
	}
	for batch := range slices.Chunk(tasks, docket.MaxBatch) {
		var operations []docket.Operation
		for _, task := range batch {
			operations = append(operations, acting(docket.Delete, task.ID))
		}
		_, err := f.write(nil, operations...)
		f.ok(err)
	}
	tasks = f.allTrash()
	byTitle = slices.Clone(tasks)
	slices.SortStableFunc(byTitle, func(a, b docket.Task) int { return strings.Compare(a.Title, b.Title) })
	lists(true)
}

// allTrash returns alice's trash in the order of creation.
func (f *fixture) allTrash() (tasks []docket.Task) {
	f.Helper()
	q := docket.ListQuery{Deleted: true, Limit: 100}
	for {
		page := f.page("alice", q)
		tasks = append(tasks, page.Tasks...)
		if !page.More {
			return tasks
		}
		after := q.Sort.PositionOf(page.Tasks[len(page.Tasks)-1])
		q.After = &after
	}
}

// testKeptBound fills what may be kept of alice's results.
func testKeptBound(t *testing.T, f *fixture) {
	tasks := f.createLong(docket.MaxBatch)
	var all []docket.Operation
	for _, task := range tasks {
		all = append(all, acting(docket.Toggle, task.ID))
	}
	size := func(written docket.Written) int {
		t.Helper()
		result, err := docket.EncodeResult(written.Tasks)
		f.ok(err)
		return len(result)
	}
	kept, keys := 0, 0
	// fill writes with new keys, n operations each, until one finds no room.
	fill := func(n int) {
		t.Helper()
		for {
			before := f.changes("alice", docket.ChangeRange{Limit: 1}).State
			written, err := f.write(&docket.Key{Text: fmt.Sprint("key ", keys)}, all[:n]...)
			if err != nil {
				f.fails(err, docket.KeptFull)
				f.equal(f.changes("alice", docket.ChangeRange{Limit: 1}).State, before)
				return
			}
			kept, keys = kept+size(written), keys+1
		}
	}
	expire := func(n int) {
		t.Helper()
		if got, err := f.store.ExpireKeys(f.ctx, f.now.Add(2*docket.KeyLifetime), n); err != nil || got != n {
			t.Fatalf("%d keys have expired, %v; want %d", got, err, n)
		}
	}
	fill(docket.MaxBatch)
	fill(10)
	one, err := f.write(nil, all[:1]...)
	f.ok(err)
	fill(1)
	if kept > docket.MaxKeptBytes || kept < docket.MaxKeptBytes-2*size(one) {
		t.Fatalf("%d bytes are kept, where %d may be", kept, docket.MaxKeptBytes)
	}
	// What is kept is still replayed, and other users and other writes go on.
	again, err := f.write(&docket.Key{Text: "key 0"}, all...)
	f.ok(err)
	if !again.Replayed {
		t.Error("a result that is kept was not replayed")
	}
	f.fails(func() error { _, err := f.write(&docket.Key{Text: "one more"}, all[:1]...); return err }(), docket.KeptFull)
	his := f.draft("bob", "his")
	_, err = f.store.Write(f.ctx, "bob", docket.Write{Operations: []docket.Operation{creation(his)}, Key: &docket.Key{Text: "key"}, Now: f.tick(), Epoch: 1})
	f.ok(err)

	expire(1) // a large one
	kept = 0
	fill(1)
	if kept < size(again)-2*size(one) || kept > size(again)+2*size(one) {
		t.Errorf("%d bytes found room where a result of %d bytes expired", kept, size(again))
	}
	for done := false; !done; {
		done, err = f.store.Erase(f.ctx, "alice", 7, 100)
		f.ok(err)
	}
	kept, all = 0, nil
	for _, task := range f.createLong(docket.MaxBatch) {
		all = append(all, acting(docket.Toggle, task.ID))
	}
	fill(docket.MaxBatch)
	if kept < docket.MaxKeptBytes-2*size(again) {
		t.Errorf("%d bytes are kept after an erasure, where %d may be", kept, docket.MaxKeptBytes)
	}
}

// testTrashBound deletes more tasks than the trash may hold.
func testTrashBound(t *testing.T, f *fixture) {
	var tasks []docket.Task
	for i := range 6 {
		tasks = append(tasks, f.create("alice", fmt.Sprint(i)))
	}
	titles := func() (titles []string) {
		for _, task := range f.page("alice", docket.ListQuery{Deleted: true}).Tasks {
			titles = append(titles, task.Title)
		}
		return titles
	}
	remove := func(most int64, indexes ...int) {
		t.Helper()
		var operations []docket.Operation
		for _, i := range indexes {
			operations = append(operations, acting(docket.Delete, tasks[i].ID))
		}
		f.ok(f.bounded(most, operations...))
	}
	remove(2, 4)
	remove(2, 1)
	f.equal(titles(), []string{"1", "4"})
	f.equal(f.page("alice", docket.ListQuery{}).State.PurgedThrough, int64(0))
	remove(2, 3)
	f.equal(titles(), []string{"1", "3"})
	f.equal(f.page("alice", docket.ListQuery{}).State, docket.State{Epoch: 1, Counter: 9, PurgedThrough: 7})
	_, err := f.do(f.ctx, "alice", acting(docket.Restore, tasks[4].ID), f.tick())
	f.fails(err, docket.NotFound)

	// A clock that steps back, and deletions at the same moment: the first is the first.
	f.now = f.now.Add(-time.Hour)
	remove(2, 5, 0)
	f.equal(titles(), []string{"0", "5"})
	page := f.page("alice", docket.ListQuery{Deleted: true, Count: true})
	f.equal(page.Total, 2)
	f.equal(page.State.PurgedThrough, int64(9))

	// What leaves the trash makes room.
	f.ok(f.bounded(3, acting(docket.Restore, tasks[5].ID)))
	remove(2, 2)
	f.equal(titles(), []string{"0", "2"})
	f.equal(f.purge(f.now.Add(time.Hour), 10), 2)
	remove(2, 5)
	his := f.create("bob", "his")
	f.delete(his)
	f.equal(titles(), []string{"5"})
	f.create("alice", "unbounded")
	for range 4 {
		f.delete(f.create("alice", "more"))
	}
	f.equal(len(titles()), 5)
	f.ok(f.bounded(0, acting(docket.Restore, tasks[5].ID)))
}

func testClock(t *testing.T, f *fixture) {
	day := 24 * time.Hour
	for i, step := range []struct{ now, want time.Duration }{
		{0, 0},
		{time.Hour, time.Hour},
		{800 * time.Hour, 25 * time.Hour}, // wrong for a while
		{2 * time.Hour, 2 * time.Hour},
		{26 * time.Hour, 26 * time.Hour},
		{-time.Hour, -time.Hour},
	} {
		got, err := f.store.AdvanceClock(f.ctx, f.now.Add(step.now), day)
		f.ok(err)
		if want := f.now.Add(step.want); !got.Equal(want) {
			t.Errorf("step %d: the time is %s, want %s", i, got, want)
		}
	}
}

func testRenew(t *testing.T, f *fixture) {
	a := f.create("alice", "a")
	f.toggle(a)
	f.create("bob", "b")
	f.delete(f.create("carol", "c"))
	var n int64
	renewal := func() (epoch, raise int64) {
		n++
		return 100 + n, 1000 * n
	}
	owners, err := f.store.Renew(f.ctx, renewal)
	f.ok(err)
	f.equal([]int64{int64(owners), n}, []int64{3, 3})
	states, err := f.store.Counters(f.ctx, []docket.UserID{"alice", "bob", "carol"})
	f.ok(err)
	var renewed []int64
	for owner, counted := range map[docket.UserID]int64{"alice": 2, "bob": 1, "carol": 2} {
		raise := states[owner].Counter - counted
		f.equal(states[owner], docket.State{Epoch: 100 + raise/1000, Counter: counted + raise})
		renewed = append(renewed, raise)
	}
	slices.Sort(renewed)
	f.equal(renewed, []int64{1000, 2000, 3000})
	f.equal(f.get("alice", a.ID).Version, int64(2)) // what is, stays
	f.equal(f.toggle(a).Version, states["alice"].Counter+1)
	owners, err = f.store.Renew(f.ctx, func() (epoch, raise int64) { return 5, 1 })
	f.ok(err)
	f.equal(owners, 3)
	f.equal(f.page("bob", docket.ListQuery{}).State.Epoch, int64(5))
}

var erasures = flag.Int("erasures", 10, "how many erasures run beside keyed writers")

// Erasures returns how many erasures a test runs beside writers with keys: the value
// of the flag -erasures.
func Erasures() int { return *erasures }

// testEraseBesideKeys erases a user whose writes with keys are in flight. What is
// written before the last step is gone with its keys.
func testEraseBesideKeys(t *testing.T, f *fixture) {
	const writers = 16
	now := f.now
	for round := range Erasures() {
		var all sync.WaitGroup
		key := func(i int) *docket.Key { return &docket.Key{Text: fmt.Sprint(round, " ", i)} }
		drafts := make([]docket.Operation, writers)
		for i := range writers {
			drafts[i] = creation(f.draft("alice", "secret"))
			all.Go(func() {
				if _, err := f.store.Write(f.ctx, "alice", docket.Write{Operations: drafts[i : i+1], Key: key(i), Now: now, Epoch: 1}); err != nil {
					t.Errorf("Write: %v", err)
				}
			})
		}
		erase := func() {
			for done := false; !done; {
				var err error
				if done, err = f.store.Erase(f.ctx, "alice", int64(round+2), 3); err != nil {
					t.Errorf("Erase: %v", err)
					return
				}
			}
		}
		all.Go(erase)
		all.Wait()
		// A key is left exactly when its task is.
		for i := range writers {
			_, missing := f.store.Get(f.ctx, "alice", drafts[i].ID)
			written, err := f.store.Write(f.ctx, "alice", docket.Write{Operations: drafts[i : i+1], Key: key(i), Now: now, Epoch: 1})
			f.ok(err)
			if written.Replayed == (missing != nil) {
				t.Fatalf("round %d: the result was replayed: %v, and reading its task returned %v", round, written.Replayed, missing)
			}
		}
		erase()
		f.equal(f.changes("alice", docket.ChangeRange{}), docket.ChangePage{Tasks: []docket.Task{}})
	}
}
