package postgres

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"docket"
	"docket/internal/pgtest"
	"docket/internal/postgres/schema"
)

func newAPIKey(t *testing.T, s *Store) docket.APIKey {
	t.Helper()
	key := docket.APIKey{
		ID: uuid.Must(uuid.NewV7()), Owner: "alice", Name: "key", Scopes: docket.ReadTasks, CreatedAt: time.Now().UTC().Truncate(time.Microsecond),
	}
	if err := s.CreateAPIKey(t.Context(), key, 1); err != nil {
		t.Fatal(err)
	}
	return key
}

// TestOlderErasureEndsAPIKeys erases a user as a program of before API keys does, while
// instances of both serve.
func TestOlderErasureEndsAPIKeys(t *testing.T) {
	url := pgtest.Shared(t).Database(t)
	s := open(t, url)
	key := newAPIKey(t, s)
	pgtest.Exec(t, url, "DELETE FROM docket.owners AS x WHERE x.user_id = 'alice'")
	if _, err := s.FindAPIKey(t.Context(), "alice", key.ID); docket.KindOf(err) != docket.APIKeyNotFound {
		t.Errorf("after the erasure the key is found: %v", err)
	}
	if step := schema.Migrations[6]; step.Name != "api_keys" || step.Compatible != schema.Migrations[5].Compatible {
		t.Errorf("the step %s refuses programs of before schema %d", step.Name, step.Compatible)
	}
}

// TestAPIKeysInOneRoundTrip counts the round trips of what requests wait for.
func TestAPIKeysInOneRoundTrip(t *testing.T) {
	database := pgtest.Shared(t).Database(t)
	proxy := pgtest.NewProxy(t, database, 0)
	s := open(t, proxy.URL(database), func(o *Options) { o.MaxConns = 1 })
	key := newAPIKey(t, s)
	for name, call := range map[string]func() error{
		"find": func() error { _, err := s.FindAPIKey(t.Context(), "alice", key.ID); return err },
		"mark": func() error {
			key.UsedOn = key.UsedOn.AddDate(0, 0, 1)
			return s.MarkAPIKeyUsed(t.Context(), "alice", key.ID, key.UsedOn)
		},
	} {
		var took int64
		for range 2 { // the first call prepares
			before := proxy.RoundTrips()
			if err := call(); err != nil {
				t.Fatal(err)
			}
			took = proxy.RoundTrips() - before
		}
		if took != 1 {
			t.Errorf("%s took %d round trips", name, took)
		}
	}
}
