package sqlite

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"docket/internal/storetest"
)

// texts are the statements, by the names of their variables.
var texts = func() map[string]string {
	all := map[string]string{
		"getSQL": getSQL, "findTrashSQL": findTrashSQL, "insertSQL": insertSQL, "updateSQL": updateSQL, "insertTrashSQL": insertTrashSQL,
		"deleteSQL": deleteSQL, "undeleteSQL": undeleteSQL,
		"addSQL": addSQL, "bumpSQL": bumpSQL, "ownSQL": ownSQL, "hasSQL": hasSQL, "roomSQL": roomSQL, "burySQL": burySQL,
		"findKeySQL": findKeySQL, "keptSQL": keptSQL, "resultSQL": resultSQL, "raiseKeptSQL": raiseKeptSQL, "keepKeySQL": keepKeySQL,
		"lowerKeptSQL": lowerKeptSQL, "expireKeysSQL": expireKeysSQL,
		"stateSQL": stateSQL, "countSQL": countSQL, "countTrashSQL": countTrashSQL,
		"changesSQL": changesSQL, "snapshotSQL": snapshotSQL, "countersSQL": countersSQL,
		"raisePurgedSQL": raisePurgedSQL, "purgeSQL": purgeSQL, "renewSQL": renewSQL,
		"purgeFirstSQL": purgeFirstSQL, "overflowSQL": overflowSQL,
		"eraseTasksSQL": eraseTasksSQL, "eraseTrashSQL": eraseTrashSQL, "eraseKeysSQL": eraseKeysSQL, "eraseOwnerSQL": eraseOwnerSQL,
		"nextOwnersSQL": nextOwnersSQL, "renewOwnerSQL": renewOwnerSQL, "advanceClockSQL": advanceClockSQL,
		"apiKeysSQL": apiKeysSQL, "findAPIKeySQL": findAPIKeySQL, "insertAPIKeySQL": insertAPIKeySQL, "countAPIKeysSQL": countAPIKeysSQL,
		"expireAPIKeysSQL": expireAPIKeysSQL, "revokeAPIKeySQL": revokeAPIKeySQL, "eraseAPIKeysSQL": eraseAPIKeysSQL, "markAPIKeySQL": markAPIKeySQL,
		"pageSQL": pageSQL, "writePageSQL": writePageSQL,
		"checkpointSQL": checkpointSQL, "truncateSQL": truncateSQL,
	}
	for l, text := range listSQL {
		name := "by " + storetest.SortName(l.sort)
		if l.trash {
			name += ", trash"
		}
		if l.filtered {
			name += ", filtered"
		}
		all["listSQL "+name] = text
		if sizes, ok := sizesSQL[l]; ok {
			all["sizesSQL "+name] = sizes
		}
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
	storetest.Golden(t, text.String())
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
