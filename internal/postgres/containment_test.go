package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"docket"
	"docket/internal/pgtest"
	"docket/internal/postgres/column"
	"docket/internal/postgres/dispatch"
	"docket/internal/postgres/pgerror"
	"docket/internal/storetest"
)

// stage is where a saboteur panics.
type stage string

// saboteur is a tracer that panics at a stage, once. While it holds the stage it
// first says that it was reached and waits.
type saboteur struct {
	at      atomic.Value // a stage
	reached chan struct{}
	held    chan struct{}
	batch   func(context.Context) // called with the context of each batch, unless nil
}

var (
	_ pgxpool.AcquireTracer = (*saboteur)(nil)
	_ pgx.BatchTracer       = (*saboteur)(nil)
)

func (s *saboteur) pass(at stage) {
	if !s.at.CompareAndSwap(at, stage("")) {
		return
	}
	if at == "acquire" {
		close(s.reached)
		<-s.held
	}
	panic("sabotage")
}

func (*saboteur) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return ctx
}

func (*saboteur) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (s *saboteur) TraceAcquireStart(ctx context.Context, _ *pgxpool.Pool, _ pgxpool.TraceAcquireStartData) context.Context {
	s.pass("acquire")
	return ctx
}

func (s *saboteur) TraceAcquireEnd(context.Context, *pgxpool.Pool, pgxpool.TraceAcquireEndData) {}

func (s *saboteur) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	if s.batch != nil {
		s.batch(ctx)
	}
	s.pass("send")
	return ctx
}

func (s *saboteur) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {
	s.pass("receive")
}

func (s *saboteur) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {
	s.pass("close")
}

// openSabotaged opens a store of one connection with a saboteur in its pool.
func openSabotaged(t *testing.T) (*Store, *saboteur) {
	t.Helper()
	s := openPatient(t, pgtest.Shared(t).Database(t), func(o *Options) { o.MaxConns = 1 })
	saboteur := &saboteur{reached: make(chan struct{}), held: make(chan struct{})}
	saboteur.at.Store(stage(""))
	config := s.db.Pool.Config()
	config.ConnConfig.Tracer = saboteur
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	s.db.Pool.Close()
	s.db.Pool = pool
	return s, saboteur
}

var errPanicked = errors.New("it panicked")

// recovered runs f as a request's goroutine does, which survives a panic.
func recovered(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errPanicked, p)
		}
	}()
	return f()
}

// bomb panics when it is encoded as an argument.
type bomb struct{}

// TextValue implements pgtype.TextValuer.
func (bomb) TextValue() (pgtype.Text, error) { panic("sabotage") }

// errand returns a call of a user that reads a task, or toggles it.
func errand(owner docket.UserID, task docket.Task, write bool) *dispatch.Call {
	r := new(Store).requestFor(owner, &docket.Write{Now: task.CreatedAt}, &docket.Operation{Action: docket.Toggle, ID: task.ID}, true)
	c := &dispatch.Call{Owner: owner, SQL: r.sql, Args: r.args}
	dest := r.dest
	if !write {
		c.SQL, c.Args = getSQL.sql, getSQL.args(taskID{owner, task.ID})
		dest = []any{&column.Row{Owner: owner, Task: new(docket.Task)}}
	}
	c.Read = func(rows pgx.Rows) error { return dispatch.ScanOne(rows, dest...) }
	c.Outcome = func(err error) error { return err }
	return c
}

// errands returns three calls of users that share a batcher of width 1.
func errands(t *testing.T, s *Store, write bool) (users []docket.UserID, b *dispatch.Batcher, calls []*dispatch.Call) {
	t.Helper()
	users, b = mates(s, 3)
	if !write {
		b = dispatch.NewBatcher(1, "", dispatch.Reading)
	}
	for i, task := range create(t, s, users...) {
		calls = append(calls, errand(users[i], task, write))
	}
	return users, b, calls
}

