package pgtest

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gofrs/flock"
)

// standbyName is the application_name of the standby, for which commits wait.
const standbyName = "standby"

// Pair is a primary server and a standby that streams from it. Clients reach the
// pair at one address, which leads to the primary until Switch. The address and
// the standby reach the primary through proxies, which Partition freezes.
type Pair struct {
	Primary, Standby *Cluster

	front   *Proxy // the address for clients
	clients *Proxy // from the front to the primary
	stream  *Proxy // from the standby to the primary
}

// NewPair starts a pair for this test alone. Commits wait for the standby
// (synchronous_commit = on), so that an acknowledged commit is on both servers.
// Both give up durability against a power cut; stopping a server loses nothing.
func NewPair(t testing.TB) *Pair {
	t.Helper()
	primary := New(t, Options{Unsafe: true, Settings: map[string]string{"synchronous_commit": "on"}})
	u := primary.url("postgres")
	p := &Pair{Primary: primary, clients: NewProxy(t, u, 0), stream: NewProxy(t, u, 0)}
	p.front = NewProxy(t, p.clients.URL(u), 0)
	standby, err := primary.startStandby(t, p.stream.address)
	if err != nil {
		t.Fatal(err)
	}
	p.Standby = standby
	standby.closeAfter(t)
	if err := untilTrue(AsSuperuser(u), "SELECT count(*) = 1 FROM pg_stat_replication WHERE sync_state = 'sync'"); err != nil {
		t.Fatal(err)
	}
	return p
}

// startStandby makes a standby of c that reaches c at an address, and starts it.
// It stops the server of c, and starts it again with commits that wait for the
// standby. The standby's directory is inside that of c.
func (c *Cluster) startStandby(t testing.TB, address string) (*Cluster, error) {
	t.Helper()
	s := &Cluster{dir: &directory{path: filepath.Join(c.dir.path, standbyName), owner: c.dir.owner}, bin: c.bin, private: true}
	s.dir.lock = flock.New(filepath.Join(s.dir.path, lockName)) // not locked: the lock of c protects both
	if err := os.Mkdir(s.dir.path, 0o700); err != nil {
		return nil, fmt.Errorf("pgtest: %w", err)
	}
	if owner := s.dir.owner; owner != nil {
		if err := os.Chown(s.dir.path, int(owner.uid), int(owner.gid)); err != nil {
			return nil, fmt.Errorf("pgtest: %w", err)
		}
	}
	c.Stop(t, Fast)
	if err := s.copyFrom(c, address); err != nil {
		return nil, err
	}
	if err := c.configure(Options{Settings: map[string]string{"synchronous_standby_names": standbyName}}); err != nil {
		return nil, err
	}
	c.Start(t)
	return s, onFreePort(func(port int) error {
		s.port = port
		return s.startServer()
	})
}

// copyFrom makes the files of a standby of a primary, whose server is stopped.
func (c *Cluster) copyFrom(primary *Cluster, address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("pgtest: %w", err)
	}
	cp, err := c.dir.launch("cp.log", syscall.SIGKILL, "cp", "-a", primary.data(), c.data())
	if err != nil {
		return err
	}
	if err := cp.wait(); err != nil {
		return fmt.Errorf("pgtest: cp: %w\n%s", err, c.dir.tail("cp.log"))
	}
	// Appended to the primary's settings, of which the last of a name counts.
	err = c.configure(Options{Settings: map[string]string{
		"primary_conninfo":            fmt.Sprintf("host=%s port=%s user=%s application_name=%s", host, port, SuperRole, standbyName),
		"wal_retrieve_retry_interval": "100ms",
	}})
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(c.data(), "standby.signal"), nil, 0o644); err != nil {
		return fmt.Errorf("pgtest: %w", err)
	}
	return nil
}

// Database makes an empty database that belongs to Role, on both servers, and
// returns its URL at the pair's address.
func (p *Pair) Database(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("test_%d", databases.Add(1))
	Exec(t, AsSuperuser(p.Primary.url("postgres")), "SET synchronous_commit = remote_apply", "CREATE DATABASE "+name+" OWNER "+Role+" TEMPLATE template0")
	return p.front.URL(p.Primary.url(name))
}

