package postgres

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"docket"
	"docket/internal/pgtest"
	"docket/internal/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(pgtest.Wrap(m)) }

// open opens the database at url, which it migrates.
func open(t *testing.T, url string, adjust ...func(*Options)) *Store {
	t.Helper()
	target, err := ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Target: target, Migrate: true, Log: slog.New(slog.DiscardHandler)}
	for _, f := range adjust {
		f(&o)
	}
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

func TestStore(t *testing.T) {
	cluster := pgtest.Shared(t)
	storetest.Run(t, func(t *testing.T) docket.Store { return open(t, cluster.Database(t)) })
}

func TestStoreBehindPooler(t *testing.T) {
	cluster := pgtest.Shared(t)
	pooler := cluster.DefaultPooler(t)
	storetest.Run(t, func(t *testing.T) docket.Store { return open(t, pooler.URL(cluster.Database(t))) })
}

// TestStoreInExecMode runs the suite in the mode that keeps no state on the server.
func TestStoreInExecMode(t *testing.T) {
	cluster := pgtest.Shared(t)
	storetest.Run(t, func(t *testing.T) docket.Store {
		return open(t, cluster.DefaultPooler(t).URL(cluster.Database(t)), func(o *Options) { o.ExecMode = "exec" })
	})
}

// TestSyncMissesNothing has two instances sync, one of them behind a pooler.
func TestSyncMissesNothing(t *testing.T) {
	cluster := pgtest.Shared(t)
	url := cluster.Database(t)
	storetest.Sync(t, open(t, url), open(t, cluster.DefaultPooler(t).URL(url)))
}

func draft(title string) docket.Task {
	now := time.Now().UTC().Truncate(time.Microsecond)
	return docket.Task{ID: uuid.Must(uuid.NewV7()), UserID: "alice", Fields: docket.Fields{Title: title}, CreatedAt: now, UpdatedAt: now}
}

func put(t *testing.T, s *Store, title string) docket.Task {
	t.Helper()
	task, err := storetest.Create(context.WithoutCancel(t.Context()), s, draft(title))
	if err != nil {
		t.Fatal(err)
	}
	return task
}

func list(s *Store) ([]docket.Task, error) {
	page, err := s.List(context.Background(), "alice", docket.ListQuery{Limit: docket.MaxList})
	return page.Tasks, err
}

// act carries out an action on a task of alice, now.
func act(s *Store, action docket.Action, task docket.Task) (docket.Task, error) {
	return storetest.Do(context.Background(), s, "alice", docket.Operation{Action: action, ID: task.ID}, time.Now())
}

// TestNoRetryAfterTimeout has the time of a statement end before it is sent. Another
// attempt would be safe, but the client has waited long enough.
func TestNoRetryAfterTimeout(t *testing.T) {
	s := open(t, pgtest.Shared(t).Database(t))
	attempts := 0
	err := s.write(t.Context(), func(ctx context.Context, conn *pgx.Conn) error {
		attempts++
		ctx, cancel := context.WithTimeout(ctx, 0)
		defer cancel()
		_, err := conn.Exec(ctx, `SELECT 1`)
		return settle(err, false)
	})
	if docket.KindOf(err) != docket.Unavailable || attempts != 1 {
		t.Errorf("%d attempts returned %v", attempts, err)
	}
}
