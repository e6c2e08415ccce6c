package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"

	"docket"
	"docket/internal/postgres/connect"
)

const (
	// placementInterval is how long it takes at most until a shard that has moved is
	// looked for where it is. Until then its users are served by a detour.
	placementInterval = 10 * time.Second
	// leastConns is the least number of connections of a home that is not direct. Such
	// homes share DATABASE_MAX_CONNS.
	leastConns = 4
	// troubleInterval is the same while a worker is in trouble.
	troubleInterval = time.Second
)

// workers is a docket.Store over a distributed database. It sends what is about one
// user to the worker that has the user's rows, so a worker that is away or hangs is the
// trouble of its own users alone. Each worker has a Store of its own, with connections
// to the worker or, where this process does not reach it, to the server of DATABASE_URL.
type workers struct {
	*Store // of the server of DATABASE_URL; for what spans users

	options Options
	mode    pgx.QueryExecMode // for connections to the server of DATABASE_URL
	homes   atomic.Pointer[homes]

	old       atomic.Bool // homes may be out of date
	timer     *time.Timer // sets old
	suspected atomic.Bool // homes were read again because of trouble within troubleInterval
	blind     atomic.Bool // homes could not be read the last time
	reading   sync.Mutex  // held to replace homes
	retired   []*Store    // that no user has any more

	states atomic.Pointer[map[docket.UserID]docket.State] // that Counters returned last; not written to
}

// homes tells for each user which worker has the rows.
type homes struct {
	parts  []part
	stores map[worker]home
}

type part struct {
	lowest int32
	home   home
}

type home struct {
	*Store
	direct bool // the connections are to the worker
}

var _ docket.Store = (*workers)(nil)

