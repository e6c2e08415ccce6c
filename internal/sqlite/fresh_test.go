package sqlite

import (
	"testing"
	"time"

	"docket"
	"docket/internal/storetest"
)

// TestOnlyFreshTasksAreApart adds tasks that are not fresh behind a fresh one, in each
// way. A read of changes looks at all tasks from the first fresh one on, so none may be
// fresh afterwards.
func TestOnlyFreshTasksAreApart(t *testing.T) {
	creation := func(fresh bool) docket.Operation {
		d := storetest.Draft("task")
		return docket.Operation{Action: docket.Create, ID: d.ID, Fresh: fresh, New: docket.NewTask{Fields: d.Fields}}
	}
	write := func(s *Store, operations ...docket.Operation) error {
		_, err := s.Write(t.Context(), "alice", docket.Write{Operations: operations, Now: time.Now(), Epoch: 1})
		return err
	}
	for name, add := range map[string]func(*Store) error{
		"a client's id": func(s *Store) error { return write(s, creation(false)) },
		"a bulk":        func(s *Store) error { return write(s, creation(true), creation(true)) },
		"an import": func(s *Store) error {
			d := storetest.Draft("task")
			_, err := s.Import(t.Context(), "alice", docket.Import{Tasks: []docket.Task{d}, Epoch: 1})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, tempPath(t))
			if err := write(s, creation(true)); err != nil {
				t.Fatal(err)
			}
			if err := add(s); err != nil {
				t.Fatal(err)
			}
			if n, err := beside(t, s).Number("SELECT (SELECT count(*) FROM tasks WHERE fresh) + (SELECT sum(fresh) FROM owners)"); err != nil || n != 0 {
				t.Errorf("%d fresh tasks are left, %v", n, err)
			}
		})
	}
}
