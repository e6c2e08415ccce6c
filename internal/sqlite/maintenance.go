package sqlite

import (
	"context"
	"time"

	"docket"
)

// due selects the deleted tasks that a purge removes, expired the keys that expire.
// Each is used by two statements, which must find the same rows.
const (
	due     = "FROM trash WHERE deleted_at < ?1 ORDER BY deleted_at, user_id, id LIMIT ?2"
	expired = "FROM idempotency_keys WHERE expires_at <= ?1 ORDER BY expires_at, rowid LIMIT ?2"
)

const (
	raisePurgedSQL = `UPDATE owners SET purged_through = max(purged_through, d.version), trash = trash - d.n
FROM (SELECT user_id, max(version) AS version, count(*) AS n FROM (SELECT user_id, version ` + due + `) GROUP BY user_id) AS d WHERE owners.user_id = d.user_id`
	purgeSQL = "DELETE FROM trash WHERE (user_id, id) IN (SELECT user_id, id " + due + ")"

	// purgeFirstSQL purges the task that its owner deleted first, overflowSQL counts it.
	purgeFirstSQL = `DELETE FROM trash WHERE user_id = ?1 AND version = (SELECT min(version) FROM trash WHERE user_id = ?1) RETURNING version`
	overflowSQL   = "UPDATE owners SET purged_through = max(purged_through, ?2), trash = trash - 1 WHERE user_id = ?1"

	lowerKeptSQL = `UPDATE owners SET kept = kept - d.bytes
FROM (SELECT user_id, sum(bytes) AS bytes FROM (SELECT user_id, length(result) AS bytes ` + expired + `) GROUP BY user_id) AS d WHERE owners.user_id = d.user_id`
	expireKeysSQL = "DELETE FROM idempotency_keys WHERE rowid IN (SELECT rowid " + expired + ")"

	// renewSQL takes as ?3 to ?5 what was removed: live tasks, deleted ones, bytes of results.
	renewSQL      = "UPDATE owners SET epoch = ?2, live = live - ?3, trash = trash - ?4, kept = kept - ?5 WHERE user_id = ?1"
	eraseTasksSQL = "DELETE FROM tasks WHERE user_id = ?1 AND id IN (SELECT id FROM tasks WHERE user_id = ?1 ORDER BY id LIMIT ?2)"
	eraseTrashSQL = "DELETE FROM trash WHERE user_id = ?1 AND id IN (SELECT id FROM trash WHERE user_id = ?1 ORDER BY id LIMIT ?2)"
	eraseKeysSQL  = `DELETE FROM idempotency_keys WHERE user_id = ?1 AND key IN
(SELECT key FROM idempotency_keys WHERE user_id = ?1 ORDER BY key LIMIT ?2) RETURNING length(result)`
	eraseOwnerSQL = "DELETE FROM owners WHERE user_id = ?1"

	advanceClockSQL = `INSERT INTO clock (one, believed) VALUES (1, ?1)
ON CONFLICT (one) DO UPDATE SET believed = min(?1, believed + ?2) RETURNING believed`
)

// Purge implements docket.Store. What it removes is overwritten afterwards, see Erase.
func (s *Store) Purge(ctx context.Context, before time.Time, limit int) (int, error) {
	return s.removeOld(ctx, limit, raisePurgedSQL, purgeSQL, before, limit)
}

// ExpireKeys implements docket.Store.
func (s *Store) ExpireKeys(ctx context.Context, now time.Time, limit int) (int, error) {
	return s.removeOld(ctx, 1, lowerKeptSQL, expireKeysSQL, now, limit)
}

// removeOld has count take in what remove then removes: up to limit rows from before a
// moment. The weight is that of a write.
func (s *Store) removeOld(ctx context.Context, weight int, count, remove string, before time.Time, limit int) (n int, err error) {
	err = s.writer.do(ctx, weight, func(q *statements) error {
		if err := q.Stmt(count).Moment(before).Num(int64(limit)).Exec(); err != nil {
			return err
		}
		n, err = q.Stmt(remove).Moment(before).Num(int64(limit)).Changes()
		q.removed = q.removed || n > 0
		return err
	})
	if n > 0 {
		signal(s.wiper.due)
	}
	return n, err
}

// Erase implements docket.Store. After the last step what was removed is overwritten
// in the file and its log, within minutes on a file of some gigabytes.
func (s *Store) Erase(ctx context.Context, owner docket.UserID, epoch int64, limit int) (done bool, err error) {
	err = s.writer.do(ctx, limit, func(q *statements) error {
		if err := q.Stmt(eraseAPIKeysSQL).Text(string(owner)).Exec(); err != nil {
			return err
		}
		live, err := q.Stmt(eraseTasksSQL).Text(string(owner)).Num(int64(limit)).Changes()
		if err != nil {
			return err
		}
		deleted, err := q.Stmt(eraseTrashSQL).Text(string(owner)).Num(int64(limit - live)).Changes()
		if err != nil {
			return err
		}
		keys, bytes, err := eraseKeys(q, owner, limit)
		if err != nil {
			return err
		}
		q.removed = true
		if done = live+deleted < limit && keys < limit; done {
			return q.Stmt(eraseOwnerSQL).Text(string(owner)).Exec()
		}
		return q.Stmt(renewSQL).Text(string(owner)).Num(epoch).Num(int64(live)).Num(int64(deleted)).Num(bytes).Exec()
	})
	if err != nil {
		return false, err
	}
	if done {
		signal(s.wiper.due)
	}
	return done, nil
}

// eraseKeys returns how many keys it removed, and the bytes of their results.
func eraseKeys(q *statements, owner docket.UserID, limit int) (keys int, bytes int64, err error) {
	e := q.Stmt(eraseKeysSQL)
	err = e.Text(string(owner)).Num(int64(limit)).Each(func() bool {
		keys++
		bytes += e.Int64At(0)
		return true
	})
	return keys, bytes, err
}

// AdvanceClock implements docket.Store.
func (s *Store) AdvanceClock(ctx context.Context, now time.Time, most time.Duration) (believed time.Time, err error) {
	err = s.writer.do(ctx, 1, func(q *statements) error {
		a := q.Stmt(advanceClockSQL)
		_, err := a.Moment(now).Num(most.Microseconds()).Row(func() { believed = a.MomentAt(0) })
		return err
	})
	return believed, err
}
