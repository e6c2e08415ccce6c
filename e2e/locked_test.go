package e2e

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"docket/internal/pgtest"
)

const (
	lockUsers  = 50
	lockRemain = 20        // clients that continue after the lock, so that a busy machine can serve them
	lockMemory = 768 << 10 // kB; most of it is the race detector's
)

// TestLockedTable locks a table, as careless maintenance does, under many more
// clients than the server has connections. The lock stays until every client is
// answered, so no answer waits for its release.
func TestLockedTable(t *testing.T) {
	alongside(t)
	addresses := map[string]func(t *testing.T, direct string) string{
		"postgres": func(_ *testing.T, direct string) string { return direct },
		"pgbouncer": func(t *testing.T, direct string) string {
			// As docs/operations.md asks: pgbouncer drops the cancellation of a statement
			// that waits for a server connection, and sends the statement later.
			boundStatements(t, direct)
			return pooledURL(pgtest.Shared(t).Pooler(t, pgtest.PoolerOptions{}), direct)
		},
	}
	for _, name := range someOf("pgbouncer", "postgres") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			direct := pgtest.Shared(t).Database(t)
			s := newServer(t, t.TempDir(), addresses[name](t, direct))
			s.Start(t)
			w := newCrew(t, s, long(60, 500), lockUsers)
			w.once()
			before := s.Memory(t)
			t.Logf("before the lock: %s", w.count())

			lock := lockTasks(t, direct, "ACCESS EXCLUSIVE")
			workWhileLocked(t, w, lock)
			w.work()
			eventually(t, "connections wait for the lock", func() bool { return lock.waiting(t) > 0 })
			release(t, w, lock)

			after := s.Memory(t)
			t.Logf("kB of memory: %v before, %v after", before, after)
			if after["VmHWM"] > lockMemory {
				t.Errorf("the server has had %d kB", after["VmHWM"])
			}
			w.finish(t)
		})
	}
}

// workWhileLocked makes the crew work without success. Every client is answered,
// and then no backend waits for the lock.
func workWhileLocked(t *testing.T, w *crew, lock tableLock) {
	t.Helper()
	w.work()
	w.untilAnswered(t, long(1, 8))
	w.rest()
	left, counted := lock.waiting(t), w.count()
	showf(t, "A table is locked under "+t.Name(), "an honest 503 within the acquire or statement timeout; no backend is left waiting", "%s, %d backends left at that moment", counted, left)
	if n := counted.succeeded(); n > 0 {
		t.Errorf("%d requests succeeded", n)
	}
	eventually(t, "no backend waits for the lock", func() bool { return lock.waiting(t) == 0 })
}

// boundStatements makes the database end long statements by itself.
func boundStatements(t *testing.T, direct string) {
	t.Helper()
	name, _, _ := strings.Cut(direct[strings.LastIndex(direct, "/")+1:], "?")
	pgtest.Exec(t, pgtest.AsSuperuser(direct), "ALTER DATABASE "+name+" SET statement_timeout = '5s'")
}

// release releases the lock while the crew works. Then all clients are served.
func release(t *testing.T, w *crew, lock tableLock) {
	t.Helper()
	w.count()
	lock.release(t)
	released := time.Now()
	w.keep(lockRemain)
	w.untilServed(t)
	t.Logf("all clients were served %s after the release: %s", time.Since(released).Round(time.Millisecond), w.count())
	w.untilCalm(t)
	w.rest()
}

// tableLock is a transaction that holds a lock, and a connection that shows who
// waits for it.
type tableLock struct {
	tx   pgx.Tx
	look *pgx.Conn // outside the transaction, in which pg_stat_activity would not change
}

// lockTasks locks the table of tasks in a mode of PostgreSQL.
func lockTasks(t *testing.T, direct, mode string) tableLock {
	t.Helper()
	tx, err := pgtest.Connect(t, direct).Begin(t.Context())
	if err == nil {
		_, err = tx.Exec(t.Context(), "LOCK TABLE docket.tasks IN "+mode+" MODE")
	}
	if err != nil {
		t.Fatal(err)
	}
	return tableLock{tx: tx, look: pgtest.Connect(t, direct)}
}

// waiting returns how many backends of the database wait for a lock.
func (l tableLock) waiting(t *testing.T) (n int) {
	t.Helper()
	err := l.look.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'").Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// release ends the transaction and closes both connections.
func (l tableLock) release(t *testing.T) {
	t.Helper()
	if err := errors.Join(l.tx.Rollback(t.Context()), l.tx.Conn().Close(t.Context()), l.look.Close(t.Context())); err != nil {
		t.Fatal(err)
	}
}

// Memory returns the server's current resident memory (VmRSS) and its maximum
// (VmHWM), in kB.
func (s *server) Memory(t testing.TB) map[string]int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	memory := map[string]int{}
	for line := range strings.Lines(string(status)) {
		for _, name := range []string{"VmRSS", "VmHWM"} {
			var n int
			if _, err := fmt.Sscanf(line, name+": %d kB", &n); err == nil {
				memory[name] = n
			}
		}
	}
	if len(memory) != 2 {
		t.Fatalf("the status of the server lacks its memory: %s", status)
	}
	return memory
}
