package sqlite

import (
	"errors"
	"fmt"
	"runtime/debug"
)

// panicked is the error in place of a panic. Its text, for the log, has the stack.
type panicked struct {
	value  any
	engine bool // SQLite itself: its connection must not be used any more
	stack  []byte
}

func (p *panicked) Error() string {
	return fmt.Sprintf("sqlite: panic: %v\n%s", p.value, p.stack)
}

// recovered calls f and returns the error that it returns, or a *panicked.
func recovered(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &panicked{value: r, stack: debug.Stack()}
		}
	}()
	return f()
}

// guarded is recovered for a call of SQLite.
func guarded(f func() error) error {
	err := recovered(f)
	if p, ok := err.(*panicked); ok { //nolint:errorlint // one of f's own is an error that f returned
		p.engine = true
	}
	return err
}

// enginePanicked reports whether the connection that returned err is unusable.
func enginePanicked(err error) bool {
	p, ok := errors.AsType[*panicked](err)
	return ok && p.engine
}
