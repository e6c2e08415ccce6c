package postgres

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"docket"
	"docket/internal/pgtest"
	"docket/internal/postgres/dispatch"
	"docket/internal/storetest"
)

// mates returns users whose writes go to the same batcher, and that batcher.
func mates(s *Store, n int) ([]docket.UserID, *dispatch.Batcher) {
	b := s.db.WritesOf("user-0")
	var users []docket.UserID
	for i := 0; len(users) < n; i++ {
		if user := docket.UserID(fmt.Sprintf("user-%d", i)); s.db.WritesOf(user) == b {
			users = append(users, user)
		}
	}
	return users, b
}

func of(owner docket.UserID, title string) docket.Task {
	t := storetest.Draft(title)
	t.UserID = owner
	return t
}

// create has each user create a task, so that the user exists and the statement
// is prepared.
func create(t *testing.T, s *Store, users ...docket.UserID) []docket.Task {
	t.Helper()
	tasks := make([]docket.Task, len(users))
	for i, user := range users {
		var err error
		if tasks[i], err = storetest.Create(t.Context(), s, of(user, "first")); err != nil {
			t.Fatal(err)
		}
	}
	return tasks
}

// openBehindProxy opens an empty database with one connection, behind a proxy. It
// also returns the database's own URL.
func openBehindProxy(t *testing.T) (s *Store, proxy *pgtest.Proxy, direct string) {
	t.Helper()
	direct = pgtest.Shared(t).Database(t)
	proxy = pgtest.NewProxy(t, direct, 0)
	return open(t, proxy.URL(direct), func(o *Options) { o.MaxConns = 1 }), proxy, direct
}

// patient gives a store time limits that no slow machine reaches.
func patient(s *Store) {
	s.db.Limits = dispatch.Limits{Acquire: time.Minute, Statement: time.Minute, Pass: time.Minute}
}

// trouble has the store see a statement fail because of the connection.
func trouble(t *testing.T, s *Store) {
	t.Helper()
	_ = s.db.Run(t.Context(), dispatch.Maintaining, func(context.Context, *pgx.Conn) error { return io.ErrUnexpectedEOF })
	if !s.db.Troubled() {
		t.Fatal("the store is not in trouble")
	}
}

// holding reports whether b has so many leads taken and calls queued.
func holding(b *dispatch.Batcher, leads, queued int) bool {
	now := b.Stats()
	return now.Leads == leads && now.Queued == queued
}

// idle fails the test when a batcher that nothing uses holds anything.
func idle(t *testing.T, b *dispatch.Batcher) {
	t.Helper()
	if now := b.Stats(); now.Leads != 0 || now.Queued != 0 || now.Apart != 0 {
		t.Errorf("the batcher is left with %d leads taken, %d calls queued and %d calls apart", now.Leads, now.Queued, now.Apart)
	}
}

// whileInFlight begins the calls, to a batcher of one lead: the first is in flight and
// the others are queued until the function that it returns is called, which waits
// for them.
func whileInFlight(t *testing.T, proxy *pgtest.Proxy, s *Store, b *dispatch.Batcher, calls ...func()) (goOn func()) {
	t.Helper()
	patient(s)
	var running sync.WaitGroup
	proxy.Freeze(true)
	before := b.Stats().Groups
	for i, call := range calls {
		running.Go(call)
		waitUntil(t, "the first call is in flight and the others are queued", func() bool {
			return b.Stats().Groups == before+1 && holding(b, 1, i)
		})
	}
	return func() {
		proxy.Freeze(false)
		running.Wait()
	}
}

