package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"docket/internal/pgtest"
)

// TestTwoInstances has a crowd work on two servers of one database, and holds
// what they say against one history.
func TestTwoInstances(t *testing.T) {
	pooled := func(t *testing.T, direct string) string {
		return pooledURL(pgtest.Shared(t).DefaultPooler(t), direct)
	}
	for name, second := range map[string]func(t *testing.T, direct string) string{
		"both direct": func(_ *testing.T, direct string) string { return direct },
		"one pooled":  pooled,
	} {
		t.Run(name, func(t *testing.T) {
			direct := pgtest.Shared(t).Database(t)
			one := newServer(t, t.TempDir(), direct)
			two := newServer(t, t.TempDir(), second(t, direct))
			history := crowd(t, []string{one.Start(t), two.Start(t)}, long(2*time.Second, 20*time.Second))
			one.Stop(t)
			two.Stop(t)
			report(t, history)
		})
	}
}

// TestEightInstances starts servers together on an empty database, takes the
// schema that they made down to nothing and makes it anew.
func TestEightInstances(t *testing.T) {
	const away = 10 * time.Millisecond // each way is so long that all migrate at the same time
	type settings struct{ database, direct string }
	for name, ways := range map[string]func(t *testing.T, direct string, way *pgtest.Proxy) settings{
		"postgres": func(_ *testing.T, direct string, way *pgtest.Proxy) settings {
			return settings{database: way.URL(direct)}
		},
		"pgbouncer": func(t *testing.T, direct string, way *pgtest.Proxy) settings {
			return settings{database: pooledURL(pgtest.Shared(t).Pooler(t, pgtest.PoolerOptions{Via: way}), direct)}
		},
		"pgbouncer and direct": func(t *testing.T, direct string, way *pgtest.Proxy) settings {
			return settings{pooledURL(pgtest.Shared(t).DefaultPooler(t), direct), way.URL(direct)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			direct := pgtest.Shared(t).Database(t)
			way := pgtest.NewProxy(t, direct, away)
			set := ways(t, direct, way)
			env := []string{"DATABASE_URL=" + set.database, "DIRECT_DATABASE_URL=" + set.direct}
			startTogether(t, 8, env)
			if way.RoundTrips() == 0 {
				t.Error("nobody migrated on the way that was meant for it")
			}

			made := dumpSchema(t, direct)
			undone := migrateToNothing(t, env)
			if left := dumpSchema(t, direct); strings.Contains(left, "docket.tasks") {
				t.Errorf("something is left:\n%s", left)
			}
			docket(t, env, "migrate", "up")
			if diff := cmp.Diff(strings.Split(made, "\n"), strings.Split(dumpSchema(t, direct), "\n")); diff != "" {
				t.Errorf("the schema made by eight and the one made anew (- eight, + anew):\n%s", diff)
			}
			t.Logf("%d steps, a schema of %d lines", undone, strings.Count(made, "\n"))
		})
	}
}

// startTogether starts servers at the same time. All are ready, the schema has
// every step once, and all stop again.
func startTogether(t *testing.T, n int, env []string) {
	t.Helper()
	servers := make([]*server, n)
	var wg sync.WaitGroup
	for i := range servers {
		servers[i] = newServer(t, t.TempDir(), "")
		wg.Go(func() { servers[i].Start(aside{t}, env...) })
	}
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
	for _, s := range servers {
		var ready map[string]string
		newClient(t, s.URL, 1).get(t, "/readyz", &ready)
	}
	status := docket(t, env, "migrate", "status")
	for i, line := range strings.Split(strings.TrimSpace(status), "\n") {
		if ok, _ := regexp.MatchString(fmt.Sprintf(`^%d  \S+  applied$`, i+1), line); !ok {
			t.Errorf("the schema's status is\n%s", status)
		}
	}
	for _, s := range servers {
		s.Stop(t)
	}
}

// aside is a failer for goroutines that are not the test's own.
type aside struct{ t *testing.T }

func (a aside) Fatalf(format string, args ...any) {
	a.t.Errorf(format, args...)
	runtime.Goexit()
}

// migrateToNothing undoes steps until there is none, and returns how many there
// were.
func migrateToNothing(t *testing.T, env []string) (steps int) {
	t.Helper()
	for ; steps < 100; steps++ {
		out, err := runDocket(t, env, "migrate", "down", "--drop-data")
		if err != nil && strings.Contains(out, "has no schema to undo") {
			return steps
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	t.Fatal("there is no end to what can be undone")
	return steps
}

// docket runs a command, which must succeed, and returns what it prints.
func docket(t *testing.T, env []string, args ...string) string {
	t.Helper()
	out, err := runDocket(t, env, args...)
	if err != nil {
		t.Fatalf("docket %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func runDocket(t *testing.T, env []string, args ...string) (string, error) {
	ctx, cancel := untilDeadline(t)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Dir = t.TempDir()
	cmd.Env = append(cleanEnv(), env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// dumpSchema returns the database's schema as the server's own pg_dump prints
// it, without what that makes up at random.
func dumpSchema(t *testing.T, direct string) string {
	t.Helper()
	ctx, cancel := untilDeadline(t)
	defer cancel()
	cmd := exec.CommandContext(ctx, pgDump(t, direct), "--schema-only", "--dbname="+direct)
	cmd.Env = cleanEnv()
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("pg_dump: %v\n%s", err, errs.String())
	}
	return regexp.MustCompile(`(?m)^\\(un)?restrict .*$`).ReplaceAllString(string(out), "")
}

// pgDump finds the program that came with the server, or else the one in PATH.
func pgDump(t *testing.T, direct string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), pgtest.AsSuperuser(direct))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var dir string
	if err := conn.QueryRow(t.Context(), "SELECT setting FROM pg_config WHERE name = 'BINDIR'").Scan(&dir); err != nil {
		t.Fatal(err)
	}
	if beside := filepath.Join(dir, "pg_dump"); fileExists(beside) {
		return beside
	}
	path, err := exec.LookPath("pg_dump")
	if err != nil {
		t.Fatalf("there is no pg_dump beside the server or in PATH: %v", err)
	}
	return path
}

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
