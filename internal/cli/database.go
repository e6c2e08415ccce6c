package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"docket"
	"docket/internal/migrate"
	"docket/internal/postgres"
	"docket/internal/postgres/connect"
	"docket/internal/postgres/schema"
	"docket/internal/sqlite"
)

// database is a database that DATABASE_URL can name.
type database interface {
	fmt.Stringer // its location, for people, without secrets

	open(ctx context.Context, log *slog.Logger) (docket.Store, error)
	migrate(ctx context.Context, f func(migrate.Migrator) error) error
	status(ctx context.Context) (migrate.Status, error)
	backup(ctx context.Context, target string) error
	// lister opens the database to read tasks. Its schema must be that of this program.
	lister(ctx context.Context) (lister, error)
	distribute(ctx context.Context, done func(step string)) error
	openKeys(ctx context.Context, log *slog.Logger) (keyStore, error)
}

// database returns the database of DATABASE_URL. The error begins with the name
// of the variable at fault.
func (c *Config) database() (database, error) {
	text := c.DatabaseURL.Reveal()
	if path, ok := strings.CutPrefix(text, "sqlite:"); ok {
		return sqliteDatabase(path)
	}
	if !strings.HasPrefix(text, "postgres") {
		return nil, errors.New("DATABASE_URL must be sqlite:PATH, or begin with postgres:// or postgresql://")
	}
	target, err := connect.ParseURL(text)
	if err != nil {
		return nil, fmt.Errorf("DATABASE_URL %w", err)
	}
	options := postgres.Options{Target: target, ExecMode: c.ExecMode, MaxConns: c.MaxConns, NoBatching: c.Batching == "off", Migrate: c.Migrate == "auto"}
	if c.DirectURL.IsSet() {
		direct, err := connect.ParseURL(c.DirectURL.Reveal())
		if err != nil {
			return nil, fmt.Errorf("DIRECT_DATABASE_URL %w", err)
		}
		options.Direct = &direct
	}
	return postgresServer{options}, nil
}

// openDatabase opens the database of DATABASE_URL.
func (c *Config) openDatabase(ctx context.Context, log *slog.Logger) (d database, store docket.Store, err error) {
	if d, err = c.database(); err != nil {
		return nil, nil, err
	}
	store, err = d.open(ctx, log)
	return d, store, err
}

// detectTimeout bounds how long `docket config` waits for the database.
const detectTimeout = 3 * time.Second

// detectExecMode sets ExecMode as serve would choose it, and says in sources why.
func (c *Config) detectExecMode(ctx context.Context) {
	d, _ := c.database() // validated
	server, ok := d.(postgresServer)
	if !ok || c.ExecMode != "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, detectTimeout)
	defer cancel()
	const name = "DATABASE_EXEC_MODE"
	mode, how, err := connect.Detect(ctx, server.options.Target)
	if err != nil {
		c.sources[name] = "detected at the start; now: " + strings.Join(strings.Fields(err.Error()), " ") // on one line
		return
	}
	c.ExecMode, c.sources[name] = mode, "detected: "+how
}

// passwordParameters are the parameters of a PostgreSQL URL that hold passwords.
var passwordParameters = []string{"password", "sslpassword"}

// redactURL replaces the password of a database URL.
func redactURL(text string) string {
	if text == "" || strings.HasPrefix(text, "sqlite:") {
		return text
	}
	u, ok := parseDatabaseURL(text)
	if !ok {
		return "(not a URL)"
	}
	query := u.Query()
	for _, name := range passwordParameters {
		if query.Has(name) {
			query.Set(name, "xxxxx")
			u.RawQuery = query.Encode()
		}
	}
	return u.Redacted()
}

// hasPassword reports whether a database URL holds a password, or may hold one.
func hasPassword(text string) bool {
	if text == "" || strings.HasPrefix(text, "sqlite:") {
		return false
	}
	u, ok := parseDatabaseURL(text)
	if !ok {
		return true
	}
	_, set := u.User.Password()
	return set || slices.ContainsFunc(passwordParameters, u.Query().Has)
}

// parseDatabaseURL returns false for what is not a URL, and for what the parser
// may have split inside the password.
func parseDatabaseURL(text string) (*url.URL, bool) {
	u, err := url.Parse(text)
	return u, err == nil && strings.Count(text, "@") <= 1 && (u.User != nil || !strings.Contains(text, "@"))
}

// sqliteFile is the path of a SQLite file.
type sqliteFile string

func sqliteDatabase(path string) (database, error) {
	switch {
	case path == "" || path == ":memory:":
		return nil, errors.New("DATABASE_URL must name a file, as in sqlite:docket.db")
	case strings.HasPrefix(path, "file:"), strings.Contains(path, "?"):
		return nil, errors.New("DATABASE_URL must be sqlite:PATH, without file: and without parameters")
	case strings.HasPrefix(path, "//"):
		return nil, errors.New("DATABASE_URL must be sqlite:PATH without // before the path, as in sqlite:docket.db or sqlite:/var/lib/docket/docket.db")
	}
	return sqliteFile(path), nil
}

func (d sqliteFile) String() string {
	if abs, err := filepath.Abs(string(d)); err == nil {
		return abs + " (SQLite)"
	}
	return string(d) + " (SQLite)"
}

