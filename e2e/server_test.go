package e2e

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Bounds of what takes a moment, generous because the machine may be busy.
const (
	startTimeout = 30 * time.Second
	stopTimeout  = 30 * time.Second
)

// failer is the part of *testing.T and *testscript.TestScript that a server
// reports to.
type failer interface {
	Fatalf(format string, args ...any)
}

// server is a docket process on one database. It can be stopped or killed, and
// then started again on what it left behind. Its methods are not safe for
// concurrent use; URL is set by Start.
type server struct {
	URL      string
	dir      string   // where it runs, and where a .env file would be read
	database string   // its DATABASE_URL
	binary   string   // empty: the one with the race detector
	wrap     []string // a command that runs the server's, if any
	ctx      context.Context

	cmd    *exec.Cmd // nil when it does not run
	log    *serverLog
	exited chan error
}

// newServer prepares a server that runs in dir. It does not outlive the test,
// also not when that runs into its deadline.
func newServer(t testing.TB, dir, database string) *server {
	ctx, cancel := untilDeadline(t)
	s := &server{dir: dir, database: database, ctx: ctx, log: &serverLog{}}
	t.Cleanup(func() {
		defer cancel()
		defer func() {
			if t.Failed() {
				t.Logf("the end of the server's log:\n%s", s.log.tail())
			}
		}()
		if s.cmd != nil {
			s.Kill(t)
		}
	})
	return s
}

// untilDeadline returns a context that ends shortly before go test would end
// the process, which leaves children behind.
func untilDeadline(t testing.TB) (context.Context, context.CancelFunc) {
	if d, ok := t.(interface{ Deadline() (time.Time, bool) }); ok {
		if deadline, ok := d.Deadline(); ok {
			return context.WithDeadline(context.Background(), deadline.Add(-5*time.Second))
		}
	}
	return context.WithCancel(context.Background())
}

// startServer starts a server in a directory of its own, with a database there.
func startServer(t testing.TB, env ...string) *server {
	s := newServer(t, t.TempDir(), defaultDatabase)
	s.Start(t, env...)
	return s
}

// cleanEnv is the environment of every docket process: nothing of the tester's
// own that could configure it.
func cleanEnv() []string {
	return []string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=/no-home",
		"TMPDIR=" + os.TempDir(),
		"DRAIN_DELAY=0s",
		"GORACE=halt_on_error=1 atexit_sleep_ms=10",
	}
}

// Start serves on a free port, with env beside the clean environment, and
// returns the URL when the server accepts requests.
func (s *server) Start(f failer, env ...string) string {
	if s.cmd != nil {
		f.Fatalf("the server runs already")
	}
	address := s.log.watch()
	command := append(slices.Clone(s.wrap), cmp.Or(s.binary, binary), "serve")
	cmd := exec.CommandContext(s.ctx, command[0], command[1:]...)
	cmd.Dir = s.dir
	cmd.Env = append(append(cleanEnv(), "DATABASE_URL="+s.database, "PORT=0"), env...)
	cmd.Stderr = s.log
	if err := cmd.Start(); err != nil {
		f.Fatalf("docket cannot be started: %v", err)
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	s.cmd, s.exited = cmd, exited
	select {
	case s.URL = <-address:
	case err := <-exited:
		s.cmd = nil
		f.Fatalf("docket ended before it served: %v\n%s", err, s.log)
	case <-time.After(startTimeout):
		f.Fatalf("docket did not serve within %s\n%s", startTimeout, s.log)
	}
	return s.URL
}

// Stop ends the server as an operator does, and fails unless it ends cleanly.
func (s *server) Stop(f failer) {
	if err := s.signal(f, syscall.SIGTERM); err != nil {
		f.Fatalf("docket did not stop cleanly: %v\n%s", err, s.log)
	}
}

// Kill ends the server as a power cut does: without a chance to write anything.
// It fails when the server had ended by itself.
func (s *server) Kill(f failer) {
	err := s.signal(f, syscall.SIGKILL)
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		f.Fatalf("docket had ended before it was killed: %v\n%s", err, s.log)
	}
}

// Freeze stops every thread of the server where it is. It returns when all have
// stopped, and Thaw lets them go on.
func (s *server) Freeze(t testing.TB) {
	t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	eventually(t, stopTimeout, "every thread stops", func() bool {
		threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", s.cmd.Process.Pid))
		if err != nil || len(threads) == 0 {
			t.Fatalf("the server has no threads: %v", err)
		}
		return !slices.ContainsFunc(threads, func(path string) bool {
			stat, err := os.ReadFile(path) // fails when the thread has just ended: look again
			_, state, _ := bytes.Cut(stat, []byte(") "))
			return err != nil || !bytes.HasPrefix(state, []byte("T"))
		})
	})
}

func (s *server) Thaw(t testing.TB) {
	t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
}

// signal sends sig and returns how the process ended.
func (s *server) signal(f failer, sig syscall.Signal) error {
	if s.cmd == nil {
		f.Fatalf("the server does not run")
	}
	process := s.cmd.Process
	s.cmd = nil
	if err := process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		f.Fatalf("cannot signal docket: %v", err)
	}
	select {
	case err := <-s.exited:
		return err
	case <-time.After(stopTimeout):
		_ = process.Kill()
		<-s.exited
		f.Fatalf("docket did not end within %s of %s\n%s", stopTimeout, sig, s.log)
		return nil
	}
}

// serverLog keeps what servers write to stderr and finds the address in it.
// It is safe for concurrent use.
type serverLog struct {
	mu      sync.Mutex
	text    bytes.Buffer
	line    []byte
	address chan string // of capacity 1; nil when nobody waits
}

// watch returns the channel that gets the next address announced.
func (l *serverLog) watch() <-chan string {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.address = make(chan string, 1)
	l.line = nil
	return l.address
}

func (l *serverLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(p)
	l.line = append(l.line, p...)
	for {
		line, rest, whole := bytes.Cut(l.line, []byte("\n"))
		if !whole {
			return len(p), nil
		}
		l.read(line)
		l.line = rest
	}
}

// read looks for the announcement in one line of the log.
func (l *serverLog) read(line []byte) {
	var entry struct{ Msg, Address string }
	if json.Unmarshal(line, &entry) == nil && entry.Msg == "serving" && l.address != nil {
		l.address <- entry.Address
		l.address = nil
	}
}

// tail is the end of the log, as much as anybody would read.
func (l *serverLog) tail() string {
	const most = 8 << 10
	text := l.String()
	return text[max(0, len(text)-most):]
}

func (l *serverLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
