package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"docket"
	"docket/internal/postgres/dispatch"
	"docket/internal/postgres/schema"
)

// purgeLock is the key of the advisory lock that a purge holds. It differs from
// schema.MigrationLock.
const purgeLock = schema.MigrationLock + 1

// removal holds the arguments of purgeSQL and expireKeysSQL.
type removal struct {
	before time.Time
	limit  int
}

var removalParameters = parameters[removal]{
	"before": func(r removal) any { return r.before },
	"limit":  func(r removal) any { return r.limit },
	"lock":   func(removal) any { return int64(purgeLock) },
}

// Both span all users. They lock owners before the rows that they remove, as an erasure
// does. Then they look once more whether a row is due, because it may have been changed
// meanwhile. What belongs to an owner who is locked by another transaction is left for
// another time: one user's lock must not hold up the others.
var (
	// purgeSQL is run by one process at a time, also behind a pooler, because the lock
	// belongs to the transaction.
	purgeSQL = removalParameters.compile(`WITH due AS MATERIALIZED (
  SELECT d.user_id, d.id FROM docket.tasks AS d
  WHERE (SELECT ` + schema.AdvisoryLock("@lock::bigint", false) + `) AND d.deleted_at < @before::timestamptz ORDER BY d.deleted_at LIMIT @limit::integer),
o AS MATERIALIZED (
  SELECT x.user_id FROM docket.owners AS x JOIN (SELECT DISTINCT due.user_id FROM due) AS d ON x.user_id = d.user_id
  ORDER BY x.user_id FOR UPDATE OF x SKIP LOCKED),
gone AS (
  DELETE FROM docket.tasks AS t
  WHERE t.deleted_at < @before AND (t.user_id, t.id) IN (SELECT due.user_id, due.id FROM o JOIN due ON due.user_id = o.user_id)
  RETURNING t.user_id, t.version),
raised AS (
  UPDATE docket.owners AS x SET purged_through = greatest(x.purged_through, g.version), trash = x.trash - g.tasks
  FROM (SELECT gone.user_id, max(gone.version) AS version, count(*) AS tasks FROM gone GROUP BY gone.user_id) AS g WHERE x.user_id = g.user_id)
SELECT count(*) FROM gone`)

	// expireKeysSQL also removes keys whose owner is gone.
	expireKeysSQL = removalParameters.compile(`WITH due AS MATERIALIZED (
  SELECT e.user_id, e.key FROM docket.idempotency_keys AS e WHERE e.expires_at <= @before::timestamptz ORDER BY e.expires_at LIMIT @limit::integer),
o AS MATERIALIZED (
  SELECT x.user_id FROM docket.owners AS x JOIN (SELECT DISTINCT due.user_id FROM due) AS d ON x.user_id = d.user_id
  ORDER BY x.user_id FOR UPDATE OF x SKIP LOCKED),
gone AS (
  DELETE FROM docket.idempotency_keys AS k
  WHERE k.expires_at <= @before AND (k.user_id, k.key) IN (SELECT due.user_id, due.key FROM due)
    AND (k.user_id IN (SELECT o.user_id FROM o) OR NOT EXISTS (SELECT 1 FROM docket.owners AS x WHERE x.user_id = k.user_id))
  RETURNING k.user_id, k.size),
freed AS (
  UPDATE docket.owners AS x SET kept = x.kept - g.size
  FROM (SELECT gone.user_id, sum(gone.size) AS size FROM gone GROUP BY gone.user_id) AS g WHERE x.user_id = g.user_id)
SELECT count(*) FROM gone`)
)

// Purge implements docket.Store.
func (s *Store) Purge(ctx context.Context, before time.Time, limit int) (n int, err error) {
	if s.distributed {
		return s.removeOwned(ctx, distributedRemoval{duePurgeSQL, ownedPurgeSQL}, removal{before, limit})
	}
	return s.remove(ctx, purgeSQL, removal{before, limit})
}

// ExpireKeys implements docket.Store.
func (s *Store) ExpireKeys(ctx context.Context, now time.Time, limit int) (n int, err error) {
	if s.distributed {
		return s.removeOwned(ctx, distributedRemoval{dueKeysSQL, ownedKeysSQL}, removal{now, limit})
	}
	return s.remove(ctx, expireKeysSQL, removal{now, limit})
}

func (s *Store) remove(ctx context.Context, st *statement[removal], r removal) (n int, err error) {
	err = s.db.Run(ctx, dispatch.Maintaining, func(ctx context.Context, conn *pgx.Conn) error {
		return conn.QueryRow(ctx, st.sql, st.args(r)...).Scan(&n)
	})
	return n, err
}

