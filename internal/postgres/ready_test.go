package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"docket"
	"docket/internal/migrate"
	"docket/internal/pgtest"
	"docket/internal/postgres/connect"
	"docket/internal/postgres/pgerror"
	"docket/internal/postgres/schema"
	"docket/internal/storetest"
)

func TestReadySeesALostSchema(t *testing.T) {
	url := pgtest.Shared(t).Database(t)
	s := open(t, url)
	target, err := connect.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	for range schema.Migrations {
		if err := schema.Migrate(t.Context(), target, func(m migrate.Migrator) error { _, err := m.Down(t.Context(), true); return err }); err != nil {
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
	trouble(t, s)
	tx = lock(t, url, "LOCK TABLE docket.schema_migrations")
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

// TestReadySeesWhatIsMissing breaks what requests of one kind need. Ready fails after
// the first of them, however many others succeed, and succeeds as soon as it is
// mended.
func TestReadySeesWhatIsMissing(t *testing.T) {
	next := len(schema.Migrations) + 1
	for name, test := range map[string]struct{ broken, mended string }{
		"table renamed":  {"ALTER TABLE docket.idempotency_keys RENAME TO other", "ALTER TABLE docket.other RENAME TO idempotency_keys"},
		"column renamed": {"ALTER TABLE docket.idempotency_keys RENAME COLUMN size TO other", "ALTER TABLE docket.idempotency_keys RENAME COLUMN other TO size"},
		"right revoked":  {"REVOKE UPDATE ON docket.idempotency_keys FROM CURRENT_USER", "GRANT UPDATE ON docket.idempotency_keys TO CURRENT_USER"},
		"newer schema": {
			fmt.Sprintf("INSERT INTO docket.schema_migrations VALUES (%[1]d, 'newer', %[1]d, now()); ALTER TABLE docket.idempotency_keys DROP COLUMN size", next),
			fmt.Sprintf("DELETE FROM docket.schema_migrations WHERE version = %d; ALTER TABLE docket.idempotency_keys ADD COLUMN size integer NOT NULL DEFAULT 0", next),
		},
	} {
		for _, pooled := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, pooled=%t", name, pooled), func(t *testing.T) {
				t.Parallel()
				cluster := pgtest.Shared(t)
				direct := cluster.Database(t)
				url := direct
				if pooled {
					url = cluster.DefaultPooler(t).URL(direct)
				}
				s := openPatient(t, url)
				if _, err := writeKeyed(s, "before"); err != nil {
					t.Fatal(err)
				}
				pgtest.Exec(t, direct, test.broken)
				if _, err := writeKeyed(s, "broken"); err == nil {
					t.Fatal("the write succeeded")
				}
				for range 3 {
					if err := s.Ready(t.Context()); docket.KindOf(err) != docket.Unavailable {
						t.Errorf("Ready returned %v", err)
					}
					storetest.Put(t, s, "another table")
					if _, err := storetest.List(s); err != nil {
						t.Error(err)
					}
				}
				pgtest.Exec(t, direct, test.mended)
				if err := s.Ready(t.Context()); err != nil {
					t.Errorf("mended: %v", err)
				}
				if _, err := writeKeyed(s, "mended"); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// TestReadySeesAReadOnlyServer has writes fail and reads succeed.
func TestReadySeesAReadOnlyServer(t *testing.T) {
	url := pgtest.Shared(t).Database(t)
	name := url[strings.LastIndex(url, "/")+1 : strings.Index(url, "?")]
	s := open(t, url)
	task := storetest.Put(t, s, "task")
	pgtest.Exec(t, pgtest.AsSuperuser(url), "ALTER DATABASE "+name+" SET default_transaction_read_only = on")
	s.db.Pool.Reset()
	s.db.Checks.Reset()
	if _, err := act(s, docket.Toggle, task); docket.KindOf(err) != docket.Unavailable || !pgerror.IsReadOnly(err) {
		t.Errorf("a write returned %v", err)
	}
	for range 3 {
		if _, err := storetest.List(s); err != nil {
			t.Error(err)
		}
		if err := s.Ready(t.Context()); docket.KindOf(err) != docket.Unavailable {
			t.Errorf("Ready returned %v", err)
		}
	}
	pgtest.Exec(t, pgtest.AsSuperuser(url), "SET default_transaction_read_only = off", "ALTER DATABASE "+name+" RESET default_transaction_read_only")
	if err := s.Ready(t.Context()); err != nil {
		t.Errorf("Ready returned %v", err)
	}
}

// TestReadyWaitsForNobody has a request hold the only connection of the pool.
func TestReadyWaitsForNobody(t *testing.T) {
	s := openPatient(t, pgtest.Shared(t).Database(t), func(o *Options) { o.MaxConns = 1 })
	trouble(t, s)
	held, err := s.db.Pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer held.Release()
	if err := s.Ready(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestOpenNamesMissingRights opens a database as a role that lacks rights.
func TestOpenNamesMissingRights(t *testing.T) {
	url := pgtest.Shared(t).Database(t)
	open(t, url)
	pgtest.Exec(t, url, "REVOKE INSERT, DELETE ON docket.owners FROM CURRENT_USER")
	target, err := connect.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(t.Context(), Options{Target: target, Log: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), "lacks rights: INSERT on docket.owners, DELETE on docket.owners") {
		t.Errorf("Open returned %v", err)
	}
}
