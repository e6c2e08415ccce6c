package sqlite

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"zombiezen.com/go/sqlite"

	"docket"
	"docket/internal/sqlite/engine"
	"docket/internal/storetest"
)

// hold takes all readers of a pool until release is called.
func hold(t *testing.T, p *readers) (release func()) {
	t.Helper()
	held := make([]*reader, p.n)
	for i := range held {
		held[i] = <-p.idle
	}
	return func() {
		for _, r := range held {
			p.idle <- r
		}
	}
}

// endless is a table without an end, until its connection is interrupted.
const endless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE in_time()) "

// TestReadsHaveADeadline runs statements that would not end.
func TestReadsHaveADeadline(t *testing.T) {
	s := open(t, tempPath(t))
	if s.readers.limit != docket.StatementTimeout || s.passes.limit != docket.PassTimeout {
		t.Errorf("reads are bounded by %s, passes by %s", s.readers.limit, s.passes.limit)
	}
	s.passes.limit = time.Millisecond
	for name, read := range map[string]string{
		"before the first row": endless + "SELECT count(*) FROM c",
		"between two rows":     endless + "SELECT x FROM c WHERE x = 1 OR x < 0",
	} {
		_, err := atOnce(t.Context(), s.passes, func(r *reader) (any, error) {
			_, err := r.conn.Once(read, (*engine.Stmt).Exec)
			return nil, err
		})
		if docket.KindOf(err) != docket.Unavailable {
			t.Errorf("%s: the read returned %v", name, err)
		}
	}
	_, err := atOnce(t.Context(), s.passes, func(r *reader) (any, error) {
		awaitAlarm(r.conn)
		return nil, nil
	})
	if docket.KindOf(err) != docket.Unavailable {
		t.Errorf("a read that may be incomplete returned %v", err)
	}
	s.passes.limit = docket.PassTimeout
	checkWhole(t, s)

	ctx, cancel := context.WithCancel(t.Context())
	err = s.passes.use(ctx, func(r *reader) error {
		time.AfterFunc(time.Millisecond, cancel)
		_, err := r.conn.Number(endless + "SELECT count(*) FROM c")
		return err
	})
	if !strings.Contains(err.Error(), context.Canceled.Error()) || docket.KindOf(err) == docket.Unavailable {
		t.Errorf("a read whose client went away returned %v", err)
	}
	for range s.passes.n {
		if r := <-s.passes.idle; r.broken {
			t.Error("an interrupt has cost a connection")
		} else {
			defer func() { s.passes.idle <- r }()
		}
	}
}

// TestPassesCheckTheTime runs every list that filters, sorts or skips tasks on a
// connection that is out of time: it looks at no task any more.
func TestPassesCheckTheTime(t *testing.T) {
	s := open(t, tempPath(t))
	storetest.Put(t, s, "first")
	storetest.Put(t, s, "second")
	r := <-s.passes.idle
	defer func() { s.passes.idle <- r }()
	inTime := false
	if err := r.conn.AddFunction("in_time", 0, false, func(sqlite.Context, []sqlite.Value) (sqlite.Value, error) { return truth(inTime), nil }); err != nil {
		t.Fatal(err)
	}
	for l, text := range listSQL {
		q := docket.ListQuery{Sort: l.sort}
		if l.filtered {
			q.Completed = docket.Some(false)
		}
		if !q.Pass() {
			q.Offset = 1
		}
		if l.trash {
			continue
		}
		list := r.conn.Stmt(text)
		for _, inTime = range []bool{false, true} {
			if found, err := bindList(list, "alice", q, 10).Row(func() {}); found != inTime || err != nil {
				t.Errorf("%+v: in time %t, it found a task %t, %v", l, inTime, found, err)
			}
		}
	}
}

// TestInTime rings the alarm of a reader that runs no statement.
func TestInTime(t *testing.T) {
	s := open(t, tempPath(t))
	r := <-s.passes.idle
	defer func() { s.passes.idle <- r }()
	ctx, cancel := context.WithCancel(t.Context())
	r.conn.SetAlarm(ctx, 0)
	if !r.inTime() {
		t.Error("a reader is out of time before its alarm has rung")
	}
	cancel()
	awaitAlarm(r.conn)
	if r.inTime() {
		t.Error("an interrupted reader is in time")
	}
	if err := r.conn.ClearAlarm(); !errors.Is(err, context.Canceled) {
		t.Errorf("it was interrupted because of %v", err)
	}
	if !r.inTime() {
		t.Error("a reader is out of time in its next use")
	}
}

