package connect

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// isDistributedSQL tells whether Citus has distributed the tables.
const isDistributedSQL = "SELECT EXISTS (SELECT 1 FROM pg_dist_partition AS p WHERE p.logicalrelid = to_regclass('docket.tasks') AND p.partmethod = 'h')"

// hasCitusSQL tells whether isDistributedSQL can be run.
const hasCitusSQL = "SELECT EXISTS (SELECT 1 FROM pg_extension AS e WHERE e.extname = 'citus')"

// Ask runs a query without arguments that returns one boolean.
func Ask(ctx context.Context, conn *pgx.Conn, sql string) (answer bool, err error) {
	err = conn.QueryRow(ctx, sql, pgx.QueryExecModeExec).Scan(&answer)
	return answer, err
}

// HasCitus reports whether the database has the extension Citus.
func HasCitus(ctx context.Context, conn *pgx.Conn) (bool, error) { return Ask(ctx, conn, hasCitusSQL) }

// IsDistributed reports whether Citus has distributed the tables. It fails where Citus is
// not installed.
func IsDistributed(ctx context.Context, conn *pgx.Conn) (bool, error) {
	return Ask(ctx, conn, isDistributedSQL)
}
