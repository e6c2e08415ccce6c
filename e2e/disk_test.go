package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDiskFull serves from a small file system of its own and fills it. Reads are
// served, writes are refused with an honest status, no acknowledged task is lost,
// and writes succeed again when there is space.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	s := newServer(t, t.TempDir(), defaultDatabase)
	s.wrap = []string{"unshare", "--mount", "--map-root-user", "sh", "-c", `mount -t tmpfs -o size=6m tmpfs . && cd "$PWD" && exec "$@"`, "sh"}
	s.Start(t)
	inside := filepath.Join("/proc", fmt.Sprint(s.cmd.Process.Pid), "cwd") // only the server's processes see the file system
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
			t.Fatalf("%d tasks were acknowledged, and %d exist", acknowledged, len(list))
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
			case http.StatusCreated: // the file still had a free page
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
		eventually(t, fmt.Sprintf("writes succeed again in round %d", round), func() bool { return write(acknowledged).Status == http.StatusCreated })
		acknowledged++
		count()
	}
	showf(t, "Disk full", "reads are served, writes are a 503 or 507, nothing lost", "%d tasks, 0 lost, refusals %v", acknowledged, refusals)
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
