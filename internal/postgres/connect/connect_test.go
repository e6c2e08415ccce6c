package connect

import (
	"fmt"
	"testing"

	"docket/internal/pgtest"
)

func TestHungUp(t *testing.T) {
	url := pgtest.Shared(t).Database(t)
	conn := pgtest.Connect(t, url)
	if hungUp(conn.PgConn()) {
		t.Error("a live connection looks dead")
	}
	var pid int
	if err := conn.QueryRow(t.Context(), "SELECT pg_backend_pid()").Scan(&pid); err != nil { // it still works
		t.Fatal(err)
	}
	pgtest.Exec(t, pgtest.AsSuperuser(url), fmt.Sprintf("SELECT pg_terminate_backend(%d)", pid))
	for !hungUp(conn.PgConn()) && t.Context().Err() == nil {
		continue
	}
}
