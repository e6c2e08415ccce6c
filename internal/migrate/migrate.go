// Package migrate applies numbered schema changes to a database, one
// transaction each. Both stores use it; each brings its own SQL and its own
// way of excluding other migrations.
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
	// Compatible is the oldest version whose program still works on a schema
	// that has this step, so that old and new instances serve side by side
	// during an upgrade.
	Compatible int
	// DropsData says that Down loses what users stored.
	DropsData bool
}

// Record is a step that a database has had.
type Record struct {
	Version    int
	Name       string
	Compatible int
}

// Database is a store as migrations see it.
type Database interface {
	// Exclusively runs f in one transaction, while no other migration of this
	// database runs anywhere, and commits when f returns nil.
	Exclusively(ctx context.Context, f func(Tx) error) error
}

// Tx is the transaction of one step.
type Tx interface {
	// Records returns the steps that the database has had, in order; none when
	// it has never been migrated.
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
// A line "-- compatible: N" in the first sets Compatible, which it must name;
// a line "-- drops data" in the second sets DropsData.
func Load(dir fs.FS) ([]Migration, error) {
	entries, err := fs.ReadDir(dir, ".")
	if err != nil {
		return nil, err
	}
	var steps []Migration
	for _, entry := range entries { // in the order of names: each step's "down", then its "up"
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

// MustLoad is Load of a folder that is built into the program; it panics when
// that is not as it must be.
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

// Status is what a database's schema is, beside what this program knows.
type Status struct {
	Records []Record
	Known   []Migration
}

// Check returns nil when this program can serve the database, and otherwise
// says in a sentence what to do.
func (s Status) Check() error {
	have, mine := len(s.Records), len(s.Known)
	if have < mine {
		return fmt.Errorf("the database has schema %d and this program needs %d: run `docket migrate up`", have, mine)
	}
	for _, r := range s.Records[mine:] {
		if r.Compatible > mine {
			return fmt.Errorf("the database has schema %d, which programs older than schema %d cannot serve, and this program knows %d: upgrade docket",
				have, r.Compatible, mine)
		}
	}
	return nil
}

// Migrator applies the steps that this program knows to a database.
type Migrator struct {
	DB    Database
	Known []Migration
}

// Up applies the steps that the database lacks and returns those that this
// call applied. It may run in several processes at once: each step is applied
// by one of them. A database that is ahead is left as it is.
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

// Down undoes the last step of the database and returns it. It refuses when
// there is none, when this program does not know it, and when undoing it drops
// data and dropData is false.
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
			return fmt.Errorf("the database has schema %d and this program knows only %d: use the program that made it", n, len(m.Known))
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
