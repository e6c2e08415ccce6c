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

// failer is the part of *testing.T and *testscript.TestScript to which a server
// reports.
type failer interface {
	Fatalf(format string, args ...any)
}

// server is a docket process on one database. It can be stopped or killed, and
// then started again on the same files. Its methods are not safe for concurrent
// use. Start sets URL.
type server struct {
	URL      string
	dir      string   // its working directory, where it reads a .env file
	database string   // its DATABASE_URL
	binary   string   // when it is not the package's
	wrap     []string // a command that runs the server's command, if any
	ctx      context.Context

	cmd    *exec.Cmd // nil while it does not run
	log    *serverLog
	exited chan error
}

// newServer prepares a server that runs in dir. The server ends with the test,
// also when the test reaches its deadline.
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

// startPlain is startServer for a test that prints figures: without the race
// detector, which would change them.
func startPlain(t testing.TB, env ...string) *server {
	t.Helper()
	s := newServer(t, t.TempDir(), defaultDatabase)
	s.usePlain(t)
	s.Start(t, env...)
	return s
}

// usePlain makes the server run without the race detector.
func (s *server) usePlain(t testing.TB) { s.useBinary(t, plainBinary) }

// useRace makes the server run with the race detector.
func (s *server) useRace(t testing.TB) { s.useBinary(t, raceBinary) }

func (s *server) useBinary(t testing.TB, build func() (string, error)) {
	t.Helper()
	var err error
	if s.binary, err = build(); err != nil {
		t.Fatal(err)
	}
}

// untilDeadline returns a context that ends shortly before go test would end the
// process and leave its children running.
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

// cleanEnv is the environment of every docket process. It has no variable of the
// developer's own that could configure docket.
func cleanEnv() []string {
	return []string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=/no-home",
		"TMPDIR=" + os.TempDir(),
		"DRAIN_DELAY=0s",
		"GORACE=halt_on_error=1 atexit_sleep_ms=10",
	}
}

// Start starts the server on a free port, with env added to cleanEnv, and returns
// its URL when it accepts requests.
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
	case <-time.After(patience):
		f.Fatalf("docket did not serve within %s\n%s", patience, s.log)
	}
	return s.URL
}

// Stop ends the server as an operator does. It fails unless the server ends
// cleanly.
func (s *server) Stop(f failer) {
	if err := s.signal(f, syscall.SIGTERM); err != nil {
		f.Fatalf("docket did not stop cleanly: %v\n%s", err, s.log)
	}
}

// Kill ends the server without a chance to write anything, as a power cut does.
// It fails when the server had ended by itself.
func (s *server) Kill(f failer) {
	err := s.signal(f, syscall.SIGKILL)
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		f.Fatalf("docket had ended before it was killed: %v\n%s", err, s.log)
	}
}

// Freeze stops every thread of the server and returns when all have stopped.
// Thaw lets them continue.
func (s *server) Freeze(t testing.TB) {
	t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "every thread stops", func() bool {
		threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", s.cmd.Process.Pid))
		if err != nil || len(threads) == 0 {
			t.Fatalf("the server has no threads: %v", err)
		}
		return !slices.ContainsFunc(threads, func(path string) bool {
			stat, err := os.ReadFile(path) // fails when the thread has just ended
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
	case <-time.After(patience):
		_ = process.Kill()
		<-s.exited
		f.Fatalf("docket did not end within %s of %s\n%s", patience, sig, s.log)
		return nil
	}
}

// serverLog keeps the log of a server and finds the address in it. It is safe for
// concurrent use.
type serverLog struct {
	mu      sync.Mutex
	text    bytes.Buffer
	line    []byte
	address chan string // of capacity 1; nil unless Start waits
}

// watch returns a channel that receives the next address.
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

// read looks for the address in one line of the log.
func (l *serverLog) read(line []byte) {
	var entry struct{ Msg, Address string }
	if json.Unmarshal(line, &entry) == nil && entry.Msg == "serving" && l.address != nil {
		l.address <- entry.Address
		l.address = nil
	}
}

// tail returns the last lines of the log.
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
