package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestReadme runs the README's console blocks, on each database, and compares
// what they print.
func TestReadme(t *testing.T) {
	page, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	run := func(t *testing.T, database string) {
		for _, fault := range runPage(t, string(page), database) {
			t.Errorf("README.md: %s", fault)
		}
	}
	t.Run("default", func(t *testing.T) { run(t, "") })
	for name, database := range postgresDatabases {
		t.Run(name, func(t *testing.T) { run(t, database(t)) })
	}
}

// TestReadmeFormat holds the format itself against a page that is right and
// against pages that are wrong.
func TestReadmeFormat(t *testing.T) {
	file, err := os.ReadFile("testdata/readme.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(file)
	if faults := runPage(t, page, ""); len(faults) > 0 {
		t.Fatalf("a page that is right has faults: %s", strings.Join(faults, "\n"))
	}
	for name, wrong := range map[string]string{
		"no block":      strings.ReplaceAll(page, "```console", "```sh"),
		"open block":    page + "```console\n$ true\n",
		"no command":    strings.Replace(page, "$ echo", "echo", 1),
		"other text":    strings.Replace(page, `"title":"Buy milk"`, `"title":"Buy ham"`, 1),
		"other id":      strings.Replace(page, `"id":"019a4e6f-1b2c-7d3e-8f40-516273849a5b"`, `"id":"019a4e6f-1b2c-7d3e-8f40-516273849a5c"`, 1),
		"missing line":  strings.Replace(page, "\ntwo\n", "\n", 1),
		"extra line":    strings.Replace(page, "\ntwo\n", "\ntwo\nthree\n", 1),
		"fails quietly": strings.Replace(page, "$ echo", "$ false\n$ echo", 1),
	} {
		t.Run(name, func(t *testing.T) {
			if wrong == page {
				t.Fatal("the page was not changed")
			}
			if faults := runPage(t, wrong, ""); len(faults) == 0 {
				t.Error("no fault was found")
			}
		})
	}
}

// readmeAddress is where the server listens as a page tells it. The server of
// the test has another port, which is put in its place.
const readmeAddress = "127.0.0.1:8000"

// page is a run of a page's commands.
type page struct {
	t      testing.TB
	dir    string
	server *server
	ids    pairing
}

// runPage runs the console blocks of a page in order, in one directory, with
// this DATABASE_URL, and returns its faults.
func runPage(t testing.TB, text, database string) []string {
	blocks, err := parseConsole(text)
	if err != nil {
		return []string{err.Error()}
	}
	dir := t.TempDir()
	p := &page{t: t, dir: dir, server: newServer(t, dir, database)}
	var faults []string
	for _, block := range blocks {
		if block.server {
			p.server.Start(t)
			continue
		}
		for _, step := range block.steps {
			if fault := p.run(step); fault != "" {
				faults = append(faults, fmt.Sprintf("line %d: $ %s\n%s", step.line, step.command, fault))
			}
		}
	}
	return faults
}

// run returns what is wrong with a step, or "".
func (p *page) run(step consoleStep) string {
	out, err := p.sh(p.ids.command(p.translate(step.command)))
	want, got := p.ids.compare(p.translate(step.output), out)
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")); diff != "" {
		return "prints something else (- page, + run):\n" + diff
	}
	if err != nil && got == "" { // else the page shows the message
		return err.Error()
	}
	return ""
}

// translate puts in the built binary and the real address.
func (p *page) translate(text string) string {
	text = strings.ReplaceAll(text, "go run ./cmd/docket", "docket")
	if p.server.URL == "" {
		return text
	}
	return strings.ReplaceAll(text, readmeAddress, strings.TrimPrefix(p.server.URL, "http://"))
}

// sh runs a command as a reader of the page would, and returns what a terminal
// would show.
func (p *page) sh(command string) (string, error) {
	cmd := exec.CommandContext(p.server.ctx, "sh", "-c", command)
	cmd.Dir = p.dir
	cmd.Env = append(cleanEnv(), "DATABASE_URL="+p.server.database, "PATH="+filepath.Dir(binary)+string(os.PathListSeparator)+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	return string(out), err
}
