//go:build unix && !linux

package sqlite

import (
	"fmt"
	"io"
	"syscall"
)

// lockItself locks nothing: here a lock on the database would be at odds with those of
// SQLite. Only servers by the same path exclude each other.
func lockItself(string) (io.Closer, error) { return io.NopCloser(nil), nil }

// identity names the file at path.
func identity(path string) (string, error) {
	var s syscall.Stat_t
	if err := syscall.Stat(path, &s); err != nil {
		return "", fmt.Errorf("cannot examine %s: %w", path, err)
	}
	return fmt.Sprintf("device %d inode %d", s.Dev, s.Ino), nil
}
