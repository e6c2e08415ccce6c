package pgtest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gofrs/flock"
)

// errMissing is what a test reports when a program is not installed.
var errMissing = errors.New("install postgresql (Debian: apt-get install postgresql pgbouncer), or run make deps")

// serverPrograms returns the directory of initdb and postgres: the one in PATH,
// or the newest of those that Debian's packages install outside PATH.
func serverPrograms() (string, error) {
	return find("/usr/lib/postgresql/*/bin", "initdb", "postgres")
}

// newerPooler is where the package of pgbouncer 1.25 puts it, beside Debian's.
const newerPooler = "/usr/lib/pgbouncer-1.25/pgbouncer"

var errNoNewer = errors.New("this machine lacks pgbouncer 1.25 (" + newerPooler + ")")

// poolerProgram returns the path of pgbouncer. The PATH of an ordinary user may
// lack /usr/sbin.
func poolerProgram(newer bool) (string, error) {
	if newer {
		if _, err := exec.LookPath(newerPooler); err != nil {
			return "", errNoNewer
		}
		return newerPooler, nil
	}
	dir, err := find("/usr/sbin", "pgbouncer")
	return filepath.Join(dir, "pgbouncer"), err
}

// find returns a directory that has all the programs: the one in PATH, or else,
// of the directories that match the pattern, the one whose parent directory is
// the greatest number.
func find(pattern string, programs ...string) (string, error) {
	has := func(dir string) bool {
		for _, program := range programs {
			if _, err := exec.LookPath(filepath.Join(dir, program)); err != nil {
				return false
			}
		}
		return true
	}
	if path, err := exec.LookPath(programs[0]); err == nil && has(filepath.Dir(path)) {
		return filepath.Dir(path), nil
	}
	dirs, err := filepath.Glob(pattern)
	if err != nil {
		return "", err
	}
	best, newest := "", -1
	for _, dir := range dirs {
		version, _ := strconv.Atoi(filepath.Base(filepath.Dir(dir))) // 0 without one
		if version > newest && has(dir) {
			best, newest = dir, version
		}
	}
	if best == "" {
		return "", errMissing
	}
	return best, nil
}

// account is a user of the operating system.
type account struct{ uid, gid uint32 }

// serverAccount returns the account that runs the servers; nil is our own.
func serverAccount() (*account, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			return nil, err
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			return nil, err
		}
		return &account{uid: uint32(uid), gid: uint32(gid)}, nil
	}
	return nil, errors.New("pgtest: PostgreSQL refuses to run as root, and there is no user postgres or nobody to run it as")
}

// The name of a cluster's directory has this prefix. The directory holds a file
// that the test binary keeps locked for as long as it runs.
const (
	directoryPrefix = "docket-pgtest-"
	lockName        = "lock"
)

// directory holds the files of a cluster. Only the servers' account may read it.
type directory struct {
	path  string
	owner *account
	lock  *flock.Flock
}

// newDirectory makes a directory. With inMemory it is on a file system in
// memory, if this machine has one with enough room: creating a database there
// takes a fifth of the time.
func newDirectory(inMemory bool) (*directory, error) {
	owner, err := serverAccount()
	if err != nil {
		return nil, err
	}
	bases := []string{os.TempDir(), "/tmp", "/var/tmp"}
	if memory := memoryDirectory(); inMemory && memory != "" {
		bases = slices.Insert(bases, 0, memory)
	}
	for _, base := range bases {
		if !reaches(owner, base) { // such as root's own TMPDIR
			continue
		}
		sweep(base, time.Minute)
		path, err := os.MkdirTemp(base, directoryPrefix)
		if err != nil {
			return nil, fmt.Errorf("pgtest: %w", err)
		}
		d := &directory{path: path, owner: owner, lock: flock.New(filepath.Join(path, lockName))}
		_, err = d.lock.TryLock()
		if err == nil && owner != nil {
			err = os.Chown(path, int(owner.uid), int(owner.gid))
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("pgtest: %w", err), d.remove())
		}
		return d, nil
	}
	return nil, fmt.Errorf("pgtest: the user who runs PostgreSQL cannot enter %s, /tmp or /var/tmp", os.TempDir())
}

// reaches reports whether the account may enter dir and all its parents. Our own
// account may enter our temporary directory.
func reaches(a *account, dir string) bool {
	if a == nil {
		return true
	}
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return false
	}
	for {
		info, err := os.Stat(dir)
		if err != nil || !info.IsDir() || info.Mode().Perm()&0o001 == 0 {
			return false
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return true
		}
		dir = parent
	}
}

// sweep removes the directories that killed test binaries have left behind. It
// spares those younger than age, whose lock may not be taken yet.
func sweep(base string, age time.Duration) {
	entries, err := os.ReadDir(base)
	if err != nil {
		return // as after every error here: the directory is not ours, or already removed
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || !info.IsDir() || !strings.HasPrefix(entry.Name(), directoryPrefix) || time.Since(info.ModTime()) < age {
			continue
		}
		path := filepath.Join(base, entry.Name())
		lock := flock.New(filepath.Join(path, lockName))
		if held, err := lock.TryLock(); err == nil && held {
			_ = os.RemoveAll(path)
			_ = lock.Close()
		}
	}
}

func (d *directory) remove() error {
	return errors.Join(os.RemoveAll(d.path), d.lock.Close())
}

// launch starts a program in the directory, as its owner, with an environment of
// its own. The program's output goes to the file log. On Linux the kernel sends
// it orphaned when this process is killed.
func (d *directory) launch(log string, orphaned syscall.Signal, program string, args ...string) (*process, error) {
	out, err := os.OpenFile(filepath.Join(d.path, log), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("pgtest: %w", err)
	}
	defer out.Close() // the program has its own descriptor
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = d.path, out, out
	cmd.Env = []string{"HOME=" + d.path, "PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
	confine(cmd, d.owner, orphaned)
	p, err := startProcess(cmd)
	if err != nil {
		return nil, fmt.Errorf("pgtest: %w", err)
	}
	return p, nil
}

// tail returns the last lines of a log, or nothing if there is no log.
func (d *directory) tail(log string) string {
	text, _ := os.ReadFile(filepath.Join(d.path, log))
	lines := strings.SplitAfter(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-40):], "")
}

// onFreePort calls f with a free port, and again with another one if a second
// process has taken the port in the meantime.
func onFreePort(f func(port int) error) error {
	for tries := 1; ; tries++ {
		listener, err := listen()
		if err != nil {
			return err
		}
		port := listener.Addr().(*net.TCPAddr).Port
		if err := listener.Close(); err != nil {
			return err
		}
		err = f(port)
		if err == nil || tries == 5 {
			return err
		}
		if again, errAgain := net.Listen("tcp", listener.Addr().String()); errAgain == nil {
			return errors.Join(err, again.Close()) // the port was not the reason
		}
	}
}

// listen listens on a port below those that Linux assigns to outgoing
// connections. So a server that restarts finds its port free, and a client that
// dials the port of a stopped server is not assigned that port itself and
// connected to itself.
func listen() (net.Listener, error) {
	for tries := 1; ; tries++ {
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 15000+rand.IntN(17000)))
		if err == nil {
			return listener, nil
		}
		if tries == 100 {
			return nil, fmt.Errorf("pgtest: no free port: %w", err)
		}
	}
}
