//go:build !linux

package pgtest

import (
	"os/exec"
	"syscall"
)

// confine does nothing: elsewhere the tests run as an ordinary user, and a
// server whose test binary was killed ends when its directory is removed.
func confine(*exec.Cmd, *account, syscall.Signal) {}
