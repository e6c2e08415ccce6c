package postgres

import (
	"log/slog"
	"testing"

	"docket"
	"docket/internal/migrate"
	"docket/internal/pgtest"
	"docket/internal/postgres/connect"
	"docket/internal/postgres/schema"
	"docket/internal/storetest"
)

// distributed makes a database on a Citus cluster, with the schema distributed.
func distributed(t *testing.T, c *pgtest.Citus) string {
	t.Helper()
	url := c.Database(t)
	target := targetOf(t, url)
	up := func(m migrate.Migrator) error { _, err := m.Up(t.Context()); return err }
	if err := schema.Migrate(t.Context(), target, up); err != nil {
		t.Fatal(err)
	}
	if err := schema.Distribute(t.Context(), target, func(string) {}); err != nil {
		t.Fatal(err)
	}
	return url
}

func targetOf(t *testing.T, url string) connect.Target {
	t.Helper()
	target, err := connect.ParseURL(url)
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
	c.Copy(t, distributed(t, c))
	t.Run("coordinator", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) docket.Store { return openPatient(t, c.Database(t)) })
	})
	t.Run("workers", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) docket.Store {
			w := openWorkers(t, c.Database(t))
			patient(w.Store)
			for _, s := range w.all() {
				patient(s)
			}
			return w
		})
	})
}

// TestWorkersOnCitus has a user's shard move while a store is open, and a worker that is
// not where it is said to be.
func TestWorkersOnCitus(t *testing.T) {
	c := pgtest.NewCitus(t, 2)
	url := distributed(t, c)
	w := openWorkers(t, url)
	task := storetest.Put(t, w, "task")
	at := func() int { return int(w.of("alice").worker.port) }
	first := at()
	const places = "SELECT nodeport FROM citus_shards WHERE shardid = get_shard_id_for_distribution_column('docket.tasks', 'alice'::text)"
	if stored := pgtest.Count(t, url, places); stored != first {
		t.Errorf("requests of alice go to %d, and her rows are at %d", first, stored)
	}
	pgtest.Exec(t, pgtest.AsSuperuser(url), `SELECT citus_move_shard_placement(get_shard_id_for_distribution_column('docket.tasks', 'alice'::text),
  '127.0.0.1', s.nodeport, '127.0.0.1', n.nodeport, 'block_writes') FROM citus_shards AS s, pg_dist_node AS n
WHERE s.shardid = get_shard_id_for_distribution_column('docket.tasks', 'alice'::text) AND n.shouldhaveshards AND n.nodeport <> s.nodeport`)
	if got, err := act(w.of("alice"), docket.Toggle, task); err != nil || !got.Completed { // by a detour
		t.Errorf("after the move: %+v, %v", got, err)
	}
	w.old.Store(true)
	w.of("alice")
	waitUntil(t, "requests go where the shard is", func() bool { return at() == pgtest.Count(t, url, places) && at() != first })
	if got, err := w.Get(t.Context(), "alice", task.ID); err != nil || !got.Completed {
		t.Errorf("after the change of place: %+v, %v", got, err)
	}

	_, cluster, err := w.readPlacement(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, on := range map[string]worker{
		"another server of the cluster": {host: "127.0.0.1", port: w.options.Target.Config().Port, group: 1},
		"nobody":                        {host: "127.0.0.1", port: 1, group: 1},
	} {
		h, err := w.openHome(t.Context(), on, home{}, cluster, 2)
		if err != nil || h.direct {
			t.Errorf("%s: direct is %t, %v", name, h.direct, err)
			continue
		}
		storetest.Close(t, h.Store)
		if got, err := h.Get(t.Context(), "alice", task.ID); err != nil || !got.Completed {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}
