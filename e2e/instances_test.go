package e2e

import (
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

	"docket/internal/pgtest"
)

// TestTwoInstances has clients work on two servers of one database, and checks
// that all answers together are a possible history; see checkHistory.
func TestTwoInstances(t *testing.T) {
	alongside(t)
	pooled := func(t *testing.T, direct string) string {
		return pooledURL(pgtest.Shared(t).DefaultPooler(t), direct)
	}
	for name, second := range kindsOf(map[string]func(t *testing.T, direct string) string{
		"both direct": func(_ *testing.T, direct string) string { return direct },
		"one pooled":  pooled,
	}, "one pooled") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			direct := pgtest.Shared(t).Database(t)
			one := newServer(t, t.TempDir(), direct)
			two := newServer(t, t.TempDir(), second(t, direct))
			one.useRace(t)
			two.useRace(t)
			history := crowd(t, []string{one.Start(t), two.Start(t)}, long(1000, 20_000))
			one.Stop(t)
			two.Stop(t)
			report(t, history)
		})
	}
}

// TestEightInstances starts servers at the same time on an empty database, undoes
// every step of the schema that they made, and makes it again.
func TestEightInstances(t *testing.T) {
	alongside(t)
	const delay = 10 * time.Millisecond // so that all of them migrate at the same time
	type settings struct{ database, direct string }
	for name, connect := range kindsOf(map[string]func(t *testing.T, direct string, proxy *pgtest.Proxy) settings{
		"postgres": func(_ *testing.T, direct string, proxy *pgtest.Proxy) settings {
			return settings{database: proxy.URL(direct)}
		},
		"pgbouncer": func(t *testing.T, direct string, proxy *pgtest.Proxy) settings {
			return settings{database: pooledURL(pgtest.Shared(t).Pooler(t, pgtest.PoolerOptions{Via: proxy}), direct)}
		},
		"pgbouncer and direct": func(t *testing.T, direct string, proxy *pgtest.Proxy) settings {
			return settings{pooledURL(pgtest.Shared(t).DefaultPooler(t), direct), proxy.URL(direct)}
		},
	}, "pgbouncer and direct") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			direct := pgtest.Shared(t).Database(t)
			proxy := pgtest.NewProxy(t, direct, delay)
			set := connect(t, direct, proxy)
			env := []string{"DATABASE_URL=" + set.database, "DIRECT_DATABASE_URL=" + set.direct}
			startTogether(t, 8, env)
			if proxy.RoundTrips() == 0 {
				t.Error("no server migrated through the proxy")
			}

			made := dumpSchema(t, direct)
			undone := migrateToNothing(t, env)
			if left := dumpSchema(t, direct); strings.Contains(left, "docket.tasks") {
				t.Errorf("something is left:\n%s", left)
			}
			docket(t, env, "migrate", "up")
			if diff := cmp.Diff(strings.Split(made, "\n"), strings.Split(dumpSchema(t, direct), "\n")); diff != "" {
				t.Errorf("the schema made by eight servers and the one made again (- eight, + again):\n%s", diff)
			}
			t.Logf("%d steps, a schema of %d lines", undone, strings.Count(made, "\n"))
		})
	}
}

// startTogether starts servers at the same time. All must become ready, and the
// schema must have every step once. Then it stops them.
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

// aside is a failer for a goroutine that is not the test's own.
type aside struct{ t *testing.T }

func (a aside) Fatalf(format string, args ...any) {
	a.t.Errorf(format, args...)
	runtime.Goexit()
}

// migrateToNothing undoes all steps of the schema, and returns how many there were.
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
	t.Fatal("after 100 steps the schema still has one to undo")
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

// dumpSchema returns the database's schema as the server's own pg_dump prints it,
// without the random keys in it.
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
	conn := pgtest.Connect(t, pgtest.AsSuperuser(direct))
	var dir string
	if err := conn.QueryRow(t.Context(), "SELECT setting FROM pg_config WHERE name = 'BINDIR'").Scan(&dir); err != nil {
		t.Fatal(err)
	}
	if beside := filepath.Join(dir, "pg_dump"); fileExists(beside) {
		return beside
	}
	path, err := exec.LookPath("pg_dump")
	if err != nil {
		t.Fatalf("pg_dump is neither beside the server nor in PATH: %v", err)
	}
	return path
}

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
