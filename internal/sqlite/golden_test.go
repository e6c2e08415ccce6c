package sqlite

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"docket"
)

var update = flag.Bool("update", false, "write the golden files of this package")

// texts are the statements, by the names of their variables.
var texts = func() map[string]string {
	all := map[string]string{
		"findSQL": findSQL, "getSQL": getSQL, "insertSQL": insertSQL, "updateSQL": updateSQL,
		"addSQL": addSQL, "bumpSQL": bumpSQL, "ownSQL": ownSQL, "hasSQL": hasSQL,
		"findKeySQL": findKeySQL, "keepKeySQL": keepKeySQL, "expireKeysSQL": expireKeysSQL,
		"stateSQL": stateSQL, "countSQL": countSQL, "countTrashSQL": countTrashSQL,
		"changesSQL": changesSQL, "snapshotSQL": snapshotSQL, "countersSQL": countersSQL,
		"raisePurgedSQL": raisePurgedSQL, "purgeSQL": purgeSQL, "renewSQL": renewSQL,
		"eraseTasksSQL": eraseTasksSQL, "eraseKeysSQL": eraseKeysSQL, "eraseOwnerSQL": eraseOwnerSQL,
		"renewAllSQL": renewAllSQL, "checkpointSQL": checkpointSQL,
	}
	for l, text := range listSQL {
		name := "listSQL by " + map[docket.SortKey]string{docket.ByCreation: "creation", docket.ByUpdate: "update", docket.ByTitle: "title"}[l.sort.Key]
		if l.sort.Descending {
			name += ", descending"
		}
		if l.trash {
			name += ", trash"
		}
		all[name] = text
	}
	return all
}()

// TestStatementsAreGolden prints every statement, so that a change of the tables or of
// the code that builds statements shows what it does to each.
// `go test ./internal/sqlite -run Golden -update` writes the file.
func TestStatementsAreGolden(t *testing.T) {
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		fmt.Fprintf(&text, "-- %s\n%s;\n\n", name, texts[name])
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

// TestEveryStatementIsGolden finds the variables that hold statements in the code.
func TestEveryStatementIsGolden(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	golden := map[string]bool{}
	for name := range texts {
		name, _, _ = strings.Cut(name, " ")
		golden[name] = true
	}
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.ValueSpec); ok {
				for _, name := range spec.Names {
					if strings.HasSuffix(name.Name, "SQL") && !golden[name.Name] {
						t.Errorf("%s is not in the golden file", name.Name)
					}
				}
			}
			return true
		})
	}
}
