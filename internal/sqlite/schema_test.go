package sqlite

import (
	"database/sql"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"docket"
	"docket/internal/migrate"
)

// schema is a file whose schema a test moves.
type schema struct {
	*testing.T
	path string
	db   *sql.DB
}

func newSchema(t *testing.T) *schema {
	path := tempPath(t)
	s := &schema{T: t, path: path}
	s.to(1)
	s.db = external(t, path)
	return s
}

// to brings the file up to a step.
func (s *schema) to(n int) {
	s.Helper()
	err := Migrate(s.Context(), s.path, func(m migrate.Migrator) error {
		m.Known = m.Known[:n]
		_, err := m.Up(s.Context())
		return err
	})
	if err != nil {
		s.Fatal(err)
	}
}

// undo undoes the last step.
func (s *schema) undo(dropData bool) error {
	return Migrate(s.Context(), s.path, func(m migrate.Migrator) error {
		_, err := m.Down(s.Context(), dropData)
		return err
	})
}

func (s *schema) exec(texts ...string) {
	s.Helper()
	for _, text := range texts {
		if _, err := s.db.ExecContext(s.Context(), text); err != nil {
			s.Fatal(err)
		}
	}
}

// dump returns the columns of each row of a table, by user and id.
func (s *schema) dump(table, columns string) (rows []string) {
	s.Helper()
	quoted := "quote(" + strings.ReplaceAll(columns, " ", ") || ' ' || quote(") + ")"
	found, err := s.db.QueryContext(s.Context(), "SELECT "+quoted+" FROM "+table+" ORDER BY user_id, id")
	if err != nil {
		s.Fatal(err)
	}
	defer found.Close()
	for found.Next() {
		var row string
		if err := found.Scan(&row); err != nil {
			s.Fatal(err)
		}
		rows = append(rows, row)
	}
	if err := found.Err(); err != nil {
		s.Fatal(err)
	}
	return rows
}

// list returns alice's live tasks, or her trash.
func (s *schema) list(store *Store, deleted bool) docket.Page {
	s.Helper()
	page, err := store.List(s.Context(), "alice", docket.ListQuery{Limit: 10, Count: true, Deleted: deleted})
	if err != nil {
		s.Fatal(err)
	}
	return page
}

// serve calls f with the store of the file.
func (s *schema) serve(f func(*Store)) {
	s.Helper()
	store, err := Open(s.Context(), s.path, noLog)
	if err != nil {
		s.Fatal(err)
	}
	f(store)
	if err := store.Close(); err != nil {
		s.Fatal(err)
	}
}

const columnsOf1 = "user_id id title description completed created_at updated_at version title_folded description_folded"

// TestMigrationOfContainment brings a file with tasks, trash and results from schema 3
// to 4, and back.
func TestMigrationOfContainment(t *testing.T) {
	s := newSchema(t)
	s.to(3)
	s.exec("INSERT INTO owners (user_id, epoch, counter, live) VALUES ('alice', 1, 4, 2), ('bob', 2, 1, 1)",
		`INSERT INTO tasks (user_id, id, title, description, completed, created_at, updated_at, version, deleted_at, title_folded, description_folded) VALUES
('alice', x'01010101010101010101010101010101', 'One', NULL, 0, 1, 2, 1, NULL, 'ONE', NULL),
('alice', x'02020202020202020202020202020202', 'Two', 'text', 1, 1, 2, 2, NULL, 'TWO', 'TEXT'),
('alice', x'03030303030303030303030303030303', 'Gone', NULL, 0, 1, 2, 4, 9, 'GONE', NULL),
('bob', x'01010101010101010101010101010101', 'His', NULL, 0, 1, 2, 1, NULL, 'HIS', NULL)`,
		"INSERT INTO idempotency_keys (user_id, key, fingerprint, result, expires_at) VALUES ('alice', 'a', x'00', x'0102', 5), ('alice', 'b', x'00', x'03', 6)")
	before := s.dump("tasks", columnsOf1+" deleted_at")
	s.to(4)
	var trash, kept int
	if err := s.db.QueryRow("SELECT trash, kept FROM owners WHERE user_id = 'alice'").Scan(&trash, &kept); err != nil || trash != 1 || kept != 3 {
		t.Errorf("alice has %d tasks in the trash and %d bytes of results, %v", trash, kept, err)
	}
	if live, deleted := s.dump("tasks", columnsOf1), s.dump("trash", columnsOf1+" deleted_at"); len(live) != 3 || len(deleted) != 1 || deleted[0] != before[2] {
		t.Errorf("the live tasks are\n%q, and the trash\n%q", live, deleted)
	}
	if err := s.undo(false); err != nil {
		t.Fatal(err)
	}
	if after := s.dump("tasks", columnsOf1+" deleted_at"); !slices.Equal(after, before) {
		t.Errorf("undone, the tasks are\n%q, and were\n%q", after, before)
	}
}

