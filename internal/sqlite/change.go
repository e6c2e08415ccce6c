package sqlite

import (
	"context"
	"database/sql"
	"math"
	"time"

	"github.com/go-json-experiment/json"

	"docket"
)

// changesSQL reads the tasks in a range of versions, snapshotSQL only the live
// ones.
var (
	changesSQL  = selectTask + " AND version > ?2 AND version <= ?3 ORDER BY version LIMIT ?4"
	snapshotSQL = selectTask + " AND version > ?2 AND version <= ?3 AND deleted_at IS NULL ORDER BY version LIMIT ?4"
)

// countersSQL takes the users as a JSON array.
const countersSQL = "SELECT user_id, epoch, counter, purged_through FROM owners WHERE user_id IN (SELECT value FROM json_each(?1))"

// due selects the deleted tasks that a purge removes. Both statements of a purge
// use it.
const due = "FROM tasks WHERE deleted_at < ?1 ORDER BY deleted_at, user_id, id LIMIT ?2"

const (
	raisePurgedSQL = `UPDATE owners SET purged_through = max(purged_through, d.version)
FROM (SELECT user_id, max(version) AS version FROM (SELECT user_id, version ` + due + `) GROUP BY user_id) AS d WHERE owners.user_id = d.user_id`
	purgeSQL = "DELETE FROM tasks WHERE (user_id, id) IN (SELECT user_id, id " + due + ")"

	// renewSQL takes as ?3 how many live tasks were removed.
	renewSQL      = "UPDATE owners SET epoch = ?2, live = live - ?3 WHERE user_id = ?1"
	eraseTasksSQL = `DELETE FROM tasks WHERE user_id = ?1 AND id IN (SELECT id FROM tasks WHERE user_id = ?1 ORDER BY id LIMIT ?2)
RETURNING deleted_at IS NULL`
	eraseKeysSQL = `DELETE FROM idempotency_keys WHERE user_id = ?1 AND key IN
(SELECT key FROM idempotency_keys WHERE user_id = ?1 ORDER BY key LIMIT ?2)`
	eraseOwnerSQL = "DELETE FROM owners WHERE user_id = ?1"
)

// Changes implements docket.Store.
func (s *Store) Changes(ctx context.Context, owner docket.UserID, q docket.ChangeRange) (page docket.ChangePage, err error) {
	err = s.readers.use(ctx, func(r *reader) error {
		return r.atOnce(func() error {
			page, err = r.changed(ctx, owner, q)
			return err
		})
	})
	return page, err
}

func (r *reader) changed(ctx context.Context, owner docket.UserID, q docket.ChangeRange) (docket.ChangePage, error) {
	state, _, err := r.stateOf(ctx, owner)
	if err != nil {
		return docket.ChangePage{}, err
	}
	stmt, through := r.changes, q.Through
	if q.Live {
		stmt = r.snapshot
	}
	if through == 0 {
		through = math.MaxInt64
	}
	page := docket.Page{Tasks: []docket.Task{}}
	err = readTasks(&page, q.Limit, func() (*sql.Rows, error) {
		return stmt.QueryContext(ctx, string(owner), q.After, through, q.Limit+1)
	})
	return docket.ChangePage{Tasks: page.Tasks, State: state, More: page.More}, err
}

// Counters implements docket.Store.
func (s *Store) Counters(ctx context.Context, owners []docket.UserID) (map[docket.UserID]docket.State, error) {
	list, err := json.Marshal(owners)
	if err != nil {
		return nil, err
	}
	states := map[docket.UserID]docket.State{}
	err = s.readers.use(ctx, func(r *reader) error {
		rows, err := r.counters.QueryContext(ctx, string(list))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var owner docket.UserID
			var state docket.State
			if err := rows.Scan(&owner, &state.Epoch, &state.Counter, &state.PurgedThrough); err != nil {
				return err
			}
			states[owner] = state
		}
		return rows.Err()
	})
	return states, err
}

// Purge implements docket.Store.
func (s *Store) Purge(ctx context.Context, before time.Time, limit int) (n int, err error) {
	err = s.writer.do(ctx, limit, func(q *statements) error {
		if err := exec(q.raisePurged, before.UnixMicro(), limit); err != nil {
			return err
		}
		n, err = removed(q.purge, before.UnixMicro(), limit)
		return err
	})
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

// Erase implements docket.Store.
func (s *Store) Erase(ctx context.Context, owner docket.UserID, epoch int64, limit int) (done bool, err error) {
	err = s.writer.do(ctx, limit, func(q *statements) error {
		tasks, live, err := eraseTasks(q, owner, limit)
		if err != nil {
			return err
		}
		keys, err := removed(q.eraseKeys, string(owner), limit)
		if err != nil {
			return err
		}
		if done = tasks < limit && keys < limit; done {
			return exec(q.eraseOwner, string(owner))
		}
		return exec(q.renew, string(owner), epoch, live)
	})
	return done && err == nil, err
}

// eraseTasks returns how many tasks it removed, and how many of these were live.
func eraseTasks(q *statements, owner docket.UserID, limit int) (tasks, live int, err error) {
	rows, err := q.eraseTasks.QueryContext(context.Background(), string(owner), limit) // see exec
	if err != nil {
		return 0, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var wasLive bool
		if err := rows.Scan(&wasLive); err != nil {
			return 0, 0, err
		}
		tasks++
		if wasLive {
			live++
		}
	}
	return tasks, live, rows.Err()
}
