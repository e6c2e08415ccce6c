package docket_test

import (
	"go/parser"
	"go/scanner"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// imports is the import graph: for each package of this module, the packages
// of this module that its code, tests aside, may import. A package that is not
// listed may not exist.
var imports = map[string][]string{
	"docket":                  {},
	"docket/internal/migrate": {},

	"docket/internal/sqlite":        {"docket", "docket/internal/migrate", "docket/internal/sqlite/engine"},
	"docket/internal/sqlite/engine": {},
	"docket/internal/postgres": {
		"docket", "docket/internal/migrate", "docket/internal/postgres/pgerror", "docket/internal/postgres/connect",
		"docket/internal/postgres/column", "docket/internal/postgres/schema", "docket/internal/postgres/dispatch",
	},
	"docket/internal/postgres/pgerror":  {"docket"},
	"docket/internal/postgres/connect":  {"docket/internal/postgres/pgerror"},
	"docket/internal/postgres/column":   {"docket"},
	"docket/internal/postgres/schema":   {"docket/internal/migrate", "docket/internal/postgres/pgerror", "docket/internal/postgres/connect", "docket/internal/postgres/column"},
	"docket/internal/postgres/dispatch": {"docket", "docket/internal/postgres/pgerror", "docket/internal/postgres/connect"},
	"docket/internal/postgres/legacy":   {"docket", "docket/internal/postgres/connect"},

	"docket/internal/storetest": {"docket"},
	"docket/internal/secret":    {},
	"docket/internal/auth":      {"docket", "docket/internal/secret"},
	"docket/internal/feed":      {"docket"},
	"docket/internal/problem":   {"docket"},
	"docket/internal/edge":      {"docket", "docket/internal/auth", "docket/internal/problem"},
	"docket/internal/web":       {"docket/internal/problem"},
	"docket/internal/transfer":  {"docket"},
	"docket/internal/contract":  {"docket", "docket/internal/problem", "docket/internal/transfer"},
	"docket/internal/headers":   {"docket"},
	"docket/internal/httpapi":   {"docket", "docket/internal/feed", "docket/internal/contract", "docket/internal/headers", "docket/internal/edge", "docket/internal/problem", "docket/internal/transfer"},
	"docket/internal/mcp":       {"docket", "docket/internal/edge", "docket/internal/problem"},
	"docket/internal/cli":       {"docket", "docket/internal/migrate", "docket/internal/sqlite", "docket/internal/postgres", "docket/internal/postgres/connect", "docket/internal/postgres/schema", "docket/internal/postgres/legacy", "docket/internal/auth", "docket/internal/secret", "docket/internal/feed", "docket/internal/edge", "docket/internal/web", "docket/internal/httpapi", "docket/internal/transfer", "docket/internal/mcp"},
	"docket/internal/pgtest":    {},
	"docket/cmd/docket":         {"docket/internal/cli"},
	"docket/e2e":                {},
	"docket/bench":              {},
}

func TestImportGraph(t *testing.T) {
	forEachFile(t, func(file string) {
		pkg := path.Join("docket", filepath.ToSlash(filepath.Dir(file)))
		allowed, listed := imports[pkg]
		if !listed {
			t.Errorf("%s: package %s is not in the graph", file, pkg)
			return
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range parsed.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			ours := imported == "docket" || strings.HasPrefix(imported, "docket/")
			if ours && !slices.Contains(allowed, imported) && !strings.HasSuffix(file, "_test.go") {
				t.Errorf("%s imports %s, which %s may not", file, imported, pkg)
			}
			if ours && pkg == "docket/e2e" && imported != "docket/internal/pgtest" {
				t.Errorf("%s imports %s: end-to-end tests drive the binary", file, imported)
			}
		}
	})
}

// TestFilesAreShort keeps each file readable in one sitting.
func TestFilesAreShort(t *testing.T) {
	forEachFile(t, func(file string) {
		set := token.NewFileSet()
		parsed, err := parser.ParseFile(set, file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		if lines := set.File(parsed.Pos()).LineCount(); lines > 400 {
			t.Errorf("%s has %d lines", file, lines)
		}
		if strings.HasPrefix(file, "cmd/") && set.File(parsed.Pos()).LineCount() > 40 {
			t.Errorf("%s is more than a doorway", file)
		}
	})
}

// maxCode is how many lines of code, tests aside, a package may have: those that are
// neither blank nor comments alone.
const maxCode = 2800

// TestPackagesAreSmall keeps each package readable in an afternoon.
func TestPackagesAreSmall(t *testing.T) {
	lines := map[string]int{}
	forEachFile(t, func(file string) {
		if strings.HasSuffix(file, "_test.go") {
			return
		}
		n, err := linesOfCode(file)
		if err != nil {
			t.Fatal(err)
		}
		lines[filepath.ToSlash(filepath.Dir(file))] += n
	})
	for folder, n := range lines {
		if n > maxCode {
			t.Errorf("%s has %d lines of code, more than %d", folder, n, maxCode)
		}
	}
}

// linesOfCode counts the lines of a file on which a token stands.
func linesOfCode(file string) (int, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	set := token.NewFileSet()
	source := set.AddFile(file, set.Base(), len(text))
	var s scanner.Scanner
	s.Init(source, text, nil, 0)
	lines := map[int]bool{}
	for {
		pos, tok, literal := s.Scan()
		switch {
		case tok == token.EOF:
			return len(lines), nil
		case tok == token.SEMICOLON && literal == "\n": // the end of a line
			continue
		}
		first := source.Line(pos)
		for n := range 1 + strings.Count(literal, "\n") {
			lines[first+n] = true
		}
	}
}

func forEachFile(t *testing.T, f func(file string)) {
	t.Helper()
	err := filepath.WalkDir(".", func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && file != "." && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "node_modules" || entry.Name() == "testdata"):
			return filepath.SkipDir
		case !entry.IsDir() && strings.HasSuffix(file, ".go"):
			f(file)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
