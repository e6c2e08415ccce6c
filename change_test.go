package docket

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// paged is a Store that always returns the same page of changes, and records the range.
type paged struct {
	recorder
	page  ChangePage
	asked ChangeRange
}

func (p *paged) Changes(_ context.Context, _ UserID, r ChangeRange) (ChangePage, error) {
	p.asked = r
	return p.page, nil
}

func TestChangesKeepTheirPlace(t *testing.T) {
	state := State{Epoch: 5, Counter: 20, PurgedThrough: 10}
	items := []Task{{Version: 12}, {Version: 15}}
	for name, test := range map[string]struct {
		since SyncToken
		state State
		more  bool
		asked ChangeRange
		next  SyncToken
		after SyncToken // the first item
		again bool
	}{
		"a snapshot begins":    {SyncToken{}, state, true, ChangeRange{Live: true}, SyncToken{5, 20, 15}, SyncToken{5, 20, 12}, true},
		"and ends at once":     {SyncToken{}, state, false, ChangeRange{Live: true}, SyncToken{5, 0, 20}, SyncToken{5, 20, 12}, false},
		"a snapshot goes on":   {SyncToken{5, 18, 3}, state, true, ChangeRange{After: 3, Through: 18, Live: true}, SyncToken{5, 18, 15}, SyncToken{5, 18, 12}, true},
		"and ends, overtaken":  {SyncToken{5, 18, 3}, state, false, ChangeRange{After: 3, Through: 18, Live: true}, SyncToken{5, 0, 18}, SyncToken{5, 18, 12}, true},
		"and ends, up to date": {SyncToken{5, 20, 3}, state, false, ChangeRange{After: 3, Through: 20, Live: true}, SyncToken{5, 0, 20}, SyncToken{5, 20, 12}, false},
		"changes":              {SyncToken{5, 0, 11}, state, true, ChangeRange{After: 11}, SyncToken{5, 0, 15}, SyncToken{5, 0, 12}, true},
		"the last changes":     {SyncToken{5, 0, 11}, state, false, ChangeRange{After: 11}, SyncToken{5, 0, 20}, SyncToken{5, 0, 12}, false},
		"from nothing":         {SyncToken{5, 0, 0}, State{Epoch: 5, Counter: 20}, false, ChangeRange{}, SyncToken{5, 0, 20}, SyncToken{5, 0, 12}, false},
		"at the last purge":    {SyncToken{5, 0, 10}, state, false, ChangeRange{After: 10}, SyncToken{5, 0, 20}, SyncToken{5, 0, 12}, false},
	} {
		store := &paged{page: ChangePage{Tasks: items, State: test.state, More: test.more}}
		c, err := NewService(store).Changes(t.Context(), "alice", ChangesQuery{Since: test.since, Limit: 2})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		test.asked.Limit = 2
		got := []any{store.asked, c.Next, c.TokenAfter(0), c.TokenAfter(1), c.More}
		if diff := cmp.Diff([]any{test.asked, test.next, test.after, test.next, test.again}, got); diff != "" {
			t.Errorf("%s differs (-want +got):\n%s", name, diff)
		}
	}
}

func TestTokensExpire(t *testing.T) {
	state := State{Epoch: 5, Counter: 20, PurgedThrough: 10}
	for name, test := range map[string]struct {
		since SyncToken
		state State
	}{
		"another history":                    {SyncToken{6, 0, 15}, state},
		"the history has ended":              {SyncToken{5, 0, 15}, State{}},
		"from the future":                    {SyncToken{5, 0, 21}, state},
		"before the purge":                   {SyncToken{5, 0, 9}, state},
		"an empty beginning, then a purge":   {SyncToken{5, 0, 0}, state},
		"a snapshot from before the purge":   {SyncToken{5, 9, 3}, state},
		"a snapshot that has not been there": {SyncToken{5, 21, 3}, state},
	} {
		s := NewService(&paged{page: ChangePage{Tasks: []Task{}, State: test.state}})
		if _, err := s.Changes(t.Context(), "alice", ChangesQuery{Since: test.since, Limit: 1}); KindOf(err) != SyncTokenExpired {
			t.Errorf("%s: %v", name, err)
		}
	}
	s := NewService(&paged{page: ChangePage{Tasks: []Task{}, State: state}})
	if _, err := s.Changes(t.Context(), "alice", ChangesQuery{Since: SyncToken{5, 10, 3}, Limit: 1}); err != nil {
		t.Errorf("a snapshot from after the purge: %v", err)
	}
	for _, limit := range []int{0, MaxChanges + 1} {
		_, err := s.Changes(t.Context(), "alice", ChangesQuery{Limit: limit})
		checkFaults(t, err, Fault{In: InParameter, Name: "limit", Code: "out_of_range"})
	}
}

// erasing is a Store whose erasure takes a number of steps.
type erasing struct {
	recorder
	epochs []int64
	steps  int
}

func (e *erasing) Erase(_ context.Context, _ UserID, epoch int64, _ int) (bool, error) {
	e.epochs = append(e.epochs, epoch)
	return len(e.epochs) == e.steps, e.err
}

