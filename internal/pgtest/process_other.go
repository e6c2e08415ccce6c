//go:build !linux

package pgtest

import (
	"os/exec"
	"syscall"
)

// confine does nothing. On these systems the tests run as an ordinary user, and
// a server whose test binary was killed ends when its directory is removed.
func confine(*exec.Cmd, *account, syscall.Signal) {}

// memoryDirectory returns "": these systems have no directory in memory.
func memoryDirectory() string { return "" }
