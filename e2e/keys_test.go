package e2e

import (
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"docket/internal/pgtest"
)

// makeKey makes an API key of alice by command.
func makeKey(t *testing.T, database string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, "key", "create", "--sub", "alice", "--scope", "tasks:read")
	cmd.Dir, cmd.Env = t.TempDir(), append(cleanEnv(), "DATABASE_URL="+database)
	text, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return bearer(strings.TrimSpace(string(text)))
}

// TestRoundTripsOfAPIKeys counts the round trips of a request with a key that the server
// has not seen, with the same key again, and with none.
func TestRoundTripsOfAPIKeys(t *testing.T) {
	t.Parallel()
	direct := pgtest.Shared(t).Database(t)
	proxy := pgtest.NewProxy(t, direct, 0)
	s := newServer(t, t.TempDir(), proxy.URL(direct))
	s.Start(t, "AUTH_SECRET="+canarySecret, "DATABASE_MAX_CONNS=1")
	first, key := makeKey(t, direct), makeKey(t, direct)
	// What the two were used for today is not written again.
	pgtest.Exec(t, direct, "UPDATE docket.api_keys SET used_on = date_trunc('day', now(), 'UTC') + interval '1 day'")
	c := newClient(t, s.URL, 1)
	trips := func(credentials string) int64 {
		t.Helper()
		before := proxy.RoundTrips()
		if a, err := c.do(t.Context(), http.MethodGet, tasksPath("alice"), "", credentials); err != nil || a.Status != http.StatusOK {
			t.Fatalf("%d %s, %v", a.Status, a.Body, err)
		}
		return proxy.RoundTrips() - before
	}
	trips(first) // prepares the statements
	if again, unseen, seen := trips(first), trips(key), trips(key); again != 1 || unseen != 2 || seen != 1 {
		t.Errorf("round trips: %d with a known key, %d with an unseen one, %d with the same again", again, unseen, seen)
	}
}
