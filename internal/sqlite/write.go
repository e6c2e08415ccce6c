package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"math"

	"docket"
)

const (
	// addSQL counts a new task of an owner, whom it makes when there is none. It
	// returns no row when the owner has ?3 live tasks or more.
	addSQL = `INSERT INTO owners (user_id, epoch, counter, live) VALUES (?1, ?2, 1, 1)
ON CONFLICT (user_id) DO UPDATE SET counter = counter + 1, live = live + 1 WHERE live < ?3 RETURNING counter`
	// bumpSQL counts a change that adds ?2 live tasks. It returns no row when the
	// owner has ?3 live tasks or more.
	bumpSQL = "UPDATE owners SET counter = counter + 1, live = live + ?2 WHERE user_id = ?1 AND live < ?3 RETURNING counter"

	unlimited = math.MaxInt64 // as the limit of live tasks
)

// statements are the prepared statements of the writing connection.
type statements struct {
	begin, commit, rollback  *sql.Stmt
	savepoint, undo, release *sql.Stmt
	checkpoint               *sql.Stmt

	find, insert, update                     *sql.Stmt
	add, bump                                *sql.Stmt
	own, has                                 *sql.Stmt
	findKey, keepKey, expireKeys             *sql.Stmt
	raisePurged, purge                       *sql.Stmt
	renew, eraseTasks, eraseKeys, eraseOwner *sql.Stmt
}

func (s *statements) prepare(ctx context.Context, conn *sql.Conn) error {
	return prepareAll(ctx, conn, map[**sql.Stmt]string{
		&s.begin:      "BEGIN IMMEDIATE",
		&s.commit:     "COMMIT",
		&s.rollback:   "ROLLBACK",
		&s.savepoint:  "SAVEPOINT one",
		&s.undo:       "ROLLBACK TO one",
		&s.release:    "RELEASE one",
		&s.checkpoint: checkpointSQL,
		&s.find:       findSQL,
		&s.insert:     insertSQL,
		&s.update:     updateSQL,
		&s.add:        addSQL,
		&s.bump:       bumpSQL,
		&s.own:        ownSQL,
		&s.has:        hasSQL,
		&s.findKey:    findKeySQL,
		&s.keepKey:    keepKeySQL,
		&s.expireKeys: expireKeysSQL,

		&s.raisePurged: raisePurgedSQL,
		&s.purge:       purgeSQL,
		&s.renew:       renewSQL,
		&s.eraseTasks:  eraseTasksSQL,
		&s.eraseKeys:   eraseKeysSQL,
		&s.eraseOwner:  eraseOwnerSQL,
	})
}

// exec runs a statement without the context of the request: a write that has
// begun runs to its end.
func exec(stmt *sql.Stmt, args ...any) error {
	_, err := stmt.ExecContext(context.Background(), args...)
	return err
}

// Write implements docket.Store.
func (s *Store) Write(ctx context.Context, owner docket.UserID, w docket.Write) (written docket.Written, err error) {
	if w.Key != nil {
		defer s.inFlight.begin(owner, w.Key)()
	}
	err = s.writer.do(ctx, len(w.Operations), func(q *statements) error {
		if w.Key != nil {
			if written, err = replay(q, owner, w); err != nil || written.Replayed {
				return err
			}
		}
		written.Tasks = make([]docket.Task, len(w.Operations))
		for i := range w.Operations {
			if written.Tasks[i], err = carryOut(q, owner, w, w.Operations[i]); err != nil {
				return docket.FailOperation(i, err)
			}
		}
		if w.Key != nil {
			return keep(q, owner, w, written.Tasks)
		}
		return nil
	})
	if errors.Is(err, errAcquire) && w.Key != nil && s.inFlight.others(owner, w.Key) {
		err = docket.InFlight()
	}
	if err != nil {
		return docket.Written{}, err
	}
	return written, nil
}

// carryOut does one operation of w and returns what Written.Tasks holds for it.
func carryOut(q *statements, owner docket.UserID, w docket.Write, o docket.Operation) (docket.Task, error) {
	if o.Action == docket.Create {
		t := w.NewTask(owner, o)
		if err := version(&t, w, q.add.QueryRow(string(owner), w.Epoch, w.TaskLimit())); err != nil {
			return docket.Task{}, err
		}
		return t, exec(q.insert, values(&t)...)
	}
	t, err := readTask(q.find, owner, o.ID)
	if err != nil {
		return docket.Task{}, err
	}
	t, differs, err := w.Change(t, o)
	if err != nil || !differs {
		return t, err
	}
	live, limit := 0, int64(unlimited)
	switch o.Action {
	case docket.Delete:
		live = -1
	case docket.Restore:
		live, limit = 1, w.TaskLimit()
	}
	if err := version(&t, w, q.bump.QueryRow(string(owner), live, limit)); err != nil {
		return docket.Task{}, err
	}
	if err := exec(q.update, values(&t)...); err != nil || o.Action == docket.Delete {
		return docket.Task{}, err
	}
	return t, nil
}

// version gives t the counter that addSQL or bumpSQL returned. The error is of
// kind QuotaExceeded when there is no row.
func version(t *docket.Task, w docket.Write, row *sql.Row) error {
	err := row.Scan(&t.Version)
	if errors.Is(err, sql.ErrNoRows) {
		return docket.TooManyTasks(w.MaxTasks)
	}
	return err
}
