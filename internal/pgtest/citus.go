package pgtest

import (
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Citus is a coordinator and workers with the extension Citus, for one test. Each
// worker's address, for clients and for the other servers, is that of a proxy.
type Citus struct {
	Coordinator *Cluster
	Workers     []*Cluster
	Proxies     []*Proxy // of Workers
}

// withCitus is set in the longer tier, because a cluster takes ten seconds to start.
var withCitus = flag.Bool("citus", false, "run the tests of Citus")

const citusTemplate = "citus_template"

var citusSettings = map[string]string{
	"shared_preload_libraries":  "citus",
	"wal_level":                 "logical", // for moves of shards that do not block writes
	"max_prepared_transactions": "200",
	"max_worker_processes":      "64", // one for each database, and more
	"citus.node_conninfo":       "sslmode=disable",
	"citus.shard_count":         "8",

	"citus.enable_statistics_collection": "off",

	"synchronous_commit": "on", // a worker that crashes loses nothing that was acknowledged
}

// NewCitus starts a coordinator and workers, whose files are as with Unsafe. Without
// the flag -citus, and on a machine without Citus, the test is not run.
func NewCitus(t testing.TB, workers int) *Citus {
	t.Helper()
	needCitus(t)
	c := &Citus{Coordinator: newNode(t)}
	admin := AsSuperuser(c.Coordinator.url(citusTemplate))
	Exec(t, admin, fmt.Sprintf("SELECT citus_set_coordinator_host('127.0.0.1', %d)", c.Coordinator.port))
	for range workers {
		Exec(t, admin, "SELECT citus_add_node("+c.startWorker(t)+")")
	}
	c.copyFrom(t, citusTemplate)
	return c
}

// Copy makes the databases from now on copies of one from Database, to which nobody can
// connect any more. That takes a tenth of the time of making and distributing tables.
func (c *Citus) Copy(t testing.TB, database string) {
	t.Helper()
	c.copyFrom(t, databaseName(t, database))
}

func (c *Citus) copyFrom(t testing.TB, template string) {
	t.Helper()
	for _, node := range c.nodes() {
		node.copyFromTemplate(t, template)
	}
}

// AddWorker starts one more worker for a database, and adds it to the cluster. It
// gets no shards yet.
func (c *Citus) AddWorker(t testing.TB, database string) {
	t.Helper()
	where := c.startWorker(t)
	worker := c.Workers[len(c.Workers)-1]
	worker.copyFromTemplate(t, citusTemplate)
	worker.makeDatabase(t, databaseName(t, database))
	Exec(t, AsSuperuser(database), "SELECT citus_add_node("+where+")")
}

// Database makes an empty database on every server, owned by Role, and returns its
// URL at the coordinator.
func (c *Citus) Database(t testing.TB) string {
	t.Helper()
	name := newName()
	for _, node := range c.nodes() {
		node.makeDatabase(t, name)
	}
	return c.Coordinator.url(name)
}

// OnWorker returns the URL of a database at worker i, past its proxy.
func (c *Citus) OnWorker(t testing.TB, i int, database string) string {
	t.Helper()
	return c.Workers[i].url(databaseName(t, database))
}

func (c *Citus) nodes() []*Cluster { return append([]*Cluster{c.Coordinator}, c.Workers...) }

// startWorker returns the address of a new worker as arguments in SQL.
func (c *Citus) startWorker(t testing.TB) string {
	t.Helper()
	worker := newNode(t)
	proxy := NewProxy(t, worker.url(citusTemplate), 0)
	c.Workers, c.Proxies = append(c.Workers, worker), append(c.Proxies, proxy)
	host, port, _ := strings.Cut(proxy.address, ":")
	return fmt.Sprintf("'%s', %s", host, port)
}

// newNode starts a server with a template that has the extension.
func newNode(t testing.TB) *Cluster {
	t.Helper()
	node := New(t, Options{Unsafe: true, Settings: citusSettings})
	Exec(t, AsSuperuser(node.url("postgres")), "CREATE DATABASE "+citusTemplate+" TEMPLATE template0")
	Exec(t, AsSuperuser(node.url(citusTemplate)), "CREATE EXTENSION citus")
	return node
}

// copyFromTemplate makes databases from the template from now on, to which nobody, Citus'
// own process included, can connect any more.
func (c *Cluster) copyFromTemplate(t testing.TB, template string) {
	t.Helper()
	Exec(t, AsSuperuser(c.url("postgres")), "ALTER DATABASE "+template+" ALLOW_CONNECTIONS false",
		"SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = '"+template+"'")
	c.base = template
}

func databaseName(t testing.TB, u string) string {
	t.Helper()
	parsed, err := url.Parse(u)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimPrefix(parsed.Path, "/")
}

// InLongerTier skips the test without the flag -citus.
func InLongerTier(t testing.TB) {
	t.Helper()
	if !*withCitus {
		t.Skip("not run: it belongs to the longer tier (-citus)")
	}
}

// needCitus skips the test where Citus is not installed for the PostgreSQL that
// tests use.
func needCitus(t testing.TB) {
	t.Helper()
	InLongerTier(t)
	bin, err := serverPrograms()
	if err != nil {
		t.Fatal(err)
	}
	server, err := filepath.EvalSymlinks(filepath.Join(bin, "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	lib := filepath.Join(filepath.Dir(filepath.Dir(server)), "lib", "citus.so")
	if _, err := os.Stat(lib); errors.Is(err, os.ErrNotExist) {
		t.Skipf("not run: this machine lacks Citus (%s)", lib)
	}
}
