package sqlite

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"docket"
	"docket/internal/migrate"
	"docket/internal/storetest"
)

// stateAfter opens the file at path, returns alice's state, and closes it.
func stateAfter(t *testing.T, path string) (state docket.State, log string) {
	t.Helper()
	text := &storetest.Log{}
	s, err := Open(t.Context(), path, text.Logger())
	if err != nil {
		t.Fatal(err)
	}
	states, err := s.Counters(t.Context(), []docket.UserID{"alice"})
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	return states["alice"], text.String()
}

// copyFile copies the content of a file into another, which it makes anew.
func copyFile(t testing.TB, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestRenewalAtOpen puts a file in the place of another in each way in which the
// latest writes may be lost.
func TestRenewalAtOpen(t *testing.T) {
	for name, test := range map[string]struct {
		replace func(path, other string) error
		renewed bool
	}{
		"nothing":              {func(string, string) error { return nil }, false},
		"a copy moved over it": {func(path, other string) error { return os.Rename(other, path) }, true},
		"a copy, without the lock": {func(path, other string) error {
			return errors.Join(os.Rename(other, path), os.Remove(path+".lock"))
		}, true},
		"the lock lost":        {func(path, _ string) error { return os.Remove(path + ".lock") }, true},
		"the lock made empty":  {func(path, _ string) error { return os.Truncate(path+".lock", 0) }, true},
		"moved away, and back": {func(path, _ string) error { return errors.Join(os.Rename(path, path+"2"), os.Rename(path+"2", path)) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			path := tempPath(t)
			s, err := Open(t.Context(), path, noLog)
			if err != nil {
				t.Fatal(err)
			}
			storetest.Put(t, s, "task")
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			before, log := stateAfter(t, path)
			if strings.Contains(log, "begin anew") || before.Counter != 1 {
				t.Errorf("a file that nobody touched: %+v\n%s", before, log)
			}
			copyFile(t, path, path+".other")
			if err := test.replace(path, path+".other"); err != nil {
				t.Fatal(err)
			}
			// The schema may be migrated before the file is served.
			if err := Migrate(t.Context(), path, func(m migrate.Migrator) error { _, err := m.Up(t.Context()); return err }); err != nil {
				t.Fatal(err)
			}
			after, log := stateAfter(t, path)
			raised := after.Counter - before.Counter
			if renewed := after.Epoch != before.Epoch; renewed != test.renewed || renewed && (raised < 1<<32 || raised >= 1<<40) || !renewed && raised != 0 {
				t.Errorf("%+v became %+v", before, after)
			}
			if said := strings.Count(log, "begin anew"); said > 1 || (said == 1) != test.renewed {
				t.Errorf("the log says:\n%s", log)
			}
			if again, _ := stateAfter(t, path); again != after {
				t.Errorf("opened once more, %+v became %+v", after, again)
			}
		})
	}
}

// TestLockOfAnOlderVersion has a lock file that names nothing beside a file of an older
// schema, as programs left them before.
func TestLockOfAnOlderVersion(t *testing.T) {
	path := tempPath(t)
	older := func(m migrate.Migrator) error {
		m.Known = m.Known[:3]
		_, err := m.Up(t.Context())
		return err
	}
	if err := Migrate(t.Context(), path, older); err != nil {
		t.Fatal(err)
	}
	if _, err := external(t, path).Exec("INSERT INTO owners (user_id, epoch, counter, live) VALUES ('alice', 7, 5, 0)"); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path+".lock", 0); err != nil {
		t.Fatal(err)
	}
	if state, _ := stateAfter(t, path); state != (docket.State{Epoch: 7, Counter: 5}) {
		t.Errorf("an upgrade made it %+v", state)
	}
}

// TestNoNumberIsGivenTwice is a property: along any sequence of writes, backups,
// restores and moves, no version is given to two changes, and no state has two
// contents.
func TestNoNumberIsGivenTwice(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir := t.TempDir()
		path := filepath.Join(dir, "docket.db")
		given := map[int64]bool{}
		var copies []string
		for step := range rapid.IntRange(2, 6).Draw(rt, "steps") {
			s, err := Open(t.Context(), path, noLog)
			if err != nil {
				rt.Fatal(err)
			}
			for range rapid.IntRange(1, 4).Draw(rt, "writes") {
				if v := storetest.Put(t, s, "task").Version; given[v] {
					rt.Fatalf("version %d was given twice", v)
				} else {
					given[v] = true
				}
			}
			next := filepath.Join(dir, strings.Repeat("b", step+1))
			if rapid.Bool().Draw(rt, "by docket backup") {
				err = Backup(t.Context(), path, next)
			}
			if err := errors.Join(err, s.Close()); err != nil {
				rt.Fatal(err)
			}
			if _, err := os.Stat(next); err != nil {
				copyFile(t, path, next)
			}
			copies = append(copies, next)
			from := rapid.SampledFrom(copies).Draw(rt, "restored")
			switch rapid.IntRange(0, 3).Draw(rt, "way") {
			case 0: // the file goes on
			case 1: // cp, which is noticed for backups only
				if data, err := os.ReadFile(from); err != nil || data[userVersionOffset+3] != lostHistory {
					break
				}
				copyFile(t, from, path)
			case 2: // rm and cp
				if err := errors.Join(os.Remove(path), os.Remove(path+".lock")); err != nil {
					rt.Fatal(err)
				}
				copyFile(t, from, path)
			case 3: // mv
				copyFile(t, from, path+".new")
				if err := os.Rename(path+".new", path); err != nil {
					rt.Fatal(err)
				}
			}
		}
	})
}
