package postgres

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"sync"
	"testing"

	"docket"
	"docket/internal/pgtest"
	"docket/internal/postgres/connect"
	"docket/internal/storetest"
)

var everyPooler = flag.Bool("poolers", false, "run the tests behind every kind of pooler and in every exec mode, not only in the most frequent")

// pooling is a kind of pooler.
type pooling struct {
	name    string
	often   bool // it is tested without -poolers too
	options pgtest.PoolerOptions
	session bool   // each connection of a store takes a server
	mode    string // the exec mode; empty: detected
}

var (
	session  = map[string]string{"pool_mode": "session"}
	poolings = []pooling{
		{name: "1.18", often: true},
		{name: "1.25 keeping statements", options: pgtest.PoolerOptions{Newer: true, Settings: map[string]string{"max_prepared_statements": "200"}}},
		{name: "1.25 keeping none", options: pgtest.PoolerOptions{Newer: true, Settings: map[string]string{"max_prepared_statements": "0"}}},
		{name: "1.18 in exec mode", mode: "exec"},
		{name: "1.18 in session mode", options: pgtest.PoolerOptions{Settings: session}, session: true},
		{name: "1.25 in session mode", options: pgtest.PoolerOptions{Newer: true, Settings: session}, session: true},
	}
)

// behindPoolers runs f behind each kind of pooler.
func behindPoolers(t *testing.T, f func(*testing.T, pooling)) {
	for _, kind := range poolings {
		if kind.often || *everyPooler {
			t.Run(kind.name, func(t *testing.T) { f(t, kind) })
		}
	}
}

func TestStoreBehindPooler(t *testing.T) {
	cluster := pgtest.Shared(t)
	behindPoolers(t, func(t *testing.T, kind pooling) {
		conns := int32(DefaultMaxConns)
		if kind.session {
			kind.options.PoolSize, conns = 6, 4
		}
		pooler := cluster.Pooler(t, kind.options)
		storetest.Run(t, func(t *testing.T) docket.Store {
			return openPatient(t, pooler.URL(cluster.Database(t)), func(o *Options) { o.MaxConns, o.ExecMode = conns, kind.mode })
		})
	})
}

// TestClientsShareFewServers has a hundred clients at work at a time, through a pooler
// with five servers.
func TestClientsShareFewServers(t *testing.T) {
	cluster := pgtest.Shared(t)
	behindPoolers(t, func(t *testing.T, kind pooling) {
		conns, instances := int32(DefaultMaxConns), 4
		if kind.session {
			conns, instances = 4, 1
		}
		url := cluster.Pooler(t, kind.options).URL(cluster.Database(t))
		var stores []*Store
		for range instances {
			stores = append(stores, openPatient(t, url, func(o *Options) { o.MaxConns, o.ExecMode = conns, kind.mode }))
		}
		writes, err := clients(t.Context(), stores)
		if err != nil {
			t.Error(err)
		}
		checkCounters(t, stores[0], writes)
	})
}

// clients has a hundred clients of ten users at work at a time. It returns how many
// changes each user has made.
func clients(ctx context.Context, stores []*Store) (writes map[docket.UserID]int64, err error) {
	const users, perUser, rounds = 10, 10, 2
	errs := make(chan error, users*perUser)
	var wait sync.WaitGroup
	writes = map[docket.UserID]int64{}
	for i := range users * perUser {
		user, s := docket.UserID(fmt.Sprint("user ", i%users)), stores[i/users%len(stores)]
		writes[user] += rounds * 4
		wait.Go(func() {
			for range rounds {
				errs <- client(ctx, s, user)
			}
		})
	}
	go func() {
		wait.Wait()
		close(errs)
	}()
	for e := range errs {
		err = errors.Join(err, e)
	}
	return writes, err
}

// client makes four changes, two of them with a key, and reads. It begins with a
// statement that goes alone.
func client(ctx context.Context, s *Store, user docket.UserID) error {
	_, counted := s.List(ctx, user, docket.ListQuery{Limit: 20, Count: true})
	task, err := storetest.Create(ctx, s, of(user, "task"))
	if err != nil {
		return err
	}
	toggle := docket.Operation{Action: docket.Toggle, ID: task.ID}
	_, toggled := storetest.Do(ctx, s, user, toggle, task.CreatedAt)
	_, keyed := s.Write(ctx, user, docket.Write{Operations: []docket.Operation{toggle, toggle}, Key: &docket.Key{Text: task.ID.String()}, Now: task.CreatedAt})
	got, read := s.Get(ctx, user, task.ID)
	if read == nil && !got.Completed {
		read = errors.New("a toggle was made twice, or not at all")
	}
	_, listed := s.List(ctx, user, docket.ListQuery{Limit: 20})
	return errors.Join(toggled, keyed, read, listed, counted)
}

// checkCounters checks that each user has made so many changes.
func checkCounters(t *testing.T, s *Store, writes map[docket.UserID]int64) {
	t.Helper()
	for user, want := range writes {
		states, err := s.Counters(t.Context(), []docket.UserID{user})
		if got := states[user].Counter; err != nil || got != want {
			t.Errorf("%s has made %d changes, want %d; %v", user, got, want, err)
		}
	}
}

// TestPoolerForgets has a pooler that keeps prepared statements be replaced by one that
// does not, or be told not to. No client has an error, and nothing is written twice.
func TestPoolerForgets(t *testing.T) {
	cluster := pgtest.Shared(t)
	none := map[string]string{"max_prepared_statements": "0"}
	for name, change := range map[string]func(t *testing.T, p *pgtest.Pooler, s *Store, url string){
		"older": func(t *testing.T, p *pgtest.Pooler, s *Store, _ string) {
			p.Restart(t, pgtest.PoolerOptions{})
			s.db.Pool.Reset() // the restart has broken its connections
		},
		"none": func(t *testing.T, p *pgtest.Pooler, s *Store, _ string) {
			p.Restart(t, pgtest.PoolerOptions{Newer: true, Settings: none})
			s.db.Pool.Reset()
		},
		"reload": func(t *testing.T, p *pgtest.Pooler, _ *Store, url string) {
			p.Console(t, url, "SET max_prepared_statements = 0")
		},
	} {
		if name == "none" && !*everyPooler {
			continue
		}
		t.Run(name, func(t *testing.T) {
			url := cluster.Database(t)
			pooler := cluster.Pooler(t, pgtest.PoolerOptions{Newer: true})
			log := &storetest.Log{}
			s := openPatient(t, pooler.URL(url), func(o *Options) { o.Log = log.Logger() })
			if log.Count(connect.Keeping.String()) != 1 {
				t.Fatalf("the log is %s", log)
			}
			before, err := clients(t.Context(), []*Store{s})
			if err != nil {
				t.Fatal(err)
			}
			change(t, pooler, s, url)
			writes, err := clients(t.Context(), []*Store{s})
			if err != nil {
				t.Error(err)
			}
			for user := range writes {
				writes[user] += before[user]
			}
			checkCounters(t, s, writes)
			if n := log.Count("a prepared statement was lost"); n != 1 {
				t.Errorf("the log says %d times that statements were lost: %s", n, log)
			}
		})
	}
}
