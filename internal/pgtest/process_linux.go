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

// memoryDirectory returns a directory in memory that has room for the clusters
// of several test binaries, or "". Containers often have only 64 MiB there.
func memoryDirectory() string {
	const directory, needed = "/dev/shm", 2 << 30
	var stat syscall.Statfs_t
	if err := syscall.Statfs(directory, &stat); err != nil || stat.Bavail*uint64(stat.Bsize) < needed {
		return ""
	}
	return directory
}
