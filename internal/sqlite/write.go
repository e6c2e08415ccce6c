package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"docket"
)

const (
	// addSQL returns nothing when the owner has as many tasks as ?3.
	addSQL = `INSERT INTO owners (user_id, epoch, counter, live) VALUES (?1, ?2, 1, 1)
ON CONFLICT (user_id) DO UPDATE SET counter = counter + 1, live = live + 1 WHERE live < ?3 RETURNING counter`
	regainSQL = "UPDATE owners SET counter = counter + 1, live = live + 1 WHERE user_id = ?1 AND live < ?2 RETURNING counter"
	bumpSQL   = "UPDATE owners SET counter = counter + 1, live = live + ?2 WHERE user_id = ?1 RETURNING counter"
	insertSQL = `INSERT INTO tasks (user_id, id, title, description, completed, created_at, updated_at, version, title_folded, description_folded)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)`
	updateSQL = `UPDATE tasks SET title = ?3, description = ?4, completed = ?5, updated_at = ?6, version = ?7, title_folded = ?8, description_folded = ?9
WHERE user_id = ?1 AND id = ?2`
	deleteSQL  = "UPDATE tasks SET deleted_at = ?3, version = ?4 WHERE user_id = ?1 AND id = ?2"
	deletedSQL = "SELECT " + columns + " FROM tasks WHERE user_id = ?1 AND id = ?2 AND deleted_at IS NOT NULL"
	restoreSQL = "UPDATE tasks SET deleted_at = NULL, updated_at = ?3, version = ?4 WHERE user_id = ?1 AND id = ?2"
	ownSQL     = "INSERT INTO owners (user_id, epoch, counter, live) VALUES (?1, ?2, 0, 0) ON CONFLICT (user_id) DO NOTHING"
	hasSQL     = "SELECT count(*) FROM tasks WHERE user_id = ?1 AND id = ?2"
)

// statements are those of the writing connection.
type statements struct {
	begin, commit, rollback  *sql.Stmt
	savepoint, undo, release *sql.Stmt
	checkpoint               *sql.Stmt

	get, deleted                                       *sql.Stmt
	add, bump, regain, insert, update, delete, restore *sql.Stmt
	own, has                                           *sql.Stmt
	findKey, keepKey, expireKeys                       *sql.Stmt
	raisePurged, purge                                 *sql.Stmt
	renew, eraseTasks, eraseKeys, eraseOwner           *sql.Stmt
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
		&s.get:        getSQL,
		&s.deleted:    deletedSQL,
		&s.add:        addSQL,
		&s.bump:       bumpSQL,
		&s.regain:     regainSQL,
		&s.insert:     insertSQL,
		&s.update:     updateSQL,
		&s.delete:     deleteSQL,
		&s.restore:    restoreSQL,
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

func exec(stmt *sql.Stmt, args ...any) error {
	_, err := stmt.ExecContext(context.Background(), args...)
	return err
}

// Write implements docket.Store.
func (s *Store) Write(ctx context.Context, owner docket.UserID, w docket.Write) (written docket.Written, err error) {
	if w.Key != nil {
		defer s.flights.begin(owner, w.Key)()
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
	if errors.Is(err, errAcquire) && w.Key != nil && s.flights.others(owner, w.Key) {
		err = docket.InFlight()
	}
	if err != nil {
		return docket.Written{}, err
	}
	return written, nil
}

// carryOut does one operation and returns its task.
func carryOut(q *statements, owner docket.UserID, w docket.Write, o docket.Operation) (docket.Task, error) {
	switch o.Action {
	case docket.Create:
		t := w.NewTask(owner, o)
		if err := counted(q.add.QueryRow(string(owner), w.Epoch, w.TaskLimit()), w, &t); err != nil {
			return t, err
		}
		return t, insert(q, t)
	case docket.Update:
		return change(q, owner, w, o, o.Update.Apply)
	case docket.Toggle:
		return change(q, owner, w, o, func(t *docket.Task) bool {
			t.Completed = !t.Completed
			return true
		})
	case docket.Delete:
		return docket.Task{}, remove(q, owner, w, o)
	case docket.Restore:
		return restore(q, owner, w, o)
	}
	return docket.Task{}, fmt.Errorf("sqlite: no action %d", o.Action)
}

func insert(q *statements, t docket.Task) error {
	return exec(q.insert, string(t.UserID), t.ID[:], t.Title, t.Description, t.Completed,
		t.CreatedAt.UnixMicro(), t.UpdatedAt.UnixMicro(), t.Version,
		docket.Fold(t.Title), docket.FoldOptional(t.Description))
}

// change applies f, which reports whether it changed anything, to one task.
func change(q *statements, owner docket.UserID, w docket.Write, o docket.Operation, f func(*docket.Task) bool) (docket.Task, error) {
	t, err := getIf(q.get, owner, o)
	if err != nil || !f(&t) {
		return t, err
	}
	t.UpdatedAt = latest(t.UpdatedAt, w.Now)
	if err := q.bump.QueryRow(string(owner), 0).Scan(&t.Version); err != nil {
		return t, err
	}
	return t, exec(q.update, string(owner), o.ID[:], t.Title, t.Description, t.Completed,
		t.UpdatedAt.UnixMicro(), t.Version, docket.Fold(t.Title), docket.FoldOptional(t.Description))
}

func remove(q *statements, owner docket.UserID, w docket.Write, o docket.Operation) error {
	if _, err := getIf(q.get, owner, o); err != nil {
		return err
	}
	var version int64
	if err := q.bump.QueryRow(string(owner), -1).Scan(&version); err != nil {
		return err
	}
	return exec(q.delete, string(owner), o.ID[:], w.Now.UnixMicro(), version)
}

func restore(q *statements, owner docket.UserID, w docket.Write, o docket.Operation) (docket.Task, error) {
	t, err := getIf(q.deleted, owner, o)
	t.DeletedAt = time.Time{}
	if docket.KindOf(err) == docket.NotFound {
		if _, err = get(q.get, owner, o.ID); err == nil {
			err = docket.TaskNotDeleted()
		}
	}
	if err != nil {
		return t, err
	}
	t.UpdatedAt = latest(t.UpdatedAt, w.Now)
	if err := counted(q.regain.QueryRow(string(owner), w.TaskLimit()), w, &t); err != nil {
		return t, err
	}
	return t, exec(q.restore, string(owner), o.ID[:], t.UpdatedAt.UnixMicro(), t.Version)
}

// counted gives t the version that a statement returned, which returns none
// when the owner has as many tasks as there may be.
func counted(row *sql.Row, w docket.Write, t *docket.Task) error {
	err := row.Scan(&t.Version)
	if errors.Is(err, sql.ErrNoRows) {
		return docket.TooManyTasks(w.MaxTasks)
	}
	return err
}

// latest keeps a time from going back: another write may have read the clock
// later and got here earlier.
func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// getIf is get of the task of an operation, whose version must be as that demands.
func getIf(stmt *sql.Stmt, owner docket.UserID, o docket.Operation) (docket.Task, error) {
	t, err := get(stmt, owner, o.ID)
	if err == nil && !o.If.Holds(t.Version) {
		return docket.Task{}, docket.Stale()
	}
	return t, err
}
