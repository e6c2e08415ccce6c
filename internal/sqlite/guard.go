package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"runtime/debug"

	sqlite "modernc.org/sqlite"
)

// panicked is the error in place of a panic. Its text, for the log, has the stack.
type panicked struct {
	value  any
	driver bool // SQLite itself: its connection must not be used any more
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

// driverPanicked reports whether the connection that returned err is unusable.
func driverPanicked(err error) bool {
	p, ok := errors.AsType[*panicked](err)
	return ok && p.driver
}

// guard makes connections whose driver does not panic. A panic that went through
// database/sql would leave its locks held, and Close would wait for them for ever.
type guard struct{ driver.Connector }

// Connect implements driver.Connector.
func (g guard) Connect(ctx context.Context) (driver.Conn, error) {
	return guarded(func() (driver.Conn, error) {
		conn, err := g.Connector.Connect(ctx)
		if err != nil {
			return nil, err
		}
		inner, ok := conn.(driverConn)
		if !ok {
			return nil, fmt.Errorf("sqlite: the driver's connection, a %T, lacks a method", conn)
		}
		return guardedConn{inner}, nil
	})
}

// guarded returns what f returns, or the error of its panic.
func guarded[T any](f func() (T, error)) (result T, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &panicked{value: r, driver: true, stack: debug.Stack()}
		}
	}()
	return f()
}

// driverConn is what the driver's connections have, as far as it is used here.
type driverConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.Pinger
	driver.QueryerContext
	driver.SessionResetter
	driver.Validator
	sqlite.DBStatus
}

// guardedConn is a connection of the driver. Its methods that are not listed here are
// not called by requests.
type guardedConn struct{ driverConn }

func (c guardedConn) Close() error {
	_, err := guarded(func() (any, error) { return nil, c.driverConn.Close() })
	return err
}

func (c guardedConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	return guarded(func() (driver.Stmt, error) {
		stmt, err := c.driverConn.PrepareContext(ctx, query)
		if err != nil {
			return nil, err
		}
		inner, ok := stmt.(driverStmt)
		if !ok {
			return nil, fmt.Errorf("sqlite: the driver's statement, a %T, lacks a method", stmt)
		}
		return guardedStmt{inner}, nil
	})
}

func (c guardedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	return guarded(func() (driver.Result, error) { return c.driverConn.ExecContext(ctx, query, args) })
}

func (c guardedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	return guardedQuery(func() (driver.Rows, error) { return c.driverConn.QueryContext(ctx, query, args) })
}

// driverStmt is what the driver's statements have.
type driverStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

type guardedStmt struct{ driverStmt }

func (s guardedStmt) Close() error {
	_, err := guarded(func() (any, error) { return nil, s.driverStmt.Close() })
	return err
}

func (s guardedStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return guarded(func() (driver.Result, error) { return s.driverStmt.ExecContext(ctx, args) })
}

func (s guardedStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return guardedQuery(func() (driver.Rows, error) { return s.driverStmt.QueryContext(ctx, args) })
}

func guardedQuery(query func() (driver.Rows, error)) (driver.Rows, error) {
	rows, err := guarded(query)
	if err != nil {
		return nil, err
	}
	return guardedRows{rows}, nil
}

type guardedRows struct{ driver.Rows }

func (r guardedRows) Close() error {
	_, err := guarded(func() (any, error) { return nil, r.Rows.Close() })
	return err
}

func (r guardedRows) Next(dest []driver.Value) error {
	_, err := guarded(func() (any, error) { return nil, r.Rows.Next(dest) })
	return err
}
