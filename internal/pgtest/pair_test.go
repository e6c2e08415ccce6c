package pgtest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"docket/internal/pgtest"
)

func TestPairReplicatesAndFailsOver(t *testing.T) {
	t.Parallel()
	p := pgtest.NewPair(t)
	u := p.Database(t)
	pooler := p.Pooler(t, pgtest.PoolerOptions{Settings: map[string]string{"server_login_retry": "1"}})
	pooled := pooler.URL(u) + cacheDescribe
	standby := p.Direct(u, p.Standby)
	kept := func(u string) func() error {
		return func() error {
			_, err := tryInsert(t, u)
			return err
		}
	}

	pgtest.Exec(t, u, "CREATE TABLE kept (n int)")
	eventually(t, kept(u))
	eventually(t, kept(pooled))
	old := pgtest.Connect(t, u)
	equal(t, "the address leads to a standby", get[bool](t, old, "SELECT pg_is_in_recovery()"), false)
	replica := pgtest.Connect(t, standby)
	equal(t, "the standby is one", get[bool](t, replica, "SELECT pg_is_in_recovery()"), true)
	eventually(t, func() error { // committed there is not yet visible there
		if n := get[int](t, replica, "SELECT count(*)::int FROM kept"); n != 2 {
			return errors.New("the standby does not have both rows")
		}
		return nil
	})
	if code, _ := tryInsert(t, standby); code != "25006" {
		t.Errorf("a write to the standby: %q", code)
	}

	p.Demote(t)
	eventually(t, func() error {
		if _, err := old.Exec(t.Context(), "INSERT INTO kept VALUES (1)"); err == nil {
			return errors.New("the demoted primary writes")
		}
		return nil
	})
	equal(t, "a demoted primary reads", get[int](t, old, "SELECT 1"), 1)

	p.StopPrimary(t)
	p.Promote(t)
	p.Switch()
	p.SwitchPooler(t, pooler, u)
	eventually(t, kept(u))
	eventually(t, kept(pooled))
	equal(t, "the former standby writes", get[bool](t, replica, "SELECT pg_is_in_recovery()"), false)
}

// tryInsert returns the SQLSTATE of a failure.
func tryInsert(t *testing.T, u string) (code string, err error) {
	conn, err := pgx.Connect(t.Context(), u)
	if err != nil {
		return "", err
	}
	defer conn.Close(context.Background())
	_, err = conn.Exec(t.Context(), "INSERT INTO kept VALUES (1)")
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		code = e.Code
	}
	return code, err
}

// A commit waits for the standby. Behind a partition it waits without end, and
// what the primary has alone is lost.
func TestPairPartition(t *testing.T) {
	t.Parallel()
	p := pgtest.NewPair(t)
	u := p.Database(t)
	pgtest.Exec(t, u, "CREATE TABLE kept (n int)")
	conn := pgtest.Connect(t, u)

	p.Isolate()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := conn.Exec(ctx, "INSERT INTO kept VALUES (1)"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a commit without the standby: %v", err)
	}
	look := pgtest.Connect(t, p.Direct(u, p.Primary))
	p.Asynchronous(t)
	do(t, look, "INSERT INTO kept VALUES (2)")

	p.Partition()
	p.Promote(t)
	p.Switch()
	eventually(t, func() error {
		_, err := tryInsert(t, u)
		return err
	})
	equal(t, "rows", get[int](t, pgtest.Connect(t, u), "SELECT count(*)::int FROM kept"), 1)
}