func (e *erasing) Import(context.Context, UserID, Import) (Imported, error) { return Imported{}, e.err }

func TestWritesAreTold(t *testing.T) {
	store := &erasing{steps: 2}
	var told []UserID
	s := NewService(store, WithChanged(func(owner UserID) { told = append(told, owner) }))
	for name, test := range map[string]struct {
		do   func() error
		want int
	}{
		"write":  {func() error { _, _, err := s.Do(t.Context(), "alice", create("x"), nil); return err }, 1},
		"batch":  {func() error { _, err := s.Batch(t.Context(), "alice", []Operation{create("x")}, nil); return err }, 1},
		"import": {func() error { _, err := s.Import(t.Context(), "alice", nil); return err }, 1},
		"erase":  {func() error { store.epochs = nil; return s.Erase(t.Context(), "alice") }, 2},
	} {
		for err, want := range map[error]int{nil: test.want, &Error{Kind: OutcomeUnknown}: 1, &Error{Kind: Unavailable}: 0} {
			store.err, told = err, nil
			if got := test.do(); KindOf(got) != KindOf(err) || len(told) != want {
				t.Errorf("%s that ended with %v was told %d times, want %d", name, got, len(told), want)
			}
		}
	}
	store.err, store.epochs = nil, nil
	if err := s.Erase(t.Context(), "alice"); err != nil || store.epochs[0] == store.epochs[1] {
		t.Error("two steps of an erasure had one epoch")
	}
}

// purging is a Store with a number of deleted tasks to purge.
type purging struct {
	recorder
	due    int
	before []time.Time
	at     []time.Time

	expired []time.Time
	clock   time.Time
}

func (p *purging) ExpireKeys(_ context.Context, now time.Time, _ int) (int, error) {
	p.expired = append(p.expired, now)
	return 0, nil
}

func (p *purging) AdvanceClock(_ context.Context, now time.Time, most time.Duration) (time.Time, error) {
	if p.clock.IsZero() || p.clock.After(now) {
		p.clock = now
	}
	p.clock = slices.MinFunc([]time.Time{now, p.clock.Add(most)}, time.Time.Compare)
	return p.clock, nil
}

func (p *purging) Purge(_ context.Context, before time.Time, limit int) (int, error) {
	p.before, p.at = append(p.before, before), append(p.at, time.Now())
	time.Sleep(10 * time.Millisecond)
	n := min(p.due, limit)
	p.due -= n
	return n, p.err
}

// TestPurgeOnTraffic shows that deleted tasks are purged after the first write, then at
// most hourly, and that a purge pauses for most of the time.
func TestPurgeOnTraffic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &purging{due: purgeStep + 1}
		s := NewService(store, WithRetention(24*time.Hour))
		ctx, stop := context.WithCancel(t.Context())
		total := 0
		go s.Run(ctx, func(done Removed, _ error) { total += done.Tasks })
		pass := func(d time.Duration) {
			time.Sleep(d)
			synctest.Wait()
		}
		write := func() int {
			store.before, store.at = nil, nil
			if _, _, err := s.Do(t.Context(), "alice", create("x"), nil); err != nil && store.err == nil {
				t.Error(err)
			}
			pass(2 * maintenanceInterval)
			return len(store.before)
		}
		pass(time.Hour)
		if len(store.before) != 0 {
			t.Error("purged without traffic")
		}
		now := time.Now()
		if n := write(); n != 3 || total != purgeStep+1 { // the last finds none
			t.Errorf("%d steps purged %d", n, total)
		}
		store.before = nil
		if n := write(); n != 0 {
			t.Errorf("%d steps so soon after", n)
		}
		pass(purgeInterval)
		if n := write(); n != 1 || !store.before[0].After(now.Add(-24*time.Hour)) || store.before[0].After(time.Now().Add(-24*time.Hour)) {
			t.Errorf("%d steps an hour later, before %v", n, store.before)
		}
		store.due = 2 * purgeStep
		pass(purgeInterval)
		if n := write(); n != 3 || store.at[1].Sub(store.at[0]) != purgeShare*10*time.Millisecond {
			t.Errorf("steps began at %v", store.at)
		}
		stop()
	})
}

// TestWrongClock starts a service whose clock is 800 hours ahead: it removes what a
// day makes due, and nothing more.
func TestWrongClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		store := &purging{clock: began}
		s := NewService(store, WithRetention(time.Hour), WithClock(func() time.Time { return time.Now().Add(800 * time.Hour) }))
		ctx, stop := context.WithCancel(t.Context())
		go s.Run(ctx, func(Removed, error) {})
		for range 3 {
			if _, _, err := s.Do(t.Context(), "alice", create("x"), nil); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * maintenanceInterval)
			synctest.Wait()
		}
		stop()
		if len(store.before) != 1 || len(store.expired) != 3 {
			t.Fatalf("purged before %v, expired at %v", store.before, store.expired)
		}
		for _, at := range append(store.expired, store.before[0].Add(time.Hour)) {
			if at.After(time.Now().Add(clockStep)) {
				t.Errorf("maintenance went by %v at %v", at, time.Now())
			}
		}
	})
}
