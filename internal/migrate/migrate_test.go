package migrate

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// memory is a Database in memory; a transaction works on a copy.
type memory struct {
	records []Record
	applied []string
	failAt  string
}

type memoryTx struct{ *memory }

func (m *memory) Exclusively(_ context.Context, f func(Tx) error) error {
	tx := memory{records: slices.Clone(m.records), applied: slices.Clone(m.applied), failAt: m.failAt}
	if err := f(memoryTx{&tx}); err != nil {
		return err
	}
	*m = tx
	return nil
}

func (m memoryTx) Records(context.Context) ([]Record, error) { return m.records, nil }

func (m memoryTx) Exec(_ context.Context, sql string) error {
	if m.failAt != "" && strings.Contains(sql, m.failAt) {
		return errors.New("syntax error")
	}
	m.applied = append(m.applied, strings.TrimSpace(sql))
	return nil
}

func (m memoryTx) Add(_ context.Context, r Record) error {
	m.records = append(m.records, r)
	return nil
}

func (m memoryTx) Remove(_ context.Context, version int) error {
	m.records = slices.DeleteFunc(m.records, func(r Record) bool { return r.Version == version })
	return nil
}

func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }

func steps(t *testing.T) []Migration {
	t.Helper()
	known, err := Load(fstest.MapFS{
		"0001_first.up.sql":    file("-- compatible: 1\nup 1"),
		"0001_first.down.sql":  file("-- drops data\ndown 1"),
		"0002_second.up.sql":   file("-- compatible: 1\nup 2"),
		"0002_second.down.sql": file("down 2"),
		"0003_third.up.sql":    file("-- compatible: 3\nup 3"),
		"0003_third.down.sql":  file("down 3"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return known
}

func TestLoad(t *testing.T) {
	known := steps(t)
	if len(known) != 3 || known[1].Name != "second" || known[1].Version != 2 || known[2].Compatible != 3 || !known[0].DropsData || known[1].DropsData {
		t.Errorf("loaded %+v", known)
	}
	for name, files := range map[string]fstest.MapFS{
		"no down":       {"0001_a.up.sql": file("-- compatible: 1\n")},
		"no compatible": {"0001_a.up.sql": file("x"), "0001_a.down.sql": file("x")},
		"gap":           {"0002_a.up.sql": file("-- compatible: 1\n"), "0002_a.down.sql": file("x")},
		"other file":    {"readme.txt": file("x")},
	} {
		if _, err := Load(files); err == nil {
			t.Errorf("%s: loaded", name)
		}
	}
}

func TestUpAndDown(t *testing.T) {
	ctx, db, known := t.Context(), &memory{}, steps(t)
	applied, err := Migrator{db, known}.Up(ctx)
	if err != nil || len(applied) != 3 || len(db.records) != 3 {
		t.Fatalf("applied %v, %v", applied, err)
	}
	if again, err := (Migrator{db, known}).Up(ctx); err != nil || len(again) != 0 {
		t.Errorf("a second Up applied %v, %v", again, err)
	}
	if older, err := (Migrator{db, known[:1]}).Up(ctx); err != nil || len(older) != 0 {
		t.Errorf("an older program applied %v, %v", older, err)
	}
	if _, err := (Migrator{db, known[:1]}).Down(ctx, true); err == nil || !strings.Contains(err.Error(), "has only schema 1") {
		t.Errorf("an older program undid a step that it does not have: %v", err)
	}
	for _, version := range []int{3, 2} {
		if step, err := (Migrator{db, known}).Down(ctx, false); err != nil || step.Version != version {
			t.Errorf("undid %d, %v; want %d", step.Version, err, version)
		}
	}
	if _, err := (Migrator{db, known}).Down(ctx, false); err == nil || !strings.Contains(err.Error(), "--drop-data") || len(db.records) != 1 {
		t.Errorf("Down without dropData: %v", err)
	}
	if _, err := (Migrator{db, known}).Down(ctx, true); err != nil {
		t.Error(err)
	}
	if _, err := (Migrator{db, known}).Down(ctx, true); err == nil {
		t.Error("Down on an empty database succeeded")
	}
	if got := strings.ReplaceAll(strings.Join(db.applied, " "), "-- compatible: ", "c"); !strings.HasSuffix(got, "down 3 down 2 -- drops data\ndown 1") {
		t.Errorf("ran %q", got)
	}
}

func TestUpStopsAtAFailure(t *testing.T) {
	db, known := &memory{failAt: "up 2"}, steps(t)
	applied, err := Migrator{db, known}.Up(t.Context())
	if err == nil || !strings.Contains(err.Error(), "migration 2 (second)") || len(applied) != 1 || len(db.records) != 1 {
		t.Errorf("applied %v, %v", applied, err)
	}
}

func TestCheck(t *testing.T) {
	known := steps(t)
	records := []Record{{1, "first", 1}, {2, "second", 1}, {3, "third", 3}}
	for _, test := range []struct {
		known, have int
		want        string
	}{
		{3, 3, ""},
		{1, 2, ""},
		{2, 2, ""},
		{3, 2, "run `docket migrate up`"},
		{3, 0, "run `docket migrate up`"},
		{1, 3, "upgrade docket"},
		{2, 3, "upgrade docket"},
	} {
		err := Status{Known: known[:test.known], Records: records[:test.have]}.Check()
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("a program of schema %d on schema %d: %v", test.known, test.have, err)
		}
	}
}