// Direct returns a URL from Database for one of the two servers, past the proxies.
func (p *Pair) Direct(u string, server *Cluster) string { return withAddress(u, server.Addr()) }

// StopPrimary stops the primary as a crash does.
func (p *Pair) StopPrimary(t testing.TB) {
	t.Helper()
	p.Primary.Stop(t, Immediate)
}

// Isolate cuts the standby off from the primary: bytes are held, and no side is
// told. Commits on the primary then wait without end.
func (p *Pair) Isolate() { p.stream.Freeze(true) }

// Partition cuts the primary off from the standby and from the clients that
// come by the pair's address: bytes are held, and no side is told.
func (p *Pair) Partition() {
	p.clients.Freeze(true)
	p.Isolate()
}

// Asynchronous makes commits on the primary not wait for the standby any more.
func (p *Pair) Asynchronous(t testing.TB) {
	t.Helper()
	p.Primary.change(t, "SELECT current_setting('synchronous_standby_names') = ''", "ALTER SYSTEM SET synchronous_standby_names = ''", "SELECT pg_reload_conf()")
}

// Demote makes the primary refuse to write (SQLSTATE 25006), and ends no
// connection: an old primary that a failover has left behind.
func (p *Pair) Demote(t testing.TB) {
	t.Helper()
	p.Primary.change(t, "SELECT current_setting('default_transaction_read_only') = 'on'", "ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
}

// Promote makes the standby a primary, and returns when it accepts writes.
func (p *Pair) Promote(t testing.TB) {
	t.Helper()
	p.Standby.change(t, "SELECT NOT pg_is_in_recovery()", fmt.Sprintf("SELECT pg_promote(true, %d)", int(patience.Seconds())))
}

// change runs statements as the superuser, and returns when the query done is true.
func (c *Cluster) change(t testing.TB, done string, statements ...string) {
	t.Helper()
	admin := AsSuperuser(c.url("postgres"))
	Exec(t, admin, statements...)
	if err := untilTrue(admin, done); err != nil {
		t.Fatal(err)
	}
}

// Switch makes the pair's address lead to the former standby, for connections
// made from now on. Existing ones stay where they are.
func (p *Pair) Switch() { p.front.lead(p.Standby.Addr()) }

// lead changes the server of the connections that are made from now on.
func (p *Proxy) lead(address string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = address
}

func (p *Proxy) server() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.target
}

// Pooler starts a pooler of the primary for this test alone, which Partition
// separates from it too.
func (p *Pair) Pooler(t testing.TB, opts PoolerOptions) *Pooler {
	t.Helper()
	opts.Via = p.clients
	return p.Primary.Pooler(t, opts)
}

// SwitchPooler makes a pooler lead to the former standby for the database of a
// URL: the pooler reloads its configuration, and closes its connections to the
// primary as soon as no transaction runs on them.
func (p *Pair) SwitchPooler(t testing.TB, pooler *Pooler, u string) {
	t.Helper()
	parsed, err := url.Parse(u)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(pooler.cluster.dir.path, pooler.name+".ini")
	config, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// A reload does not change the databases that * has made.
	section := "[databases]\n"
	entry := fmt.Sprintf("%s = host=127.0.0.1 port=%s\n", strings.TrimPrefix(parsed.Path, "/"), strconv.Itoa(p.Standby.port))
	changed := strings.Replace(string(config), section, section+entry, 1)
	if err := os.WriteFile(path, []byte(changed), 0o644); err != nil {
		t.Fatal(err)
	}
	console := edit(AsSuperuser(pooler.URL(u)), func(parsed *url.URL) { parsed.Path = "/pgbouncer" })
	Exec(t, console, "RELOAD")
}

// untilTrue waits until a query returns true.
func untilTrue(u, query string) error {
	for deadline := time.Now().Add(patience); ; time.Sleep(2 * time.Millisecond) {
		err := execSQL(u, "SELECT 1 / ("+query+")::int")
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return errors.Join(fmt.Errorf("pgtest: not within %s: %s", patience, query), err)
		}
	}
}
