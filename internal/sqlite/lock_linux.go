package sqlite

import (
	"errors"
	"fmt"
	"io"

	"golang.org/x/sys/unix"
)

// lockOffset is the place of the byte that lockItself locks. It is in the page of the
// file that SQLite keeps free of data, behind the 512 bytes that SQLite locks.
const lockOffset = 1<<30 + 512

// lockItself locks the database at path whatever name it was opened by. The lock
// belongs to the descriptor, not to the process (F_OFD_SETLK), so SQLite's locks and
// this one do not release each other. But closing the descriptor drops SQLite's locks
// in this process.
func lockItself(path string) (io.Closer, error) {
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot open %s: %w", path, err)
	}
	err = unix.FcntlFlock(uintptr(fd), unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_WRLCK, Start: lockOffset, Len: 1})
	switch {
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EACCES):
		// The descriptor stays open: the store that has the lock may be in this process.
		return nil, inUse(path)
	case err != nil && !errors.Is(err, unix.EINVAL): // a kernel or file system without such locks
		return nil, errors.Join(fmt.Errorf("cannot lock %s: %w", path, err), unix.Close(fd))
	}
	return descriptor(fd), nil
}

// descriptor is an open file that the garbage collector does not close.
type descriptor int

func (d descriptor) Close() error { return unix.Close(int(d)) }

// identity names the file at path: no other file of this machine has the same name,
// now or later.
func identity(path string) (string, error) {
	var s unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, path, 0, unix.STATX_INO|unix.STATX_BTIME, &s); err != nil {
		return "", fmt.Errorf("cannot examine %s: %w", path, err)
	}
	if s.Mask&unix.STATX_BTIME == 0 { // inodes alone are given again
		return fmt.Sprintf("device %d:%d inode %d", s.Dev_major, s.Dev_minor, s.Ino), nil
	}
	// Without the device: its number changes with each mount on some file systems.
	return fmt.Sprintf("inode %d born %d.%09d", s.Ino, s.Btime.Sec, s.Btime.Nsec), nil
}
