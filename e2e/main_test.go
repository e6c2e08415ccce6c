// Package e2e drives the built binary as its users do: by scripts, a browser, a
// front-end, the README, faults and load. It relies only on the command line,
// HTTP and the log, not on the code.
package e2e

import (
	"flag"
	"fmt"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"docket/internal/pgtest"
)

var torture = flag.Float64("torture", 0, "how long the tests of faults and load are: 0 is short, 1 is full length")

// atOnce is how many tests run at the same time, unless -parallel says it: most
// of them wait for a timeout or another process most of the time.
const atOnce = "16"

// patience bounds every wait of a test for something that must happen. It is
// long, because the machine may be busy; a test that passes never waits so long.
const patience = 2 * time.Minute

// binary is the path of docket: without the race detector, or in torture with it.
var binary string

// The paths of docket without and with the race detector. A data race ends a
// server that was built with it, which fails the test.
var (
	plainBinary = sync.OnceValues(func() (string, error) { return build("plain") })
	raceBinary  = sync.OnceValues(func() (string, error) { return build("race", "-race") })
)

// binaries is the directory of the binaries. It exists while the tests run.
var binaries string

// defaultDatabase is the DATABASE_URL of a server unless a test sets another
// one: a file in its working directory.
const defaultDatabase = "sqlite:docket.db"

func TestMain(m *testing.M) {
	if description := os.Getenv(attackVariable); description != "" {
		os.Exit(carryOut(description))
	}
	flag.Parse()
	code := buildAndRun(m)
	shown.print()
	os.Exit(code)
}

func buildAndRun(m *testing.M) (code int) {
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		_ = flag.Set("test.parallel", atOnce) // it is a number
	}
	var err error
	if binaries, err = os.MkdirTemp("", "docket-e2e-"); err == nil {
		defer os.RemoveAll(binaries)
		if *torture > 0 {
			binary, err = raceBinary()
		} else {
			binary, err = plainBinary()
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() {
		closeChromium()
		stopBetterAuths()
	}()
	return pgtest.Wrap(m).Run()
}

// build builds docket into a directory and returns the path of the binary.
func build(directory string, flags ...string) (string, error) {
	path := filepath.Join(binaries, directory, "docket")
	command := exec.Command("go", append(append([]string{"build"}, flags...), "-o", path, "./cmd/docket")...)
	command.Dir = ".."
	if out, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("docket cannot be built: %w\n%s", err, out)
	}
	return path, nil
}

// someOf returns the kinds of database that a test runs on: the first alone, and in
// torture all.
func someOf(names ...string) []string {
	if *torture == 0 {
		return names[:1]
	}
	return names
}

// kindsOf returns the kinds of fault or database that a test runs on: the ones named,
// and in torture all.
func kindsOf[V any](all map[string]V, names ...string) map[string]V {
	if *torture == 0 {
		maps.DeleteFunc(all, func(name string, _ V) bool { return !slices.Contains(names, name) })
	}
	return all
}

// long returns how long, how many or how large something is: short in make test,
// full with -torture=1, and in proportion between them.
func long[T ~int | ~int64](short, full T) T {
	return short + T(math.Round(*torture*float64(full-short)))
}

// alongside runs the test at the same time as others, except in torture, where
// the figures that it prints are taken on a machine that does nothing else.
func alongside(t *testing.T) {
	if *torture == 0 {
		t.Parallel()
	}
}

// givingWay returns a command that ends with the test. In torture it has the lowest
// priority, as if it ran on another machine.
func givingWay(t *testing.T, command ...string) *exec.Cmd {
	if *torture > 0 {
		command = append([]string{"nice", "-n", "19"}, command...)
	}
	return exec.CommandContext(t.Context(), command[0], command[1:]...)
}

// eventually polls ok until it holds. The test fails when it does not.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", patience, what)
		}
	}
}
