package sqlite

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"docket"
	"docket/internal/storetest"
)

// stopped returns a writer on the file of s that has not been started, in the place of
// the one that s had.
func stopped(t *testing.T, s *Store) *writer {
	t.Helper()
	s.wiper.close()
	if err := s.writer.close(); err != nil {
		t.Fatal(err)
	}
	w, err := openWriter(s.file, noLog)
	if err != nil {
		t.Fatal(err)
	}
	w.place, w.health = s.writer.place, s.writer.health
	s.writer = w
	if w.checkpoints, err = openCheckpointer(s.file, s.pace, noLog); err != nil {
		t.Fatal(err)
	}
	s.checkpoints = w.checkpoints
	return w
}

// restart starts a writer that stopped returned.
func restart(t *testing.T, s *Store) {
	t.Helper()
	s.writer.start(s.checkpoints)
}

// block has the writer run a write that ends when release is called. Release returns
// its error.
func block(s *Store) (release func() error) {
	begun, release := blocking(s)
	<-begun
	return release
}

// blocking queues a write that ends when release is called.
func blocking(s *Store) (begun <-chan struct{}, release func() error) {
	entered, leave := make(chan struct{}), make(chan struct{})
	op := newWrite(func(*statements) error {
		close(entered)
		<-leave
		return nil
	})
	s.writer.queue <- op // without the time limit of a request
	return entered, func() error {
		close(leave)
		return <-op.answer
	}
}

// inserting returns a write of one operation, whose task has the length of its title
// as version.
func inserting(title string) *write {
	return newWrite(func(q *statements) error { return insertTitle(q, title) })
}

func insertTitle(q *statements, title string) error {
	task := storetest.Draft(title)
	task.Version = int64(len(title))
	return bindTask(q.Stmt(insertSQL), &task).Flag(false).Exec()
}

func newWrite(run func(*statements) error) *write {
	return &write{run: run, weight: 1, answer: make(chan error, 1)}
}

// TestGroupIsolatesItsWrites commits a group in which some writes fail in each way
// that must not affect the others.
func TestGroupIsolatesItsWrites(t *testing.T) {
	s := open(t, tempPath(t))
	abandonedOne := inserting("dddd")
	abandonedOne.state.Store(abandoned)
	group := []*write{
		inserting("a"),
		newWrite(func(q *statements) error { return errors.Join(insertTitle(q, "bb"), errors.New("failed")) }),
		newWrite(func(q *statements) error { return errors.Join(insertTitle(q, "ccc"), insertTitle(q, "")) }), // which the table refuses
		newWrite(func(*statements) error { panic("oops") }),
		newWrite(func(*statements) error { return docket.NoSuchTask() }),
		inserting("eeeee"),
		abandonedOne,
	}
	stopped(t, s).commit(group)
	restart(t, s)
	for i, want := range []bool{true, false, false, false, false, true} {
		if err := <-group[i].answer; (err == nil) != want {
			t.Errorf("write %d returned %v", i, err)
		}
	}
	tasks, err := storetest.List(s)
	if err != nil || len(tasks) != 2 || tasks[0].Title != "a" || tasks[1].Title != "eeeee" {
		t.Errorf("the group left %v, %v", tasks, err)
	}
}

// TestWritersShareCommits starts the writer when writes of several callers wait.
func TestWritersShareCommits(t *testing.T) {
	s := open(t, tempPath(t))
	w := stopped(t, s)
	waiting := make([]*write, 32)
	for i := range waiting {
		waiting[i] = inserting(strings.Repeat("x", i+1))
		w.queue <- waiting[i]
	}
	restart(t, s)
	for i, op := range waiting {
		if err := <-op.answer; err != nil {
			t.Errorf("write %d returned %v", i, err)
		}
	}
	if tasks, err := storetest.List(s); err != nil || len(tasks) != len(waiting) {
		t.Errorf("%d tasks, %v", len(tasks), err)
	}
	if groups, writes := counter(t, s, "docket_sqlite_groups_total"), counter(t, s, "docket_sqlite_writes_total"); groups != 1 || writes != float64(len(waiting)) {
		t.Errorf("%v writes took %v transactions, want 1", writes, groups)
	}
}

// counter returns the value of one of the metrics of s.
func counter(t *testing.T, s *Store, name string) float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(s)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == name {
			return family.GetMetric()[0].GetCounter().GetValue()
		}
	}
	t.Fatalf("there is no metric %s", name)
	return 0
}

// TestCloseFinishesWhatIsQueued closes a store whose writer has writes waiting.
func TestCloseFinishesWhatIsQueued(t *testing.T) {
	path := tempPath(t)
	s, err := Open(t.Context(), path, noLog)
	if err != nil {
		t.Fatal(err)
	}
	w := stopped(t, s)
	waiting := make([]*write, maxGroup+10) // two groups
	for i := range waiting {
		waiting[i] = inserting(strings.Repeat("x", i+1))
		w.queue <- waiting[i]
	}
	restart(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for i, op := range waiting {
		select {
		case err := <-op.answer:
			if err != nil {
				t.Errorf("write %d returned %v", i, err)
			}
		default:
			t.Errorf("write %d has no answer", i)
		}
	}
	if tasks, err := storetest.List(open(t, path)); err != nil || len(tasks) != len(waiting) {
		t.Errorf("%d of %d tasks are there, %v", len(tasks), len(waiting), err)
	}
}

// TestWriteBehindASlowOne is in one group with a write that does not end: until its
// turn comes it may be abandoned, and then it is not carried out.
func TestWriteBehindASlowOne(t *testing.T) {
	s := open(t, tempPath(t))
	releaseFirst := block(s)
	slowBegun, releaseSlow := blocking(s) // the next group: this write
	behind := make(chan error, 1)
	go func() { // and this one
		_, err := storetest.Create(context.Background(), s, storetest.Draft("behind"))
		behind <- err
	}()
	for len(s.writer.queue) < 2 {
		time.Sleep(time.Millisecond)
	}
	first := releaseFirst()
	<-slowBegun
	if err := <-behind; docket.KindOf(err) != docket.Unavailable {
		t.Errorf("the write behind it returned %v", err)
	}
	if err := errors.Join(first, releaseSlow()); err != nil {
		t.Error(err)
	}
	storetest.Put(t, s, "afterwards")
	if tasks, err := storetest.List(s); err != nil || len(tasks) != 1 {
		t.Errorf("there are %d tasks, %v: the abandoned write was carried out", len(tasks), err)
	}
}
