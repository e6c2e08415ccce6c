package engine

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"zombiezen.com/go/sqlite"
)

// Conn is one connection to a file, with its prepared statements. One goroutine at a
// time may use it.
type Conn struct {
	file    File
	pragmas []string     // besides those of every connection
	conn    *sqlite.Conn // nil while it is closed
	stmts   map[string]*Stmt
	alarm   alarm
}

// Open opens a connection to the file, which must exist, with pragmas besides the usual ones, such as
// "query_only = 1". After an error the connection is closed, and Replace may open it.
func (f File) Open(pragmas ...string) (*Conn, error) {
	c := &Conn{file: f, pragmas: pragmas}
	err := c.connect()
	return c, err
}

func (c *Conn) connect() error {
	flags, always := sqlite.OpenReadWrite, pragmas
	if c.file.ReadOnly { // changing the journal mode is a write
		flags, always = sqlite.OpenReadOnly, nil
	}
	return guarded(func() (err error) {
		if c.conn, err = sqlite.OpenConn(c.file.Path, flags); err != nil {
			c.conn = nil
			return failed(err)
		}
		c.conn.SetBusyTimeout(BusyTimeout) // first: the pragmas may have to wait
		c.stmts = map[string]*Stmt{}
		c.alarm.watch(c.conn)
		if c.file.Setup != nil {
			err = c.file.Setup(c)
		}
		for _, text := range slices.Concat(always, c.pragmas) {
			if err == nil {
				err = c.Run("PRAGMA " + text)
			}
		}
		if err != nil {
			err = errors.Join(err, c.Close())
		}
		return err
	})
}

// Close closes the connection and its statements, which rolls its transaction back. It
// may be called twice.
func (c *Conn) Close() error {
	if c.conn == nil {
		return nil
	}
	conn := c.conn
	c.conn = nil
	return guarded(conn.Close)
}

// Closed reports whether the connection is closed, be it by Close or by a Replace that
// failed.
func (c *Conn) Closed() bool { return c.conn == nil }

// Replace closes the connection and makes another, without statements.
func (c *Conn) Replace() error {
	_ = c.Close() // after a panic anything may fail
	return c.connect()
}

// Scalar is the code of a function in SQL. Its arguments are valid until it returns. The
// library loses an error that it returns.
type Scalar = func(sqlite.Context, []sqlite.Value) (sqlite.Value, error)

// AddFunction adds a function with so many arguments to the SQL of the connection. A
// deterministic one returns the same for the same arguments.
func (c *Conn) AddFunction(name string, args int, deterministic bool, f Scalar) error {
	return c.conn.CreateFunction(name, &sqlite.FunctionImpl{NArgs: args, Deterministic: deterministic, Scalar: f})
}

// Stmt returns the statement of a text, which it prepares when it is used first. When
// that fails, running the statement returns the error.
func (c *Conn) Stmt(text string) *Stmt {
	if s, prepared := c.stmts[text]; prepared {
		s.bound = 0 // after a panic between binding and running it
		return s
	}
	s := &Stmt{stmt: new(sqlite.Stmt), conn: c}
	s.err = guarded(func() error {
		stmt, err := c.conn.Prepare(text)
		if err == nil {
			s.stmt, c.stmts[text] = stmt, s
		}
		return failed(err)
	})
	return s
}

// Once calls use with a statement that is used once. It returns what follows the
// statement in text.
func (c *Conn) Once(text string, use func(*Stmt) error) (rest string, err error) {
	err = guarded(func() error {
		stmt, trailing, err := c.conn.PrepareTransient(text)
		if err != nil {
			return failed(err)
		}
		defer func() { _ = stmt.Finalize() }()
		rest = strings.TrimSpace(text[len(text)-trailing:])
		return use(&Stmt{stmt: stmt, conn: c})
	})
	return rest, err
}

// Run executes statements that are separated by semicolons.
func (c *Conn) Run(script string) (err error) {
	for script = strings.TrimSpace(script); script != "" && err == nil; {
		if strings.HasPrefix(script, "--") { // a comment alone is no statement
			_, script, _ = strings.Cut(script, "\n")
			script = strings.TrimSpace(script)
			continue
		}
		script, err = c.Once(script, (*Stmt).Exec)
	}
	return err
}

// Number returns the first column of the row that a query returns, 0 when there is no
// row.
func (c *Conn) Number(query string) (n int64, err error) {
	_, err = c.Once(query, func(s *Stmt) error {
		_, err := s.Row(func() { n = s.Int64At(0) })
		return err
	})
	return n, err
}

// InTransaction reports whether a transaction of the connection is open.
func (c *Conn) InTransaction() bool { return !c.conn.AutocommitEnabled() }

// SetBusyTimeout replaces BusyTimeout for the connection, until it is replaced.
func (c *Conn) SetBusyTimeout(d time.Duration) { c.conn.SetBusyTimeout(d) }

// SetAlarm has the statements of the connection interrupted when ctx ends, and after
// limit unless that is 0. ClearAlarm must follow.
func (c *Conn) SetAlarm(ctx context.Context, limit time.Duration) { c.alarm.set(ctx, limit) }

// ClearAlarm ends what SetAlarm began. It returns why statements were interrupted: the
// cause of the context or ErrDeadline, nil when they were not.
func (c *Conn) ClearAlarm() (cause error) { return c.alarm.clear() }

// Postpone moves the limit of SetAlarm by d. A function in SQL may call it.
func (c *Conn) Postpone(d time.Duration) { c.alarm.postpone(d) }

// Until has the statements of the connection interrupted when ctx ends, until release
// is called.
func (c *Conn) Until(ctx context.Context) (release func()) {
	c.alarm.set(ctx, 0)
	return func() { _ = c.alarm.clear() }
}

// Interrupted reports whether the alarm has rung. SQLite itself forgets an interrupt
// from the moment before a statement begins.
func (c *Conn) Interrupted() bool { return c.alarm.ringing() }