// TestWritesShareARoundTrip has ten users write while a write is in flight.
func TestWritesShareARoundTrip(t *testing.T) {
	s, proxy, _ := openBehindProxy(t)
	users, b := mates(s, 11)
	create(t, s, users...)
	tasks := make([]docket.Task, len(users))
	var calls []func()
	for i, user := range users {
		calls = append(calls, func() {
			var err error
			if tasks[i], err = storetest.Create(context.Background(), s, of(user, string(user))); err != nil {
				t.Error(err)
			}
		})
	}
	before := proxy.RoundTrips()
	whileInFlight(t, proxy, s, b, calls...)()
	if took := proxy.RoundTrips() - before; took != 2 {
		t.Errorf("%d writes took %d round trips", len(users), took)
	}
	for i, user := range users {
		got, err := s.Get(t.Context(), user, tasks[i].ID)
		if err != nil || got.Title != string(user) || got.Version != 2 || tasks[i].Version != 2 {
			t.Errorf("%s wrote %+v and has %+v, %v", user, tasks[i], got, err)
		}
	}
	idle(t, b)
}

// TestReadsShareARoundTrip has each user read a task that exists, and one that
// does not, while others do the same.
func TestReadsShareARoundTrip(t *testing.T) {
	s := openPatient(t, pgtest.Shared(t).Database(t), func(o *Options) { o.MaxConns = 1 })
	b := s.db.Reads
	width := b.Stats().Width
	var calls []func()
	for i := range 20 {
		user := docket.UserID(fmt.Sprintf("user-%d", i))
		task := create(t, s, user)[0]
		calls = append(calls, func() {
			if got, err := s.Get(context.Background(), user, task.ID); err != nil || got.ID != task.ID || got.UserID != user {
				t.Errorf("%s got %+v, %v", user, got, err)
			}
		}, func() {
			if _, err := s.Get(context.Background(), user, uuid.Must(uuid.NewV7())); docket.KindOf(err) != docket.NotFound {
				t.Errorf("%s got %v", user, err)
			}
		})
	}
	conn, err := s.db.Pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	for i, call := range calls {
		running.Go(call)
		waitUntil(t, "the call waits for the connection or is queued", func() bool {
			return holding(b, min(i+1, width), max(0, i+1-width))
		})
	}
	conn.Release()
	running.Wait()
	// Each leader makes a group: the first one takes all that are queued.
	if took := b.Stats().Groups; took != int64(width) {
		t.Errorf("%d reads took %d groups", len(calls), took)
	}
	idle(t, b)
}

// TestReadsFarAway has the width of the batcher of reads follow the distance
// that the store measures, within half of the connections.
func TestReadsFarAway(t *testing.T) {
	direct := pgtest.Shared(t).Database(t)
	far := pgtest.Delay(t, direct, 20*time.Millisecond)
	for name, test := range map[string]struct {
		url   string
		conns int32
		least int
		most  int
	}{
		"far, many connections": {far, 40, 2 + 10, 20},
		"far, few connections":  {far, 10, 5, 5},
		"far, one connection":   {far, 1, 2, 2},
	} {
		s := open(t, test.url, func(o *Options) { o.MaxConns = test.conns })
		if width := s.db.Reads.Stats().Width; width < test.least || width > test.most {
			t.Errorf("%s: %d groups at a time, want %d to %d", name, width, test.least, test.most)
		}
	}
}

