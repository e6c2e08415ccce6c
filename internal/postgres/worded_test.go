package postgres

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"docket"
	"docket/internal/pgtest"
	"docket/internal/postgres/schema"
	"docket/internal/storetest"
)

// openWorded opens a database as one whose tables are distributed. What a statement does
// is the same on one server, so this needs no Citus.
func openWorded(t *testing.T, url string, adjust ...func(*Options)) *Store {
	t.Helper()
	migrated := open(t, url)
	pgtest.Exec(t, url, schema.CreateTaskSQL)
	o := Options{Log: slog.New(slog.DiscardHandler)}
	for _, f := range adjust {
		f(&o)
	}
	s, err := newStore(t.Context(), o, storeOptions{target: targetOf(t, url), mode: pgx.QueryExecModeCacheStatement, distance: migrated.distance, distributed: true})
	if err != nil {
		t.Fatal(err)
	}
	storetest.Close(t, s)
	patient(s)
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
	s := openWorded(t, direct, func(o *Options) { o.MaxConns = 1 })
	users, b := mates(s, 7)
	tasks := create(t, s, users...)
	pgtest.Exec(t, direct, `CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''no''; END'`,
		"CREATE TRIGGER fail BEFORE UPDATE ON docket.tasks FOR EACH ROW WHEN (new.user_id = '"+string(users[6])+"') EXECUTE FUNCTION fail()")
	conn, err := s.db.Pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	before := b.Stats()
	errs := make([]error, len(users))
	var running sync.WaitGroup
	for i, user := range users {
		running.Go(func() {
			_, errs[i] = storetest.Do(context.Background(), s, user, docket.Operation{Action: docket.Toggle, ID: tasks[i].ID}, time.Now())
		})
		waitUntil(t, "the first write leads and the others are queued", func() bool { return holding(b, 1, i) })
	}
	conn.Release()
	running.Wait()
	if after := b.Stats(); after.Groups != before.Groups+1 || after.Calls != before.Calls+int64(len(users)) {
		t.Errorf("%d groups with %d writes", after.Groups-before.Groups, after.Calls-before.Calls)
	}
	for i, user := range users {
		fails := i == 6
		got, err := s.Get(t.Context(), user, tasks[i].ID)
		if err != nil || (errs[i] != nil) != fails || got.Completed == fails || !fails && got.Version != tasks[i].Version+1 {
			t.Errorf("%s: the write returned %v and left %+v, %v", user, errs[i], got, err)
		}
	}
	idle(t, b)
}
