package storetest

import (
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"

	"docket"
)

var update = flag.Bool("update", false, "write the golden files of this package")

// Golden compares the statements of a store, as text, with those of
// testdata/statements.golden.sql, which -update writes.
func Golden(t *testing.T, statements string) {
	t.Helper()
	path := filepath.Join("testdata", "statements.golden.sql")
	if *update {
		if err := os.WriteFile(path, []byte(statements), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if statements != string(want) {
		t.Errorf("the statements are not those of %s: see the difference with -update and git diff", path)
	}
}

// SortName describes an order of lists in the name of a statement.
func SortName(s docket.Sort) string {
	name := map[docket.SortKey]string{
		docket.ByCreation: "creation", docket.ByUpdate: "update", docket.ByTitle: "title",
		docket.ByDueDate: "due date", docket.ByPriority: "priority",
	}[s.Key]
	if s.Descending {
		name += ", descending"
	}
	return name
}

// Close closes a store when the test ends, which fails when that fails.
func Close(t testing.TB, store io.Closer) {
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
}
