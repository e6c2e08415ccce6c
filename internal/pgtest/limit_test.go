package pgtest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"docket/internal/pgtest"
)

// TestLimit looks at the control group of a session that began after Limit.
func TestLimit(t *testing.T) {
	t.Parallel()
	name := ""
	t.Run("limited", func(t *testing.T) {
		c := pgtest.New(t, pgtest.Options{Unsafe: true})
		c.Limit(t, 50)
		_, port, _ := strings.Cut(c.Addr(), ":")
		name = "pgtest-" + port
		conn := pgtest.Connect(t, c.Database(t))
		groups, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", conn.PgConn().PID()))
		if err != nil || !strings.Contains(string(groups), "/"+name+"\n") {
			t.Errorf("a session is in\n%s%v", groups, err)
		}
	})
	if name == "" {
		return // not run
	}
	for _, pattern := range []string{"/sys/fs/cgroup/", "/sys/fs/cgroup/*/"} {
		if left, _ := filepath.Glob(pattern + name); len(left) > 0 {
			t.Errorf("%v is left", left)
		}
	}
}