// together runs three calls, of which the first leads, as one group. With the
// stage "acquire" the others are queued when the first panics.
func together(t *testing.T, s *Store, saboteur *saboteur, at stage, b *dispatch.Batcher, calls []*dispatch.Call) (errs []error) {
	t.Helper()
	var conn *pgxpool.Conn
	if at != "acquire" { // hold the only connection, so that the leader waits
		var err error
		if conn, err = s.db.Pool.Acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	saboteur.at.Store(at)
	ends := make([]chan error, len(calls))
	for i, c := range calls {
		ends[i] = make(chan error, 1)
		go func() {
			ends[i] <- recovered(func() error { return s.db.Batch(context.Background(), b, c) })
		}()
		waitUntil(t, "the call leads or is queued", func() bool { return holding(b, 1, i) })
	}
	if at == "acquire" {
		<-saboteur.reached
		close(saboteur.held)
	} else {
		conn.Release()
	}
	for _, end := range ends {
		errs = append(errs, <-end)
	}
	return errs
}

// TestPanicsAreContained has a panic at each stage of a group of three calls. It
// costs no more than the group, whose outcome is unknown if it was of writes, and
// the batcher and the pool go on.
func TestPanicsAreContained(t *testing.T) {
	const panics, served, internal, lost = "panics", "served", "internal", "lost"
	for _, test := range []struct {
		name   string
		at     stage
		second func(*dispatch.Call) // what the second call does
		reads  [3]string
		writes [3]string
	}{
		{"acquiring", "acquire", nil, [3]string{panics, served, served}, [3]string{panics, served, served}},
		{"building", "", func(c *dispatch.Call) { c.Args[0] = bomb{} }, [3]string{panics, panics, served}, [3]string{panics, lost, lost}},
		{"sending", "send", nil, [3]string{panics, served, served}, [3]string{panics, lost, lost}},
		// Of a read, the first statement is that of a call; of a write, the group's own.
		{"receiving", "receive", nil, [3]string{internal, served, served}, [3]string{panics, lost, lost}},
		{"closing", "close", nil, [3]string{panics, served, served}, [3]string{panics, lost, lost}},
		{"reading", "", func(c *dispatch.Call) { c.Read = func(pgx.Rows) error { panic("sabotage") } }, [3]string{served, internal, served}, [3]string{served, internal, served}},
		{"reading on", "", func(c *dispatch.Call) {
			c.Read = func(rows pgx.Rows) error { rows.Next(); panic("sabotage") }
		}, [3]string{served, internal, served}, [3]string{served, internal, served}},
		{"outcome", "", func(c *dispatch.Call) { c.Outcome = func(error) error { panic("sabotage") } }, [3]string{served, panics, served}, [3]string{served, panics, served}},
	} {
		for write, want := range map[bool][3]string{false: test.reads, true: test.writes} {
			t.Run(fmt.Sprintf("%s, write=%t", test.name, write), func(t *testing.T) {
				s, saboteur := openSabotaged(t)
				users, b, calls := errands(t, s, write)
				if test.second != nil {
					test.second(calls[1])
				}
				for i, err := range together(t, s, saboteur, test.at, b, calls) {
					got := served
					switch {
					case errors.Is(err, errPanicked):
						got = panics
					case docket.KindOf(err) == docket.OutcomeUnknown:
						got = lost
					case err != nil && strings.Contains(err.Error(), "sabotage") && docket.KindOf(err) == docket.Internal:
						got = internal
					case err != nil:
						got = err.Error()
					}
					if got != want[i] {
						t.Errorf("call %d was %s, want %s", i, got, want[i])
					}
				}
				idle(t, b)
				if s.db.Troubled() {
					t.Error("the store is marked as troubled")
				}
				create(t, s, users...)
				if err := s.db.Batch(t.Context(), b, errand(users[0], of(users[0], "none"), write)); !errors.Is(err, pgx.ErrNoRows) {
					t.Errorf("the next call returned %v", err)
				}
				if n := s.db.Pool.Stat().AcquiredConns(); n != 0 {
					t.Errorf("%d connections are not given back", n)
				}
			})
		}
	}
}

// TestPanicsAlone has a call that goes alone panic.
func TestPanicsAlone(t *testing.T) {
	s := openPatient(t, pgtest.Shared(t).Database(t), func(o *Options) { o.MaxConns, o.NoBatching = 1, true })
	task := storetest.Put(t, s, "task")
	for name, sabotage := range map[string]func(*dispatch.Call){
		"building": func(c *dispatch.Call) { c.Args[0] = bomb{} },
		"reading":  func(c *dispatch.Call) { c.Read = func(rows pgx.Rows) error { rows.Next(); panic("sabotage") } },
		"outcome":  func(c *dispatch.Call) { c.Outcome = func(error) error { panic("sabotage") } },
	} {
		for write, b := range map[bool]*dispatch.Batcher{false: s.db.Reads, true: s.db.WritesOf("alice")} {
			c := errand("alice", task, write)
			sabotage(c)
			err := recovered(func() error { return s.db.Batch(context.Background(), b, c) })
			if err == nil || !strings.Contains(err.Error(), "sabotage") || docket.KindOf(err) != docket.Internal || s.db.Troubled() {
				t.Errorf("%s: %v; troubled: %t", name, err, s.db.Troubled())
			}
		}
		if err := s.Ready(t.Context()); err != nil {
			t.Error(err)
		}
		storetest.Put(t, s, "next")
	}
}

// TestBadRowIsContained has one call of a group not understand its row. The others
// have their results from the same round trip.
func TestBadRowIsContained(t *testing.T) {
	for write, p := range map[bool]dispatch.Policy{false: dispatch.Reading, true: dispatch.Writing} {
		s, saboteur := openSabotaged(t)
		_, b, calls := errands(t, s, write)
		calls[1].Read = func(rows pgx.Rows) error {
			rows.Next()
			return rows.Scan(new(bool)) // of seven columns
		}
		before := b.Stats().Groups
		errs := together(t, s, saboteur, "", b, calls)
		if errs[0] != nil || errs[2] != nil || errs[1] == nil || docket.KindOf(errs[1]) != docket.Internal {
			t.Errorf("write=%t: %v", write, errs)
		}
		if groups := b.Stats().Groups - before; groups != 1 || s.db.Troubled() {
			t.Errorf("write=%t: %d groups; troubled: %t", write, groups, s.db.Troubled())
		}
		if err := s.db.Alone(t.Context(), p, b, calls[1]); !pgerror.IsBadResult(err) || s.db.Troubled() {
			t.Errorf("write=%t, alone: %v; troubled: %t", write, err, s.db.Troubled())
		}
		idle(t, b)
	}
}

// TestBadRowInTransaction has a row that cannot be read come back to a write of two
// operations, which is then rolled back.
func TestBadRowInTransaction(t *testing.T) {
	url := pgtest.Shared(t).Database(t)
	s := open(t, url)
	pgtest.Exec(t, url, "ALTER TABLE docket.tasks ALTER COLUMN version TYPE numeric",
		`CREATE FUNCTION docket.halve() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.version = 0.5; RETURN NEW; END'`,
		`CREATE TRIGGER halve BEFORE INSERT ON docket.tasks FOR EACH ROW EXECUTE FUNCTION docket.halve()`)
	create := docket.Operation{Action: docket.Create, New: docket.NewTask{Fields: docket.Fields{Title: "task"}}}
	_, err := s.Write(t.Context(), "alice", docket.Write{Operations: []docket.Operation{create, create}, Now: storetest.Draft("").CreatedAt})
	if !pgerror.IsBadResult(err) || docket.KindOf(err) != docket.Internal || s.db.Troubled() {
		t.Errorf("it returned %v; troubled: %t", err, s.db.Troubled())
	}
	if n := pgtest.Count(t, url, "SELECT count(*) FROM docket.tasks"); n != 0 {
		t.Errorf("it left %d tasks", n)
	}
}

// TestReadOnlyConnection has the server of the only connection become read-only,
// as the old primary does in a failover. No request notices: the connection is
// closed, and the write goes to a new one.
func TestReadOnlyConnection(t *testing.T) {
	for _, noBatching := range []bool{false, true} {
		s := open(t, pgtest.Shared(t).Database(t), func(o *Options) { o.MaxConns, o.NoBatching = 1, noBatching })
		storetest.Put(t, s, "task")
		if _, err := s.db.Pool.Exec(t.Context(), "SET default_transaction_read_only = on"); err != nil {
			t.Fatal(err)
		}
		_, err := storetest.Create(t.Context(), s, storetest.Draft("task"))
		if err != nil {
			t.Errorf("noBatching=%t: the write returned %v", noBatching, err)
		}
		storetest.Put(t, s, "task")
		if err := s.Ready(t.Context()); err != nil {
			t.Error(err)
		}
	}
}
