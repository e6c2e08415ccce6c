package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"docket"
	"docket/internal/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

func tempPath(t *testing.T) string { return filepath.Join(t.TempDir(), "docket.db") }

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) docket.Store { return open(t, tempPath(t)) })
}

func TestSyncMissesNothing(t *testing.T) { storetest.Sync(t, open(t, tempPath(t))) }

func draft(title string) docket.Task {
	now := time.Now().UTC().Truncate(time.Microsecond)
	return docket.Task{ID: uuid.Must(uuid.NewV7()), UserID: "alice", Fields: docket.Fields{Title: title}, CreatedAt: now, UpdatedAt: now}
}

func put(t *testing.T, s *Store, title string) docket.Task {
	t.Helper()
	task, err := storetest.Create(t.Context(), s, draft(title))
	if err != nil {
		t.Fatal(err)
	}
	return task
}

func list(s *Store) ([]docket.Task, error) {
	page, err := s.List(context.Background(), "alice", docket.ListQuery{Limit: docket.MaxList})
	return page.Tasks, err
}

// external opens the file as another program would.
func external(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	return db
}

func TestFileIsItsOwnersOnly(t *testing.T) {
	path := tempPath(t)
	put(t, open(t, path), "task")
	for _, suffix := range []string{"", "-wal", "-shm", ".lock"} {
		info, err := os.Stat(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode != 0o600 {
			t.Errorf("%s has mode %o", info.Name(), mode)
		}
	}
}

func TestEveryConnectionIsDurableAndBounded(t *testing.T) {
	s := open(t, tempPath(t))
	check := func(conn *sql.Conn, pragma, want string) {
		t.Helper()
		var got string
		if err := conn.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %s, %v; want %s", pragma, got, err, want)
		}
	}
	check(s.writer.conn, "synchronous", "2") // FULL
	check(s.writer.conn, "journal_mode", "wal")
	check(s.writer.conn, "busy_timeout", "2000")
	check(s.writer.conn, "query_only", "0")
	for range s.readers.n {
		r := <-s.readers.idle
		defer func() { s.readers.idle <- r }()
		check(r.conn, "query_only", "1")
		check(r.conn, "busy_timeout", "2000")
	}
}

func TestOddPaths(t *testing.T) {
	for _, name := range []string{"a b.db", "what?.db", "100%.db", "x#y.db", "mode=ro&.db", "ü.db", "a'b.db"} {
		path := filepath.Join(t.TempDir(), name)
		put(t, open(t, path), "task")
		if _, err := os.Stat(path); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestOpenTwice(t *testing.T) {
	path := tempPath(t)
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), path); err == nil || !strings.Contains(err.Error(), "in use by another docket process") {
		t.Fatalf("a second Open returned %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	put(t, open(t, path), "task") // the lock was released
}

func TestOpenTwiceByALink(t *testing.T) {
	path := tempPath(t)
	open(t, path)
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), link); err == nil || !strings.Contains(err.Error(), "in use by another docket process") {
		t.Errorf("Open by a link returned %v", err)
	}
}

func TestOpenWhereThereIsNoFolder(t *testing.T) {
	_, err := Open(t.Context(), filepath.Join(t.TempDir(), "none", "docket.db"))
	if err == nil || !strings.Contains(err.Error(), "does not exist") {
		t.Fatalf("Open returned %v", err)
	}
}

