package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// isDistributedSQL tells whether Citus has distributed the tables.
const isDistributedSQL = "SELECT EXISTS (SELECT 1 FROM pg_dist_partition AS p WHERE p.logicalrelid = to_regclass('docket.tasks') AND p.partmethod = 'h')"

// hasCitusSQL tells whether isDistributedSQL can be run.
const hasCitusSQL = "SELECT EXISTS (SELECT 1 FROM pg_extension AS e WHERE e.extname = 'citus')"

// ask runs a query that returns one truth.
func ask(ctx context.Context, conn *pgx.Conn, sql string) (answer bool, err error) {
	err = conn.QueryRow(ctx, sql, pgx.QueryExecModeExec).Scan(&answer)
	return answer, err
}

// hasCitus reports whether the database has the extension Citus.
func hasCitus(ctx context.Context, conn *pgx.Conn) (bool, error) { return ask(ctx, conn, hasCitusSQL) }

// isDistributed reports whether Citus has distributed the tables. It fails where Citus is
// not installed.
func isDistributed(ctx context.Context, conn *pgx.Conn) (bool, error) {
	return ask(ctx, conn, isDistributedSQL)
}