// awaitAlarm waits until the alarm of a connection has rung.
func awaitAlarm(conn *engine.Conn) {
	for !conn.Interrupted() {
		runtime.Gosched()
	}
}

// TestPassesHaveReadersOfTheirOwn holds one kind of reader and uses the other.
func TestPassesHaveReadersOfTheirOwn(t *testing.T) {
	s := open(t, tempPath(t))
	task := storetest.Put(t, s, "task")
	release := hold(t, s.passes)
	if _, err := s.Get(t.Context(), "alice", task.ID); err != nil {
		t.Error(err)
	}
	if _, err := storetest.List(s); err != nil {
		t.Error(err)
	}
	if _, err := s.Changes(t.Context(), "alice", docket.ChangeRange{Limit: 10}); err != nil {
		t.Error(err)
	}
	if err := s.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	release()
	defer hold(t, s.readers)()
	for _, q := range []docket.ListQuery{
		{Search: "x"}, {Completed: docket.Some(true)}, {Sort: docket.Sort{Key: docket.ByTitle}}, {Deleted: true},
	} {
		q.Limit = 10
		if _, err := s.List(t.Context(), "alice", q); err != nil {
			t.Errorf("%+v: %v", q, err)
		}
	}
}

// TestLongReadsLetTheLogBegin has a pass reach its deadline: the log can then be
// emptied.
func TestLongReadsLetTheLogBegin(t *testing.T) {
	s := open(t, tempPath(t))
	began := make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		_, err := atOnce(context.Background(), s.passes, func(r *reader) (n int64, err error) {
			_, _, _, err = r.stateOf("alice")
			close(began)
			if err != nil {
				return 0, err
			}
			r.conn.Postpone(10*time.Millisecond - docket.PassTimeout)
			return r.conn.Number(endless + "SELECT count(*) FROM c")
		})
		ended <- err
	}()
	<-began
	storetest.Put(t, s, "task")
	if err := <-ended; docket.KindOf(err) != docket.Unavailable {
		t.Fatalf("the pass returned %v", err)
	}
	checkWhole(t, s)
}

// TestDryRunsDoNotTakeTheWriter tries an import while the writer is busy.
func TestDryRunsDoNotTakeTheWriter(t *testing.T) {
	s := open(t, tempPath(t))
	release := block(s)
	dry := docket.Import{Tasks: []docket.Task{{ID: uuid.New(), UserID: "alice"}}, DryRun: true}
	if done, err := s.Import(t.Context(), "alice", dry); err != nil || done.Added != 1 {
		t.Errorf("a dry run returned %+v, %v", done, err)
	}
	if err := release(); err != nil {
		t.Error(err)
	}
}

// repeat starts a repetition of w, and returns when the writer has seen it.
func repeat(t *testing.T, s *Store, w docket.Write) <-chan docket.Written {
	t.Helper()
	before := counter(t, s, "docket_sqlite_writes_total")
	result := make(chan docket.Written, 1)
	go func() {
		written, err := s.Write(context.Background(), "alice", w)
		if err != nil {
			t.Errorf("a repetition returned %v", err)
		}
		result <- written
	}()
	for counter(t, s, "docket_sqlite_writes_total") == before {
		time.Sleep(time.Millisecond)
	}
	return result
}

// TestReplaysDoNotHoldTheWriter has repetitions wait for a reader.
func TestReplaysDoNotHoldTheWriter(t *testing.T) {
	s := open(t, tempPath(t))
	task := storetest.Put(t, s, "task")
	w := docket.Write{Operations: []docket.Operation{{Action: docket.Toggle, ID: task.ID}}, Key: &docket.Key{Text: "key"}, Now: task.CreatedAt}
	first, err := s.Write(t.Context(), "alice", w)
	if err != nil {
		t.Fatal(err)
	}
	release := hold(t, s.readers)
	repetition := repeat(t, s, w)
	storetest.Put(t, s, "another")
	release()
	if again := <-repetition; !again.Replayed || !cmp.Equal(again.Tasks, first.Tasks) {
		t.Errorf("the repetition got %+v, want %+v", again, first)
	}

	// The key is removed after the writer has seen it.
	release = hold(t, s.readers)
	repetition = repeat(t, s, w)
	if n, err := s.ExpireKeys(t.Context(), w.Now.Add(2*docket.KeyLifetime), 10); err != nil || n != 1 {
		t.Fatalf("%d keys have expired, %v", n, err)
	}
	release()
	if again := <-repetition; again.Replayed || again.Tasks[0].Version != first.Tasks[0].Version+2 {
		t.Errorf("after its key was removed, the repetition got %+v", again)
	}
}