// The statements of AdvanceClock run in one transaction. Citus refuses a sum of times in
// a statement that writes, so the time is computed between them.
const (
	addDatabaseSQL  = "INSERT INTO docket.database AS d (id) VALUES (1) ON CONFLICT (id) DO NOTHING"
	readClockSQL    = "SELECT d.clock FROM docket.database AS d WHERE d.id = 1 FOR UPDATE"
	advanceClockSQL = "UPDATE docket.database AS d SET clock = $1 WHERE d.id = 1"
)

// AdvanceClock implements docket.Store. It also looks at the server's timeline,
// because behind a pooler a connection may outlive a failover.
func (s *Store) AdvanceClock(ctx context.Context, now time.Time, most time.Duration) (at time.Time, err error) {
	err = s.transact(ctx, func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, addDatabaseSQL); err != nil {
			return err
		}
		var believed *time.Time
		if err := tx.QueryRow(ctx, readClockSQL).Scan(&believed); err != nil {
			return err
		}
		at = now
		if believed != nil && believed.Add(most).Before(now) {
			at = believed.Add(most).UTC()
		}
		_, err := tx.Exec(ctx, advanceClockSQL, at)
		return err
	})
	if err != nil {
		return at, err
	}
	return at, s.db.Run(ctx, dispatch.Maintaining, func(ctx context.Context, conn *pgx.Conn) error { return s.meet(ctx, conn) })
}

// renewStep is how many owners one transaction of Renew locks, at most.
const renewStep = 100

// renewal holds the arguments of the statements of Renew.
type renewal struct {
	after  docket.UserID
	owners []string // sorted
	epochs []int64
	raises []int64
}

var renewalParameters = parameters[*renewal]{
	"after":  func(r *renewal) any { return string(r.after) },
	"limit":  func(*renewal) any { return renewStep },
	"owners": func(r *renewal) any { return r.owners },
	"epochs": func(r *renewal) any { return r.epochs },
	"raises": func(r *renewal) any { return r.raises },
}

var (
	nextOwnersSQL = renewalParameters.compile(`SELECT x.user_id FROM docket.owners AS x WHERE x.user_id > @after::text ORDER BY x.user_id LIMIT @limit::integer`)

	renewSQL = renewalParameters.compile(`WITH o AS MATERIALIZED (
  SELECT x.user_id FROM docket.owners AS x WHERE x.user_id = ANY (@owners::text[]) ORDER BY x.user_id FOR UPDATE)
UPDATE docket.owners AS x SET epoch = r.epoch, counter = x.counter + r.raise
FROM unnest(@owners, @epochs::bigint[], @raises::bigint[]) AS r (user_id, epoch, raise)
WHERE x.user_id = r.user_id AND x.user_id IN (SELECT o.user_id FROM o)`)
)

// Renew implements docket.Store. It then records the timeline that the server was on
// when it began.
func (s *Store) Renew(ctx context.Context, draw func() (epoch, raise int64)) (owners int, err error) {
	var timeline string
	err = s.db.Run(ctx, dispatch.Maintaining, func(ctx context.Context, conn *pgx.Conn) (err error) {
		_, timeline, err = s.readTimeline(ctx, conn)
		return s.tolerate(conn, err)
	})
	for r := new(renewal); err == nil; {
		if err = s.renewStep(ctx, r, draw); len(r.owners) == 0 {
			break
		}
		owners += len(r.owners)
	}
	if err != nil || timeline == "" {
		return owners, err
	}
	return owners, s.db.Run(ctx, dispatch.Maintaining, func(ctx context.Context, conn *pgx.Conn) error {
		if _, err := conn.Exec(ctx, recordTimelineSQL, pgx.QueryExecModeExec, timeline, true); err != nil {
			return err
		}
		return s.meet(ctx, conn)
	})
}

// renewStep renews the owners after those of r, and leaves their names in r.
func (s *Store) renewStep(ctx context.Context, r *renewal, draw func() (epoch, raise int64)) error {
	next := renewal{after: r.after}
	err := s.transact(ctx, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, nextOwnersSQL.sql, nextOwnersSQL.args(&next)...)
		if err != nil {
			return err
		}
		if next.owners, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
			return err
		}
		next.epochs, next.raises = nil, nil
		for range next.owners {
			epoch, raise := draw()
			next.epochs, next.raises = append(next.epochs, epoch), append(next.raises, raise)
		}
		return s.renewOwners(ctx, tx, &next)
	})
	if err != nil {
		next.owners = nil
	} else if n := len(next.owners); n > 0 {
		next.after = docket.UserID(next.owners[n-1])
	}
	*r = next
	return err
}
