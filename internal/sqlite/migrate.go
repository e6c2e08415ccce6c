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
	"docket/internal/sqlite/engine"
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
	conn, err := readOnly(path).Open()
	if err != nil {
		return status, err
	}
	defer conn.Until(ctx)()
	status.Records, err = readRecords(conn)
	return status, errors.Join(err, conn.Close())
}

// Migrate calls f to migrate the file at path, with the file's lock held.
func Migrate(_ context.Context, path string, f func(migrate.Migrator) error) error {
	s, err := openExclusive(fileAt(path), slog.New(slog.DiscardHandler))
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
	if err := w.conn.Run("PRAGMA temp_store = FILE; BEGIN IMMEDIATE"); err != nil {
		return errors.Join(err, w.conn.Run("PRAGMA temp_store = MEMORY"))
	}
	release := w.conn.Until(ctx)
	err := f(migration{w.conn})
	release()
	if err == nil {
		err = w.conn.Run("COMMIT")
	}
	if err != nil {
		err = errors.Join(err, w.conn.Run("ROLLBACK"))
	}
	return errors.Join(err, w.conn.Run("PRAGMA temp_store = MEMORY"))
}

// migration is the transaction of one migration. It implements migrate.Tx.
type migration struct{ conn *engine.Conn }

func (m migration) Records(context.Context) ([]migrate.Record, error) { return readRecords(m.conn) }

func (m migration) Exec(_ context.Context, sql string) error { return m.conn.Run(sql) }

func (m migration) Add(_ context.Context, r migrate.Record) error {
	if err := m.conn.Run(`CREATE TABLE IF NOT EXISTS schema_migrations (
  version INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL, compatible INTEGER NOT NULL, applied_at INTEGER NOT NULL) STRICT`); err != nil {
		return err
	}
	_, err := m.conn.Once("INSERT INTO schema_migrations (version, name, compatible, applied_at) VALUES (?, ?, ?, ?)", func(s *engine.Stmt) error {
		return s.Num(int64(r.Version)).Text(r.Name).Num(int64(r.Compatible)).Num(time.Now().UnixMicro()).Exec()
	})
	return err
}

func (m migration) Remove(_ context.Context, version int) error {
	_, err := m.conn.Once("DELETE FROM schema_migrations WHERE version = ?", func(s *engine.Stmt) error { return s.Num(int64(version)).Exec() })
	return err
}

// readRecords reads the migrations that were applied to the file.
func readRecords(c *engine.Conn) (list []migrate.Record, err error) {
	made, err := c.Number("SELECT count(*) FROM sqlite_schema WHERE name = 'schema_migrations'")
	if err != nil || made == 0 {
		return nil, err
	}
	_, err = c.Once("SELECT version, name, compatible FROM schema_migrations ORDER BY version", func(s *engine.Stmt) error {
		return s.Each(func() bool {
			list = append(list, migrate.Record{Version: s.IntAt(0), Name: s.TextAt(1), Compatible: s.IntAt(2)})
			return true
		})
	})
	return list, err
}
