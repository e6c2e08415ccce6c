package storetest

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"docket"
)

var histories = flag.Int("histories", 60, "how many histories Sync plays")

// Sync plays random histories, each of one user, on stores that are instances of one
// database. Writers change tasks, purge and erase, while readers sync from tokens of
// any age, at any moment. Every reader must end with the live tasks.
func Sync(t *testing.T, stores ...docket.Store) {
	services := make([]*docket.Service, len(stores))
	for i, store := range stores {
		services[i] = docket.NewService(store)
	}
	var running sync.WaitGroup
	var next, restarts, pages atomic.Int64
	seed := uint64(time.Now().UnixNano())
	for range 8 {
		running.Go(func() {
			for n := next.Add(1); n <= int64(*histories) && !t.Failed(); n = next.Add(1) {
				h := &history{owner: docket.UserID(fmt.Sprintf("user-%d-%d", seed, n)), services: services, stores: stores}
				if err := h.play(seed + uint64(n)); err != nil {
					t.Errorf("history %d of seed %d: %v", n, seed, err)
				}
				restarts.Add(h.restarts.Load())
				pages.Add(h.pages.Load())
			}
		})
	}
	running.Wait()
	t.Logf("%d histories, %d pages of changes, %d readers began again", *histories, pages.Load(), restarts.Load())
}

type history struct {
	owner           docket.UserID
	services        []*docket.Service
	stores          []docket.Store
	restarts, pages atomic.Int64

	mu  sync.Mutex
	ids []uuid.UUID
}

// play runs three writers and three readers at once.
func (h *history) play(seed uint64) error {
	var writers, readers sync.WaitGroup
	errs := make(chan error, 6)
	written := make(chan struct{})
	for i := range uint64(3) {
		r := rand.New(rand.NewPCG(seed, i))
		writers.Go(func() {
			for range 6 + r.IntN(6) {
				if err := h.change(r); err != nil {
					errs <- err
					return
				}
			}
		})
		readers.Go(func() {
			if err := h.read(rand.New(rand.NewPCG(seed, 100+i)), written); err != nil {
				errs <- err
			}
		})
	}
	writers.Wait()
	close(written)
	readers.Wait()
	close(errs)
	return <-errs
}

func (h *history) pick(r *rand.Rand) (uuid.UUID, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.ids) == 0 {
		return uuid.Nil, false
	}
	return h.ids[r.IntN(len(h.ids))], true
}

// change does something that a client can do, on one of the instances.
func (h *history) change(r *rand.Rand) error {
	ctx, service := context.Background(), h.services[r.IntN(len(h.services))]
	id, any := h.pick(r)
	n := r.IntN(100)
	switch {
	case n == 0:
		return service.Erase(ctx, h.owner)
	case n < 4:
		_, err := h.stores[0].Purge(ctx, time.Now().UTC(), 5)
		return err
	case !any || n < 40:
		t, _, err := service.Do(ctx, h.owner, docket.Operation{New: docket.NewTask{Fields: docket.Fields{Title: fmt.Sprint(n)}}}, nil)
		h.mu.Lock()
		defer h.mu.Unlock()
		h.ids = append(h.ids, t.ID)
		return err
	}
	o := docket.Operation{ID: id, Action: []docket.Action{docket.Toggle, docket.Update, docket.Delete, docket.Restore}[n%4]}
	o.Update.Title = docket.Some(fmt.Sprint(n))
	_, _, err := service.Do(ctx, h.owner, o, nil)
	if kind := docket.KindOf(err); err != nil && kind != docket.NotFound && kind != docket.NotDeleted {
		return err
	}
	return nil
}

// replica is what a reader holds: the tasks as they were at a token.
type replica struct {
	token docket.SyncToken
	tasks map[uuid.UUID]docket.Task
}

// read syncs a replica until the writers have ended, and compares it with the tasks in
// the store. Sometimes it goes back to what it held earlier.
func (h *history) read(r *rand.Rand, written <-chan struct{}) error {
	now := replica{tasks: map[uuid.UUID]docket.Task{}}
	old := []replica{now}
	for last := false; ; {
		select {
		case <-written:
			last = true
		default:
		}
		if r.IntN(6) == 0 {
			now = old[r.IntN(len(old))]
		}
		var err error
		more := true
		for more && err == nil && (last || r.IntN(4) > 0) { // it may stop in the middle
			if now, more, err = h.step(r, now); err == nil {
				old = append(old, now)
			}
		}
		if err != nil {
			return err
		}
		if last && !more {
			break
		}
	}
	page, err := h.services[r.IntN(len(h.services))].Tasks(context.Background(), h.owner, docket.ListQuery{Limit: docket.MaxList})
	if err != nil {
		return err
	}
	live := map[uuid.UUID]docket.Task{}
	for _, t := range page.Tasks {
		live[t.ID] = t
	}
	if diff := cmp.Diff(live, now.tasks); diff != "" {
		return fmt.Errorf("a reader ends with other tasks than there are (-live +held):\n%s", diff)
	}
	return nil
}

// step reads a page of changes.
func (h *history) step(r *rand.Rand, now replica) (next replica, more bool, err error) {
	changes, err := h.services[r.IntN(len(h.services))].Changes(context.Background(), h.owner, docket.ChangesQuery{Since: now.token, Limit: 1 + r.IntN(5)})
	if docket.KindOf(err) == docket.SyncTokenExpired {
		h.restarts.Add(1)
		return replica{tasks: map[uuid.UUID]docket.Task{}}, true, nil
	}
	if err != nil {
		return now, false, err
	}
	h.pages.Add(1)
	tasks := maps.Clone(now.tasks)
	if now.token == (docket.SyncToken{}) { // a snapshot begins
		tasks = map[uuid.UUID]docket.Task{}
	} else if n := changes.Next; max(n.After, n.Through) < max(now.token.After, now.token.Through) || n.Epoch != now.token.Epoch {
		return now, false, fmt.Errorf("after %+v comes %+v", now.token, n)
	}
	if !slices.IsSortedFunc(changes.Items, func(a, b docket.Task) int { return int(a.Version - b.Version) }) {
		return now, false, fmt.Errorf("changes are out of order: %+v", changes.Items)
	}
	for _, t := range changes.Items {
		if t.Version <= now.token.After {
			return now, false, fmt.Errorf("version %d comes again after %+v", t.Version, now.token)
		}
		if tasks[t.ID] = t; !t.DeletedAt.IsZero() {
			delete(tasks, t.ID)
		}
	}
	return replica{changes.Next, tasks}, changes.More, nil
}
