package connect

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"

	"docket/internal/postgres/pgerror"
)

const (
	// ConnectTimeout bounds one attempt to connect at the start, unless the URL says
	// otherwise. A suspended Neon compute takes seconds to wake.
	ConnectTimeout = 15 * time.Second
	// ReconnectTimeout bounds it afterwards. While a network is split, attempts that
	// nobody answers fill the pool; a compute goes on to wake when one ends.
	ReconnectTimeout = 3 * time.Second
)

// Target is a database as its URL names it.
type Target struct {
	config *pgx.ConnConfig
	// Pooled says that the URL names a transaction pooler.
	Pooled bool
	// Warnings are sentences for the operator. They hold no secrets.
	Warnings []string
}

// ParseURL parses a PostgreSQL URL as it is copied from Neon's console, from the
// settings of an ORM or from those of the Python version. It translates or drops the
// parameters of these clients. An unknown parameter is an error. Errors are predicates
// with the URL as subject, and hold no secrets.
func ParseURL(text string) (Target, error) {
	u, err := url.Parse(text)
	if err != nil {
		return Target{}, errMisread
	}
	scheme, _, _ := strings.Cut(u.Scheme, "+") // postgresql+asyncpg
	if scheme != "postgres" && scheme != "postgresql" {
		return Target{}, errors.New("must begin with postgres:// or postgresql://")
	}
	u.Scheme = "postgres"
	if misread(u) {
		return Target{}, errMisread
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return Target{}, errors.New("has parameters that cannot be decoded")
	}
	t := Target{Pooled: query.Get("pgbouncer") == "true" || looksPooled(u)}
	if err := translateParameters(query, u.Hostname()); err != nil {
		return Target{}, err
	}
	u.RawQuery = query.Encode()

	t.config, err = pgx.ParseConfig(u.String())
	if err != nil {
		if parse, ok := errors.AsType[*pgconn.ParseConfigError](err); ok && parse.Unwrap() != nil {
			return Target{}, fmt.Errorf("cannot be used: %w", parse.Unwrap())
		}
		return Target{}, errors.New("cannot be used: one of its parameters has a value that PostgreSQL clients do not know")
	}
	if t.config.ConnectTimeout == 0 {
		t.config.ConnectTimeout = ConnectTimeout
	}
	if _, set := t.config.RuntimeParams["application_name"]; !set {
		t.config.RuntimeParams["application_name"] = "docket"
	}
	t.config.OnNotice = pgerror.Heed
	t.config.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler { return &canceller{conn: conn} }
	if mode := query.Get("sslmode"); !local(u.Hostname()) && mode != "verify-full" {
		t.Warnings = append(t.Warnings, "the database's identity is not verified: add sslmode=verify-full&sslrootcert=system to its URL")
	}
	return t, nil
}

var errMisread = errors.New("is not a URL: percent-encode special characters of the user and the password")

// misread reports whether a URL was split at a /, ? or # of the password. Then parts of
// the password are where they would be shown.
func misread(u *url.URL) bool {
	return strings.Contains(u.Path, "@") || strings.Contains(u.RawQuery, "@") || u.Fragment != "" || u.Opaque != "" || strings.HasSuffix(u.Host, ":")
}

// understood are the parameters that a URL may set: pgx knows them, or every
// PostgreSQL server and pooler does.
var understood = []string{
	"sslmode", "sslrootcert", "sslcert", "sslkey", "sslpassword", "sslsni", "sslnegotiation", "channel_binding", "require_auth", "passfile", "service",
	"connect_timeout", "target_session_attrs", "application_name", "krbsrvname", "krbspn", "host", "port", "user", "password", "dbname",
	"min_protocol_version", "max_protocol_version",
}

// foreign are parameters of other clients. They are dropped.
var foreign = []string{
	"pgbouncer", "connection_limit", "pool_timeout", "sslaccept", "uselibpqcompat", "socket_timeout",
	"statement_cache_size", "prepared_statement_cache_size", "prepared_statement_name_func", "command_timeout",
}

// misplaced are parameters for what Docket sets itself, with what to do instead.
var misplaced = map[string]string{
	"schema":                        "Docket's tables lie in the schema docket",
	"search_path":                   "Docket's tables lie in the schema docket",
	"currentSchema":                 "Docket's tables lie in the schema docket",
	"default_query_exec_mode":       "set DATABASE_EXEC_MODE instead",
	"pool_max_conns":                "set DATABASE_MAX_CONNS instead",
	"statement_timeout":             "Docket bounds each statement itself, and poolers refuse this parameter",
	"default_transaction_isolation": "Docket relies on READ COMMITTED, and poolers refuse this parameter",
}

func translateParameters(query url.Values, host string) error {
	for name := range query {
		switch {
		case len(query[name]) > 1:
			return fmt.Errorf("gives the parameter %s twice", name)
		case slices.Contains(foreign, name):
			query.Del(name)
		case name == "ssl": // asyncpg
			mode := map[string]string{"true": "require", "false": "disable"}[query.Get(name)]
			if mode == "" {
				mode = query.Get(name)
			}
			query.Del(name)
			if query.Get("sslmode") == "" {
				query.Set("sslmode", mode)
			}
		case name == "options" && strings.HasPrefix(query.Get(name), "endpoint="):
			if !strings.HasSuffix(host, ".neon.tech") {
				query.Del(name) // only Neon's proxy understands it
			}
		case misplaced[name] != "":
			return fmt.Errorf("has the parameter %s: remove it (%s)", name, misplaced[name])
		case !slices.Contains(understood, name):
			return fmt.Errorf("has the parameter %s, which is not understood: remove it", name)
		}
	}
	return nil
}

// looksPooled reports whether the address is that of a pooler: a pooled host name of
// Neon, or a port of pgbouncer or Supavisor.
func looksPooled(u *url.URL) bool {
	label, _, _ := strings.Cut(u.Hostname(), ".")
	return strings.HasSuffix(label, "-pooler") || u.Port() == "6432" || u.Port() == "6543"
}

func local(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "" || host == "localhost" || strings.HasPrefix(host, "/") || err == nil && addr.IsLoopback()
}

// Config returns a copy of the configuration of connections to t.
func (t Target) Config() *pgx.ConnConfig { return t.config.Copy() }

// At returns the target for the same database and role at another server, whose address
// is HOST:PORT.
func (t Target) At(address string) (Target, error) {
	u, err := url.Parse(t.config.ConnString())
	if err != nil {
		return Target{}, err
	}
	query := u.Query()
	query.Del("host")
	query.Del("port")
	query.Del("target_session_attrs")
	u.RawQuery, u.Host = query.Encode(), address
	return ParseURL(u.String())
}

// String names the database without secrets.
func (t Target) String() string {
	return fmt.Sprintf("%s at %s (PostgreSQL)", t.config.Database, net.JoinHostPort(t.config.Host, strconv.Itoa(int(t.config.Port))))
}
