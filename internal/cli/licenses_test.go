package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestLicensesOfThirdParties runs the script of the release without a network and
// checks that no linked module is missing, and that the archives carry the result.
func TestLicensesOfThirdParties(t *testing.T) {
	file := filepath.Join(t.TempDir(), "licenses")
	if out, err := exec.CommandContext(t.Context(), "../../deploy/licenses.sh", file, runtime.GOOS).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	written, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	modules, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}{{end}}{{end}}", "docket/cmd/docket").Output()
	if err != nil {
		t.Fatal(err)
	}
	names := append(strings.Split(strings.TrimSpace(string(modules)), "\n"), "Go's standard library", "Swagger UI")
	if len(names) < 20 {
		t.Fatalf("the binary links only %d modules", len(names))
	}
	for _, name := range names {
		if name != "" && !strings.Contains(string(written), "\n"+name+": LICEN") {
			t.Errorf("no licence of %s", name)
		}
	}
	release, err := os.ReadFile("../../.goreleaser.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"deploy/licenses.sh THIRD_PARTY_LICENSES\n", "- src: THIRD_PARTY_LICENSES\n", "- src: LICENSE\n"} {
		if !strings.Contains(string(release), want) {
			t.Errorf("no %q in .goreleaser.yaml", want)
		}
	}
}
