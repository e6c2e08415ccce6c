package pgtest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// limitPeriod is how often a limited server gets its share.
const limitPeriod = 20 * time.Millisecond

// Limit holds the server with all its processes to a share of one core, in percent,
// until the test ends. That takes a control group: where this process may make none
// (it is not root, or not on Linux) the test is not run.
func (c *Cluster) Limit(t testing.TB, percent int) {
	t.Helper()
	group, err := newGroup(fmt.Sprintf("pgtest-%d", c.port), limitPeriod*time.Duration(percent)/100)
	if err != nil {
		t.Skip("not run: no control group: ", err)
	}
	t.Cleanup(func() {
		if err := removeGroup(group); err != nil {
			t.Error(err)
		}
	})
	if err := c.moveTo(group); err != nil {
		t.Fatal(err)
	}
}

// newGroup makes a control group whose processes together get so much of a core in
// each limitPeriod.
func newGroup(name string, share time.Duration) (group string, err error) {
	const root = "/sys/fs/cgroup"
	settings := map[string]string{"cpu.max": fmt.Sprintf("%d %d", share.Microseconds(), limitPeriod.Microseconds())}
	parent := root
	if _, err := os.Stat(filepath.Join(root, "cgroup.controllers")); err == nil {
		err = os.WriteFile(filepath.Join(root, "cgroup.subtree_control"), []byte("+cpu"), 0)
		if err != nil {
			return "", err
		}
	} else { // version 1
		parent = filepath.Join(root, "cpu")
		settings = map[string]string{"cpu.cfs_period_us": strconv.FormatInt(limitPeriod.Microseconds(), 10), "cpu.cfs_quota_us": strconv.FormatInt(share.Microseconds(), 10)}
	}
	group = filepath.Join(parent, name)
	if err := os.Mkdir(group, 0o755); err != nil && !errors.Is(err, os.ErrExist) { // a test that was killed has left it
		return "", err
	}
	for file, value := range settings {
		if err := os.WriteFile(filepath.Join(group, file), []byte(value), 0); err != nil {
			return "", errors.Join(err, os.Remove(group))
		}
	}
	return group, nil
}

// removeGroup moves the processes of a control group to its parent, and removes it. A
// process may be born meanwhile, or take a moment to leave.
func removeGroup(group string) error {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		pids, err := os.ReadFile(filepath.Join(group, "cgroup.procs"))
		if err != nil {
			return fmt.Errorf("pgtest: %w", err)
		}
		for pid := range strings.FieldsSeq(string(pids)) {
			_ = os.WriteFile(filepath.Join(filepath.Dir(group), "cgroup.procs"), []byte(pid), 0) // it may have ended
		}
		if err := os.Remove(group); !errors.Is(err, syscall.EBUSY) {
			return err
		}
	}
	return fmt.Errorf("pgtest: %s stays in use", group)
}

// moveTo puts the server and its children into a control group. Later children are
// born there.
func (c *Cluster) moveTo(group string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.server == nil {
		return nil
	}
	server := strconv.Itoa(c.server.cmd.Process.Pid)
	move := func(pid string) error {
		return os.WriteFile(filepath.Join(group, "cgroup.procs"), []byte(pid), 0)
	}
	if err := move(server); err != nil {
		return fmt.Errorf("pgtest: %w", err)
	}
	children, err := os.ReadFile(fmt.Sprintf("/proc/%s/task/%[1]s/children", server))
	if err != nil {
		return fmt.Errorf("pgtest: %w", err)
	}
	for pid := range strings.FieldsSeq(string(children)) {
		if err := move(pid); err != nil && !errors.Is(err, syscall.ESRCH) { // it may have ended
			return fmt.Errorf("pgtest: %w", err)
		}
	}
	return nil
}
