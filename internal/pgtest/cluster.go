package pgtest

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
)

// Options says how a cluster differs from PostgreSQL's defaults. A cluster always
// listens on 127.0.0.1 only, accepts every client without a password, and has
// max_connections = 200, the encoding UTF8 and the locale C.UTF-8.
type Options struct {
	// Unsafe gives up durability for speed: fsync, full_page_writes and
	// synchronous_commit are off, and the files are in memory where the machine
	// has room. Otherwise these settings are on, as by default, so that
	// committed data outlives an Immediate stop.
	Unsafe bool
	// Settings are further lines of postgresql.conf, unquoted.
	Settings map[string]string
}

// Mode is a way to stop a server.
type Mode string

const (
	// Fast aborts the running statements, tells the clients, and writes a
	// checkpoint.
	Fast Mode = "fast"
	// Immediate stops at once, like a crash: the next start recovers from the
	// write-ahead log.
	Immediate Mode = "immediate"
)

// Cluster is a running PostgreSQL server. Its methods may be called from
// several goroutines.
type Cluster struct {
	dir     *directory
	bin     string // of the server's programs
	port    int
	private bool
	base    string // the template of its databases; "": template0

	mu      sync.Mutex
	server  *process // nil while stopped
	pooler  *Pooler  // of DefaultPooler
	poolers int      // started so far
}

// start makes a cluster with the roles, and starts its server.
func start(opts Options) (*Cluster, error) {
	bin, err := serverPrograms()
	if err != nil {
		return nil, err
	}
	if _, err := poolerProgram(false); err != nil { // here, so that every test reports it
		return nil, err
	}
	dir, err := newDirectory(opts.Unsafe)
	if err != nil {
		return nil, err
	}
	c := &Cluster{dir: dir, bin: bin}
	if err := c.create(opts); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

func (c *Cluster) create(opts Options) error {
	// No sync: the page cache outlives the server, and no test survives a power
	// cut.
	initdb, err := c.dir.launch("initdb.log", syscall.SIGKILL, filepath.Join(c.bin, "initdb"),
		"--pgdata="+c.data(), "--username="+SuperRole, "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
	if err != nil {
		return err
	}
	if err := initdb.wait(); err != nil {
		return fmt.Errorf("pgtest: initdb: %w\n%s", err, c.dir.tail("initdb.log"))
	}
	if err := c.configure(opts); err != nil {
		return err
	}
	err = onFreePort(func(port int) error {
		c.port = port
		return c.startServer()
	})
	if err != nil {
		return err
	}
	return execSQL(AsSuperuser(c.url("postgres")), "CREATE ROLE "+Role+" LOGIN")
}

func (c *Cluster) configure(opts Options) error {
	settings := map[string]string{
		"listen_addresses":        "127.0.0.1",
		"unix_socket_directories": "",
		"max_connections":         "200",
	}
	if opts.Unsafe {
		settings["fsync"], settings["full_page_writes"], settings["synchronous_commit"] = "off", "off", "off"
	}
	maps.Copy(settings, opts.Settings)
	var lines strings.Builder
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		fmt.Fprintf(&lines, "%s = '%s'\n", name, strings.ReplaceAll(settings[name], "'", "''"))
	}
	file, err := os.OpenFile(filepath.Join(c.data(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("pgtest: %w", err)
	}
	_, err = file.WriteString(lines.String())
	return errors.Join(err, file.Close())
}

// startServer returns when the server accepts connections. c.mu is held, or no
// other goroutine knows c yet.
func (c *Cluster) startServer() error {
	server, err := c.dir.launch("postgres.log", syscall.SIGQUIT, filepath.Join(c.bin, "postgres"),
		"-D", c.data(), "-p", strconv.Itoa(c.port))
	if err != nil {
		return err
	}
	if err := server.until(c.ready); err != nil {
		return fmt.Errorf("pgtest: postgres: %w\n%s", err, c.dir.tail("postgres.log"))
	}
	c.server = server
	return nil
}

// ready reads the server's own postmaster.pid, so that it cannot mistake another
// server on the same port for this one.
func (c *Cluster) ready(pid int) bool {
	text, err := os.ReadFile(filepath.Join(c.data(), "postmaster.pid"))
	if err != nil {
		return false
	}
	lines := strings.Split(string(text), "\n")
	return len(lines) >= 8 && lines[0] == strconv.Itoa(pid) && slices.Contains([]string{"ready", "standby"}, strings.TrimSpace(lines[7]))
}

// Stop stops the server, which must run. The databases stay. Only a cluster from
// New can be stopped.
func (c *Cluster) Stop(t testing.TB, mode Mode) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.private || c.server == nil {
		t.Fatal("pgtest: Stop of a cluster that is shared or stopped")
	}
	if err := c.stopServer(mode); err != nil {
		t.Fatal(err)
	}
}

// Start starts the server again after Stop, at the same address.
func (c *Cluster) Start(t testing.TB) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.server != nil {
		t.Fatal("pgtest: Start of a cluster that runs")
	}
	if err := c.startServer(); err != nil {
		t.Fatal(err)
	}
}

// Restart is Stop and Start.
func (c *Cluster) Restart(t testing.TB, mode Mode) {
	t.Helper()
	c.Stop(t, mode)
	c.Start(t)
}

func (c *Cluster) stopServer(mode Mode) error {
	signals := map[Mode]syscall.Signal{Fast: syscall.SIGINT, Immediate: syscall.SIGQUIT}
	sig, ok := signals[mode]
	if !ok {
		return fmt.Errorf("pgtest: no stop mode %q", mode)
	}
	server := c.server
	c.server = nil
	if err := server.stop(sig); err != nil {
		return fmt.Errorf("pgtest: postgres: %w\n%s", err, c.dir.tail("postgres.log"))
	}
	return nil
}

// close stops everything and removes the directory.
func (c *Cluster) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var errs []error
	if c.pooler != nil {
		errs = append(errs, c.pooler.close())
		c.pooler = nil
	}
	if c.server != nil {
		errs = append(errs, c.stopServer(Immediate))
	}
	return errors.Join(append(errs, c.dir.remove())...)
}

