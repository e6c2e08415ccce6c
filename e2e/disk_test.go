package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestDiskFull serves from a small file system of its own and fills it: reads
// go on, writes are refused as what they are, nothing is lost, and when there
// is space again all is as before.
func TestDiskFull(t *testing.T) {
	s := newServer(t, t.TempDir(), defaultDatabase)
	s.wrap = []string{"unshare", "--mount", "--map-root-user", "sh", "-c", `mount -t tmpfs -o size=6m tmpfs . && cd "$PWD" && exec "$@"`, "sh"}
	s.Start(t)
	inside := filepath.Join("/proc", fmt.Sprint(s.cmd.Process.Pid), "cwd") // the file system is the server's alone
	c := newClient(t, s.URL, 1)
	write := func(n int) answer {
		a, err := c.do(t.Context(), http.MethodPost, tasksPath("u"), fmt.Sprintf(`{"title": "%d", "description": %q}`, n, strings.Repeat("x", 4000)))
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	acknowledged := 0
	count := func() {
		t.Helper()
		var list []task
		c.get(t, tasksPath("u"), &list)
		if len(list) != acknowledged {
			t.Fatalf("%d tasks were acknowledged, and there are %d", acknowledged, len(list))
		}
	}
	for range 20 {
		if a := write(acknowledged); a.Status != http.StatusCreated {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
		acknowledged++
	}
	refusals := map[string]int{}
	for round := range long(2, 10) {
		filler := filepath.Join(inside, "filler")
		if err := fillDisk(filler); err != nil {
			t.Fatal(err)
		}
		for full := 0; full < 5; {
			switch a := write(acknowledged); a.Status {
			case http.StatusCreated: // there was a page left
				acknowledged++
			case http.StatusInsufficientStorage, http.StatusServiceUnavailable:
				var problem struct{ Type string }
				_ = a.decodeLoosely(&problem)
				refusals[fmt.Sprint(a.Status, " ", strings.TrimPrefix(problem.Type, "/problems/"))]++
				full++
			default:
				t.Fatalf("%d %s", a.Status, a.Body)
			}
			count()
		}
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
		eventually(t, 5*time.Second, fmt.Sprintf("writes succeed again in round %d", round), func() bool { return write(acknowledged).Status == http.StatusCreated })
		acknowledged++
		count()
	}
	showf(t, "Disk full", "reads go on, writes are a 503 or 507, nothing lost", "%d tasks, 0 lost, refusals %v", acknowledged, refusals)
	s.Stop(t)
}

// fillDisk writes a file until there is no space.
func fillDisk(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	for block := make([]byte, 4096); err == nil; {
		_, err = f.Write(block)
	}
	return nil
}
