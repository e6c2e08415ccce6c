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

// TestReadme runs the commands in the README's console blocks on each database, and
// compares their output with the README.
func TestReadme(t *testing.T) {
	alongside(t)
	page, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	run := func(t *testing.T, database string) {
		for _, fault := range runPage(t, string(page), database) {
			t.Errorf("README.md: %s", fault)
		}
	}
	t.Run("default", func(t *testing.T) {
		t.Parallel()
		run(t, "")
	})
	for name, database := range postgresDatabases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, database(t))
		})
	}
}

// TestReadmeFormat shows that a correct page has no faults, and that each kind of
// fault is found.
func TestReadmeFormat(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile("testdata/readme.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(file)
	if faults := runPage(t, page, ""); len(faults) > 0 {
		t.Fatalf("a correct page has faults: %s", strings.Join(faults, "\n"))
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

// readmeAddress is the address of the server in a page. The run replaces it with
// the address of its own server.
const readmeAddress = "127.0.0.1:8000"

// page is one run of the commands of a page.
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
		return "the output differs (- page, + run):\n" + diff
	}
	if err != nil && got == "" { // otherwise the page shows the error
		return err.Error()
	}
	return ""
}

// translate replaces the command and the address of a page with those of the run.
func (p *page) translate(text string) string {
	text = strings.ReplaceAll(text, "go run ./cmd/docket", "docket")
	if p.server.URL == "" {
		return text
	}
	return strings.ReplaceAll(text, readmeAddress, strings.TrimPrefix(p.server.URL, "http://"))
}

// sh runs a command as a reader of the page would, and returns its output and
// errors as a terminal shows them.
func (p *page) sh(command string) (string, error) {
	cmd := exec.CommandContext(p.server.ctx, "sh", "-c", command)
	cmd.Dir = p.dir
	cmd.Env = append(cleanEnv(), "DATABASE_URL="+p.server.database, "PATH="+filepath.Dir(binary)+string(os.PathListSeparator)+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	return string(out), err
}