// TestMigrationOfFields brings a file with tasks, trash and a result from schema 4 to
// 5, back, and up again.
func TestMigrationOfFields(t *testing.T) {
	s := newSchema(t)
	s.to(4)
	ids := [...]uuid.UUID{{15: 1}, {15: 2}, {15: 3}, {15: 4}}
	key := &docket.Key{Text: "key", Fingerprint: [32]byte{1}}
	result, err := docket.EncodeResult([]docket.Task{{ID: ids[0], UserID: "alice", Fields: docket.Fields{Title: "One"}, CreatedAt: time.UnixMicro(1), UpdatedAt: time.UnixMicro(2), Version: 1}})
	if err != nil {
		t.Fatal(err)
	}
	const values = "(user_id, id, title, description, completed, created_at, updated_at, version, title_folded, description_folded"
	s.exec("INSERT INTO owners (user_id, epoch, counter, live, trash, kept) VALUES ('alice', 1, 4, 2, 2, 9)",
		"INSERT INTO tasks "+values+`) VALUES
('alice', x'00000000000000000000000000000001', 'One', NULL, 0, 1, 2, 1, 'ONE', NULL),
('alice', x'00000000000000000000000000000002', 'Two', 'text', 1, 1, 3, 2, 'TWO', 'TEXT')`,
		"INSERT INTO trash "+values+`, deleted_at) VALUES
('alice', x'00000000000000000000000000000003', 'Gone', NULL, 0, 1, 4, 3, 'GONE', NULL, 9),
('alice', x'00000000000000000000000000000004', 'Done', 'text', 1, 1, 5, 4, 'DONE', 'TEXT', 9)`)
	if _, err := s.db.Exec("INSERT INTO idempotency_keys (user_id, key, fingerprint, result, expires_at) VALUES ('alice', 'key', ?, ?, 5)", key.Fingerprint[:], result); err != nil {
		t.Fatal(err)
	}
	const trashColumns = columnsOf1 + " deleted_at"
	live, trash := s.dump("tasks", columnsOf1), s.dump("trash", trashColumns)

	s.to(5)
	task := func(id int, title string, description *string, updated, completed, deleted int64) docket.Task {
		at := func(micros int64) time.Time {
			if micros == 0 {
				return time.Time{}
			}
			return time.UnixMicro(micros).UTC()
		}
		return docket.Task{
			ID: ids[id-1], UserID: "alice", Fields: docket.Fields{Title: title, Description: description, Completed: completed != 0},
			CreatedAt: at(1), UpdatedAt: at(updated), CompletedAt: at(completed), Version: int64(id), DeletedAt: at(deleted),
		}
	}
	wantLive := []docket.Task{task(1, "One", nil, 2, 0, 0), task(2, "Two", new("text"), 3, 3, 0)}
	wantTrash := []docket.Task{task(3, "Gone", nil, 4, 0, 9), task(4, "Done", new("text"), 5, 5, 9)}
	check := func(store *Store) {
		t.Helper()
		for deleted, want := range map[bool][]docket.Task{false: wantLive, true: wantTrash} {
			if page := s.list(store, deleted); !cmp.Equal(page.Tasks, want) || page.Total != 2 {
				t.Errorf("deleted %t: %d tasks (-want +got):\n%s", deleted, page.Total, cmp.Diff(want, page.Tasks))
			}
		}
	}
	fields := docket.TaskUpdate{Priority: docket.Some(docket.High), DueDate: docket.Some[docket.DueDate]("2026-12-01"), Tags: docket.Some([]string{"tag"}), Metadata: docket.Some[docket.Metadata](`{"a":1}`)}
	s.serve(func(store *Store) {
		check(store)
		toggle := docket.Operation{Action: docket.Toggle, ID: ids[0]}
		written, err := store.Write(t.Context(), "alice", docket.Write{Operations: []docket.Operation{toggle}, Key: key})
		if err != nil || !written.Replayed || !cmp.Equal(written.Tasks, wantLive[:1]) {
			t.Errorf("a repetition got %+v, %v", written, err)
		}
		update := docket.Operation{Action: docket.Update, ID: ids[0], Update: fields}
		if _, err := store.Write(t.Context(), "alice", docket.Write{Operations: []docket.Operation{update}, Now: time.UnixMicro(2)}); err != nil {
			t.Error(err)
		}
	})

	if err := s.undo(false); err == nil || !strings.Contains(err.Error(), "drops data") {
		t.Fatalf("undoing the step that added fields returned %v", err)
	}
	for range len(migrations) - 4 {
		if err := s.undo(true); err != nil {
			t.Fatal(err)
		}
	}
	live[0] = strings.Replace(live[0], " 1 'ONE'", " 5 'ONE'", 1) // its version
	if after := s.dump("tasks", columnsOf1); !slices.Equal(after, live) {
		t.Errorf("undone, the tasks are\n%q, and were\n%q", after, live)
	}
	if after := s.dump("trash", trashColumns); !slices.Equal(after, trash) {
		t.Errorf("undone, the trash is\n%q, and was\n%q", after, trash)
	}
	wantLive[0].Version = 5
	s.serve(check)
}
