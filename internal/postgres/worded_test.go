package postgres

import (
	"context"
	"testing"
	"time"

	"docket"
	"docket/internal/pgtest"
	"docket/internal/storetest"
)

// openWorded opens a database as one whose tables are distributed. What a statement does
// is the same on one server, so this needs no Citus.
func openWorded(t *testing.T, url string) *Store {
	t.Helper()
	s := openPatient(t, url)
	pgtest.Exec(t, url, createTaskSQL)
	s.distributed, s.batchers = true, newBatchers(s.distance, DefaultMaxConns, true)
	return s
}

// TestStoreAsOnCitus runs the suite with the statements for distributed tables, also on a
// machine without Citus.
func TestStoreAsOnCitus(t *testing.T) {
	pgtest.InLongerTier(t)
	cluster := pgtest.Shared(t)
	storetest.Run(t, func(t *testing.T) docket.Store { return openWorded(t, cluster.Database(t)) })
}

// TestCertaintyInWords has writes fail before the COMMIT and in it, as Citus does when it
// loses a worker.
func TestCertaintyInWords(t *testing.T) {
	for _, test := range []struct {
		name, deferred string
		keyed          bool
		want           docket.Kind
	}{
		{"before the commit", "NOT DEFERRABLE", false, docket.Unavailable},
		{"before the commit, with a key", "NOT DEFERRABLE", true, docket.Unavailable},
		{"in the commit", "DEFERRABLE INITIALLY DEFERRED", false, docket.OutcomeUnknown},
		{"in the commit, with a key", "DEFERRABLE INITIALLY DEFERRED", true, docket.OutcomeUnknown},
	} {
		t.Run(test.name, func(t *testing.T) {
			url := pgtest.Shared(t).Database(t)
			s := openWorded(t, url)
			task := storetest.Put(t, s, "task")
			pgtest.Exec(t, url, `CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE connection_failure; END'`,
				"CREATE CONSTRAINT TRIGGER fail AFTER UPDATE ON docket.tasks "+test.deferred+" FOR EACH ROW EXECUTE FUNCTION fail()")
			w := docket.Write{Operations: []docket.Operation{{Action: docket.Toggle, ID: task.ID}}, Now: time.Now(), Epoch: 1}
			if test.keyed {
				w.Key = &docket.Key{Text: "key"}
			}
			if _, err := s.Write(context.Background(), "alice", w); docket.KindOf(err) != test.want {
				t.Errorf("Write returned %v", err)
			}
			pgtest.Exec(t, url, "DROP TRIGGER fail ON docket.tasks")
			after, err := s.Get(t.Context(), "alice", task.ID)
			if err != nil || after.Completed || after.Version != task.Version {
				t.Errorf("afterwards %+v, %v", after, err)
			}
		})
	}
}

// TestGroupInWords has one write of a group fail. The others are carried out once.
func TestGroupInWords(t *testing.T) {
	direct := pgtest.Shared(t).Database(t)
	s := openWorded(t, direct)
	users, b := mates(s, 7)
	tasks := create(t, s, users...)
	pgtest.Exec(t, direct, `CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''no''; END'`,
		"CREATE TRIGGER fail BEFORE UPDATE ON docket.tasks FOR EACH ROW WHEN (new.user_id = '"+string(users[6])+"') EXECUTE FUNCTION fail()")
	var calls []*call
	for i, user := range users {
		calls = append(calls, errand(user, tasks[i], true))
	}
	conn, err := s.pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	if err := b.exchange(t.Context(), conn.Conn(), b.arrange(calls), b.bound); err == nil || classify(err) != rolledBack {
		t.Errorf("the group returned %v", err)
	}
	for i, user := range users {
		if got, err := s.Get(t.Context(), user, tasks[i].ID); err != nil || got.Completed {
			t.Errorf("%s: a write of a group that failed was committed: %v", user, err)
		}
		_, err := storetest.Do(t.Context(), s, user, docket.Operation{Action: docket.Toggle, ID: tasks[i].ID}, time.Now())
		if got, failed := s.Get(t.Context(), user, tasks[i].ID); failed != nil || got.Completed != (err == nil) || (err == nil) == (i == 6) {
			t.Errorf("%s: %v, %v, completed is %t", user, err, failed, got.Completed)
		}
	}
}