// newWorkers returns the store over the workers of the database of s, which it closes
// with itself.
func newWorkers(ctx context.Context, s *Store, o Options, mode pgx.QueryExecMode) (*workers, error) {
	w := &workers{Store: s, options: o, mode: mode}
	w.homes.Store(&homes{})
	w.timer = time.AfterFunc(placementInterval, func() { w.old.Store(true) })
	if err := w.readHomes(ctx); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

// readHomes reads where the users are. A worker that stays keeps its store.
func (w *workers) readHomes(ctx context.Context) error {
	w.reading.Lock()
	defer w.reading.Unlock()
	placed, cluster, err := w.readPlacement(ctx)
	if err != nil {
		return err
	}
	now, next := w.homes.Load(), &homes{stores: map[worker]home{}}
	for _, p := range placed {
		next.stores[p.worker] = now.stores[p.worker]
	}
	names := slices.Collect(maps.Keys(next.stores))
	opened, failures := make([]home, len(names)), make([]error, len(names))
	var wait sync.WaitGroup
	for i, name := range names {
		wait.Go(func() { opened[i], failures[i] = w.openHome(ctx, name, now.stores[name], cluster, len(names)) })
	}
	wait.Wait()
	if err := errors.Join(failures...); err != nil {
		for i, name := range names {
			if h := opened[i].Store; h != nil && h != now.stores[name].Store {
				w.retired = append(w.retired, h)
			}
		}
		return err
	}
	for i, name := range names {
		next.stores[name] = opened[i]
	}
	for name, h := range now.stores {
		if next.stores[name].Store != h.Store {
			w.retired = append(w.retired, h.Store)
		}
	}
	for _, p := range placed {
		next.parts = append(next.parts, part{p.lowest, next.stores[p.worker]})
	}
	w.homes.Store(next)
	w.old.Store(false)
	w.timer.Reset(placementInterval)
	return nil
}

// openHome returns the home on one of n workers; the known one unless there is none, or a
// direct one can take its place.
func (w *workers) openHome(ctx context.Context, on worker, known home, cluster string, n int) (home, error) {
	if known.direct {
		return known, nil
	}
	target, err := w.options.Target.At(on.address())
	if err == nil {
		err = on.reach(ctx, target, cluster)
	}
	if err == nil {
		mode, set := connect.ExecModes[w.options.ExecMode]
		if !set {
			mode = pgx.QueryExecModeCacheStatement
		}
		w.options.Log.Info("requests go to the worker directly", "worker", on.address())
		s, err := newStore(ctx, w.options, storeOptions{target: target, mode: mode, distance: w.distance, distributed: true, worker: &on})
		return home{s, true}, err
	}
	if known.Store != nil {
		return known, nil
	}
	w.options.Log.Warn("requests for a worker go through the server of DATABASE_URL, because this process does not reach the worker", "worker", on.address(), "error", err)
	s, err := newStore(ctx, w.options, storeOptions{
		target: w.options.Target, mode: w.mode, distance: w.distance, distributed: true,
		conns: max(leastConns, cmp.Or(w.options.MaxConns, DefaultMaxConns)/int32(n)), //nolint:gosec // not many
	})
	return home{s, false}, err
}

// of returns the store that has the rows of a user.
func (w *workers) of(owner docket.UserID) *Store {
	parts := w.homes.Load().parts
	s := parts[find(parts, func(p part) int32 { return p.lowest }, hashOf(string(owner)))].home.Store
	if w.old.Load() || s.db.Troubled() && !w.suspected.Load() {
		w.lookAgain()
	}
	return s
}

// lookAgain reads the homes in the background, unless that is being done.
func (w *workers) lookAgain() {
	if !w.suspected.CompareAndSwap(false, true) {
		return
	}
	w.old.Store(false)
	w.background.Go(func() {
		err := w.readHomes(context.Background())
		if err != nil {
			w.old.Store(true)
		}
		if blind := err != nil; w.blind.Swap(blind) != blind && blind {
			w.log.Warn("the places of the shards cannot be read; they are taken to be as before", "error", err)
		}
		time.AfterFunc(troubleInterval, func() { w.suspected.Store(false) })
	})
}

// Get implements docket.Store.
func (w *workers) Get(ctx context.Context, owner docket.UserID, id uuid.UUID) (docket.Task, error) {
	return w.of(owner).Get(ctx, owner, id)
}

// List implements docket.Store.
func (w *workers) List(ctx context.Context, owner docket.UserID, q docket.ListQuery) (docket.Page, error) {
	return w.of(owner).List(ctx, owner, q)
}

// Write implements docket.Store.
func (w *workers) Write(ctx context.Context, owner docket.UserID, write docket.Write) (docket.Written, error) {
	return w.of(owner).Write(ctx, owner, write)
}

// Import implements docket.Store.
func (w *workers) Import(ctx context.Context, owner docket.UserID, what docket.Import) (docket.Imported, error) {
	return w.of(owner).Import(ctx, owner, what)
}

// Changes implements docket.Store.
func (w *workers) Changes(ctx context.Context, owner docket.UserID, r docket.ChangeRange) (docket.ChangePage, error) {
	return w.of(owner).Changes(ctx, owner, r)
}

// Erase implements docket.Store.
func (w *workers) Erase(ctx context.Context, owner docket.UserID, epoch int64, limit int) (bool, error) {
	return w.of(owner).Erase(ctx, owner, epoch, limit)
}

// CreateAPIKey implements docket.Store.
func (w *workers) CreateAPIKey(ctx context.Context, key docket.APIKey, epoch int64) error {
	return w.of(key.Owner).CreateAPIKey(ctx, key, epoch)
}

// APIKeys implements docket.Store.
func (w *workers) APIKeys(ctx context.Context, owner docket.UserID) ([]docket.APIKey, error) {
	return w.of(owner).APIKeys(ctx, owner)
}

// FindAPIKey implements docket.Store.
func (w *workers) FindAPIKey(ctx context.Context, owner docket.UserID, id uuid.UUID) (docket.APIKey, error) {
	return w.of(owner).FindAPIKey(ctx, owner, id)
}

// RevokeAPIKey implements docket.Store.
func (w *workers) RevokeAPIKey(ctx context.Context, owner docket.UserID, id uuid.UUID) error {
	return w.of(owner).RevokeAPIKey(ctx, owner, id)
}

// MarkAPIKeyUsed implements docket.Store.
func (w *workers) MarkAPIKeyUsed(ctx context.Context, owner docket.UserID, id uuid.UUID, day time.Time) error {
	return w.of(owner).MarkAPIKeyUsed(ctx, owner, id, day)
}

// Counters implements docket.Store. Of several users, those of a worker that does not
// answer have the states that were returned before, unless no worker answers.
func (w *workers) Counters(ctx context.Context, owners []docket.UserID) (map[docket.UserID]docket.State, error) {
	if len(owners) == 1 {
		return w.of(owners[0]).Counters(ctx, owners)
	}
	groups := map[*Store][]docket.UserID{}
	for _, owner := range owners {
		s := w.of(owner)
		groups[s] = append(groups[s], owner)
	}
	before := w.states.Load()
	states, failures := make(map[docket.UserID]docket.State, len(owners)), []error(nil)
	var wait sync.WaitGroup
	var merging sync.Mutex
	for s, owners := range groups {
		wait.Go(func() {
			found, err := s.Counters(ctx, owners)
			merging.Lock()
			defer merging.Unlock()
			maps.Copy(states, found)
			if err == nil {
				return
			}
			failures = append(failures, err)
			if before == nil {
				return
			}
			for _, owner := range owners {
				if state, known := (*before)[owner]; known {
					states[owner] = state
				}
			}
		})
	}
	wait.Wait()
	if len(failures) > 0 && len(failures) == len(groups) {
		return nil, failures[0]
	}
	kept := maps.Clone(states)
	w.states.Store(&kept)
	return states, nil
}

// all returns the stores of the workers in no particular order.
func (w *workers) all() []*Store {
	var list []*Store
	for h := range maps.Values(w.homes.Load().stores) {
		list = append(list, h.Store)
	}
	return list
}

// Ready implements docket.Store. One worker that can serve is enough, because every
// process is as far from the others.
func (w *workers) Ready(ctx context.Context) error {
	stores := w.all()
	slices.SortFunc(stores, func(a, b *Store) int { // those that answer at once come first
		switch {
		case a.db.Troubled() == b.db.Troubled():
			return 0
		case a.db.Troubled():
			return 1
		}
		return -1
	})
	var failed error
	for _, s := range stores {
		err := s.Ready(ctx)
		if err == nil {
			return nil
		}
		failed = err
	}
	return failed
}

// Warnings implements docket.Store.
func (w *workers) Warnings() []string {
	list := w.Store.Warnings()
	for name, h := range w.homes.Load().stores {
		if h.db.Troubled() {
			list = append(list, fmt.Sprintf("The worker %s cannot serve its users.", name.address()))
		}
	}
	slices.Sort(list)
	return list
}

// Collect implements prometheus.Collector with the sums over all servers.
func (w *workers) Collect(ch chan<- prometheus.Metric) {
	collect(ch, len(w.Store.Warnings()) > 0, append(w.all(), w.Store)...)
}

// Close implements docket.Store.
func (w *workers) Close() error {
	w.timer.Stop()
	w.background.Wait() // hence nothing replaces the homes any more
	w.timer.Stop()
	errs := []error{}
	for _, s := range append(w.all(), w.retired...) {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, w.Store.Close())...)
}
