package postgres

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"docket"
	"docket/internal/pgtest"
	"docket/internal/postgres/connect"
	"docket/internal/postgres/dispatch"
	"docket/internal/postgres/pgerror"
	"docket/internal/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(pgtest.Wrap(m)) }

// open opens the database at url, which it migrates.
func open(t testing.TB, url string, adjust ...func(*Options)) *Store {
	t.Helper()
	target, err := connect.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Target: target, Migrate: true, Log: slog.New(slog.DiscardHandler)}
	for _, f := range adjust {
		f(&o)
	}
	s, _, err := openStore(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	storetest.Close(t, s)
	return s
}

// openPatient is open with time limits that no slow machine reaches.
func openPatient(t *testing.T, url string, adjust ...func(*Options)) *Store {
	t.Helper()
	s := open(t, url, adjust...)
	patient(s)
	return s
}

// directAndPooled runs f with a new database that a store reaches directly, and with one
// that it reaches through a pooler: url is for the store, direct leads past the pooler.
func directAndPooled(t *testing.T, f func(t *testing.T, direct, url string)) {
	t.Helper()
	cluster := pgtest.Shared(t)
	for name, via := range map[string]func(string) string{
		"direct": func(url string) string { return url }, "pooler": cluster.DefaultPooler(t).URL,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			direct := cluster.Database(t)
			f(t, direct, via(direct))
		})
	}
}

func TestStore(t *testing.T) {
	cluster := pgtest.Shared(t)
	storetest.Run(t, func(t *testing.T) docket.Store { return openPatient(t, cluster.Database(t)) })
}

// TestSyncMissesNothing has two instances sync, one of them behind a pooler.
func TestSyncMissesNothing(t *testing.T) {
	cluster := pgtest.Shared(t)
	url := cluster.Database(t)
	storetest.Sync(t, open(t, url), open(t, cluster.DefaultPooler(t).URL(url)))
}

// act carries out an action on a task of alice, now.
func act(s *Store, action docket.Action, task docket.Task) (docket.Task, error) {
	return storetest.Do(context.Background(), s, "alice", docket.Operation{Action: action, ID: task.ID}, time.Now())
}

// TestTimeLimitIsFinal shows that a statement whose time limit passed before it was
// sent is not tried again, though that would be safe: its client has waited enough.
func TestTimeLimitIsFinal(t *testing.T) {
	s := open(t, pgtest.Shared(t).Database(t))
	attempts := 0
	err := s.db.Run(t.Context(), dispatch.Writing, func(ctx context.Context, conn *pgx.Conn) error {
		attempts++
		ctx, cancel := context.WithTimeout(ctx, 0)
		defer cancel()
		_, err := conn.Exec(ctx, `SELECT 1`)
		return pgerror.AfterSend(err, false)
	})
	if docket.KindOf(err) != docket.Unavailable || attempts != 1 {
		t.Errorf("%d attempts returned %v", attempts, err)
	}
}
