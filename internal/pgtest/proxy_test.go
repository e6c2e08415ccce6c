package pgtest_test

import (
	"context"
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"docket/internal/pgtest"
)

// routes runs the test directly and through a pooler.
func routes(t *testing.T, test func(t *testing.T, u string)) {
	t.Parallel()
	c := pgtest.Shared(t)
	direct := c.Database(t) + cacheDescribe
	for name, u := range map[string]string{"direct": direct, "pooled": c.Pooler(t, pgtest.PoolerOptions{}).URL(direct)} {
		t.Run(name, func(t *testing.T) { test(t, u) })
	}
}

func TestRoundTripsAreCounted(t *testing.T) {
	routes(t, func(t *testing.T, u string) {
		proxy := pgtest.NewProxy(t, u, 0)
		conn := pgtest.Connect(t, proxy.URL(u))
		equal(t, "connecting", proxy.RoundTrips(), 1)

		const query = "SELECT $1::text || repeat('x', 100000)" // an answer of several packets
		equal(t, "cost of a new query", cost(t, proxy, func() { get[string](t, conn, query, "a") }), 2)
		for range 20 {
			equal(t, "cost of a query", cost(t, proxy, func() { get[string](t, conn, query, "a") }), 1)
		}
		equal(t, "cost of a transaction", cost(t, proxy, func() {
			err := pgx.BeginFunc(t.Context(), conn, func(tx pgx.Tx) error {
				var s string
				return tx.QueryRow(t.Context(), query, "a").Scan(&s)
			})
			if err != nil {
				t.Error(err)
			}
		}), 3)
		equal(t, "cost of a batch", cost(t, proxy, func() {
			var batch pgx.Batch
			for range 10 {
				batch.Queue(query, "a")
			}
			if err := conn.SendBatch(t.Context(), &batch).Close(); err != nil {
				t.Error(err)
			}
		}), 1)
		equal(t, "cost of a goodbye", cost(t, proxy, func() {
			if err := conn.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}), 0)
	})
}

func cost(t *testing.T, p *pgtest.Proxy, f func()) int64 {
	t.Helper()
	before := p.RoundTrips()
	f()
	return p.RoundTrips() - before
}

// TestDelay checks only that a delay is not too short: how much longer an answer
// takes depends on the machine. link_test.go shows that delays do not add up.
func TestDelay(t *testing.T) {
	routes(t, func(t *testing.T, u string) {
		const delay = 40 * time.Millisecond
		begun := time.Now()
		conn := pgtest.Connect(t, pgtest.Delay(t, u, delay))
		if took := time.Since(begun); took < 2*delay { // TCP's handshake and PostgreSQL's
			t.Errorf("connecting took %v", took)
		}
		get[int](t, conn, "SELECT 1")
		begun = time.Now()
		get[int](t, conn, "SELECT 1")
		if took := time.Since(begun); took < delay {
			t.Errorf("a query took %v", took)
		}
	})
}

func TestCutRefuseFreeze(t *testing.T) {
	routes(t, func(t *testing.T, u string) {
		proxy := pgtest.NewProxy(t, u, 0)
		u = proxy.URL(u)
		conn := pgtest.Connect(t, u)

		proxy.Cut()
		if err := conn.Ping(t.Context()); !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
			t.Errorf("a query on a connection that was cut: %v", err)
		}
		<-conn.PgConn().CleanupDone() // see Pooler
		conn = pgtest.Connect(t, u)

		for range 2 { // the second call changes nothing
			proxy.Refuse(t, true)
		}
		if _, err := pgx.Connect(t.Context(), u); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("connecting to a proxy that refuses: %v", err)
		}
		get[int](t, conn, "SELECT 1") // an existing connection continues
		for range 2 {
			proxy.Refuse(t, false)
		}
		pgtest.Connect(t, u)

		proxy.Freeze(true)
		connected := make(chan error, 1)
		go func() {
			conn, err := pgx.Connect(t.Context(), u)
			if err == nil {
				err = conn.Close(t.Context())
			}
			connected <- err
		}()
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if err := conn.Ping(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a query through a frozen proxy: %v", err)
		}
		select {
		case err := <-connected:
			t.Errorf("connecting through a frozen proxy: %v", err)
		default:
		}
		proxy.Freeze(false)
		if err := <-connected; err != nil {
			t.Errorf("connecting, when the proxy forwards again: %v", err)
		}
		<-conn.PgConn().CleanupDone()

		pgtest.Connect(t, u)
		proxy.Freeze(true) // until the test ends, which must not wait for it
	})
}

// A statement whose answer is held has taken effect, and Cut loses the answer.
func TestHoldAnswers(t *testing.T) {
	t.Parallel()
	direct := pgtest.Shared(t).Database(t)
	pgtest.Exec(t, direct, "CREATE TABLE kept (n int)")
	look := pgtest.Connect(t, direct)
	proxy := pgtest.NewProxy(t, direct, 0)
	for _, cut := range []bool{false, true} {
		conn := pgtest.Connect(t, proxy.URL(direct))
		do(t, look, "TRUNCATE kept")
		proxy.HoldAnswers(true)
		answered := make(chan error, 1)
		go func() {
			_, err := conn.Exec(t.Context(), "INSERT INTO kept VALUES (1)", pgx.QueryExecModeSimpleProtocol)
			answered <- err
		}()
		eventually(t, func() error {
			if get[int](t, look, "SELECT count(*)::int FROM kept") == 0 {
				return errors.New("the statement does not take effect")
			}
			return nil
		})
		select {
		case err := <-answered:
			t.Fatalf("a held answer arrived: %v", err)
		default:
		}
		if cut {
			proxy.Cut()
		}
		proxy.HoldAnswers(false)
		if err := <-answered; (err != nil) != cut {
			t.Errorf("the statement, cut %t: %v", cut, err)
		}
	}
}

func TestProxyPassesOnThatTheServerIsAway(t *testing.T) {
	t.Parallel()
	c := pgtest.New(t, pgtest.Options{Unsafe: true})
	direct := c.Database(t)
	u := pgtest.Delay(t, direct, 2*time.Millisecond)
	conn := pgtest.Connect(t, u)
	c.Stop(t, pgtest.Immediate)
	if err := conn.Ping(t.Context()); err == nil {
		t.Error("a query on a connection whose server is gone succeeded")
	}
	if conn, err := pgx.Connect(t.Context(), u); err == nil {
		t.Errorf("connected %v to a server that is stopped", conn)
	}
}
