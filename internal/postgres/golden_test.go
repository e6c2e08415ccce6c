package postgres

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files of this package")

// TestStatementsAreGolden prints every statement as the database gets it, so that a
// change of the tables or of the code that builds statements shows what it does to
// each. `go test ./internal/postgres -run Golden -update` writes the file.
func TestStatementsAreGolden(t *testing.T) {
	var text strings.Builder
	for _, of := range []map[string]compiled{statements, unowned} {
		for _, name := range slices.Sorted(maps.Keys(of)) {
			fmt.Fprintf(&text, "-- %s\n", name)
			for i, parameter := range of[name].names {
				fmt.Fprintf(&text, "-- $%d is %s\n", i+1, parameter)
			}
			fmt.Fprintf(&text, "%s;\n\n", of[name].sql)
		}
	}
	path := filepath.Join("testdata", "statements.golden.sql")
	if *update {
		if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if text.String() != string(want) {
		t.Errorf("the statements are not those of %s: see the difference with -update and git diff", path)
	}
}

func TestCompile(t *testing.T) {
	p := parameters[string]{
		"first": func(s string) any { return s + "1" }, "second": func(s string) any { return s + "2" }, "unused": func(string) any { panic("unused") },
	}
	s := p.compile("@second::text = @first AND x->>'a' = @second\nOR (@first)")
	if s.sql != "$1::text = $2 AND x->>'a' = $1\nOR ($2)" {
		t.Errorf("compiled %q", s.sql)
	}
	if args := s.args("a"); !slices.Equal(args, []any{"a2", "a1"}) {
		t.Errorf("the arguments are %v", args)
	}
	for _, unknown := range []string{"@third", "@firs", "@", "a@>b"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("compiled %q", unknown)
				}
			}()
			p.compile(unknown)
		}()
	}
}
