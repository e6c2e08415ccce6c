package engine

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

// Recovered calls f and returns the error that it returns or, when f panics, one for
// which Panicked is true.
func Recovered(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &panicked{value: r, stack: debug.Stack()}
		}
	}()
	return f()
}

// guarded is Recovered for a call of SQLite.
func guarded(f func() error) error {
	err := Recovered(f)
	if p, ok := err.(*panicked); ok { //nolint:errorlint // one of f's own is an error that f returned
		p.engine = true
	}
	return err
}

// Panicked reports whether err stands for a panic, be it of SQLite or of other code.
func Panicked(err error) bool {
	_, ok := errors.AsType[*panicked](err)
	return ok
}

// Unusable reports whether SQLite itself panicked: the connection that returned err
// must be replaced.
func Unusable(err error) bool {
	p, ok := errors.AsType[*panicked](err)
	return ok && p.engine
}
