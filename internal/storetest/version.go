package storetest

import (
	"slices"
	"sync"
	"testing"

	"docket"
)

func testVersions(t *testing.T, f *fixture) {
	a := f.create("alice", "a")
	b := f.create("alice", "b")
	other := f.create("bob", "other")
	toggled := f.toggle(a)
	f.delete(b)
	updated := f.update(toggled, docket.TaskUpdate{Title: docket.Some("c")})
	f.equal([]int64{a.Version, b.Version, other.Version, toggled.Version, updated.Version}, []int64{1, 2, 1, 3, 5})
}

// together runs f(i) for i from 0 to n-1 at once and waits for all.
func together(n int, f func(i int)) {
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	ready.Add(n)
	for i := range n {
		done.Go(func() {
			ready.Done()
			<-start
			f(i)
		})
	}
	ready.Wait()
	close(start)
	done.Wait()
}

func testConcurrentVersions(t *testing.T, f *fixture) {
	const writers, each = 16, 10
	drafts := make([][]docket.Task, writers)
	for i := range writers {
		for range each {
			drafts[i] = append(drafts[i], f.draft("alice", "task"))
		}
	}
	now := f.tick()
	versions := make([][]int64, writers)
	errs := make([]error, writers)
	together(writers, func(i int) {
		for _, draft := range drafts[i] {
			task, err := f.tryCreate(draft)
			if err == nil {
				versions[i] = append(versions[i], task.Version)
				task, err = f.do(f.ctx, "alice", acting(docket.Toggle, task.ID), now)
			}
			if err != nil {
				errs[i] = err
				return
			}
			versions[i] = append(versions[i], task.Version)
		}
	})
	for i := range writers {
		f.ok(errs[i])
		if !slices.IsSorted(versions[i]) {
			t.Errorf("one writer saw the versions %v", versions[i])
		}
	}
	all := slices.Sorted(slices.Values(slices.Concat(versions...)))
	f.equal(all, upTo(2*writers*each))
	for _, task := range f.list("alice") {
		if !task.Completed || !slices.Contains(all, task.Version) {
			t.Errorf("task %s: completed %v at version %d", task.ID, task.Completed, task.Version)
		}
	}
}

func testConcurrentToggles(t *testing.T, f *fixture) {
	const togglers, each = 16, 9
	task := f.create("alice", "task")
	now := f.tick()
	errs := make([]error, togglers)
	together(togglers, func(i int) {
		for range each {
			if _, err := f.do(f.ctx, "alice", acting(docket.Toggle, task.ID), now); err != nil {
				errs[i] = err
				return
			}
		}
	})
	for _, err := range errs {
		f.ok(err)
	}
	got := f.get("alice", task.ID)
	if want := togglers*each%2 == 1; got.Completed != want || got.Version != 1+togglers*each {
		t.Errorf("after %d toggles: completed %v at version %d", togglers*each, got.Completed, got.Version)
	}
}

func testConcurrentFirst(t *testing.T, f *fixture) {
	const writers = 16
	drafts := make([]docket.Task, writers)
	for i := range drafts {
		drafts[i] = f.draft("new", "first")
	}
	errs := make([]error, writers)
	together(writers, func(i int) {
		_, errs[i] = f.store.Write(f.ctx, "new", docket.Write{Operations: []docket.Operation{creation(drafts[i])}, Now: drafts[i].CreatedAt, Epoch: int64(i + 1)})
	})
	var versions []int64
	for _, err := range errs {
		f.ok(err)
	}
	for _, task := range f.list("new") {
		versions = append(versions, task.Version)
	}
	slices.Sort(versions)
	f.equal(versions, upTo(writers))
}

// upTo returns the versions that n changes of one owner make.
func upTo(n int64) []int64 {
	var versions []int64
	for i := range n {
		versions = append(versions, i+1)
	}
	return versions
}