func (d sqliteFile) open(ctx context.Context, log *slog.Logger) (docket.Store, error) {
	return sqlite.Open(ctx, string(d), log)
}

func (d sqliteFile) migrate(ctx context.Context, f func(migrate.Migrator) error) error {
	return sqlite.Migrate(ctx, string(d), f)
}

func (d sqliteFile) status(ctx context.Context) (migrate.Status, error) {
	return sqlite.ReadStatus(ctx, string(d))
}

func (d sqliteFile) backup(ctx context.Context, target string) error {
	return sqlite.Backup(ctx, string(d), target)
}

func (d sqliteFile) lister(context.Context) (lister, error) {
	return sqlite.OpenReader(string(d))
}

func (d sqliteFile) distribute(context.Context, func(string)) error {
	return errors.New("distribute is for a PostgreSQL database with the extension Citus")
}

// openKeys works beside a running server.
func (d sqliteFile) openKeys(ctx context.Context, _ *slog.Logger) (keyStore, error) {
	return sqlite.OpenBeside(ctx, string(d))
}

// postgresServer is a PostgreSQL database with the options to open it.
type postgresServer struct{ options postgres.Options }

func (d postgresServer) String() string { return d.options.Target.String() }

func (d postgresServer) open(ctx context.Context, log *slog.Logger) (docket.Store, error) {
	d.options.Log = log
	return postgres.Open(ctx, d.options)
}

func (d postgresServer) migrate(ctx context.Context, f func(migrate.Migrator) error) error {
	return schema.Migrate(ctx, d.options.Unpooled(), f)
}

func (d postgresServer) status(ctx context.Context) (migrate.Status, error) {
	return schema.ReadStatus(ctx, d.options.Unpooled())
}

func (d postgresServer) lister(ctx context.Context) (lister, error) {
	d.options.Migrate = false
	return d.open(ctx, slog.New(slog.DiscardHandler))
}

func (d postgresServer) openKeys(ctx context.Context, log *slog.Logger) (keyStore, error) {
	return d.open(ctx, log)
}

func (d postgresServer) backup(context.Context, string) error {
	return errors.New("backup copies a SQLite file: for PostgreSQL use pg_dump or your provider's backups")
}

func (d postgresServer) distribute(ctx context.Context, done func(step string)) error {
	return schema.Distribute(ctx, d.options.Unpooled(), done)
}

// withDatabase loads the configuration and passes its database to f.
func (a *app) withDatabase(f func(ctx context.Context, d database, args []string) error) func(*cobra.Command, []string) error {
	return a.withConfig(func(ctx context.Context, c Config, args []string) error {
		d, err := c.database()
		if err != nil {
			return err
		}
		return f(ctx, d, args)
	})
}

func (a *app) backup(ctx context.Context, d database, args []string) error {
	if err := d.backup(ctx, args[0]); err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "Backed up %s to %s.\n", d, args[0])
	return nil
}

func (a *app) distribute(ctx context.Context, d database, _ []string) error {
	steps := 0
	err := d.distribute(ctx, func(step string) {
		steps++
		fmt.Fprintf(a.stdout, "Done: %s.\n", step)
	})
	if err == nil && steps == 0 {
		fmt.Fprintln(a.stdout, "The tables are distributed already.")
	}
	return err
}

func (a *app) migrateCommand() *cobra.Command {
	var dropData bool
	down := &cobra.Command{Use: "down", Short: "Undo the last step", Args: cobra.NoArgs, RunE: a.withDatabase(
		func(ctx context.Context, d database, _ []string) error { return a.migrateDown(ctx, d, dropData) })}
	down.Flags().BoolVar(&dropData, "drop-data", false, "undo the step even if that deletes data of users")

	command := &cobra.Command{Use: "migrate", Short: "Change or show the database's schema"}
	command.AddCommand(
		&cobra.Command{Use: "up", Short: "Apply the missing steps (serve does this itself unless MIGRATE=off)", Args: cobra.NoArgs, RunE: a.withDatabase(a.migrateUp)},
		down,
		&cobra.Command{Use: "status", Short: "Show applied and missing steps", Args: cobra.NoArgs, RunE: a.withDatabase(a.migrateStatus)},
	)
	return command
}

func (a *app) migrateUp(ctx context.Context, d database, _ []string) error {
	return d.migrate(ctx, func(m migrate.Migrator) error {
		applied, err := m.Up(ctx)
		for _, step := range applied {
			fmt.Fprintf(a.stdout, "Applied %d (%s).\n", step.Version, step.Name)
		}
		if err == nil && len(applied) == 0 {
			fmt.Fprintln(a.stdout, "The schema is up to date.")
		}
		return err
	})
}

func (a *app) migrateDown(ctx context.Context, d database, dropData bool) error {
	return d.migrate(ctx, func(m migrate.Migrator) error {
		step, err := m.Down(ctx, dropData)
		if err == nil {
			fmt.Fprintf(a.stdout, "Undid %d (%s).\n", step.Version, step.Name)
		}
		return err
	})
}

func (a *app) migrateStatus(ctx context.Context, d database, _ []string) error {
	status, err := d.status(ctx)
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
