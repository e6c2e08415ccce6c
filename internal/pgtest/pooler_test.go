package pgtest_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"docket/internal/pgtest"
)

const cacheDescribe = "&default_query_exec_mode=cache_describe"

func TestPoolerAnswersAndIsOne(t *testing.T) {
	t.Parallel()
	c := pgtest.Shared(t)
	direct := c.Database(t) + cacheDescribe
	pooled := c.DefaultPooler(t).URL(direct)

	one := pgtest.Connect(t, direct)
	equal(t, "direct pid", get[int](t, one, "SELECT pg_backend_pid()"), int(one.PgConn().PID()))
	two := pgtest.Connect(t, pooled)
	equal(t, "pooled database", get[string](t, two, "SELECT current_database()"), get[string](t, one, "SELECT current_database()"))
	if get[int](t, two, "SELECT pg_backend_pid()") == int(two.PgConn().PID()) {
		t.Error("the pooled connection knows its server's pid: there is no pooler")
	}
	equal(t, "default poolers", c.DefaultPooler(t), c.DefaultPooler(t))
}

// Two clients share one server connection, and each sees the session state that
// the other one has left. A store that works behind this pooler leaves none.
func TestPoolerHasTheTrapsOfTransactionMode(t *testing.T) {
	t.Parallel()
	c := pgtest.Shared(t)
	direct := c.Database(t) + cacheDescribe
	pooler := c.Pooler(t, pgtest.PoolerOptions{PoolSize: 1})
	one, two := pgtest.Connect(t, pooler.URL(direct)), pgtest.Connect(t, pooler.URL(direct))

	do(t, one, "SET statement_timeout = '77s'")
	equal(t, "the other's SET", get[string](t, two, "SHOW statement_timeout"), "77s")
	do(t, one, "LISTEN tasks")
	equal(t, "the other's LISTEN", get[string](t, two, "SELECT pg_listening_channels()"), "tasks")
	for _, conn := range []*pgx.Conn{one, two} {
		equal(t, "both hold the lock", get[bool](t, conn, "SELECT pg_try_advisory_lock(42)"), true)
	}

	_, err := pgx.Connect(t.Context(), pooler.URL(direct)+"&search_path=docket")
	var refused *pgconn.PgError
	if !errors.As(err, &refused) || refused.Code != "08P01" {
		t.Errorf("a startup parameter that is not pgbouncer's: %v", err)
	}
}

func TestPoolerOptions(t *testing.T) {
	t.Parallel()
	c := pgtest.Shared(t)
	direct := c.Database(t)
	way := pgtest.NewProxy(t, direct, 0)
	pooler := c.Pooler(t, pgtest.PoolerOptions{
		PoolSize: 4, MaxClients: 3, Via: way,
		Settings: map[string]string{"ignore_startup_parameters": "search_path"},
	})
	one := pgtest.Connect(t, pooler.URL(direct)+cacheDescribe+"&search_path=docket")
	before := way.RoundTrips()
	get[int](t, one, "SELECT 1")
	if way.RoundTrips() == before {
		t.Error("the pooler does not go via the proxy")
	}

	config := map[string]string{}
	results := pooler.Console(t, direct, "SHOW CONFIG")
	for _, row := range results[0].Rows {
		config[string(row[0])] = string(row[1])
	}
	equal(t, "pool_mode", config["pool_mode"], "transaction")
	equal(t, "default_pool_size", config["default_pool_size"], "4")
	equal(t, "max_client_conn", config["max_client_conn"], "3")

	for range 2 {
		eventually(t, func() error { // the console's client counts for a moment longer
			conn, err := pgx.Connect(t.Context(), pooler.URL(direct))
			if err == nil {
				t.Cleanup(func() { _ = conn.Close(context.Background()) })
			}
			return err
		})
	}
	if _, err := pgx.Connect(t.Context(), pooler.URL(direct)); err == nil {
		t.Error("four clients, where three are allowed")
	}
}
