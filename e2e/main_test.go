// Package e2e drives the built binary as its users do: scripts, a browser, a
// front-end, the README, crashes and crowds. It knows nothing of the code
// inside; what it may rely on is the command line, HTTP and the log.
package e2e

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"docket/internal/pgtest"
)

var torture = flag.Bool("torture", false, "make the tests of crashes, outages and crowds long")

// binary is the path of docket, built with the race detector: a race in the
// server ends it, and with it the test that caused the race.
var binary string

// defaultDatabase is the DATABASE_URL of a server that no test gives another:
// a file in its working directory.
const defaultDatabase = "sqlite:docket.db"

func TestMain(m *testing.M) {
	code := buildAndRun(m)
	shown.print()
	os.Exit(code)
}

func buildAndRun(m *testing.M) (code int) {
	dir, err := os.MkdirTemp("", "docket-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "docket")
	build := exec.Command("go", "build", "-race", "-o", binary, "./cmd/docket")
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "docket cannot be built: %v\n%s", err, out)
		return 1
	}
	return pgtest.Wrap(m).Run()
}

// long is torture's value under -torture and usual's otherwise.
func long[T any](usual, tortured T) T {
	if *torture {
		return tortured
	}
	return usual
}

// eventually polls ok until it holds, and fails the test when it does not
// within the time.
func eventually(t testing.TB, within time.Duration, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(within); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", within, what)
		}
	}
}
