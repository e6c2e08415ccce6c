package sqlite

import (
	"context"
	"database/sql"
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
	db, err := fileAt(path).open(ctx, "ro", 1)
	if err != nil {
		return status, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	status.Records, err = records(ctx, db)
	return status, err
}

// Migrate calls f to migrate the file at path, with the file's lock held.
func Migrate(ctx context.Context, path string, f func(migrate.Migrator) error) error {
	s, err := openExclusive(ctx, fileAt(path), slog.New(slog.DiscardHandler))
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
func (w *writer) Exclusively(ctx context.Context, f func(migrate.Tx) error) (err error) {
	if _, err := w.conn.ExecContext(ctx, "PRAGMA temp_store = FILE"); err != nil {
		return err
	}
	defer func() {
		_, restored := w.conn.ExecContext(context.WithoutCancel(ctx), "PRAGMA temp_store = MEMORY")
		err = errors.Join(err, restored)
	}()
	if _, err := w.conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err = f(migration{w.conn.Conn})
	if err == nil {
		_, err = w.conn.ExecContext(ctx, "COMMIT")
	}
	if err != nil {
		_, undo := w.conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		return errors.Join(err, undo)
	}
	return nil
}

// migration is the transaction of one migration. It implements migrate.Tx.
type migration struct{ conn *sql.Conn }

func (m migration) Records(ctx context.Context) ([]migrate.Record, error) {
	return records(ctx, m.conn)
}

func (m migration) Exec(ctx context.Context, sql string) error {
	_, err := m.conn.ExecContext(ctx, sql)
	return err
}

func (m migration) Add(ctx context.Context, r migrate.Record) error {
	if err := m.Exec(ctx, `CREATE TABLE IF NOT EXISTS schema_migrations (
  version INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL, compatible INTEGER NOT NULL, applied_at INTEGER NOT NULL) STRICT`); err != nil {
		return err
	}
	_, err := m.conn.ExecContext(ctx, "INSERT INTO schema_migrations (version, name, compatible, applied_at) VALUES (?, ?, ?, ?)",
		r.Version, r.Name, r.Compatible, time.Now().UnixMicro())
	return err
}

func (m migration) Remove(ctx context.Context, version int) error {
	_, err := m.conn.ExecContext(ctx, "DELETE FROM schema_migrations WHERE version = ?", version)
	return err
}

// querier is an *sql.DB or an *sql.Conn.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// records reads the migrations that were applied to the file.
func records(ctx context.Context, q querier) ([]migrate.Record, error) {
	var made bool
	err := q.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema WHERE name = 'schema_migrations'").Scan(&made)
	if err != nil || !made {
		return nil, err
	}
	rows, err := q.QueryContext(ctx, "SELECT version, name, compatible FROM schema_migrations ORDER BY version")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []migrate.Record
	for rows.Next() {
		var r migrate.Record
		if err := rows.Scan(&r.Version, &r.Name, &r.Compatible); err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, rows.Err()
}