// databases counts the databases that Database has made. Their names are unique
// in the test binary, so that a URL does not match a database of another cluster.
var databases atomic.Int64

// Database makes an empty database that belongs to Role, and returns its direct
// URL, without TLS. When the test ends the database is dropped, even while
// clients are connected to it.
func (c *Cluster) Database(t testing.TB) string {
	t.Helper()
	name := newName()
	c.makeDatabase(t, name)
	return c.url(name)
}

func newName() string { return fmt.Sprintf("test_%d", databases.Add(1)) }

// makeDatabase makes an empty database, and drops it when the test ends.
func (c *Cluster) makeDatabase(t testing.TB, name string) {
	t.Helper()
	admin := AsSuperuser(c.url("postgres"))
	// CREATE DATABASE fails while a client is connected to the template. No
	// client can connect to this one.
	Exec(t, admin, "CREATE DATABASE "+name+" OWNER "+Role+" TEMPLATE "+cmp.Or(c.base, "template0"))
	t.Cleanup(func() {
		c.mu.Lock()
		runs := c.server != nil
		c.mu.Unlock()
		if !runs { // the test has stopped it; close removes the database
			return
		}
		err := execSQL(admin, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
		for n := 0; err != nil && c.base != "" && n < 5; n++ { // Citus connects by itself, at any time
			err = execSQL(admin, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
		}
		if err != nil {
			t.Error(err)
		}
	})
}

// Addr is the server's host:port.
func (c *Cluster) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(c.port)) }

func (c *Cluster) url(database string) string {
	return fmt.Sprintf("postgres://%s@%s/%s?sslmode=disable", Role, c.Addr(), database)
}

func (c *Cluster) data() string { return filepath.Join(c.dir.path, "data") }

func (c *Cluster) log() string {
	return cmp.Or(c.dir.tail("postgres.log"), "postgres logged nothing")
}
