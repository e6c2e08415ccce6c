package cli

import (
	"bytes"
	"regexp"
	"testing"

	"docket/internal/pgtest"
)

// TestConfigDetectsTheExecMode shows the configuration for databases that are reached in
// different ways, and for one that cannot be reached.
func TestConfigDetectsTheExecMode(t *testing.T) {
	inDir(t, "")
	direct := pgtest.Shared(t).Database(t)
	statement := pgtest.Shared(t).Pooler(t, pgtest.PoolerOptions{Settings: map[string]string{"pool_mode": "statement"}})
	for name, test := range map[string]struct {
		environ []string
		want    string
	}{
		"direct":      {[]string{"DATABASE_URL=" + direct}, `cache_statement +detected: direct`},
		"pooler":      {[]string{"DATABASE_URL=" + pgtest.Shared(t).DefaultPooler(t).URL(direct)}, `cache_describe +detected: a pooler that keeps no prepared statements`},
		"set":         {[]string{"DATABASE_URL=" + direct, "DATABASE_EXEC_MODE=exec"}, `exec +environment`},
		"unreachable": {[]string{"DATABASE_URL=postgres://app:hunter2@127.0.0.1:1/d?sslmode=disable&connect_timeout=1"}, `– +detected at the start; now: cannot reach the database d at 127\.0\.0\.1:1 .*`},
		"refused":     {[]string{"DATABASE_URL=" + statement.URL(direct)}, `– +detected at the start; now: the pooler of the database .* allows no transactions.*`},
		"SQLite":      {nil, `– +default`},
	} {
		var out, errs bytes.Buffer
		code := Run(t.Context(), []string{"config"}, test.environ, &out, &errs)
		if code != 0 || !regexp.MustCompile(`(?m)^DATABASE_EXEC_MODE +`+test.want+`$`).MatchString(out.String()) || regexp.MustCompile("hunter2").Match(out.Bytes()) {
			t.Errorf("%s: exit %d: %s%s", name, code, &out, &errs)
		}
	}
}
