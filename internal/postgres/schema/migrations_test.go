package schema

import (
	"bytes"
	"io/fs"
	"regexp"
	"strings"
	"testing"
)

// TestMigrationsAreSpreadable checks that nothing in the schema ties a row to its
// machine.
func TestMigrationsAreSpreadable(t *testing.T) {
	err := fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(files, path)
		text = bytes.ReplaceAll(text, []byte("REFERENCES docket.owners (user_id)"), nil) // a row beside its own
		for _, word := range []string{"TRIGGER", "SERIAL", "SEQUENCE", "GENERATED", "REFERENCES", "pg_notify", "now()", "DEFAULT gen_"} {
			if strings.Contains(strings.ToUpper(string(text)), strings.ToUpper(word)) {
				t.Errorf("%s has %s", path, word)
			}
		}
		for _, key := range regexp.MustCompile(`(?:PRIMARY KEY|UNIQUE|UNIQUE INDEX \w+ ON docket\.\w+) \((\w+)`).FindAllStringSubmatch(string(text), -1) {
			if key[1] != "user_id" {
				t.Errorf("%s has a key that begins with %s", path, key[1])
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
