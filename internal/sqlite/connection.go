package sqlite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"zombiezen.com/go/sqlite"
)

// connection is one connection to the file, with its prepared statements. One
// goroutine at a time may use it.
type connection struct {
	file    file
	pragmas []string     // besides those of every connection
	conn    *sqlite.Conn // nil while it is closed
	stmts   map[string]*statement
	alarm   alarm
	slice   slice // of the pass that uses it
}

// connection opens a connection to the file, with pragmas besides the usual ones.
func (f file) connection(pragmas ...string) (*connection, error) {
	c := &connection{file: f, pragmas: pragmas}
	err := c.connect()
	return c, err
}

func (c *connection) connect() error {
	flags, always := sqlite.OpenReadWrite, pragmas
	if c.file.readOnly { // changing the journal mode is a write
		flags, always = sqlite.OpenReadOnly, nil
	}
	return guarded(func() (err error) {
		if c.conn, err = sqlite.OpenConn(c.file.path, flags); err != nil {
			c.conn = nil
			return failed(err)
		}
		c.conn.SetBusyTimeout(acquireTimeout) // first: the pragmas may have to wait
		c.stmts = map[string]*statement{}
		c.alarm.watch(c.conn)
		err = c.registerFunctions()
		for _, text := range slices.Concat(always, c.pragmas) {
			if err == nil {
				err = c.run("PRAGMA " + text)
			}
		}
		if err != nil {
			err = errors.Join(err, c.close())
		}
		return err
	})
}

// close closes the connection and its statements, which rolls its transaction back. It
// may be called twice.
func (c *connection) close() error {
	if c.conn == nil {
		return nil
	}
	conn := c.conn
	c.conn = nil
	return guarded(conn.Close)
}

// replace closes the connection and makes another, without statements.
func (c *connection) replace() error {
	_ = c.close() // after a panic anything may fail
	return c.connect()
}

// stmt returns the statement of a text, which it prepares when it is used first. When
// that fails, running the statement returns the error.
func (c *connection) stmt(text string) *statement {
	if s, prepared := c.stmts[text]; prepared {
		return s
	}
	s := &statement{Stmt: new(sqlite.Stmt), conn: c}
	s.err = guarded(func() error {
		stmt, err := c.conn.Prepare(text)
		if err == nil {
			s.Stmt, c.stmts[text] = stmt, s
		}
		return failed(err)
	})
	return s
}

// once calls use with a statement that is used once. It returns what follows the
// statement in text.
func (c *connection) once(text string, use func(*statement) error) (rest string, err error) {
	err = guarded(func() error {
		stmt, trailing, err := c.conn.PrepareTransient(text)
		if err != nil {
			return failed(err)
		}
		defer func() { _ = stmt.Finalize() }()
		rest = strings.TrimSpace(text[len(text)-trailing:])
		return use(&statement{Stmt: stmt, conn: c})
	})
	return rest, err
}

// run executes statements that are separated by semicolons.
func (c *connection) run(script string) (err error) {
	for script = strings.TrimSpace(script); script != "" && err == nil; {
		if strings.HasPrefix(script, "--") { // a comment alone is no statement
			_, script, _ = strings.Cut(script, "\n")
			script = strings.TrimSpace(script)
			continue
		}
		script, err = c.once(script, (*statement).exec)
	}
	return err
}

// number returns the first column of the row that a query returns.
func (c *connection) number(query string) (n int64, err error) {
	_, err = c.once(query, func(s *statement) error {
		_, err := s.row(func() { n = s.ColumnInt64(0) })
		return err
	})
	return n, err
}

// until has the statements of the connection interrupted when ctx ends, until release
// is called.
func (c *connection) until(ctx context.Context) (release func()) {
	c.alarm.set(ctx, 0)
	return func() { _ = c.alarm.clear() }
}

// statement is a prepared statement. Its arguments are bound in their order, then exec,
// row or each runs it, after which it is ready for its next arguments.
type statement struct {
	*sqlite.Stmt
	conn  *connection
	bound int   // arguments
	err   error // it could not be prepared
}

func (s *statement) next() int {
	s.bound++
	return s.bound
}

// text binds a text.
func (s *statement) text(v string) *statement {
	s.BindText(s.next(), v)
	return s
}

// textOrNull binds a text, NULL when it is empty.
func (s *statement) textOrNull(v string) *statement {
	if v == "" {
		return s.null()
	}
	return s.text(v)
}

// blob binds bytes, NULL when v is nil.
func (s *statement) blob(v []byte) *statement {
	if v == nil {
		return s.null()
	}
	s.BindBytes(s.next(), v)
	return s
}

// num binds an integer.
func (s *statement) num(v int64) *statement {
	s.BindInt64(s.next(), v)
	return s
}

// moment binds a time in microseconds since 1970, NULL when it is zero.
func (s *statement) moment(t time.Time) *statement {
	if t.IsZero() {
		return s.null()
	}
	return s.num(t.UnixMicro())
}

func (s *statement) null() *statement {
	s.BindNull(s.next())
	return s
}

// exec runs the statement to its end.
func (s *statement) exec() error { return s.each(func() bool { return true }) }

// changes runs a statement and returns how many rows it has changed.
func (s *statement) changes() (int, error) {
	if err := s.exec(); err != nil {
		return 0, err
	}
	return s.conn.conn.Changes(), nil
}

// row runs a statement that returns one row at most, and calls f for it.
func (s *statement) row(f func()) (found bool, err error) {
	err = s.each(func() bool {
		found = true
		f()
		return true
	})
	return found, err
}

// each calls f for each row until f returns false.
func (s *statement) each(f func() (more bool)) error {
	defer s.reset()
	for {
		if row, err := s.step(); err != nil || !row || !f() {
			return err
		}
	}
}

// step runs the statement to its next row. A panic of SQLite is an error.
func (s *statement) step() (row bool, err error) {
	if s.err != nil {
		return false, s.err
	}
	err = guarded(func() (err error) {
		s.conn.file.called()
		row, err = s.Step()
		s.conn.file.called()
		return failed(err)
	})
	return row, err
}

func (s *statement) reset() {
	s.bound = 0
	if s.err == nil {
		_ = guarded(s.Reset) // its error is that of the last step
	}
}

// failure is an error of SQLite.
type failure struct {
	code sqlite.ResultCode
	error
}

func (f *failure) Unwrap() error { return f.error }

// failed returns an error of the library as a *failure.
func failed(err error) error {
	if err == nil {
		return nil
	}
	return &failure{sqlite.ErrCode(err), fmt.Errorf("%w (%v)", err, sqlite.ErrCode(err))}
}
