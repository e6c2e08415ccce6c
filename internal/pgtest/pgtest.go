// Package pgtest gives tests a real PostgreSQL: temporary clusters, pgbouncers in
// transaction mode, and proxies that delay, count, hold or cut connections. It
// starts the installed programs on free ports of 127.0.0.1, in a temporary
// directory. As root it runs them as the user postgres or nobody, because both
// programs refuse to run as root. A missing program fails the test.
//
// A package whose tests use Shared has
//
//	func TestMain(m *testing.M) { goleak.VerifyTestMain(pgtest.Wrap(m)) }
//
// or os.Exit(pgtest.Wrap(m).Run()), and each test begins with a database of its own:
//
//	direct := pgtest.Shared(t).Database(t)
//	pooled := pgtest.Shared(t).DefaultPooler(t).URL(direct)
//
// All servers end with the test binary. On Linux they end also when it is killed,
// because the kernel then stops them; the next test binary removes the
// directories that are left. Functions that take a testing.TB end the test on an
// error, so they must be called from the test's own goroutine.
package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// The roles of every cluster. Neither has a password.
const (
	// Role is the role in a URL from Database. It owns that database, and has
	// no other privileges.
	Role = "docket"
	// SuperRole is the role in a URL from AsSuperuser.
	SuperRole = "postgres"
)

// patience bounds every wait for a server. Most waits end within milliseconds,
// but the machine may be busy.
const patience = 2 * time.Minute

// Runner is what TestMain runs; *testing.M and goleak's TestingM are Runners.
type Runner interface{ Run() int }

// sharing is one cluster for many tests.
type sharing struct {
	sync.Mutex
	wrapped bool // run will stop the cluster
	cluster *Cluster
	err     error // of the start
}

var shared sharing

// get starts the cluster when it is the first call.
func (s *sharing) get() (*Cluster, error) {
	s.Lock()
	defer s.Unlock()
	switch {
	case s.cluster != nil || s.err != nil:
	case !s.wrapped:
		return nil, errors.New("pgtest: Shared needs a TestMain that runs pgtest.Wrap(m)")
	default:
		s.cluster, s.err = start(Options{Unsafe: true})
	}
	return s.cluster, s.err
}

// run runs m, and then stops the cluster. get works only during run.
func (s *sharing) run(m Runner) int {
	s.Lock()
	s.wrapped = true
	s.Unlock()

	code := m.Run()

	s.Lock()
	defer s.Unlock()
	s.wrapped, s.err = false, nil
	if s.cluster == nil {
		return code
	}
	err := s.cluster.close()
	s.cluster = nil
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return max(code, 1)
	}
	return code
}

// Wrap returns a Runner that runs m and then stops the cluster of Shared, if it
// was started. When the cluster does not stop it prints why, and returns 1 in
// place of m's 0.
func Wrap(m Runner) Runner { return wrapped{m} }

type wrapped struct{ m Runner }

func (w wrapped) Run() int { return shared.run(w.m) }

// Shared returns the cluster that all tests of this binary share. The first call
// starts it; Wrap, which TestMain must use, stops it. It is Unsafe (see Options),
// and no test may stop or restart it. Tests may run in parallel.
func Shared(t testing.TB) *Cluster {
	t.Helper()
	c, err := shared.get()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// New starts a cluster for this test alone, which may stop and restart it. The
// cluster is removed when the test ends. A test that fails logs the end of the
// server's log.
func New(t testing.TB, opts Options) *Cluster {
	t.Helper()
	c, err := start(opts)
	if err != nil {
		t.Fatal(err)
	}
	c.private = true
	c.closeAfter(t)
	return c
}

// closeAfter closes the cluster when the test ends. A test that fails logs the end of
// the server's log.
func (c *Cluster) closeAfter(t testing.TB) {
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(c.log())
		}
		if err := c.close(); err != nil {
			t.Error(err)
		}
	})
}

// AsSuperuser returns u, any URL from this package, for SuperRole: for
// statements that the owner of a database may not run, such as ALTER ROLE.
func AsSuperuser(u string) string {
	return edit(u, func(parsed *url.URL) { parsed.User = url.User(SuperRole) })
}

// Exec runs SQL on a new connection to u. The statements of one string are one
// transaction.
func Exec(t testing.TB, u string, statements ...string) {
	t.Helper()
	if err := execSQL(u, statements...); err != nil {
		t.Fatal(err)
	}
}

// Connect opens a connection to u, which is closed when the test ends.
func Connect(t testing.TB, u string) *pgx.Conn {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	conn, err := pgx.Connect(ctx, u)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(ctx) }) // the test may have ended it
	return conn
}

// Count returns the number that a query returns on a new connection to u.
func Count(t testing.TB, u, query string) (n int) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	conn, err := pgx.Connect(ctx, u)
	if err != nil {
		t.Fatal(err)
	}
	err = conn.QueryRow(ctx, query).Scan(&n)
	if err := errors.Join(err, conn.Close(ctx)); err != nil {
		t.Fatal(err)
	}
	return n
}

func execSQL(u string, statements ...string) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, u)
	if err != nil {
		return fmt.Errorf("pgtest: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	for _, statement := range statements {
		if _, err := conn.PgConn().Exec(ctx, statement).ReadAll(); err != nil {
			return fmt.Errorf("pgtest: %s: %w", statement, err)
		}
	}
	return nil
}

// edit changes a URL. It panics when u is not a URL; those of this package are.
func edit(u string, change func(*url.URL)) string {
	parsed, err := url.Parse(u)
	if err != nil {
		panic("pgtest: " + err.Error())
	}
	change(parsed)
	return parsed.String()
}

// withAddress returns u with another host and port.
func withAddress(u, address string) string {
	return edit(u, func(parsed *url.URL) { parsed.Host = address })
}
