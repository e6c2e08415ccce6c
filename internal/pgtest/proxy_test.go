package pgtest_test

import (
	"context"
	"errors"
	"net/url"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"docket/internal/pgtest"
)

func withDatabase(t *testing.T, u, name string) string {
	t.Helper()
	parsed, err := url.Parse(u)
	if err != nil {
		t.Fatal(err)
	}
	parsed.Path = "/" + name
	return parsed.String()
}

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
		conn := connect(t, proxy.URL(u))
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

func TestDelay(t *testing.T) {
	routes(t, func(t *testing.T, u string) {
		const delay = 40 * time.Millisecond
		begun := time.Now()
		conn := connect(t, pgtest.Delay(t, u, delay))
		if took := time.Since(begun); took < 2*delay { // TCP's handshake and PostgreSQL's
			t.Errorf("connecting took %v", took)
		}
		get[int](t, conn, "SELECT 1")
		begun = time.Now()
		get[int](t, conn, "SELECT 1")
		took := time.Since(begun)
		if took < delay {
			t.Errorf("a query took %v", took)
		}

		// What is sent while something is under way does not wait behind it:
		// 500 queries, each written by itself, would else take hundreds of delays.
		begun = time.Now()
		pipeline := conn.PgConn().StartPipeline(t.Context())
		for range 500 {
			pipeline.SendQueryParams("SELECT 1", nil, nil, nil, nil)
			if err := errors.Join(pipeline.Sync(), pipeline.Flush()); err != nil {
				t.Fatal(err)
			}
		}
		if err := pipeline.Close(); err != nil {
			t.Fatal(err)
		}
		t.Logf("one query: %v; 500 in a pipeline: %v", took, time.Since(begun))
		if took := time.Since(begun); took < delay || took > 25*delay {
			t.Errorf("500 queries in a pipeline took %v", took)
		}
	})
}

func TestCutRefuseFreeze(t *testing.T) {
	routes(t, func(t *testing.T, u string) {
		proxy := pgtest.NewProxy(t, u, 0)
		u = proxy.URL(u)
		conn := connect(t, u)

		proxy.Cut()
		if err := conn.Ping(t.Context()); !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
			t.Errorf("a query on a connection that was cut: %v", err)
		}
		<-conn.PgConn().CleanupDone() // see Pooler
		conn = connect(t, u)

		for range 2 { // twice is as good as once
			proxy.Refuse(t, true)
		}
		if _, err := pgx.Connect(t.Context(), u); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("connecting to a proxy that refuses: %v", err)
		}
		get[int](t, conn, "SELECT 1") // goes on
		for range 2 {
			proxy.Refuse(t, false)
		}
		connect(t, u)

		proxy.Freeze(true)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if err := conn.Ping(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a query through a frozen proxy: %v", err)
		}
		connected := make(chan error, 1)
		go func() {
			conn, err := pgx.Connect(t.Context(), u)
			if err == nil {
				err = conn.Close(t.Context())
			}
			connected <- err
		}()
		select {
		case err := <-connected:
			t.Errorf("connecting through a frozen proxy: %v", err)
		case <-time.After(50 * time.Millisecond):
		}
		proxy.Freeze(false)
		if err := <-connected; err != nil {
			t.Errorf("connecting, after a thaw: %v", err)
		}
		<-conn.PgConn().CleanupDone()

		connect(t, u)
		proxy.Freeze(true) // and leave it so: the test's end must not mind
	})
}

func TestProxyPassesOnThatTheServerIsAway(t *testing.T) {
	t.Parallel()
	c := pgtest.New(t, pgtest.Options{Unsafe: true})
	direct := c.Database(t)
	u := pgtest.Delay(t, direct, 2*time.Millisecond)
	conn := connect(t, u)
	c.Stop(t, pgtest.Immediate)
	if err := conn.Ping(t.Context()); err == nil {
		t.Error("a query on a connection whose server is gone succeeded")
	}
	if conn, err := pgx.Connect(t.Context(), u); err == nil {
		t.Errorf("connected %v to a server that is stopped", conn)
	}
}
