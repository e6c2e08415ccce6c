package pgtest_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"docket/internal/pgtest"
)

func TestDatabaseIsEmptyAndOwnedByAnOrdinaryRole(t *testing.T) {
	t.Parallel()
	direct := pgtest.Shared(t).Database(t)
	conn := pgtest.Connect(t, direct)

	equal(t, "role", get[string](t, conn, "SELECT current_user"), pgtest.Role)
	equal(t, "superuser", get[bool](t, conn, "SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication FROM pg_roles WHERE rolname = current_user"), false)
	equal(t, "tables", get[int](t, conn, "SELECT count(*)::int FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"), 0)
	do(t, conn, "CREATE SCHEMA docket CREATE TABLE docket.task (title text)")
	equal(t, "encoding", get[string](t, conn, "SHOW server_encoding"), "UTF8")
	equal(t, "lower", get[string](t, conn, "SELECT lower('ÀЖ')"), "àж")

	super := pgtest.Connect(t, pgtest.AsSuperuser(direct))
	equal(t, "AsSuperuser's role", get[string](t, super, "SELECT current_user"), pgtest.SuperRole)
	equal(t, "AsSuperuser's database", get[string](t, super, "SELECT current_database()"), get[string](t, conn, "SELECT current_database()"))
}

func TestDatabasesAreSeparateAndDropped(t *testing.T) {
	t.Parallel()
	c := pgtest.Shared(t)
	admin := pgtest.Connect(t, pgtest.AsSuperuser(c.Database(t)))
	exists := func(u string) bool {
		parsed, err := url.Parse(u)
		if err != nil {
			t.Fatal(err)
		}
		return get[bool](t, admin, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", strings.TrimPrefix(parsed.Path, "/"))
	}
	made, outer := make(chan string, 8), t
	t.Run("made at the same time", func(t *testing.T) {
		for range cap(made) {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				u := c.Database(t)
				conn, err := pgx.Connect(t.Context(), c.DefaultPooler(t).URL(u)) // stays connected
				if err != nil {
					t.Error(err)
					return
				}
				outer.Cleanup(func() { _ = conn.Close(context.Background()) })
				do(t, conn, "CREATE TABLE only_mine ()")
				made <- u
			})
		}
	})
	equal(t, "databases", len(made), cap(made))
	close(made)
	for u := range made {
		equal(t, u+" exists", exists(u), false)
	}
}

func TestDurabilityIsAsOptionsSay(t *testing.T) {
	t.Parallel()
	settings := "SELECT string_agg(setting, ' ' ORDER BY name) FROM pg_settings WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit')"
	private := pgtest.New(t, pgtest.Options{Settings: map[string]string{"application_name": "it's me", "max_connections": "123"}})
	conn := pgtest.Connect(t, private.Database(t))
	equal(t, "private", get[string](t, conn, settings), "on on on")
	equal(t, "application_name", get[string](t, conn, "SHOW application_name"), "it's me")
	equal(t, "max_connections", get[string](t, conn, "SHOW max_connections"), "123")

	equal(t, "shared", get[string](t, pgtest.Connect(t, pgtest.Shared(t).Database(t)), settings), "off off off")
}

func TestStopStartRestart(t *testing.T) {
	t.Parallel()
	c := pgtest.New(t, pgtest.Options{})
	direct := c.Database(t)
	pooled := c.DefaultPooler(t).URL(direct)
	pgtest.Exec(t, direct, "CREATE TABLE kept (n int)")
	for i, mode := range []pgtest.Mode{pgtest.Fast, pgtest.Immediate} {
		conn := pgtest.Connect(t, direct)
		do(t, conn, "INSERT INTO kept VALUES (1)")
		started := get[string](t, conn, "SELECT pg_postmaster_start_time()::text")

		c.Restart(t, mode)
		if err := conn.Ping(t.Context()); err == nil {
			t.Errorf("%s: an old connection still works", mode)
		}
		again := pgtest.Connect(t, direct)
		equal(t, string(mode)+": rows", get[int](t, again, "SELECT count(*)::int FROM kept"), i+1)
		if get[string](t, again, "SELECT pg_postmaster_start_time()::text") == started {
			t.Errorf("%s: the same server runs", mode)
		}
		eventually(t, func() error { // the pooler notices and connects again
			conn, err := pgx.Connect(t.Context(), pooled)
			if err != nil {
				return err
			}
			return errors.Join(conn.Ping(t.Context()), conn.Close(t.Context()))
		})
	}

	c.Stop(t, pgtest.Fast)
	var refused *pgconn.ConnectError
	if _, err := pgx.Connect(t.Context(), direct); !errors.As(err, &refused) {
		t.Errorf("connecting to a stopped server: %v", err)
	}
	c.Start(t)
	pgtest.Connect(t, direct)
	c.Stop(t, pgtest.Immediate) // the test ends with a stopped cluster
}

// The servers of a killed test binary end.
func TestNoOrphans(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Log("this asserts nothing: only Linux has a death signal")
		return
	}
	t.Parallel()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestOrphanMaker$", "-test.v")
	child.Env = append(os.Environ(), orphanMaker+"=1")
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var addresses []string
	dir := ""
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if _, err := fmt.Sscanf(lines.Text(), "orphans %s", &dir); err == nil {
			addresses = strings.Fields(lines.Text())[2:]
			break
		}
	}
	equal(t, "servers", len(addresses), 2)
	for _, address := range addresses {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.Close()
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // returns that it was killed
	for _, address := range addresses {
		eventually(t, func() error {
			conn, err := net.Dial("tcp", address)
			if err != nil {
				return nil
			}
			return errors.Join(errors.New("a server still listens at "+address), conn.Close())
		})
	}
	eventually(t, func() error { // an immediate shutdown removes it, a kill does not
		if _, err := os.Stat(dir + "/data/postmaster.pid"); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("postmaster.pid is there: %w", err)
		}
		return nil
	})
	if err := os.RemoveAll(dir); err != nil {
		t.Error(err)
	}
}

const orphanMaker = "PGTEST_ORPHAN_MAKER"

// TestOrphanMaker is the program that TestNoOrphans kills. Without the variable
// it does nothing.
func TestOrphanMaker(t *testing.T) {
	if os.Getenv(orphanMaker) == "" {
		return
	}
	c := pgtest.New(t, pgtest.Options{})
	conn := pgtest.Connect(t, pgtest.AsSuperuser(c.Database(t)))
	data := get[string](t, conn, "SHOW data_directory")
	fmt.Println("orphans", strings.TrimSuffix(data, "/data"), c.Addr(), c.DefaultPooler(t).Addr())
	<-context.Background().Done()
}