func TestResultThatCannotBeDecoded(t *testing.T) {
	s := open(t, tempPath(t))
	task := storetest.Put(t, s, "task")
	w := docket.Write{Operations: []docket.Operation{{Action: docket.Toggle, ID: task.ID}}, Key: &docket.Key{Text: "key"}, Now: task.CreatedAt}
	if _, err := s.Write(t.Context(), "alice", w); err != nil {
		t.Fatal(err)
	}
	if _, err := external(t, s.file.Path).Exec("UPDATE idempotency_keys SET result = x'7b'"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write(t.Context(), "alice", w); docket.KindOf(err) != docket.Internal || !strings.Contains(err.Error(), "cannot be read") {
		t.Errorf("the repetition returned %v", err)
	}
	if err := s.Ready(t.Context()); err != nil {
		t.Errorf("one row made the store unready: %v", err)
	}
}

// TestTrashDoesNotSlowLists counts the tables that lists of live tasks read.
func TestTrashDoesNotSlowLists(t *testing.T) {
	s := open(t, tempPath(t))
	for name, text := range texts {
		live := strings.HasPrefix(name, "listSQL") && !strings.Contains(name, "trash") || slices.Contains([]string{"getSQL", "countSQL", "snapshotSQL"}, name)
		if !live {
			continue
		}
		for _, detail := range planOf(t, s, text) {
			if strings.Contains(detail, "trash") || strings.HasPrefix(detail, "SCAN") {
				t.Errorf("%s: %s", name, detail)
			}
		}
	}
}

// TestChangesReadTheIndex checks that reads of changes cost the same wherever they begin.
func TestChangesReadTheIndex(t *testing.T) {
	s := open(t, tempPath(t))
	for name, want := range map[string][]string{
		"changesSQL":  {"tasks_version (user_id=? AND version>? AND version<?)", "PRIMARY KEY (user_id=? AND id>?)", "trash_version (user_id=? AND version>? AND version<?)"},
		"snapshotSQL": {"tasks_version (user_id=? AND version>? AND version<?)", "PRIMARY KEY (user_id=? AND id>?)"},
	} {
		plan := strings.Join(planOf(t, s, texts[name]), "\n")
		for _, step := range want {
			if !strings.Contains(plan, step) {
				t.Errorf("%s does not use %s:\n%s", name, step, plan)
			}
		}
	}
}

// planOf returns the steps of a statement.
func planOf(t *testing.T, s *Store, text string) (steps []string) {
	t.Helper()
	_, err := beside(t, s).Once("EXPLAIN QUERY PLAN "+text, func(s *engine.Stmt) error {
		return s.Each(func() bool {
			steps = append(steps, s.TextAt(3))
			return true
		})
	})
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return steps
}

// BenchmarkSearch searches tasks of one emoji for the same behind another.
func BenchmarkSearch(b *testing.B) {
	s, err := Open(b.Context(), b.TempDir()+"/docket.db", noLog)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	text := strings.Repeat("😀", docket.MaxDescription)
	for range 100 {
		task := storetest.Draft("task")
		task.Description = &text
		if _, err := storetest.Create(b.Context(), s, task); err != nil {
			b.Fatal(err)
		}
	}
	conn := beside(b, s)
	for name, part := range map[string]string{
		"another first": "😎" + strings.Repeat("😀", docket.MaxSearch-1),
		"another last":  strings.Repeat("😀", docket.MaxSearch-1) + "😎",
	} {
		for _, function := range []string{"contains(description_folded, ?2)", "instr(description_folded, ?2) > 0"} {
			b.Run(name+", "+function, func(b *testing.B) {
				for b.Loop() {
					_, err := conn.Once("SELECT count(*) FROM tasks WHERE user_id = ?1 AND "+function, func(s *engine.Stmt) error {
						return s.Text("alice").Text(part).Exec()
					})
					if err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
