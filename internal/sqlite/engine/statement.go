package engine

import (
	"time"

	"zombiezen.com/go/sqlite"
)

// Stmt is a prepared statement. Its arguments are bound in their order, then Exec, Row
// or Each runs it, after which it is ready for its next arguments. While it stands at a
// row, the methods …At read its columns, from 0.
type Stmt struct {
	stmt  *sqlite.Stmt
	conn  *Conn
	bound int   // arguments
	err   error // it could not be prepared
}

// Err returns the error of preparing the statement.
func (s *Stmt) Err() error { return s.err }

func (s *Stmt) next() int {
	s.bound++
	return s.bound
}

// Text binds a text.
func (s *Stmt) Text(v string) *Stmt {
	s.stmt.BindText(s.next(), v)
	return s
}

// TextOrNull binds a text, NULL when it is empty.
func (s *Stmt) TextOrNull(v string) *Stmt {
	if v == "" {
		return s.Null()
	}
	return s.Text(v)
}

// Optional binds a text, NULL when v is nil.
func (s *Stmt) Optional(v *string) *Stmt {
	if v == nil {
		return s.Null()
	}
	return s.Text(*v)
}

// Blob binds bytes, NULL when v is nil.
func (s *Stmt) Blob(v []byte) *Stmt {
	if v == nil {
		return s.Null()
	}
	s.stmt.BindBytes(s.next(), v)
	return s
}

// Num binds an integer.
func (s *Stmt) Num(v int64) *Stmt {
	s.stmt.BindInt64(s.next(), v)
	return s
}

// Flag binds a truth value.
func (s *Stmt) Flag(v bool) *Stmt {
	s.stmt.BindBool(s.next(), v)
	return s
}

// Moment binds a time in microseconds since 1970, NULL when it is zero.
func (s *Stmt) Moment(t time.Time) *Stmt {
	if t.IsZero() {
		return s.Null()
	}
	return s.Num(t.UnixMicro())
}

// Null binds NULL.
func (s *Stmt) Null() *Stmt {
	s.stmt.BindNull(s.next())
	return s
}

// Exec runs the statement to its end.
func (s *Stmt) Exec() error { return s.Each(func() bool { return true }) }

// Changes runs a statement and returns how many rows it has changed.
func (s *Stmt) Changes() (int, error) {
	if err := s.Exec(); err != nil {
		return 0, err
	}
	return s.conn.conn.Changes(), nil
}

// Row runs a statement that returns one row at most, and calls f for it.
func (s *Stmt) Row(f func()) (found bool, err error) {
	err = s.Each(func() bool {
		found = true
		f()
		return true
	})
	return found, err
}

// Each calls f for each row until f returns false.
func (s *Stmt) Each(f func() (more bool)) error {
	defer s.reset()
	for {
		if row, err := s.step(); err != nil || !row || !f() {
			return err
		}
	}
}

// step runs the statement to its next row. A panic of SQLite is an error.
func (s *Stmt) step() (row bool, err error) {
	if s.err != nil {
		return false, s.err
	}
	err = guarded(func() (err error) {
		s.conn.file.called()
		row, err = s.stmt.Step()
		s.conn.file.called()
		return failed(err)
	})
	return row, err
}

func (s *Stmt) reset() {
	s.bound = 0
	if s.err == nil {
		_ = guarded(s.stmt.Reset) // its error is that of the last step
	}
}

// Columns returns how many columns a row has.
func (s *Stmt) Columns() int { return s.stmt.ColumnCount() }

// IsNullAt reports whether a column is NULL.
func (s *Stmt) IsNullAt(col int) bool { return s.stmt.ColumnIsNull(col) }

// IntAt reads an integer.
func (s *Stmt) IntAt(col int) int { return s.stmt.ColumnInt(col) }

// Int64At reads an integer.
func (s *Stmt) Int64At(col int) int64 { return s.stmt.ColumnInt64(col) }

// FlagAt reads what Flag has bound.
func (s *Stmt) FlagAt(col int) bool { return s.stmt.ColumnBool(col) }

// MomentAt reads what Moment has bound, in UTC.
func (s *Stmt) MomentAt(col int) time.Time {
	if s.IsNullAt(col) {
		return time.Time{}
	}
	return time.UnixMicro(s.Int64At(col)).UTC()
}

// TextAt reads a text, "" for NULL.
func (s *Stmt) TextAt(col int) string { return s.stmt.ColumnText(col) }

// OptionalAt reads what Optional has bound.
func (s *Stmt) OptionalAt(col int) *string {
	if s.IsNullAt(col) {
		return nil
	}
	return new(s.TextAt(col))
}

// BytesAt reads bytes.
func (s *Stmt) BytesAt(col int) []byte {
	b := make([]byte, s.stmt.ColumnLen(col))
	s.stmt.ColumnBytes(col, b)
	return b
}

// FillAt reads bytes that fill b. It returns false when there are more or fewer.
func (s *Stmt) FillAt(col int, b []byte) (filled bool) {
	return s.stmt.ColumnLen(col) == len(b) && s.stmt.ColumnBytes(col, b) == len(b)
}
