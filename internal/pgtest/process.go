package pgtest

import (
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// process is a program that was started.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	err  error         // how it ended; read it after done
}

// startProcess starts cmd from an operating system thread that exists until the
// program ends, because Linux sends the death signal when the thread that
// started the program ends.
func startProcess(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			p.err = cmd.Wait()
			close(p.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

var errPatience = fmt.Errorf("not within %s", patience)

// until waits until ready(pid) holds or the program has ended. It kills a program
// that does not become ready.
func (p *process) until(ready func(pid int) bool) error {
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	poll := time.NewTicker(2 * time.Millisecond)
	defer poll.Stop()
	for {
		select {
		case <-p.done:
			return fmt.Errorf("it ended before it was ready: %v", p.cmd.ProcessState)
		case <-deadline.C:
			return errors.Join(errPatience, p.stop(syscall.SIGKILL))
		case <-poll.C:
			if ready(p.cmd.Process.Pid) {
				return nil
			}
		}
	}
}

// wait waits until the program ends by itself.
func (p *process) wait() error {
	select {
	case <-p.done:
		return p.err
	case <-time.After(patience):
		return errors.Join(errPatience, p.stop(syscall.SIGKILL))
	}
}

// alive returns an error when the program has ended.
func (p *process) alive() error {
	select {
	case <-p.done:
		return fmt.Errorf("it ended by itself: %v", p.cmd.ProcessState)
	default:
		return nil
	}
}

// stop sends sig and waits until the program has ended. It returns an error when
// the program had already ended, and when it had to be killed.
func (p *process) stop(sig syscall.Signal) error {
	if err := p.alive(); err != nil {
		return err
	}
	_ = p.cmd.Process.Signal(sig) // fails if the program has just ended
	select {
	case <-p.done:
		return nil
	case <-time.After(patience):
	}
	_ = p.cmd.Process.Kill()
	<-p.done
	return fmt.Errorf("%v did not stop it: %w", sig, errPatience)
}