func TestOpenOfAnotherKindOfFile(t *testing.T) {
	path := tempPath(t)
	if err := os.WriteFile(path, []byte(strings.Repeat("not a database\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), path); err == nil {
		t.Fatal("Open took a text file for a database")
	}
}

func TestLockedByAnotherProgram(t *testing.T) {
	path := tempPath(t)
	s := open(t, path)
	task := put(t, s, "task")
	db := external(t, path)
	if _, err := db.Exec("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	_, err := storetest.Create(t.Context(), s, draft("blocked"))
	if docket.KindOf(err) != docket.Unavailable {
		t.Errorf("Create returned %v", err)
	}
	if took := time.Since(start); took > acquireTimeout+2*time.Second {
		t.Errorf("the refusal took %s", took)
	}
	if _, err := s.Get(t.Context(), "alice", task.ID); err != nil {
		t.Errorf("a read beside the lock returned %v", err)
	}
	if _, err := db.Exec("ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	put(t, s, "free again")
	if tasks, err := list(s); err != nil || len(tasks) != 2 {
		t.Errorf("after the lock: %d tasks, %v", len(tasks), err)
	}
}

// pragma changes how the writer, which must be idle, is treated by SQLite.
func pragma(t *testing.T, s *Store, text string) {
	t.Helper()
	if _, err := s.writer.conn.ExecContext(t.Context(), "PRAGMA "+text); err != nil {
		t.Fatal(err)
	}
}

func TestStorageFull(t *testing.T) {
	s := open(t, tempPath(t))
	kept := put(t, s, "kept")
	limit := func(pages string) { pragma(t, s, "max_page_count="+pages) }
	limit("1") // no more than there are
	var full error
	for range 200 {
		large := strings.Repeat("x", docket.MaxDescription)
		d := draft("large")
		d.Description = &large
		if _, full = storetest.Create(t.Context(), s, d); full != nil {
			break
		}
	}
	if docket.KindOf(full) != docket.StorageFull {
		t.Fatalf("filling the file returned %v", full)
	}
	if got, err := s.Get(t.Context(), "alice", kept.ID); err != nil || got.Version != kept.Version {
		t.Errorf("a read of a full file returned %v, %v", got, err)
	}
	limit("1000000")
	put(t, s, "after")
}

// TestGroupIsolatesItsWrites has one writer goroutine commit a group in which
// some writes fail in each way that must not touch the others.
func TestGroupIsolatesItsWrites(t *testing.T) {
	s := open(t, tempPath(t))
	ok := func(title string) func(*statements) error {
		return func(q *statements) error {
			d := draft(title)
			d.Version = int64(len(title))
			return exec(q.insert, values(&d)...)
		}
	}
	failed := errors.New("failed")
	group := []*write{
		{run: ok("a")},
		{run: func(q *statements) error { return errors.Join(ok("bb")(q), failed) }},
		{run: func(q *statements) error { return errors.Join(ok("ccc")(q), ok("ccc")(q)) }}, // the same version twice
		{run: func(q *statements) error { panic("oops") }},
		{run: func(q *statements) error { return docket.NoSuchTask() }},
		{run: ok("eeeee")},
	}
	abandonedOne := &write{run: ok("dddd")}
	abandonedOne.state.Store(abandoned)
	group = append(group, abandonedOne)
	for _, op := range group {
		op.answer = make(chan error, 1)
	}
	if err := s.writer.close(); err != nil { // take the writer's place
		t.Fatal(err)
	}
	w, err := openWriter(t.Context(), s.lock.Path()[:len(s.lock.Path())-len(".lock")])
	if err != nil {
		t.Fatal(err)
	}
	if err := w.prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.writer = w
	w.commit(append([]*write{}, group...))

	for i, want := range []bool{true, false, false, false, false, true} {
		if err := <-group[i].answer; (err == nil) != want {
			t.Errorf("write %d returned %v", i, err)
		}
	}
	tasks, err := list(s)
	if err != nil || len(tasks) != 2 || tasks[0].Title != "a" || tasks[1].Title != "eeeee" {
		t.Errorf("the group left %v, %v", tasks, err)
	}
}

func TestWritersShareCommits(t *testing.T) {
	path := tempPath(t)
	s := open(t, path)
	const writers, each = 32, 20
	var wait sync.WaitGroup
	for range writers {
		wait.Go(func() {
			for range each {
				if _, err := storetest.Create(context.Background(), s, draft("task")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	if tasks, err := list(s); err != nil || len(tasks) != writers*each {
		t.Errorf("%d tasks, %v", len(tasks), err)
	}
}

func TestCloseFinishesWhatIsQueued(t *testing.T) {
	path := tempPath(t)
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	const n = 50
	errs := make(chan error, n)
	for range n {
		go func() {
			_, err := storetest.Create(context.Background(), s, draft("task"))
			errs <- err
		}()
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	acknowledged := 0
	for range n {
		if err := <-errs; err == nil {
			acknowledged++
		} else if docket.KindOf(err) != docket.Unavailable {
			t.Errorf("Create returned %v", err)
		}
	}
	tasks, err := list(open(t, path))
	if err != nil || len(tasks) != acknowledged {
		t.Errorf("%d writes acknowledged, %d tasks found, %v", acknowledged, len(tasks), err)
	}
}

// TestKeyInFlight has the first write with a key be stuck in the transaction.
func TestKeyInFlight(t *testing.T) {
	s := open(t, tempPath(t))
	task := put(t, s, "task")
	w := docket.Write{Operations: []docket.Operation{{Action: docket.Toggle, ID: task.ID}}, Key: &docket.Key{Text: "key"}, Now: task.CreatedAt}
	other := w
	other.Key = &docket.Key{Text: "other"}
	entered, leave := make(chan struct{}), make(chan struct{})
	end := s.inFlight.begin("alice", w.Key)
	first := make(chan error, 1)
	go func() {
		first <- s.writer.do(context.Background(), 1, func(*statements) error {
			close(entered)
			<-leave
			return nil
		})
	}()
	<-entered
	var wait sync.WaitGroup
	wait.Go(func() {
		if _, err := s.Write(context.Background(), "alice", w); docket.KindOf(err) != docket.KeyInFlight {
			t.Errorf("a repetition returned %v", err)
		}
	})
	wait.Go(func() {
		if _, err := s.Write(context.Background(), "alice", other); docket.KindOf(err) != docket.Unavailable {
			t.Errorf("a write with another key returned %v", err)
		}
	})
	wait.Wait()
	close(leave)
	end()
	if err := <-first; err != nil {
		t.Fatal(err)
	}
	if written, err := s.Write(t.Context(), "alice", w); err != nil || written.Replayed || len(s.inFlight.writes) != 0 {
		t.Errorf("afterwards: %+v, %v, %d in flight", written, err, len(s.inFlight.writes))
	}
}

// TestWriteBehindASlowOne is in one group with a write that does not end: until
// its turn comes it may still be given up, and then it is not carried out.
func TestWriteBehindASlowOne(t *testing.T) {
	s := open(t, tempPath(t))
	block := func() (entered, leave chan struct{}, done chan error) {
		entered, leave, done = make(chan struct{}), make(chan struct{}), make(chan error, 1)
		go func() {
			done <- s.writer.do(context.Background(), 1, func(*statements) error {
				close(entered)
				<-leave
				return nil
			})
		}()
		return entered, leave, done
	}
	queued := func(n int) {
		for len(s.writer.queue) < n && t.Context().Err() == nil {
			runtime.Gosched()
		}
	}
	firstEntered, firstLeave, first := block()
	<-firstEntered
	slowEntered, slowLeave, slow := block() // the next group: this one,
	queued(1)
	behind := make(chan error, 1)
	go func() { // and this
		_, err := storetest.Create(context.Background(), s, draft("behind"))
		behind <- err
	}()
	queued(2)
	close(firstLeave)
	<-slowEntered
	if err := <-behind; docket.KindOf(err) != docket.Unavailable {
		t.Errorf("the write behind it returned %v", err)
	}
	close(slowLeave)
	if err := errors.Join(<-first, <-slow); err != nil {
		t.Error(err)
	}
	put(t, s, "afterwards")
	if tasks, err := list(s); err != nil || len(tasks) != 1 {
		t.Errorf("there are %d tasks, %v: what was given up was carried out", len(tasks), err)
	}
}

// TestReadOnly has SQLite refuse to write, as it does when the file system has
// become read-only.
func TestReadOnly(t *testing.T) {
	s := open(t, tempPath(t))
	task := put(t, s, "task")
	refuse := func(on string) { pragma(t, s, "query_only="+on) }
	refuse("1")
	if _, err := storetest.Create(t.Context(), s, draft("refused")); docket.KindOf(err) != docket.Unavailable {
		t.Errorf("a write returned %v", err)
	}
	if got, err := s.Get(t.Context(), "alice", task.ID); err != nil || got.Version != task.Version {
		t.Errorf("a read returned %+v, %v", got, err)
	}
	refuse("0")
	put(t, s, "afterwards")
	if tasks, err := list(s); err != nil || len(tasks) != 2 {
		t.Errorf("there are %d tasks, %v", len(tasks), err)
	}
}