// TestLockedUserHoldsUpNobody has one user of a group wait for a lock that is
// held for long: the others are served meanwhile, and that one afterwards.
func TestLockedUserHoldsUpNobody(t *testing.T) {
	direct := pgtest.Shared(t).Database(t)
	s := openPatient(t, direct)
	users, b := mates(s, 3)
	create(t, s, users...)
	tx := lock(t, direct, fmt.Sprintf("SELECT user_id FROM docket.owners WHERE user_id = '%s' FOR UPDATE", users[0]))
	locked := make(chan error, 1)
	go func() {
		_, err := storetest.Create(context.Background(), s, of(users[0], "waits"))
		locked <- err
	}()
	waitUntil(t, "the write goes alone", func() bool { return b.Stats().Apart > 0 })
	for range 20 {
		create(t, s, users[1:]...)
	}
	select {
	case err := <-locked:
		t.Errorf("the locked user's write returned %v", err)
	default:
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-locked; err != nil {
		t.Error(err)
	}
	idle(t, b)
}

// TestOwnerApart has a second write of a user whose first one goes alone: it does
// too, without a group that would wait for the same lock.
func TestOwnerApart(t *testing.T) {
	direct := pgtest.Shared(t).Database(t)
	s := openPatient(t, direct)
	users, b := mates(s, 1)
	create(t, s, users...)
	tx := lock(t, direct, "SELECT user_id FROM docket.owners FOR UPDATE")
	var running sync.WaitGroup
	write := func() {
		if _, err := storetest.Create(context.Background(), s, of(users[0], "waits")); err != nil {
			t.Error(err)
		}
	}
	running.Go(write)
	waitUntil(t, "the first write goes alone", func() bool { return b.Stats().Apart > 0 })
	groups := b.Stats().Groups
	running.Go(write)
	waitUntil(t, "the second one does", func() bool { return b.Stats().Apart == 2 })
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	running.Wait()
	if took := b.Stats().Groups - groups; took != 0 {
		t.Errorf("the second write went in %d groups", took)
	}
	idle(t, b)
}

// TestGroupLocksInOrder has a group arrive in the reverse order of its users and
// records in which order they are locked: every instance must use the same one,
// so that no two groups wait for each other.
func TestGroupLocksInOrder(t *testing.T) {
	s, proxy, direct := openBehindProxy(t)
	users, b := mates(s, 8)
	create(t, s, users...)
	pgtest.Exec(t, direct, "CREATE TABLE docket.locked (n serial, user_id text)",
		`CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO docket.locked (user_id) VALUES (new.user_id); RETURN new; END'`,
		"CREATE TRIGGER note BEFORE UPDATE ON docket.owners FOR EACH ROW EXECUTE FUNCTION note()")
	slices.Sort(users)
	slices.Reverse(users)
	var calls []func()
	for _, user := range users {
		calls = append(calls, func() {
			if _, err := storetest.Create(context.Background(), s, of(user, "second")); err != nil {
				t.Error(err)
			}
		})
	}
	whileInFlight(t, proxy, s, b, calls...)()
	rows, err := s.db.Pool.Query(t.Context(), "SELECT user_id FROM docket.locked ORDER BY n")
	if err != nil {
		t.Fatal(err)
	}
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(got) != len(users) || !slices.IsSorted(got[1:]) { // the first was in a group of its own
		t.Errorf("locked in the order %q, %v", got, err)
	}
}

// TestInstancesDoNotDeadlock has two instances change the same users in groups.
func TestInstancesDoNotDeadlock(t *testing.T) {
	direct := pgtest.Shared(t).Database(t)
	stores := []*Store{open(t, direct), open(t, direct)}
	var users []docket.UserID
	for i := range 24 {
		users = append(users, docket.UserID(fmt.Sprintf("user-%d", i)))
	}
	tasks := create(t, stores[0], users...)
	patient(stores[0])
	patient(stores[1])
	var running sync.WaitGroup
	for worker := range 48 {
		running.Go(func() {
			for range 40 {
				task := tasks[rand.IntN(len(tasks))]
				if _, err := storetest.Do(context.Background(), stores[worker%2], task.UserID, docket.Operation{Action: docket.Toggle, ID: task.ID}, time.Now()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	running.Wait()
	var deadlocks, changes int64
	err := stores[0].db.Pool.QueryRow(t.Context(), `SELECT d.deadlocks, (SELECT sum(counter) FROM docket.owners) FROM pg_stat_database AS d WHERE d.datname = current_database()`,
		pgx.QueryExecModeExec).Scan(&deadlocks, &changes)
	if want := int64(len(tasks) + 48*40); err != nil || deadlocks != 0 || changes != want {
		t.Errorf("%d deadlocks, %d changes of %d, %v", deadlocks, changes, want, err)
	}
}
