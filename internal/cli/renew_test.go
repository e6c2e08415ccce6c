package cli

import (
	"bytes"
	"strings"
	"testing"

	"docket/internal/pgtest"
)

// TestRenew renews the histories of a PostgreSQL database that is on another timeline
// than the recorded one.
func TestRenew(t *testing.T) {
	inDir(t, "")
	url := pgtest.Shared(t).Database(t)
	renew := func(want string) {
		t.Helper()
		var out, errs bytes.Buffer
		if code := Run(t.Context(), []string{"renew"}, []string{"DATABASE_URL=" + url}, &out, &errs); code != 0 || !strings.Contains(out.String(), want) {
			t.Errorf("exit %d: %s%s", code, &out, &errs)
		}
	}
	renew("Renewed the histories of 0 users")
	pgtest.Exec(t, url, "INSERT INTO docket.owners (user_id, epoch, counter, live) VALUES ('alice', 1, 7, 0), ('bob', 2, 7, 0)",
		"UPDATE docket.database SET timeline = '00000009'")
	renew("Renewed the histories of 2 users")
	const renewed = "SELECT count(*) FROM docket.owners WHERE epoch > 2 AND counter BETWEEN 7 + (1::bigint << 32) AND 7 + (1::bigint << 40)"
	if n := pgtest.Count(t, url, renewed); n != 2 {
		t.Errorf("%d users are renewed", n)
	}
	if n := pgtest.Count(t, url, "SELECT count(*) FROM docket.database WHERE timeline = '00000001'"); n != 1 {
		t.Error("the timeline is not recorded")
	}
}
