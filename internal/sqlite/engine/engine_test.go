package engine

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"
)

// openNew makes f at a new path and opens a connection to it.
func openNew(t *testing.T, f File) *Conn {
	t.Helper()
	f.Path = filepath.Join(t.TempDir(), "test.db")
	if empty, err := f.Create(); err != nil || !empty {
		t.Fatal(empty, err)
	}
	c, err := f.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// TestValues binds one of each kind and reads it back.
func TestValues(t *testing.T) {
	moment := time.Date(2026, 1, 31, 9, 30, 0, 123_456_000, time.UTC)
	s := openNew(t, File{}).Stmt("SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9")
	for range 2 { // the second time the statement is used again
		found, err := s.Text("a\x00b").TextOrNull("").Optional(new("")).Optional(nil).Blob([]byte{1, 2}).Num(-1 << 62).Flag(true).Moment(moment).Moment(time.Time{}).Row(func() {
			if s.TextAt(0) != "a\x00b" || !s.IsNullAt(1) || s.OptionalAt(3) != nil || s.Int64At(5) != -1<<62 || !s.FlagAt(6) {
				t.Errorf("read were %q, %v, %v, %d, %v", s.TextAt(0), s.IsNullAt(1), s.OptionalAt(3), s.Int64At(5), s.FlagAt(6))
			}
			if empty := s.OptionalAt(2); empty == nil || *empty != "" {
				t.Error("an empty text was read as none")
			}
			if !s.MomentAt(7).Equal(moment) || !s.MomentAt(8).IsZero() || s.Columns() != 9 {
				t.Errorf("read were %s and %s of %d columns", s.MomentAt(7), s.MomentAt(8), s.Columns())
			}
			if !bytes.Equal(s.BytesAt(4), []byte{1, 2}) {
				t.Errorf("read was %x", s.BytesAt(4))
			}
			for size, fills := range map[int]bool{1: false, 2: true, 3: false} {
				if s.FillAt(4, make([]byte, size)) != fills {
					t.Errorf("2 bytes fill %d: %v", size, !fills)
				}
			}
		})
		if err != nil || !found {
			t.Fatal(found, err)
		}
	}
}

func TestCodes(t *testing.T) {
	c := openNew(t, File{})
	if err := c.Run("CREATE TABLE t (id INTEGER NOT NULL PRIMARY KEY); -- and a row\nINSERT INTO t VALUES (1)"); err != nil {
		t.Fatal(err)
	}
	if err := c.Stmt("INSERT INTO t VALUES (?1)").Num(1).Exec(); Code(err) != sqlite.ResultConstraintPrimaryKey {
		t.Errorf("a second row has the code %v", Code(err))
	}
	if err := c.Stmt("SELECT x FROM t").Exec(); Code(err) != sqlite.ResultError {
		t.Errorf("an unknown column has the code %v", Code(err))
	}
	for _, err := range []error{nil, context.Canceled} {
		if Code(err) != sqlite.ResultOK {
			t.Errorf("%v has the code %v", err, Code(err))
		}
	}
}

// TestPanics of SQLite cost a connection, others do not.
func TestPanics(t *testing.T) {
	defect := false
	c := openNew(t, File{Hook: func() {
		if defect {
			panic("a defect")
		}
	}})
	defect = true
	_, err := c.Number("SELECT 1")
	if defect = false; !Panicked(err) || !Unusable(err) {
		t.Errorf("a panic of SQLite was %v", err)
	}
	if err := c.Replace(); err != nil || c.Closed() {
		t.Fatal(err)
	}
	if n, err := c.Number("SELECT 1"); n != 1 || err != nil {
		t.Errorf("the new connection read %d, %v", n, err)
	}
	if err := Recovered(func() error { panic("another defect") }); !Panicked(err) || Unusable(err) {
		t.Errorf("a panic of other code was %v", err)
	}
	if err := Recovered(func() error { return context.Canceled }); !errors.Is(err, context.Canceled) || Panicked(err) {
		t.Errorf("an error was %v", err)
	}
}

// TestAlarm rings while a statement runs that would not end, and not in later uses.
func TestAlarm(t *testing.T) {
	c := openNew(t, File{Setup: func(c *Conn) error {
		return c.AddFunction("in_time", 0, false, func(sqlite.Context, []sqlite.Value) (sqlite.Value, error) {
			if c.Interrupted() { // SQLite forgets an interrupt that comes before the statement
				return sqlite.IntegerValue(0), nil
			}
			return sqlite.IntegerValue(1), nil
		})
	}})
	const endless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE in_time()) SELECT count(*) FROM c"
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, test := range []struct {
		ctx   context.Context
		limit time.Duration
		want  error
	}{
		{t.Context(), time.Millisecond, ErrDeadline},
		{ended, 0, context.Canceled},
		{ended, time.Hour, context.Canceled},
	} {
		c.SetAlarm(test.ctx, test.limit)
		_, err := c.Number(endless)
		if cause := c.ClearAlarm(); !errors.Is(cause, test.want) {
			t.Errorf("it ended because of %v, with %v", cause, err)
		}
		if n, err := c.Number("SELECT 1 WHERE in_time()"); n != 1 || err != nil {
			t.Errorf("afterwards it read %d, %v", n, err)
		}
	}
}
