package sqlite

import (
	"context"
	"embed"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"docket/internal/migrate"
)

//go:embed migrations/*.sql
var files embed.FS

var migrations = migrate.MustLoad(files, "migrations")

// ReadStatus reads the schema's status of the file at path, also while another
// process serves it. A file that does not exist has no schema.
func ReadStatus(ctx context.Context, path string) (status migrate.Status, err error) {
	status.Known = migrations
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return status, nil
	}
	conn, err := file{path: path, readOnly: true}.connection()
	if err != nil {
		return status, err
	}
	defer conn.until(ctx)()
	status.Records, err = conn.records()
	return status, errors.Join(err, conn.close())
}

// Migrate calls f to migrate the file at path, with the file's lock held.
func Migrate(_ context.Context, path string, f func(migrate.Migrator) error) error {
	s, err := openExclusive(file{path: path}, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	return errors.Join(f(s.migrator()), s.Close())
}

func (s *Store) migrator() migrate.Migrator {
	return migrate.Migrator{DB: s.writer, Known: migrations}
}

// Exclusively implements migrate.Database. What a step needs besides goes to temporary
// files: in memory it may take twice the size of the database.
func (w *writer) Exclusively(ctx context.Context, f func(migrate.Tx) error) error {
	if err := w.conn.run("PRAGMA temp_store = FILE; BEGIN IMMEDIATE"); err != nil {
		return errors.Join(err, w.conn.run("PRAGMA temp_store = MEMORY"))
	}
	release := w.conn.until(ctx)
	err := f(migration{w.conn})
	release()
	if err == nil {
		err = w.conn.run("COMMIT")
	}
	if err != nil {
		err = errors.Join(err, w.conn.run("ROLLBACK"))
	}
	return errors.Join(err, w.conn.run("PRAGMA temp_store = MEMORY"))
}

// migration is the transaction of one migration. It implements migrate.Tx.
type migration struct{ conn *connection }

func (m migration) Records(context.Context) ([]migrate.Record, error) { return m.conn.records() }

func (m migration) Exec(_ context.Context, sql string) error { return m.conn.run(sql) }

func (m migration) Add(_ context.Context, r migrate.Record) error {
	if err := m.conn.run(`CREATE TABLE IF NOT EXISTS schema_migrations (
  version INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL, compatible INTEGER NOT NULL, applied_at INTEGER NOT NULL) STRICT`); err != nil {
		return err
	}
	_, err := m.conn.once("INSERT INTO schema_migrations (version, name, compatible, applied_at) VALUES (?, ?, ?, ?)", func(s *statement) error {
		return s.num(int64(r.Version)).text(r.Name).num(int64(r.Compatible)).num(time.Now().UnixMicro()).exec()
	})
	return err
}

func (m migration) Remove(_ context.Context, version int) error {
	_, err := m.conn.once("DELETE FROM schema_migrations WHERE version = ?", func(s *statement) error { return s.num(int64(version)).exec() })
	return err
}

// records reads the migrations that were applied to the file.
func (c *connection) records() (list []migrate.Record, err error) {
	made, err := c.number("SELECT count(*) FROM sqlite_schema WHERE name = 'schema_migrations'")
	if err != nil || made == 0 {
		return nil, err
	}
	_, err = c.once("SELECT version, name, compatible FROM schema_migrations ORDER BY version", func(s *statement) error {
		return s.each(func() bool {
			list = append(list, migrate.Record{Version: s.ColumnInt(0), Name: s.ColumnText(1), Compatible: s.ColumnInt(2)})
			return true
		})
	})
	return list, err
}
