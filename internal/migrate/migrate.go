// Package migrate applies numbered schema changes to a database, each in one
// transaction. Both stores use it; each provides its own SQL and its own lock
// against concurrent migrations.
package migrate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strconv"
	"strings"
)

// Migration is one step of a schema. Steps are numbered 1, 2, 3, …
type Migration struct {
	Version int
	Name    string
	Up      string // SQL
	Down    string // SQL that undoes Up
	// Compatible is the oldest schema version whose program still works after
	// this step. It allows old and new instances to serve at the same time
	// during an upgrade.
	Compatible int
	// DropsData reports that Down deletes data of users.
	DropsData bool
}

// Record is a step that has been applied to a database.
type Record struct {
	Version    int
	Name       string
	Compatible int
}

// Database is a database that can be migrated.
type Database interface {
	// Exclusively runs f in one transaction under a lock that excludes every
	// other migration of this database, in any process. It commits when f
	// returns nil.
	Exclusively(ctx context.Context, f func(Tx) error) error
}

// Tx is the transaction of one step.
type Tx interface {
	// Records returns the applied steps in order; none when the database has
	// never been migrated.
	Records(ctx context.Context) ([]Record, error)
	Exec(ctx context.Context, sql string) error
	Add(ctx context.Context, r Record) error
	Remove(ctx context.Context, version int) error
}

var (
	fileName   = regexp.MustCompile(`^(\d{4})_([a-z0-9_]+)\.(up|down)\.sql$`)
	compatible = regexp.MustCompile(`(?m)^-- compatible: (\d+)$`)
	dropsData  = regexp.MustCompile(`(?m)^-- drops data$`)
)

// Load reads the steps in files named NNNN_name.up.sql and NNNN_name.down.sql.
// The up file must have a line "-- compatible: N", which sets Compatible. A line
// "-- drops data" in the down file sets DropsData.
func Load(dir fs.FS) ([]Migration, error) {
	entries, err := fs.ReadDir(dir, ".")
	if err != nil {
		return nil, err
	}
	var steps []Migration
	for _, entry := range entries { // sorted by name: the down file of a step comes before its up file
		parts := fileName.FindStringSubmatch(entry.Name())
		if parts == nil {
			return nil, fmt.Errorf("migration file %s is not named NNNN_name.up.sql or .down.sql", entry.Name())
		}
		text, err := fs.ReadFile(dir, entry.Name())
		if err != nil {
			return nil, err
		}
		if parts[3] == "down" {
			steps = append(steps, Migration{Name: parts[2], Down: string(text), DropsData: dropsData.Match(text)})
			continue
		}
		mark := compatible.FindSubmatch(text)
		if len(steps) == 0 || steps[len(steps)-1].Name != parts[2] || mark == nil {
			return nil, fmt.Errorf("migration file %s lacks its .down.sql or its compatible line", entry.Name())
		}
		step := &steps[len(steps)-1]
		step.Up = string(text)
		step.Version, _ = strconv.Atoi(parts[1])
		step.Compatible, _ = strconv.Atoi(string(mark[1]))
		if step.Version != len(steps) {
			return nil, fmt.Errorf("migration file %s is out of sequence", entry.Name())
		}
	}
	return steps, nil
}

// MustLoad is Load for a folder embedded in the program. It panics on error.
func MustLoad(files fs.FS, folder string) []Migration {
	dir, err := fs.Sub(files, folder)
	if err != nil {
		panic(err)
	}
	known, err := Load(dir)
	if err != nil {
		panic(err)
	}
	return known
}

// Status compares the schema of a database with the steps of this program.
type Status struct {
	Records []Record    // applied to the database
	Known   []Migration // of this program
}

// Check returns nil when this program can serve the database. Otherwise the
// error says what the operator has to do.
func (s Status) Check() error {
	have, known := len(s.Records), len(s.Known)
	if have < known {
		return fmt.Errorf("the database has schema %d, but this program needs schema %d: run `docket migrate up`", have, known)
	}
	for _, r := range s.Records[known:] {
		if r.Compatible > known {
			return fmt.Errorf("the database has schema %d, which needs a program with schema %d or newer, but this program has schema %d: upgrade docket",
				have, r.Compatible, known)
		}
	}
	return nil
}

// Migrator applies the steps of this program to a database.
type Migrator struct {
	DB    Database
	Known []Migration
}

// Up applies the missing steps and returns those that this call applied. Several
// processes may call it at the same time: one of them applies each step. A
// database with a newer schema is not changed.
func (m Migrator) Up(ctx context.Context) ([]Migration, error) {
	var applied []Migration
	for {
		step, err := m.upOne(ctx)
		if err != nil || step == nil {
			return applied, err
		}
		applied = append(applied, *step)
	}
}

func (m Migrator) upOne(ctx context.Context) (step *Migration, err error) {
	err = m.DB.Exclusively(ctx, func(tx Tx) error {
		records, err := tx.Records(ctx)
		if err != nil || len(records) >= len(m.Known) {
			return err
		}
		next := m.Known[len(records)]
		if err := tx.Exec(ctx, next.Up); err != nil {
			return fmt.Errorf("migration %d (%s): %w", next.Version, next.Name, err)
		}
		step = &next
		return tx.Add(ctx, Record{next.Version, next.Name, next.Compatible})
	})
	return step, err
}

// Down undoes the last step of the database and returns it. It fails when there
// is no step, when this program does not have the step, and when undoing it
// deletes data but dropData is false.
func (m Migrator) Down(ctx context.Context, dropData bool) (Migration, error) {
	var last Migration
	err := m.DB.Exclusively(ctx, func(tx Tx) error {
		records, err := tx.Records(ctx)
		if err != nil {
			return err
		}
		n := len(records)
		if n == 0 {
			return errors.New("the database has no schema to undo")
		}
		if n > len(m.Known) {
			return fmt.Errorf("the database has schema %d, but this program has only schema %d: use the version of docket that applied it", n, len(m.Known))
		}
		last = m.Known[n-1]
		if last.DropsData && !dropData {
			return fmt.Errorf("undoing migration %d (%s) drops data: take a backup, then repeat with --drop-data",
				last.Version, strings.ReplaceAll(last.Name, "_", " "))
		}
		if err := tx.Exec(ctx, last.Down); err != nil {
			return fmt.Errorf("undoing migration %d (%s): %w", last.Version, last.Name, err)
		}
		return tx.Remove(ctx, last.Version)
	})
	return last, err
}
