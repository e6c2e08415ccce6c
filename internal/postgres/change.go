package postgres

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"docket"
)

const (
	// countersSQL is of the users that somebody listens to.
	countersSQL = "SELECT x.user_id, x.epoch, x.counter, x.purged_through FROM docket.owners AS x WHERE x.user_id = ANY ($1::text[])"

	// purgeSQL is of all users. One process runs it at a time, behind a pooler too:
	// the lock is of the transaction. It takes the owners' locks in the order in
	// which groups of writes do, and then looks once more whether a task is to
	// go, for it may have been restored meanwhile.
	purgeSQL = `WITH due AS MATERIALIZED (
  SELECT d.user_id, d.id FROM docket.tasks AS d
  WHERE (SELECT pg_try_advisory_xact_lock($3::bigint)) AND d.deleted_at < $1::timestamptz ORDER BY d.deleted_at LIMIT $2::integer),
o AS MATERIALIZED (
  SELECT x.user_id FROM docket.owners AS x JOIN (SELECT DISTINCT due.user_id FROM due) AS d ON x.user_id = d.user_id
  ORDER BY x.user_id FOR UPDATE OF x),
gone AS (
  DELETE FROM docket.tasks AS t
  WHERE t.deleted_at < $1 AND (t.user_id, t.id) IN (SELECT due.user_id, due.id FROM o JOIN due ON due.user_id = o.user_id)
  RETURNING t.user_id, t.version),
raised AS (
  UPDATE docket.owners AS x SET purged_through = greatest(x.purged_through, g.version)
  FROM (SELECT gone.user_id, max(gone.version) AS version FROM gone GROUP BY gone.user_id) AS g WHERE x.user_id = g.user_id)
SELECT count(*) FROM gone`

	// renewSQL takes the owner's lock.
	renewSQL = "UPDATE docket.owners AS x SET epoch = $2 WHERE x.user_id = $1 RETURNING true"
	// eraseTasksSQL runs with the owner's lock held, so that none of the tasks changes.
	eraseTasksSQL = `WITH gone AS (
  DELETE FROM docket.tasks AS t WHERE t.user_id = $1 AND t.id IN (
    SELECT d.id FROM docket.tasks AS d WHERE d.user_id = $1 ORDER BY d.id LIMIT $2::integer)
  RETURNING t.deleted_at),
counted AS (
  UPDATE docket.owners AS x SET live = x.live - (SELECT count(*) FROM gone WHERE gone.deleted_at IS NULL) WHERE x.user_id = $1)
SELECT count(*) FROM gone`
	eraseKeysSQL = `DELETE FROM docket.idempotency_keys AS k WHERE k.user_id = $1 AND k.key IN (
  SELECT d.key FROM docket.idempotency_keys AS d WHERE d.user_id = $1 ORDER BY d.key LIMIT $2::integer)`
	eraseOwnerSQL = "DELETE FROM docket.owners AS x WHERE x.user_id = $1"
)

// changesSQL has a row of the owner's state, then the tasks by version, with no
// state; under true, without deleted tasks.
var changesSQL = func() map[bool]string {
	const shape = `WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through] FROM o
UNION ALL
(SELECT ` + columns + `, t.deleted_at, NULL FROM docket.tasks AS t
  WHERE t.user_id = $1 AND t.version > $2::bigint AND t.version <= $3::bigint%s ORDER BY t.version LIMIT $4::integer)`
	return map[bool]string{false: fmt.Sprintf(shape, ""), true: fmt.Sprintf(shape, " AND t.deleted_at IS NULL")}
}()

// purgeLock is the key of the advisory lock that a purge holds: migrationLock,
// whose meaning is another, plus one.
const purgeLock = migrationLock + 1

// Changes implements docket.Store.
func (s *Store) Changes(ctx context.Context, owner docket.UserID, q docket.ChangeRange) (docket.ChangePage, error) {
	through := q.Through
	if through == 0 {
		through = math.MaxInt64
	}
	page := new(docket.ChangePage)
	c := &call{
		owner: owner, sql: changesSQL[q.Live], args: []any{string(owner), q.After, through, q.Limit + 1},
		read:    func(rows pgx.Rows) error { return readChanges(page, rows, owner, q.Limit) },
		outcome: func(err error) error { return err },
	}
	// A snapshot may pass over any number of deleted tasks.
	if err := s.readPage(ctx, c, !q.Live && q.Limit <= maxBatchedPage); err != nil {
		return docket.ChangePage{}, err
	}
	return *page, nil
}

// readChanges reads the rows of changesSQL, and closes them.
func readChanges(page *docket.ChangePage, rows pgx.Rows, owner docket.UserID, limit int) error {
	*page = docket.ChangePage{Tasks: []docket.Task{}}
	defer rows.Close()
	var state []int64
	var task docket.Task
	row := &taskRow{task: &task, more: []any{&task.DeletedAt, &state}, texts: texts{page: true}}
	for rows.Next() {
		task, state = docket.Task{UserID: owner}, nil
		if err := rows.Scan(row); err != nil {
			return err
		}
		if state != nil {
			page.State = docket.State{Epoch: state[0], Counter: state[1], PurgedThrough: state[2]}
			continue
		}
		if page.More = len(page.Tasks) == limit; !page.More {
			page.Tasks = append(page.Tasks, task)
		}
	}
	return rows.Err()
}

// Counters implements docket.Store.
func (s *Store) Counters(ctx context.Context, owners []docket.UserID) (states map[docket.UserID]docket.State, err error) {
	list := make([]string, len(owners))
	for i, owner := range owners {
		list[i] = string(owner)
	}
	err = s.run(ctx, reading, func(ctx context.Context, conn *pgx.Conn) error {
		states = map[docket.UserID]docket.State{}
		rows, err := conn.Query(ctx, countersSQL, list)
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
	err = s.run(ctx, maintaining, func(ctx context.Context, conn *pgx.Conn) error {
		return conn.QueryRow(ctx, purgeSQL, before, limit, int64(purgeLock)).Scan(&n)
	})
	return n, err
}

// Erase implements docket.Store.
func (s *Store) Erase(ctx context.Context, owner docket.UserID, epoch int64, limit int) (done bool, err error) {
	err = s.transact(ctx, func(ctx context.Context, tx pgx.Tx) error {
		// Keys come before their owner, as in a write that claims one.
		keys, err := tx.Exec(ctx, eraseKeysSQL, string(owner), limit)
		if err != nil {
			return err
		}
		rows, err := tx.Query(ctx, renewSQL, string(owner), epoch)
		if err != nil {
			return err
		}
		known, err := pgx.CollectRows(rows, pgx.RowTo[bool])
		if done = len(known) == 0; err != nil || done {
			return err
		}
		var tasks int
		if err := tx.QueryRow(ctx, eraseTasksSQL, string(owner), limit).Scan(&tasks); err != nil {
			return err
		}
		if done = tasks < limit && int(keys.RowsAffected()) < limit; !done {
			return nil
		}
		_, err = tx.Exec(ctx, eraseOwnerSQL, string(owner))
		return err
	})
	return done && err == nil, err
}
