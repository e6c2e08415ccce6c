package e2e

import (
	"strings"
	"testing"
)

// TestOpenServer starts a server that whoever reaches it may use, which its
// operator has to spell out and is told of at every start.
func TestOpenServer(t *testing.T) {
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
			t.Errorf("after %d starts there are %d warnings in the log:\n%s", start, warnings, s.log)
		}
	}
}
