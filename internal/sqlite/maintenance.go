package sqlite

import (
	"context"
	"database/sql"
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
func (s *Store) Purge(ctx context.Context, before time.Time, limit int) (n int, err error) {
	err = s.writer.do(ctx, limit, func(q *statements) error {
		if err := exec(q.raisePurged, before.UnixMicro(), limit); err != nil {
			return err
		}
		n, err = removed(q.purge, before.UnixMicro(), limit)
		q.removed = q.removed || n > 0
		return err
	})
	if n > 0 {
		signal(s.wiper.due)
	}
	return n, err
}

// removed runs a statement that deletes rows and returns how many.
func removed(stmt *sql.Stmt, args ...any) (int, error) {
	done, err := stmt.ExecContext(context.Background(), args...)
	if err != nil {
		return 0, err
	}
	n, err := done.RowsAffected()
	return int(n), err
}

// ExpireKeys implements docket.Store.
func (s *Store) ExpireKeys(ctx context.Context, now time.Time, limit int) (n int, err error) {
	err = s.writer.do(ctx, 1, func(q *statements) error {
		if err := exec(q.lowerKept, now.UnixMicro(), limit); err != nil {
			return err
		}
		n, err = removed(q.expireKeys, now.UnixMicro(), limit)
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
		if err := exec(q.eraseAPIKeys, string(owner)); err != nil {
			return err
		}
		live, err := removed(q.eraseTasks, string(owner), limit)
		if err != nil {
			return err
		}
		deleted, err := removed(q.eraseTrash, string(owner), limit-live)
		if err != nil {
			return err
		}
		keys, bytes, err := eraseKeys(q, owner, limit)
		if err != nil {
			return err
		}
		q.removed = true
		if done = live+deleted < limit && keys < limit; done {
			return exec(q.eraseOwner, string(owner))
		}
		return exec(q.renew, string(owner), epoch, live, deleted, bytes)
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
	rows, err := q.eraseKeys.QueryContext(context.Background(), string(owner), limit) // see exec
	if err != nil {
		return 0, 0, err
	}
	defer rows.Close()
	for ; rows.Next(); keys++ {
		var n int64
		if err := rows.Scan(&n); err != nil {
			return 0, 0, err
		}
		bytes += n
	}
	return keys, bytes, rows.Err()
}

// AdvanceClock implements docket.Store.
func (s *Store) AdvanceClock(ctx context.Context, now time.Time, most time.Duration) (believed time.Time, err error) {
	err = s.writer.do(ctx, 1, func(q *statements) error {
		var micros int64
		err := q.advanceClock.QueryRow(now.UnixMicro(), most.Microseconds()).Scan(&micros)
		believed = time.UnixMicro(micros).UTC()
		return err
	})
	return believed, err
}
