package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"docket/internal/postgres/column"
	"docket/internal/postgres/pgerror"
	"docket/internal/postgres/schema"
)

// Ready implements docket.Store.
func (s *Store) Ready(ctx context.Context) error { return s.db.Ready(ctx) }

// rightsSQL names every column of the tables of requests, and returns the rights
// on these tables that the role lacks, and whether the server is read-only.
var rightsSQL = `SELECT
  (SELECT string_agg(p.name || ' on docket.' || t.name, ', ') FROM unnest(ARRAY['owners', 'tasks', 'idempotency_keys', 'api_keys', 'database']) AS t (name),
    unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS p (name)
  WHERE NOT has_table_privilege('docket.' || t.name, p.name)),
  current_setting('transaction_read_only') = 'on'
WHERE NOT EXISTS (SELECT x.user_id, x.epoch, x.counter, x.purged_through, x.live, x.trash, x.kept FROM docket.owners AS x WHERE false)
  AND NOT EXISTS (SELECT t.user_id, ` + column.Names("t.") + ` FROM docket.tasks AS t WHERE false)
  AND NOT EXISTS (SELECT k.user_id, k.key, k.fingerprint, k.result, k.size, k.expires_at FROM docket.idempotency_keys AS k WHERE false)
  AND NOT EXISTS (SELECT k.user_id, ` + apiKeyColumns + ` FROM docket.api_keys AS k WHERE false)
  AND NOT EXISTS (SELECT d.id, d.clock, d.timeline FROM docket.database AS d WHERE false)`

// inspect looks whether the server can be written, and this program serves its schema and
// has its rights on it. It returns as its verdict what an operator has to mend. The error
// is one that may pass by itself.
func (s *Store) inspect(ctx context.Context, conn *pgx.Conn) (verdict, err error) {
	status, err := schema.StatusOf(ctx, conn)
	if err != nil {
		return nil, err
	}
	if verdict := status.Check(); verdict != nil {
		return verdict, nil
	}
	var lacking *string
	var readOnly bool
	if err := conn.QueryRow(ctx, rightsSQL, pgx.QueryExecModeExec).Scan(&lacking, &readOnly); err != nil {
		return nil, err
	}
	switch {
	case readOnly:
		return nil, pgerror.ErrStandby
	case lacking != nil:
		return fmt.Errorf("the role of DATABASE_URL lacks rights: %s (docs/operations.md has the grants)", *lacking), nil
	}
	if s.distributed {
		if verdict, err := schema.Inspect(ctx, conn); verdict != nil || err != nil {
			return verdict, err
		}
	}
	return nil, s.meet(ctx, conn)
}
