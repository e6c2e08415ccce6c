package cli

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"docket"
	"docket/internal/migrate"
	"docket/internal/sqlite"
)

// database is where tasks are kept.
type database struct{ path string }

// parseDatabase reads a DATABASE_URL. The error is a predicate of it.
func parseDatabase(text string) (database, error) {
	path, ok := strings.CutPrefix(text, "sqlite:")
	switch {
	case !ok:
		return database{}, errors.New("must be sqlite:PATH")
	case path == "" || path == ":memory:":
		return database{}, errors.New("must name a file, as in sqlite:docket.db")
	case strings.HasPrefix(path, "//"):
		return database{}, errors.New("must be sqlite:PATH without slashes in front of the path, as in sqlite:docket.db or sqlite:/var/lib/docket/docket.db")
	}
	return database{path: path}, nil
}

// redactURL hides the password of a database URL.
func redactURL(text string) string {
	if u, err := url.Parse(text); err == nil && u.Opaque == "" {
		return u.Redacted()
	}
	return text
}

// String says where the tasks are, to a person.
func (d database) String() string {
	if abs, err := filepath.Abs(d.path); err == nil {
		return abs + " (SQLite)"
	}
	return d.path + " (SQLite)"
}

// open opens the database for serving.
func (d database) open(ctx context.Context) (docket.Store, error) {
	return sqlite.Open(ctx, d.path)
}

func (a *app) backup(ctx context.Context, c Config, args []string) error {
	d, err := parseDatabase(c.DatabaseURL)
	if err != nil {
		return err
	}
	if err := sqlite.Backup(ctx, d.path, args[0]); err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "Backed up %s to %s.\n", d.path, args[0])
	return nil
}

func (a *app) migrateCommand() *cobra.Command {
	var dropData bool
	down := &cobra.Command{Use: "down", Short: "Undo the last step", Args: cobra.NoArgs, RunE: a.withConfig(
		func(ctx context.Context, c Config, _ []string) error { return a.migrateDown(ctx, c, dropData) })}
	down.Flags().BoolVar(&dropData, "drop-data", false, "undo the step even when that drops data")

	migrate := &cobra.Command{Use: "migrate", Short: "Change the database's schema"}
	migrate.AddCommand(
		&cobra.Command{Use: "up", Short: "Apply the steps that are missing (serve does this itself)", Args: cobra.NoArgs, RunE: a.withConfig(a.migrateUp)},
		down,
		&cobra.Command{Use: "status", Short: "Show the schema's steps", Args: cobra.NoArgs, RunE: a.withConfig(a.migrateStatus)},
	)
	return migrate
}

func (a *app) migrateUp(ctx context.Context, c Config, _ []string) error {
	d, err := parseDatabase(c.DatabaseURL)
	if err != nil {
		return err
	}
	return sqlite.Migrate(ctx, d.path, func(s *sqlite.Store) error {
		applied, err := s.MigrateUp(ctx)
		for _, step := range applied {
			fmt.Fprintf(a.stdout, "Applied %d (%s).\n", step.Version, step.Name)
		}
		if err == nil && len(applied) == 0 {
			fmt.Fprintln(a.stdout, "The schema is up to date.")
		}
		return err
	})
}

func (a *app) migrateDown(ctx context.Context, c Config, dropData bool) error {
	d, err := parseDatabase(c.DatabaseURL)
	if err != nil {
		return err
	}
	return sqlite.Migrate(ctx, d.path, func(s *sqlite.Store) error {
		var step migrate.Migration
		step, err := s.MigrateDown(ctx, dropData)
		if err == nil {
			fmt.Fprintf(a.stdout, "Undid %d (%s).\n", step.Version, step.Name)
		}
		return err
	})
}

func (a *app) migrateStatus(ctx context.Context, c Config, _ []string) error {
	d, err := parseDatabase(c.DatabaseURL)
	if err != nil {
		return err
	}
	status, err := sqlite.ReadStatus(ctx, d.path)
	if err != nil {
		return err
	}
	for _, r := range status.Records {
		fmt.Fprintf(a.stdout, "%d  %s  applied\n", r.Version, r.Name)
	}
	for _, step := range status.Known[min(len(status.Records), len(status.Known)):] {
		fmt.Fprintf(a.stdout, "%d  %s  missing\n", step.Version, step.Name)
	}
	return nil
}
