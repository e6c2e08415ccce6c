package sqlite

import (
	"strings"
	"sync"
	"testing"
	"time"

	"docket"
	"docket/internal/storetest"
)

// faults makes a step of a statement panic, before it or after it.
type faults struct {
	mu    sync.Mutex
	calls int // since arm: two for each step
	at    int // the one that panics
}

// never is a call that is not reached.
const never = -1

// arm has the call at panic, counted from now. It returns how many there were.
func (f *faults) arm(at int) (calls int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	calls, f.calls, f.at = f.calls, 0, at
	return calls
}

func (f *faults) step() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	if f.calls-1 == f.at {
		panic("a defect of SQLite")
	}
}

// openFaulty opens a new file with faults.
func openFaulty(t *testing.T) (*Store, *faults, *storetest.Log) {
	t.Helper()
	f, log := &faults{at: never}, &storetest.Log{}
	faulty := fileAt(tempPath(t))
	faulty.Hook = f.step
	s, err := openFile(t.Context(), faulty, log.Logger(), usualPace)
	if err != nil {
		t.Fatal(err)
	}
	s.wiper.close() // the faults are for the calls of the test
	t.Cleanup(func() {
		f.arm(never)
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s, f, log
}

// TestPanicAtEachStage has SQLite panic before and after each of its steps in each
// method. That call of the method fails, and nothing else does.
func TestPanicAtEachStage(t *testing.T) {
	key := 0
	keyed := func(s *Store, operations ...docket.Operation) docket.Write {
		key++
		return docket.Write{Operations: operations, Key: &docket.Key{Text: strings.Repeat("k", key)}, Now: time.Now().UTC(), Epoch: 1}
	}
	toggle := func(task docket.Task) docket.Operation { return docket.Operation{Action: docket.Toggle, ID: task.ID} }
	list := func(q docket.ListQuery) func(*Store, docket.Task) func() error {
		q.Limit, q.Count = 2, true
		return func(s *Store, _ docket.Task) func() error {
			return func() error { _, err := s.List(t.Context(), "alice", q); return err }
		}
	}
	for name, prepare := range map[string]func(s *Store, task docket.Task) (run func() error){
		"get": func(s *Store, task docket.Task) func() error {
			return func() error { _, err := s.Get(t.Context(), "alice", task.ID); return err }
		},
		"list":   list(docket.ListQuery{}),
		"search": list(docket.ListQuery{Search: "TASK", Sort: docket.Sort{Key: docket.ByTitle}}),
		"changes": func(s *Store, _ docket.Task) func() error {
			return func() error { _, err := s.Changes(t.Context(), "alice", docket.ChangeRange{Limit: 100}); return err }
		},
		"counters": func(s *Store, _ docket.Task) func() error {
			return func() error { _, err := s.Counters(t.Context(), []docket.UserID{"alice"}); return err }
		},
		"create": func(s *Store, _ docket.Task) func() error {
			return func() error { _, err := storetest.Create(t.Context(), s, storetest.Draft("created")); return err }
		},
		"batch with a key": func(s *Store, task docket.Task) func() error {
			w := keyed(s, toggle(task), docket.Operation{Action: docket.Delete, ID: task.ID})
			return func() error { _, err := s.Write(t.Context(), "alice", w); return err }
		},
		"replay": func(s *Store, task docket.Task) func() error {
			w := keyed(s, toggle(task))
			if _, err := s.Write(t.Context(), "alice", w); err != nil {
				t.Fatal(err)
			}
			return func() error { _, err := s.Write(t.Context(), "alice", w); return err }
		},
		"import": func(s *Store, _ docket.Task) func() error {
			return func() error {
				_, err := s.Import(t.Context(), "alice", docket.Import{Tasks: []docket.Task{storetest.Draft("imported")}, Epoch: 1})
				return err
			}
		},
		"purge": func(s *Store, task docket.Task) func() error {
			if _, err := s.Write(t.Context(), "alice", docket.Write{Operations: []docket.Operation{{Action: docket.Delete, ID: task.ID}}, Now: time.Now().UTC()}); err != nil {
				t.Fatal(err)
			}
			return func() error { _, err := s.Purge(t.Context(), time.Now().Add(time.Hour), 100); return err }
		},
		"erase": func(s *Store, _ docket.Task) func() error {
			return func() error { _, err := s.Erase(t.Context(), "alice", 2, 100); return err }
		},
		"expiry": func(s *Store, task docket.Task) func() error {
			if _, err := s.Write(t.Context(), "alice", keyed(s, toggle(task))); err != nil {
				t.Fatal(err)
			}
			return func() error { _, err := s.ExpireKeys(t.Context(), time.Now().Add(48*time.Hour), 100); return err }
		},
		"clock": func(s *Store, _ docket.Task) func() error {
			return func() error { _, err := s.AdvanceClock(t.Context(), time.Now(), time.Hour); return err }
		},
		"renewal": func(s *Store, _ docket.Task) func() error {
			return func() error { _, err := s.Renew(t.Context(), randomRenewal); return err }
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, f, _ := openFaulty(t)
			fails := 0
			for at := 0; ; at++ {
				task := storetest.Put(t, s, "task")
				run := prepare(s, task)
				f.arm(at)
				err := run()
				if f.arm(never) <= at {
					break
				}
				if err != nil {
					fails++
					if kind := docket.KindOf(err); kind != docket.Internal && kind != docket.OutcomeUnknown || !strings.Contains(err.Error(), "a defect of SQLite") {
						t.Fatalf("panic %d: %s, %v", at, kind, err)
					}
				}
				checkWhole(t, s)
			}
			if fails < 4 {
				t.Errorf("only %d panics reached the caller", fails)
			}
		})
	}
}

// checkWhole checks that s serves, and that no reader is lost or in a transaction.
func checkWhole(t *testing.T, s *Store) {
	t.Helper()
	task := storetest.Put(t, s, "afterwards")
	if _, err := s.Get(t.Context(), "alice", task.ID); err != nil {
		t.Fatal(err)
	}
	if err := s.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, pool := range []*readers{s.readers, s.passes} {
		if len(pool.idle) != pool.n {
			t.Fatalf("%d of %d readers are left", len(pool.idle), pool.n)
		}
		for range pool.n { // each once
			if _, err := atOnce(t.Context(), pool, func(*reader) (any, error) { return nil, nil }); err != nil {
				t.Fatal(err)
			}
		}
	}
	other, err := s.file.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if busy, err := other.Number(truncateSQL); err != nil || busy != 0 {
		t.Fatalf("the log cannot be emptied: %v, %v", busy, err)
	}
}

// TestPanicOfOurs has code of this package panic while it holds a reader, and while it
// writes.
func TestPanicOfOurs(t *testing.T) {
	s, _, _ := openFaulty(t)
	task := storetest.Put(t, s, "task")
	_, err := atOnce(t.Context(), s.readers, func(*reader) (any, error) { panic("a defect of ours") })
	if docket.KindOf(err) != docket.Internal || !strings.Contains(err.Error(), "a defect of ours") || !strings.Contains(err.Error(), "panic_test.go") {
		t.Errorf("a read returned %v", err)
	}
	checkWhole(t, s)
	err = s.writer.do(t.Context(), 1, func(q *statements) error {
		if err := q.Stmt(deleteSQL).Text("alice").Blob(task.ID[:]).Exec(); err != nil {
			return err
		}
		q.Stmt(insertSQL).Text("alice") // and it does not run
		panic("a defect of ours")
	})
	if docket.KindOf(err) != docket.Internal {
		t.Errorf("a write returned %v", err)
	}
	checkWhole(t, s)
	if _, err := s.Get(t.Context(), "alice", task.ID); err != nil {
		t.Errorf("the write that panicked took effect: %v", err)
	}
}

// TestPanicCostsOneOfAGroup has SQLite panic on one write of a group.
func TestPanicCostsOneOfAGroup(t *testing.T) {
	s, f, _ := openFaulty(t)
	w := stopped(t, s)
	group := []*write{
		inserting("a"),
		newWrite(func(q *statements) error {
			f.arm(0)
			return insertTitle(q, "bb")
		}),
		inserting("ccc"),
	}
	w.commit(group)
	restart(t, s)
	for i, want := range []bool{true, false, true} {
		if err := <-group[i].answer; (err == nil) != want {
			t.Errorf("write %d returned %v", i, err)
		}
	}
	if tasks, err := storetest.List(s); err != nil || len(tasks) != 2 {
		t.Errorf("the group left %v, %v", tasks, err)
	}
}

func TestPanicOfTheCheckpointer(t *testing.T) {
	s, f, log := openFaulty(t)
	storetest.Put(t, s, "task")
	f.arm(0)
	s.checkpoints.copyLog()
	if f.arm(never) == 0 || !strings.Contains(log.String(), "a defect of SQLite") {
		t.Errorf("the log is %s", log)
	}
	s.checkpoints.copyLog()
	if log.Count("level=") != 1 {
		t.Errorf("the next checkpoint failed too: %s", log)
	}
	checkWhole(t, s)
}
