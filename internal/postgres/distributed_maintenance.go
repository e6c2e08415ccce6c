package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"docket"
	"docket/internal/postgres/dispatch"
)

// Where the tables are distributed no statement may lock rows on several servers, so the
// statements that remove what is due and begin histories anew are about one user each.

// ownedRemoval holds the arguments of the statements about one user.
type ownedRemoval struct {
	removal
	owner string
}

var ownedRemovalParameters = parameters[ownedRemoval]{
	"user_id": func(r ownedRemoval) any { return r.owner },
	"before":  func(r ownedRemoval) any { return r.before },
	"limit":   func(r ownedRemoval) any { return r.limit },
}

// distributedRemoval is purgeSQL or expireKeysSQL for distributed tables: due returns the
// users with how many of their rows are due, the earliest of all first, and owned removes
// them for one user. Users who are locked by another transaction are left for another time.
type distributedRemoval struct {
	due   *statement[removal]
	owned *statement[ownedRemoval]
}

var (
	duePurgeSQL = removalParameters.compile(`SELECT d.user_id, count(*) FROM (
  SELECT e.user_id FROM docket.tasks AS e WHERE e.deleted_at < @before::timestamptz ORDER BY e.deleted_at LIMIT @limit::integer) AS d GROUP BY d.user_id ORDER BY d.user_id`)

	ownedPurgeSQL = ownedRemovalParameters.compile(`WITH o AS MATERIALIZED (
  SELECT x.user_id FROM docket.owners AS x WHERE x.user_id = @user_id FOR UPDATE SKIP LOCKED),
gone AS (
  DELETE FROM docket.tasks AS t USING o WHERE t.user_id = @user_id AND t.deleted_at < @before::timestamptz AND t.id IN (
    SELECT d.id FROM docket.tasks AS d WHERE d.user_id = @user_id AND d.deleted_at < @before ORDER BY d.deleted_at LIMIT @limit::integer)
  RETURNING t.version),
raised AS (
  UPDATE docket.owners AS x SET purged_through = greatest(x.purged_through, g.version), trash = x.trash - g.tasks
  FROM (SELECT max(gone.version) AS version, count(*) AS tasks FROM gone) AS g WHERE x.user_id = @user_id AND g.tasks > 0)
SELECT count(*) FROM gone`)

	dueKeysSQL = removalParameters.compile(`SELECT d.user_id, count(*) FROM (
  SELECT e.user_id FROM docket.idempotency_keys AS e WHERE e.expires_at <= @before::timestamptz ORDER BY e.expires_at LIMIT @limit::integer) AS d GROUP BY d.user_id ORDER BY d.user_id`)

	ownedKeysSQL = ownedRemovalParameters.compile(`WITH o AS MATERIALIZED (
  SELECT x.user_id FROM docket.owners AS x WHERE x.user_id = @user_id FOR UPDATE SKIP LOCKED),
gone AS (
  DELETE FROM docket.idempotency_keys AS k WHERE k.user_id = @user_id AND k.expires_at <= @before::timestamptz AND k.key IN (
    SELECT d.key FROM docket.idempotency_keys AS d WHERE d.user_id = @user_id AND d.expires_at <= @before ORDER BY d.expires_at LIMIT @limit::integer)
    AND (EXISTS (SELECT 1 FROM o) OR NOT EXISTS (SELECT 1 FROM docket.owners AS y WHERE y.user_id = @user_id))
  RETURNING k.size),
freed AS (
  UPDATE docket.owners AS x SET kept = x.kept - g.size
  FROM (SELECT coalesce(sum(gone.size), 0) AS size FROM gone) AS g WHERE x.user_id = @user_id AND g.size > 0)
SELECT count(*) FROM gone`)
)

// removeOwned removes what is due, for each user in a transaction of its own.
func (s *Store) removeOwned(ctx context.Context, d distributedRemoval, r removal) (n int, err error) {
	var due []ownedRemoval
	err = s.db.Run(ctx, dispatch.Maintaining, func(ctx context.Context, conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, d.due.sql, d.due.args(r)...)
		if err != nil {
			return err
		}
		due, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (o ownedRemoval, err error) {
			o.before = r.before
			return o, row.Scan(&o.owner, &o.limit)
		})
		return err
	})
	for _, o := range due {
		if err != nil || ctx.Err() != nil {
			break
		}
		var gone int
		err = s.transact(ctx, func(ctx context.Context, tx pgx.Tx) error {
			return tx.QueryRow(ctx, d.owned.sql, d.owned.args(o)...).Scan(&gone)
		})
		n += gone
	}
	return n, err
}

// renewOwnedSQL is renewSQL for one owner.
var renewOwnedSQL = parameters[ownedRenewal]{
	"user_id": func(r ownedRenewal) any { return string(r.owner) },
	"epoch":   func(r ownedRenewal) any { return r.epoch },
	"raise":   func(r ownedRenewal) any { return r.raise },
}.compile("UPDATE docket.owners AS x SET epoch = @epoch::bigint, counter = x.counter + @raise::bigint WHERE x.user_id = @user_id")

// ownedRenewal holds the arguments of renewOwnedSQL.
type ownedRenewal struct {
	owner        docket.UserID
	epoch, raise int64
}

// renewOwners begins the histories of r anew in the transaction tx.
func (s *Store) renewOwners(ctx context.Context, tx pgx.Tx, r *renewal) error {
	if !s.distributed {
		_, err := tx.Exec(ctx, renewSQL.sql, renewSQL.args(r)...)
		return err
	}
	for i, owner := range r.owners {
		if _, err := tx.Exec(ctx, renewOwnedSQL.sql, renewOwnedSQL.args(ownedRenewal{docket.UserID(owner), r.epochs[i], r.raises[i]})...); err != nil {
			return err
		}
	}
	return nil
}
