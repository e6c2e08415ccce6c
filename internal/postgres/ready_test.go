package postgres

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"docket"
	"docket/internal/migrate"
	"docket/internal/pgtest"
	"docket/internal/storetest"
)

func TestReadySeesALostSchema(t *testing.T) {
	url := pgtest.Shared(t).Database(t)
	s := open(t, url)
	target, err := ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	for range migrations {
		if err := Migrate(t.Context(), target, func(m migrate.Migrator) error { _, err := m.Down(t.Context(), true); return err }); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := storetest.List(s); docket.KindOf(err) != docket.Internal {
		t.Errorf("List returned %v", err)
	}
	if err := s.Ready(t.Context()); docket.KindOf(err) != docket.Unavailable {
		t.Errorf("Ready returned %v", err)
	}
}

// TestReadyIsPassive counts what probes cost the database: nothing, so that a
// serverless one falls asleep.
func TestReadyIsPassive(t *testing.T) {
	direct := pgtest.Shared(t).Database(t)
	proxy := pgtest.NewProxy(t, direct, 0)
	s := open(t, proxy.URL(direct))
	before := proxy.RoundTrips()
	for range 100 {
		if err := s.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := proxy.RoundTrips(); got != before {
		t.Errorf("100 probes took %d round trips", got-before)
	}
}

// noticed is a context that tells when somebody waits for its end.
type noticed struct {
	context.Context
	once    sync.Once
	waiting chan struct{}
}

func (n *noticed) Done() <-chan struct{} {
	n.once.Do(func() { close(n.waiting) })
	return n.Context.Done()
}

// blockedCheck begins a check, which waits for the lock of a transaction.
func blockedCheck(ctx context.Context, t *testing.T, s *Store, url string) (result <-chan error, tx pgx.Tx) {
	t.Helper()
	patient(s)
	tx = lock(t, url, "LOCK TABLE docket.schema_migrations")
	s.troubled.Store(true)
	first := make(chan error, 1)
	go func() { first <- s.Ready(ctx) }()
	waitForLock(t, url)
	return first, tx
}

// TestReadySharesACheck has a second probe arrive while the first one is answered:
// it gets the same answer, and asks the database nothing.
func TestReadySharesACheck(t *testing.T) {
	url := pgtest.Shared(t).Database(t)
	s := open(t, url)
	first, tx := blockedCheck(t.Context(), t, s, url)
	ctx := &noticed{Context: t.Context(), waiting: make(chan struct{})}
	second := make(chan error, 1)
	go func() { second <- s.Ready(ctx) }()
	<-ctx.waiting
	select {
	case err := <-second:
		t.Errorf("the second probe returned %v before the first", err)
	default:
	}
	if n := pgtest.Count(t, url, waiting); n != 1 {
		t.Errorf("%d statements wait", n)
	}
	if err := errors.Join(tx.Rollback(t.Context()), <-first); err != nil {
		t.Error(err)
	}
	if err := <-second; err != nil {
		t.Error(err)
	}
}

// TestReadyOutlivesTheFirstProbe has the client whose probe asks the database
// leave: the second one's probe asks again.
func TestReadyOutlivesTheFirstProbe(t *testing.T) {
	url := pgtest.Shared(t).Database(t)
	s := open(t, url)
	client, leave := context.WithCancel(t.Context())
	first, tx := blockedCheck(client, t, s, url)
	ctx := &noticed{Context: t.Context(), waiting: make(chan struct{})}
	second := make(chan error, 1)
	go func() { second <- s.Ready(ctx) }()
	<-ctx.waiting
	leave()
	if err := <-first; err == nil {
		t.Error("the probe whose client has left succeeded")
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-second; err != nil {
		t.Error(err)
	}
}
