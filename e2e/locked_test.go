package e2e

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"docket/internal/pgtest"
)

const (
	lockClients = 500 // in torture; else fewer, for a machine that runs other tests beside
	lockFewer   = 120
	lockUsers   = 50
	lockRemain  = 50 // clients after the lock, so that a busy machine serves them
	// What an answer may take: the wait for a connection, the statement, and
	// the moment in which the statement is given up.
	lockPatience = 2*time.Second + 5*time.Second + 3*time.Second
	lockBack     = time.Second // after the lock has gone, all is as before
	lockMemory   = 768 << 10   // kB; the race detector takes nine tenths
)

// TestLockedTable has somebody lock a table, as careless maintenance does,
// while there are many more clients than connections.
func TestLockedTable(t *testing.T) {
	var busy sync.Mutex // held at full load, which a small machine takes once at a time
	for name, way := range map[string]struct {
		url func(t *testing.T, direct string) string
	}{
		"postgres": {func(_ *testing.T, direct string) string { return direct }},
		"pgbouncer": {func(t *testing.T, direct string) string {
			return pooledURL(pgtest.Shared(t).Pooler(t, pgtest.PoolerOptions{}), direct)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			direct := pgtest.Shared(t).Database(t)
			if name == "pgbouncer" {
				// As docs/operations.md asks: a pooler drops the cancellation of a statement
				// that still waits for a server, and then sends the statement.
				boundStatements(t, direct)
			}
			s := newServer(t, t.TempDir(), way.url(t, direct))
			s.Start(t)
			w := newCrew(t, s, long(lockFewer, lockClients), lockUsers)
			busy.Lock()
			w.once()
			busy.Unlock()
			before := s.Memory(t)
			t.Logf("before: %s", w.count())

			lock := lockTasks(t, direct)
			workWhileLocked(t, w, lock)
			busy.Lock()
			defer busy.Unlock()
			w.work()
			eventually(t, lockPatience, "connections wait for the lock", func() bool { return lock.waiting(t) > 0 })
			recoverFrom(t, w, lock)

			after := s.Memory(t)
			t.Logf("kB of memory: %v before, %v after", before, after)
			if after["VmHWM"] > lockMemory {
				t.Errorf("the server has had %d kB", after["VmHWM"])
			}
			w.finish(t)
			if w.total.slowest > lockPatience {
				t.Errorf("an answer took %s", w.total.slowest)
			}
		})
	}
}

// workWhileLocked has the crew work for a while, in vain. All are answered, and
// then no backend works for anybody.
func workWhileLocked(t *testing.T, w *crew, lock tableLock) {
	t.Helper()
	w.work()
	time.Sleep(long(6*time.Second, 30*time.Second)) // so long it shall be; the last answers take longer
	w.rest()
	left, counted := lock.waiting(t), w.count()
	showf(t, "A table is locked under "+t.Name(), "an honest 503 within the acquire or statement timeout; nobody is left waiting", "%s, %d backends left at that moment", counted, left)
	if n := counted.succeeded(); n > 0 {
		t.Errorf("%d requests were served", n)
	}
	eventually(t, lockPatience, "no backend waits for the lock, for nobody", func() bool { return lock.waiting(t) == 0 })
}

// boundStatements has the database end statements by itself.
func boundStatements(t *testing.T, direct string) {
	t.Helper()
	name, _, _ := strings.Cut(direct[strings.LastIndex(direct, "/")+1:], "?")
	pgtest.Exec(t, pgtest.AsSuperuser(direct), "ALTER DATABASE "+name+" SET statement_timeout = '5s'")
}

// recoverFrom releases the lock under the crew. Whoever comes a moment later is
// served.
func recoverFrom(t *testing.T, w *crew, lock tableLock) {
	t.Helper()
	w.count()
	lock.release(t)
	released := time.Now()
	w.expectFrom(released.Add(lockBack))
	w.keep(lockRemain)
	w.untilServed(t)
	t.Logf("released, and all are served %s later: %s", time.Since(released).Round(time.Millisecond), w.count())
	time.Sleep(time.Until(released.Add(lockBack)))
	w.untilServed(t)
	w.rest()
	t.Logf("from a second after the release: %s", w.count())
}

// tableLock is a transaction that holds a lock, and a look at who waits for it.
type tableLock struct {
	tx   pgx.Tx
	look *pgx.Conn // not in the transaction, which would always show the backends that it saw first
}

func lockTasks(t *testing.T, direct string) tableLock {
	t.Helper()
	connect := func() *pgx.Conn {
		conn, err := pgx.Connect(t.Context(), direct)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close(context.Background()) })
		return conn
	}
	tx, err := connect().Begin(t.Context())
	if err == nil {
		_, err = tx.Exec(t.Context(), "LOCK TABLE docket.tasks")
	}
	if err != nil {
		t.Fatal(err)
	}
	return tableLock{tx: tx, look: connect()}
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

func (l tableLock) release(t *testing.T) {
	t.Helper()
	if err := l.tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Memory returns what the server has in memory (VmRSS) and has had at most
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
