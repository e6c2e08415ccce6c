package pgtest

import (
	"os/exec"
	"syscall"
)

// confine makes the program run as owner, and makes the kernel send it
// orphaned when this process ends, however that happens.
func confine(cmd *exec.Cmd, owner *account, orphaned syscall.Signal) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: orphaned}
	if owner != nil {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: owner.uid, Gid: owner.gid}
	}
}
