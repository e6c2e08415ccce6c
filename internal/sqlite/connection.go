package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
)

// connection is one connection to the file, with its prepared statements.
type connection struct {
	*sql.Conn
	db    *sql.DB
	stmts []*sql.Stmt
}

// connection opens the file with one connection, which close closes.
func (f file) connection(ctx context.Context, extra ...string) (*connection, error) {
	db, err := f.open(ctx, "rw", 1, extra...)
	if err != nil {
		return nil, err
	}
	c := &connection{db: db}
	if err := c.connect(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return c, nil
}

func (c *connection) connect(ctx context.Context) (err error) {
	c.Conn, err = c.db.Conn(ctx)
	return err
}

// prepareAll prepares each statement.
func (c *connection) prepareAll(ctx context.Context, texts map[**sql.Stmt]string) error {
	for stmt, text := range texts {
		prepared, err := c.PrepareContext(ctx, text)
		if err != nil {
			return err
		}
		c.stmts = append(c.stmts, prepared)
		*stmt = prepared
	}
	return nil
}

// end closes the connection after its statements: SQLite keeps one open that has any.
// It may be called twice.
func (c *connection) end() error {
	if c.Conn == nil {
		return nil
	}
	var errs []error
	for _, stmt := range c.stmts {
		errs = append(errs, stmt.Close())
	}
	_ = c.Raw(func(any) error { return driver.ErrBadConn }) // or database/sql would keep it for another use
	c.Conn, c.stmts = nil, nil
	return errors.Join(errs...)
}

// replace closes the connection, which rolls its transaction back, and makes another,
// without statements.
func (c *connection) replace(ctx context.Context) error {
	_ = c.end() // after a panic anything may fail
	return c.connect(ctx)
}

func (c *connection) close() error { return errors.Join(c.end(), c.db.Close()) }
