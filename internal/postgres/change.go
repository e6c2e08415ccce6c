package postgres

import (
	"context"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"docket"
)

// countersSQL spans the users that somebody listens to.
var countersSQL = parameters[[]string]{
	"user_ids": func(owners []string) any { return owners },
}.compile("SELECT x.user_id, x.epoch, x.counter, x.purged_through FROM docket.owners AS x WHERE x.user_id = ANY (@user_ids::text[])")

// purge holds the arguments of purgeSQL.
type purge struct {
	before time.Time
	limit  int
}

// purgeSQL spans all users. One process runs it at a time, also behind a pooler,
// because the lock belongs to the transaction. It locks the owners in the order in
// which groups of writes do. Then it looks once more whether a task is due, because
// it may have been restored meanwhile.
var purgeSQL = parameters[purge]{
	"before": func(p purge) any { return p.before },
	"limit":  func(p purge) any { return p.limit },
	"lock":   func(purge) any { return int64(purgeLock) },
}.compile(`WITH due AS MATERIALIZED (
  SELECT d.user_id, d.id FROM docket.tasks AS d
  WHERE (SELECT pg_try_advisory_xact_lock(@lock::bigint)) AND d.deleted_at < @before::timestamptz ORDER BY d.deleted_at LIMIT @limit::integer),
o AS MATERIALIZED (
  SELECT x.user_id FROM docket.owners AS x JOIN (SELECT DISTINCT due.user_id FROM due) AS d ON x.user_id = d.user_id
  ORDER BY x.user_id FOR UPDATE OF x),
gone AS (
  DELETE FROM docket.tasks AS t
  WHERE t.deleted_at < @before AND (t.user_id, t.id) IN (SELECT due.user_id, due.id FROM o JOIN due ON due.user_id = o.user_id)
  RETURNING t.user_id, t.version),
raised AS (
  UPDATE docket.owners AS x SET purged_through = greatest(x.purged_through, g.version)
  FROM (SELECT gone.user_id, max(gone.version) AS version FROM gone GROUP BY gone.user_id) AS g WHERE x.user_id = g.user_id)
SELECT count(*) FROM gone`)

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

var (
	// renewSQL takes the owner's lock. It returns no row when there is no owner.
	renewSQL = erasureParameters.compile("UPDATE docket.owners AS x SET epoch = @epoch WHERE x.user_id = @user_id RETURNING true")

	// eraseTasksSQL runs with the owner's lock held, so no other statement changes the
	// tasks.
	eraseTasksSQL = erasureParameters.compile(`WITH gone AS (
  DELETE FROM docket.tasks AS t WHERE t.user_id = @user_id AND t.id IN (
    SELECT d.id FROM docket.tasks AS d WHERE d.user_id = @user_id ORDER BY d.id LIMIT @limit::integer)
  RETURNING t.deleted_at),
counted AS (
  UPDATE docket.owners AS x SET live = x.live - (SELECT count(*) FROM gone WHERE gone.deleted_at IS NULL) WHERE x.user_id = @user_id)
SELECT count(*) FROM gone`)

	eraseKeysSQL = erasureParameters.compile(`DELETE FROM docket.idempotency_keys AS k WHERE k.user_id = @user_id AND k.key IN (
  SELECT d.key FROM docket.idempotency_keys AS d WHERE d.user_id = @user_id ORDER BY d.key LIMIT @limit::integer)`)

	eraseOwnerSQL = erasureParameters.compile("DELETE FROM docket.owners AS x WHERE x.user_id = @user_id")
)

// ownedRange holds the arguments of changesSQL.
type ownedRange struct {
	owner docket.UserID
	docket.ChangeRange
}

