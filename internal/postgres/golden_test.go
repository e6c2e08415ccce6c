package postgres

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"docket/internal/storetest"
)

// TestStatementsAreGolden prints every statement as the database gets it, so that a
// change of the tables or of the code that builds statements shows what it does to
// each. `go test ./internal/postgres -run Golden -update` writes the file.
func TestStatementsAreGolden(t *testing.T) {
	var text strings.Builder
	for _, of := range []map[string]compiled{statements, onShards, unowned} {
		for _, name := range slices.Sorted(maps.Keys(of)) {
			fmt.Fprintf(&text, "-- %s\n", name)
			for i, parameter := range of[name].names {
				fmt.Fprintf(&text, "-- $%d is %s\n", i+1, parameter)
			}
			fmt.Fprintf(&text, "%s;\n\n", of[name].sql)
		}
	}
	storetest.Golden(t, text.String())
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
