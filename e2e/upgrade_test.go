package e2e

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// oldRelease is the source of the release before the fields of tasks, without tests
// and without the scripts of the documentation page: git archive of its commit. It is
// kept here because a clone of CI may have no history, and because only the program
// itself shows what it does beside a new one.
const oldRelease = "testdata/upgrade/bf1712e.tar.gz"

// oldSteps is how many steps of the schema the old release knows.
const oldSteps = 3

var oldBinary = sync.OnceValues(func() (string, error) {
	source := filepath.Join(binaries, "old-source")
	if err := unpack(oldRelease, source); err != nil {
		return "", err
	}
	path := filepath.Join(binaries, "old", "docket")
	command := exec.Command("go", "build", "-buildvcs=false", "-o", path, "./cmd/docket")
	command.Dir = source
	if out, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("the old release cannot be built: %w\n%s", err, out)
	}
	return path, nil
})

// unpack writes the files of an archive below dir.
func unpack(archive, dir string) error {
	packed, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer packed.Close()
	unzipped, err := gzip.NewReader(packed)
	if err != nil {
		return err
	}
	for files := tar.NewReader(unzipped); ; {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		path := filepath.Join(dir, filepath.FromSlash(header.Name))
		if header.Typeflag == tar.TypeDir {
			err = os.MkdirAll(path, 0o700)
		} else {
			err = unpackFile(path, files)
		}
		if err != nil {
			return err
		}
	}
}

func unpackFile(path string, content io.Reader) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, content)
	return errors.Join(err, file.Close())
}

// TestUpgrade rolls from the old release to this one, back, and forward again, while
// clients write through whichever servers there are. No request fails, and no field
// that this release knows is lost when the old one writes, until the step that drops
// them is undone.
func TestUpgrade(t *testing.T) {
	alongside(t)
	for _, name := range someOf("pgbouncer", "postgres") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := postgresDatabases[name](t)
			env := []string{"DATABASE_URL=" + url}
			before, after := newServer(t, t.TempDir(), url), newServer(t, t.TempDir(), url)
			before.useBinary(t, oldBinary)
			fleet := newFleet(t)
			each := long(15, 500)

			before.Start(t)
			fleet.use(oldOne, before.URL)
			fleet.serve(each)
			after.Start(t) // which applies the steps
			fleet.use(newOne, after.URL)
			fleet.serve(each)
			fleet.use(oldOne, "")
			before.Stop(t)
			fleet.serve(each)

			before.Start(t)
			fleet.use(oldOne, before.URL)
			fleet.serve(each)
			fleet.use(newOne, "")
			after.Stop(t)
			if out, err := runDocket(t, env, "migrate", "down"); err == nil || !strings.Contains(out, "drops data") {
				t.Errorf("the step that drops the fields is undone without being told to: %v\n%s", err, out)
			}
			steps := strings.Count(docket(t, env, "migrate", "status"), "applied")
			for range steps - oldSteps {
				docket(t, env, "migrate", "down", "--drop-data")
				fleet.serve(1)
			}
			fleet.serve(each)
			fleet.fieldsDropped()
			docket(t, env, "migrate", "up")
			fleet.serve(1)
			after.Start(t)
			fleet.use(newOne, after.URL)
			fleet.serve(each)

			fleet.check()
			before.Stop(t)
			after.Stop(t)
			showf(t, "A release beside the one before: "+name, "no error, no field lost", "%d requests through the old one, %d through the new one, %d steps undone and done again beside them",
				fleet.sent[oldOne].Load(), fleet.sent[newOne].Load(), steps-oldSteps)
		})
	}
}
