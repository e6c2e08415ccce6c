package e2e

import (
	"strings"
	"testing"
)

// TestOpenServer starts a server that everyone in its network may use. The operator
// has to set this explicitly, and every start logs a warning.
func TestOpenServer(t *testing.T) {
	t.Parallel()
	s := newServer(t, t.TempDir(), defaultDatabase)
	for start := 1; start <= 2; start++ {
		s.Start(t, "HOST=0.0.0.0", "AUTH=none")
		s.Stop(t)
		warnings := 0
		for line := range strings.Lines(s.log.String()) {
			if strings.Contains(line, `"level":"WARN"`) && strings.Contains(line, "AUTH=none") {
				warnings++
			}
		}
		if warnings != start {
			t.Errorf("after %d starts the log has %d warnings:\n%s", start, warnings, s.log)
		}
	}
}
