package sqlite

import (
	"slices"
	"testing"

	"docket"
	"docket/internal/migrate"
)

// TestMigrationOfContainment brings a file with tasks, trash and results from schema 3
// to 4, and back.
func TestMigrationOfContainment(t *testing.T) {
	path := tempPath(t)
	to := func(n int) {
		t.Helper()
		err := Migrate(t.Context(), path, func(m migrate.Migrator) error {
			m.Known = m.Known[:n]
			_, err := m.Up(t.Context())
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	to(3)
	db := external(t, path)
	for _, text := range []string{
		"INSERT INTO owners (user_id, epoch, counter, live) VALUES ('alice', 1, 4, 2), ('bob', 2, 1, 1)",
		`INSERT INTO tasks (user_id, id, title, description, completed, created_at, updated_at, version, deleted_at, title_folded, description_folded) VALUES
('alice', x'01010101010101010101010101010101', 'One', NULL, 0, 1, 2, 1, NULL, 'ONE', NULL),
('alice', x'02020202020202020202020202020202', 'Two', 'text', 1, 1, 2, 2, NULL, 'TWO', 'TEXT'),
('alice', x'03030303030303030303030303030303', 'Gone', NULL, 0, 1, 2, 4, 9, 'GONE', NULL),
('bob', x'01010101010101010101010101010101', 'His', NULL, 0, 1, 2, 1, NULL, 'HIS', NULL)`,
		"INSERT INTO idempotency_keys (user_id, key, fingerprint, result, expires_at) VALUES ('alice', 'a', x'00', x'0102', 5), ('alice', 'b', x'00', x'03', 6)",
	} {
		if _, err := db.Exec(text); err != nil {
			t.Fatal(err)
		}
	}
	dump := func() (rows []string) {
		t.Helper()
		found, err := db.Query("SELECT quote(user_id) || quote(id) || title || quote(description) || completed || created_at || updated_at || version || quote(deleted_at) || title_folded || quote(description_folded) FROM tasks ORDER BY user_id, id")
		if err != nil {
			t.Fatal(err)
		}
		defer found.Close()
		for found.Next() {
			var row string
			if err := found.Scan(&row); err != nil {
				t.Fatal(err)
			}
			rows = append(rows, row)
		}
		if err := found.Err(); err != nil {
			t.Fatal(err)
		}
		return rows
	}
	before := dump()
	to(4)
	var trash, kept int
	if err := db.QueryRow("SELECT trash, kept FROM owners WHERE user_id = 'alice'").Scan(&trash, &kept); err != nil || trash != 1 || kept != 3 {
		t.Errorf("alice has %d tasks in the trash and %d bytes of results, %v", trash, kept, err)
	}
	s, err := Open(t.Context(), path, noLog)
	if err != nil {
		t.Fatal(err)
	}
	live, err := s.List(t.Context(), "alice", docket.ListQuery{Limit: 10, Count: true})
	if err != nil || len(live.Tasks) != 2 || live.Total != 2 || live.Tasks[1].Title != "Two" || *live.Tasks[1].Description != "text" {
		t.Errorf("the live tasks are %+v, %v", live, err)
	}
	deleted, err := s.List(t.Context(), "alice", docket.ListQuery{Limit: 10, Count: true, Deleted: true})
	if err != nil || len(deleted.Tasks) != 1 || deleted.Total != 1 || deleted.Tasks[0].DeletedAt.UnixMicro() != 9 {
		t.Errorf("the trash is %+v, %v", deleted, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := Migrate(t.Context(), path, func(m migrate.Migrator) error { _, err := m.Down(t.Context(), false); return err }); err != nil {
		t.Fatal(err)
	}
	if after := dump(); !slices.Equal(after, before) {
		t.Errorf("undone, the tasks are\n%q, and were\n%q", after, before)
	}
}