// changesSQL holds the statements of Changes, by ChangeRange.Live. Each returns the
// rows that readPage reads, in the order of versions.
var changesSQL = func() map[bool]*statement[ownedRange] {
	p := parameters[ownedRange]{
		"user_id": func(r ownedRange) any { return string(r.owner) },
		"after":   func(r ownedRange) any { return r.After },
		"through": func(r ownedRange) any {
			if r.Through == 0 {
				return int64(math.MaxInt64)
			}
			return r.Through
		},
		"limit": func(r ownedRange) any { return r.Limit + 1 }, // one more tells whether there are more
	}
	within := func(condition string) *statement[ownedRange] {
		return p.compile(`WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through FROM docket.owners AS x WHERE x.user_id = @user_id)
SELECT ` + noTask + `, ARRAY[o.epoch, o.counter, o.purged_through, 0] FROM o
UNION ALL
(SELECT ` + selected + `, NULL FROM docket.tasks AS t
  WHERE t.user_id = @user_id AND t.version > @after::bigint AND t.version <= @through::bigint` + condition + ` ORDER BY t.version LIMIT @limit::integer)`)
	}
	return map[bool]*statement[ownedRange]{false: within(""), true: within(" AND t.deleted_at IS NULL")}
}()

// purgeLock is the key of the advisory lock that a purge holds. It differs from
// migrationLock.
const purgeLock = migrationLock + 1

// Changes implements docket.Store.
func (s *Store) Changes(ctx context.Context, owner docket.UserID, q docket.ChangeRange) (docket.ChangePage, error) {
	page, st := new(docket.Page), changesSQL[q.Live]
	c := &call{
		owner: owner, sql: st.sql, args: st.args(ownedRange{owner, q}),
		read:    func(rows pgx.Rows) error { return readPage(page, rows, owner, q.Limit) },
		outcome: func(err error) error { return err },
	}
	// A snapshot may have to pass over any number of deleted tasks.
	if err := s.runPage(ctx, c, !q.Live && q.Limit <= maxLanePage); err != nil {
		return docket.ChangePage{}, err
	}
	return docket.ChangePage{Tasks: page.Tasks, State: page.State, More: page.More}, nil
}

// Counters implements docket.Store.
func (s *Store) Counters(ctx context.Context, owners []docket.UserID) (states map[docket.UserID]docket.State, err error) {
	list := make([]string, len(owners))
	for i, owner := range owners {
		list[i] = string(owner)
	}
	err = s.read(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		states = map[docket.UserID]docket.State{}
		rows, err := conn.Query(ctx, countersSQL.sql, countersSQL.args(list)...)
		if err != nil {
			return err
		}
		var owner string
		var state docket.State
		_, err = pgx.ForEachRow(rows, []any{&owner, &state.Epoch, &state.Counter, &state.PurgedThrough}, func() error {
			states[docket.UserID(owner)] = state
			return nil
		})
		return err
	})
	return states, err
}

// Purge implements docket.Store.
func (s *Store) Purge(ctx context.Context, before time.Time, limit int) (n int, err error) {
	// The caller's context ends the statement: nobody waits for maintenance.
	err = s.run(ctx, ctx, safeToRepeat, func(ctx context.Context, conn *pgx.Conn) error {
		return conn.QueryRow(ctx, purgeSQL.sql, purgeSQL.args(purge{before, limit})...).Scan(&n)
	})
	return n, err
}

// Erase implements docket.Store.
func (s *Store) Erase(ctx context.Context, owner docket.UserID, epoch int64, limit int) (done bool, err error) {
	e := erasure{owner, epoch, limit}
	err = s.transact(ctx, func(ctx context.Context, tx pgx.Tx) error {
		// Keys are locked before their owner, as in a write that claims one.
		keys, err := tx.Exec(ctx, eraseKeysSQL.sql, eraseKeysSQL.args(e)...)
		if err != nil {
			return err
		}
		rows, err := tx.Query(ctx, renewSQL.sql, renewSQL.args(e)...)
		if err != nil {
			return err
		}
		known, err := pgx.CollectRows(rows, pgx.RowTo[bool])
		if done = len(known) == 0; err != nil || done {
			return err
		}
		var tasks int
		if err := tx.QueryRow(ctx, eraseTasksSQL.sql, eraseTasksSQL.args(e)...).Scan(&tasks); err != nil {
			return err
		}
		if done = tasks < limit && int(keys.RowsAffected()) < limit; !done {
			return nil
		}
		_, err = tx.Exec(ctx, eraseOwnerSQL.sql, eraseOwnerSQL.args(e)...)
		return err
	})
	return done && err == nil, err
}
