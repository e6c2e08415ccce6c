package postgres

import (
	"log/slog"
	"testing"

	"docket"
	"docket/internal/migrate"
	"docket/internal/pgtest"
	"docket/internal/storetest"
)

// distributed makes a database on a Citus cluster, with the schema distributed.
func distributed(t *testing.T, c *pgtest.Citus) string {
	t.Helper()
	url := c.Database(t)
	target := targetOf(t, url)
	up := func(m migrate.Migrator) error { _, err := m.Up(t.Context()); return err }
	if err := Migrate(t.Context(), target, up); err != nil {
		t.Fatal(err)
	}
	if err := Distribute(t.Context(), target, func(string) {}); err != nil {
		t.Fatal(err)
	}
	return url
}

func targetOf(t *testing.T, url string) Target {
	t.Helper()
	target, err := ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	return target
}

// openWorkers opens a distributed database with the workers.
func openWorkers(t *testing.T, url string) *workers {
	t.Helper()
	s, err := Open(t.Context(), Options{Target: targetOf(t, url), Migrate: true, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	storetest.Close(t, s)
	w, ok := s.(*workers)
	if !ok {
		t.Fatalf("opened a %T", s)
	}
	return w
}

// TestStoreOnCitus runs the suite through the coordinator alone, and with connections to
// the workers.
func TestStoreOnCitus(t *testing.T) {
	c := pgtest.NewCitus(t, 2)
	t.Run("coordinator", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) docket.Store { return openPatient(t, distributed(t, c)) })
	})
	t.Run("workers", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) docket.Store {
			w := openWorkers(t, distributed(t, c))
			patient(w.Store)
			for _, s := range w.all() {
				patient(s)
			}
			return w
		})
	})
}
