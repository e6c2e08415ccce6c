package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"docket"
)

// erasure holds the arguments of one step of Erase.
type erasure struct {
	owner docket.UserID
	epoch int64
	limit int
}

var erasureParameters = parameters[erasure]{
	"user_id": func(e erasure) any { return string(e.owner) },
	"epoch":   func(e erasure) any { return e.epoch },
	"limit":   func(e erasure) any { return e.limit },
}

// The statements of Erase run in one transaction. The first takes the owner's lock,
// and makes the owner when there is none, so that no write of the owner, with a key
// or without, commits between the others.
var (
	ownToEraseSQL = erasureParameters.compile(`INSERT INTO docket.owners AS x (user_id, epoch, counter, live, trash) VALUES (@user_id, @epoch, 0, 0, 0)
ON CONFLICT (user_id) DO UPDATE SET epoch = excluded.epoch`)

	eraseKeysSQL = erasureParameters.compile(`WITH gone AS (
  DELETE FROM docket.idempotency_keys AS k WHERE k.user_id = @user_id AND k.key IN (
    SELECT d.key FROM docket.idempotency_keys AS d WHERE d.user_id = @user_id ORDER BY d.key LIMIT @limit::integer)
  RETURNING k.size),
freed AS (
  UPDATE docket.owners AS x SET kept = x.kept - (SELECT coalesce(sum(gone.size), 0) FROM gone) WHERE x.user_id = @user_id)
SELECT count(*) FROM gone`)

	eraseTasksSQL = erasureParameters.compile(`WITH gone AS (
  DELETE FROM docket.tasks AS t WHERE t.user_id = @user_id AND t.id IN (
    SELECT d.id FROM docket.tasks AS d WHERE d.user_id = @user_id ORDER BY d.id LIMIT @limit::integer)
  RETURNING t.deleted_at),
counted AS (
  UPDATE docket.owners AS x SET live = x.live - (SELECT count(*) FROM gone WHERE gone.deleted_at IS NULL),
    trash = x.trash - (SELECT count(*) FROM gone WHERE gone.deleted_at IS NOT NULL) WHERE x.user_id = @user_id)
SELECT count(*) FROM gone`)

	eraseAPIKeysSQL = erasureParameters.compile("DELETE FROM docket.api_keys AS k WHERE k.user_id = @user_id")

	eraseOwnerSQL = erasureParameters.compile("DELETE FROM docket.owners AS x WHERE x.user_id = @user_id")
)

// Erase implements docket.Store. While there are keys it removes no task, so that no
// key replays a task that is gone.
func (s *Store) Erase(ctx context.Context, owner docket.UserID, epoch int64, limit int) (done bool, err error) {
	e := erasure{owner, epoch, limit}
	err = s.transact(ctx, func(ctx context.Context, tx pgx.Tx) error {
		done = false
		for _, st := range []*statement[erasure]{ownToEraseSQL, eraseAPIKeysSQL} {
			if _, err := tx.Exec(ctx, st.sql, st.args(e)...); err != nil {
				return err
			}
		}
		var keys, tasks int
		if err := tx.QueryRow(ctx, eraseKeysSQL.sql, eraseKeysSQL.args(e)...).Scan(&keys); err != nil || keys == limit {
			return err
		}
		if err := tx.QueryRow(ctx, eraseTasksSQL.sql, eraseTasksSQL.args(e)...).Scan(&tasks); err != nil || tasks == limit {
			return err
		}
		done = true
		_, err := tx.Exec(ctx, eraseOwnerSQL.sql, eraseOwnerSQL.args(e)...)
		return err
	})
	return done && err == nil, err
}
