package pgtest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// PoolerOptions says how a pooler differs from a plain pgbouncer in transaction
// mode. Settings that they do not name have pgbouncer's defaults. One of these
// is ignore_startup_parameters: a client that sends a startup parameter which
// pgbouncer does not know is refused.
type PoolerOptions struct {
	// Newer starts pgbouncer 1.25 instead of Debian's. It keeps prepared statements
	// for clients in transaction mode. On a machine that lacks it the test is not run.
	Newer bool
	// PoolSize is the number of server connections for each pair of a role and
	// a database; 0 means 5.
	PoolSize int
	// MaxClients is the number of client connections; 0 means 500.
	MaxClients int
	// Via is a proxy through which the pooler reaches the cluster; nil means
	// directly.
	Via *Proxy
	// Settings are further lines of the section [pgbouncer].
	Settings map[string]string
}

// Pooler is a running pgbouncer, which serves every database of one cluster
// to Role and SuperRole. A pooler that ends by itself fails the test, or
// TestMain at the latest.
//
// pgbouncer 1.18.0 of Debian 12 ends by itself ("bad client state", its issue
// 801) when a client that has asked it to cancel a query disconnects before the
// query is cancelled. pgx asks when a context ends during a query. So a test
// that does this uses a pooler of its own, and waits for
// conn.PgConn().CleanupDone() before it freezes, cuts or closes the proxy.
type Pooler struct {
	cluster *Cluster
	name    string // of its files
	port    int
	process *process
}

// Pooler starts a pooler for this test alone. If the test fails, the end of
// the pooler's log is in the test's.
func (c *Cluster) Pooler(t testing.TB, opts PoolerOptions) *Pooler {
	t.Helper()
	c.mu.Lock()
	p, err := c.startPooler(opts)
	c.mu.Unlock()
	need(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(cmp.Or(p.cluster.dir.tail(p.name+".log"), "pgbouncer logged nothing"))
		}
		if err := p.close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// DefaultPooler returns the pooler that all tests of the cluster share, with the
// zero PoolerOptions. The first call starts it; it ends with the cluster.
func (c *Cluster) DefaultPooler(t testing.TB) *Pooler {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pooler == nil {
		p, err := c.startPooler(PoolerOptions{})
		if err != nil {
			t.Fatal(err)
		}
		c.pooler = p
	}
	if err := c.pooler.process.alive(); err != nil {
		t.Fatal(c.pooler.explain(err))
	}
	return c.pooler
}

// need ends the test after an error; where only the newer pgbouncer is missing it is
// not run.
func need(t testing.TB, err error) {
	t.Helper()
	if errors.Is(err, errNoNewer) {
		t.Skip("not run: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Restart replaces the pooler by another one at the same address, which breaks its
// clients' connections.
func (p *Pooler) Restart(t testing.TB, opts PoolerOptions) {
	t.Helper()
	err := p.close()
	if err == nil {
		p.cluster.mu.Lock()
		defer p.cluster.mu.Unlock()
		err = p.launch(opts, p.port)
	}
	need(t, err)
}

// startPooler returns when the pooler listens. c.mu is held.
func (c *Cluster) startPooler(opts PoolerOptions) (*Pooler, error) {
	p := &Pooler{cluster: c}
	return p, onFreePort(func(port int) error { return p.launch(opts, port) })
}

// launch starts the program and returns when it listens. The cluster's mu is held.
func (p *Pooler) launch(opts PoolerOptions, port int) error {
	program, err := poolerProgram(opts.Newer)
	if err != nil {
		return err
	}
	c := p.cluster
	c.poolers++
	p.name, p.port = fmt.Sprintf("pgbouncer-%d", c.poolers), port
	users := filepath.Join(c.dir.path, p.name+".users")
	if err := os.WriteFile(users, fmt.Appendf(nil, "%q \"\"\n%q \"\"\n", Role, SuperRole), 0o644); err != nil {
		return err
	}
	server := c.Addr()
	if opts.Via != nil {
		server = opts.Via.address
	}
	config := filepath.Join(c.dir.path, p.name+".ini")
	if err := os.WriteFile(config, []byte(poolerConfig(opts, server, port, users)), 0o644); err != nil {
		return err
	}
	// SIGKILL at the end of the test binary: a pooler has nothing to save.
	if p.process, err = c.dir.launch(p.name+".log", syscall.SIGKILL, program, config); err != nil {
		return err
	}
	if err := p.process.until(p.ready); err != nil {
		return p.explain(err)
	}
	return nil
}

func poolerConfig(opts PoolerOptions, server string, port int, users string) string {
	host, serverPort, err := net.SplitHostPort(server)
	if err != nil {
		panic("pgtest: " + err.Error()) // JoinHostPort has made every address here
	}
	settings := map[string]string{
		"listen_addr":       "127.0.0.1",
		"listen_port":       strconv.Itoa(port),
		"unix_socket_dir":   "",
		"auth_type":         "trust",
		"auth_file":         users,
		"admin_users":       SuperRole,
		"pool_mode":         "transaction",
		"default_pool_size": strconv.Itoa(cmp.Or(opts.PoolSize, 5)),
		"max_client_conn":   strconv.Itoa(cmp.Or(opts.MaxClients, 500)),
	}
	maps.Copy(settings, opts.Settings)
	var text strings.Builder
	fmt.Fprintf(&text, "[databases]\n* = host=%s port=%s\n[pgbouncer]\n", host, serverPort)
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		fmt.Fprintf(&text, "%s = %s\n", name, settings[name])
	}
	return text.String()
}

// ready looks for the message that the pooler logs when it listens.
func (p *Pooler) ready(int) bool {
	text, err := os.ReadFile(filepath.Join(p.cluster.dir.path, p.name+".log"))
	return err == nil && strings.Contains(string(text), "listening on "+p.Addr())
}

// URL returns a direct URL of the pooler's cluster, or AsSuperuser of one,
// through the pooler. The database "pgbouncer" of an AsSuperuser URL is the
// pooler's own console.
func (p *Pooler) URL(direct string) string { return withAddress(direct, p.Addr()) }

// Console runs a command of the pooler's console. direct is a URL of its cluster.
func (p *Pooler) Console(t testing.TB, direct, command string) []*pgconn.Result {
	t.Helper()
	console := edit(p.URL(AsSuperuser(direct)), func(u *url.URL) { u.Path = "pgbouncer" })
	ctx := context.WithoutCancel(t.Context())
	conn, err := pgconn.Connect(ctx, console)
	if err != nil {
		t.Fatal(err)
	}
	results, err := conn.Exec(ctx, command).ReadAll()
	if err := errors.Join(err, conn.Close(ctx)); err != nil {
		t.Fatal(err)
	}
	return results
}

// Addr is the pooler's host:port.
func (p *Pooler) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(p.port)) }

// close kills the pooler, which breaks its clients' connections.
func (p *Pooler) close() error {
	if err := p.process.stop(syscall.SIGKILL); err != nil {
		return p.explain(err)
	}
	return nil
}

func (p *Pooler) explain(err error) error {
	return fmt.Errorf("pgtest: pgbouncer: %w\n%s", err, p.cluster.dir.tail(p.name+".log"))
}
