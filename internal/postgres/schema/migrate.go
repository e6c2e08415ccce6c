// Package schema makes and changes Docket's tables in PostgreSQL: the numbered changes, and
// the distribution of the tables by user where the database has Citus.
package schema

import (
	"context"
	"embed"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"docket/internal/migrate"
	"docket/internal/postgres/connect"
	"docket/internal/postgres/pgerror"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are the changes of the schema that this program knows, in their order.
var Migrations = migrate.MustLoad(files, "migrations")

// MigrationLock is the key of the advisory lock that each migration holds in its
// transaction. Behind a pooler a lock of the session would exclude nobody. The key is
// "docket" in ASCII.
const MigrationLock = 0x646f636b6574

// ReadStatus reads the schema's status of a database.
func ReadStatus(ctx context.Context, t connect.Target) (status migrate.Status, err error) {
	err = connect.With(ctx, t, func(conn *pgx.Conn) (err error) {
		status, err = StatusOf(ctx, conn)
		return err
	})
	return status, err
}

// StatusOf reads the schema's status on a connection.
func StatusOf(ctx context.Context, conn *pgx.Conn) (migrate.Status, error) {
	records, err := records(ctx, conn)
	return migrate.Status{Records: records, Known: Migrations}, err
}

// Migrate calls f to migrate a database. Any number of processes may do so at once.
// Where the tables are distributed it then distributes what f has added.
func Migrate(ctx context.Context, t connect.Target, f func(migrate.Migrator) error) error {
	return connect.With(ctx, t, func(conn *pgx.Conn) error {
		m := migration{conn}
		if err := f(migrate.Migrator{DB: m, Known: Migrations}); err != nil {
			return err
		}
		return m.redistribute(ctx)
	})
}

// migration is a connection on which migrations run. It uses no state of the session
// outside a transaction. It implements migrate.Database and migrate.Tx.
type migration struct{ conn *pgx.Conn }

const (
	// stepLockTimeout bounds how long a step waits for a lock on a table. While it
	// waits, everything behind it that needs the table waits too.
	stepLockTimeout = 2 * time.Second
	// stepAttempts is how often a step is tried that has found a table locked.
	stepAttempts = 30
	// stepPause is the attempt before which the pauses between these are as long.
	stepPause = 3
)

// Exclusively implements migrate.Database. A step takes as long as it takes, whatever
// the time limit of the role's statements.
func (m migration) Exclusively(ctx context.Context, f func(migrate.Tx) error) error {
	for n := 1; ; n++ {
		err := m.exclusively(ctx, f)
		if pgerror.Code(err) != pgerror.LockNotAvailable || n == stepAttempts || !connect.Pause(ctx, stepPause) {
			return err
		}
	}
}

func (m migration) exclusively(ctx context.Context, f func(migrate.Tx) error) error {
	return pgx.BeginFunc(ctx, m.conn, func(pgx.Tx) error {
		if err := m.Exec(ctx, fmt.Sprintf("SET LOCAL statement_timeout = 0; SELECT %s; SET LOCAL lock_timeout = %d",
			AdvisoryLock(strconv.FormatInt(MigrationLock, 10), true), stepLockTimeout.Milliseconds())); err != nil {
			return err
		}
		if err := m.prepare(ctx); err != nil {
			return err
		}
		return f(m)
	})
}

// prepare makes the schema and the table of records when they do not exist. It looks
// first, because a role that may not make them may use those that were made for it.
func (m migration) prepare(ctx context.Context) error {
	for _, part := range []struct{ made, make string }{
		{"to_regnamespace('docket')", "CREATE SCHEMA docket"},
		{"to_regclass('docket.schema_migrations')", `CREATE TABLE docket.schema_migrations (
  version integer NOT NULL PRIMARY KEY, name text NOT NULL, compatible integer NOT NULL, applied_at timestamptz NOT NULL)`},
	} {
		var made bool
		if err := m.conn.QueryRow(ctx, "SELECT "+part.made+" IS NOT NULL", pgx.QueryExecModeExec).Scan(&made); err != nil {
			return err
		}
		if made {
			continue
		}
		if err := m.Exec(ctx, part.make); err != nil {
			return fmt.Errorf("this role cannot make Docket's tables (docs/operations.md has the role to use): %w", err)
		}
	}
	return nil
}

// Records implements migrate.Tx.
func (m migration) Records(ctx context.Context) ([]migrate.Record, error) {
	return records(ctx, m.conn)
}

// statementEnd is where a statement ends in a file of migrations: a semicolon, and only a
// comment after it in its line.
var statementEnd = regexp.MustCompile(`(?m);[ \t]*(--.*)?$`)

// Exec implements migrate.Tx. It sends each statement by itself, because Citus sends the
// text of several on to the workers as if it were one.
func (m migration) Exec(ctx context.Context, sql string) error {
	for _, statement := range statementEnd.Split(sql, -1) {
		if _, err := m.conn.PgConn().Exec(ctx, statement).ReadAll(); err != nil {
			return err
		}
	}
	return nil
}

// Add implements migrate.Tx.
func (m migration) Add(ctx context.Context, r migrate.Record) error {
	_, err := m.conn.Exec(ctx, "INSERT INTO docket.schema_migrations (version, name, compatible, applied_at) VALUES ($1, $2, $3, now())",
		pgx.QueryExecModeExec, r.Version, r.Name, r.Compatible)
	return err
}

// Remove implements migrate.Tx.
func (m migration) Remove(ctx context.Context, version int) error {
	_, err := m.conn.Exec(ctx, "DELETE FROM docket.schema_migrations WHERE version = $1", pgx.QueryExecModeExec, version)
	return err
}

// records reads the migrations that were applied to a database.
func records(ctx context.Context, conn *pgx.Conn) ([]migrate.Record, error) {
	var made bool
	err := conn.QueryRow(ctx, "SELECT to_regclass('docket.schema_migrations') IS NOT NULL", pgx.QueryExecModeExec).Scan(&made)
	if err != nil || !made {
		return nil, err
	}
	rows, err := conn.Query(ctx, "SELECT m.version, m.name, m.compatible FROM docket.schema_migrations AS m ORDER BY m.version", pgx.QueryExecModeExec)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[migrate.Record])
}
