package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"math"

	"docket"
)

const (
	// addSQL counts a new task of an owner, whom it makes when there is none. It
	// returns no row when the owner has ?3 live tasks or more, or has deleted the task ?4.
	addSQL = `INSERT INTO owners (user_id, epoch, counter, live) VALUES (?1, ?2, 1, 1)
ON CONFLICT (user_id) DO UPDATE SET counter = counter + 1, live = live + 1 WHERE live < ?3
AND (trash = 0 OR NOT EXISTS (SELECT 1 FROM trash WHERE user_id = ?1 AND id = ?4)) RETURNING counter`
	// bumpSQL counts a change that takes ?2 tasks out of the trash. It returns no row
	// when the owner has ?3 live tasks or more.
	bumpSQL = "UPDATE owners SET counter = counter + 1, live = live + ?2, trash = trash - ?2 WHERE user_id = ?1 AND live < ?3 RETURNING counter, trash"

	deleteSQL   = "DELETE FROM tasks WHERE user_id = ?1 AND id = ?2"
	undeleteSQL = "DELETE FROM trash WHERE user_id = ?1 AND id = ?2"

	unlimited = math.MaxInt64 // as the limit of live tasks
)

// statements are the prepared statements of the writing connection.
type statements struct {
	begin, commit, rollback  *sql.Stmt
	savepoint, undo, release *sql.Stmt
	checkpoint, truncate     *sql.Stmt

	find, insert, update                     *sql.Stmt
	findTrash, insertTrash, undelete, delete *sql.Stmt
	add, bump                                *sql.Stmt
	own, has, room, bury                     *sql.Stmt
	findKey, kept, raiseKept, keepKey        *sql.Stmt
	lowerKept, expireKeys                    *sql.Stmt
	raisePurged, purge                       *sql.Stmt
	purgeFirst, overflow                     *sql.Stmt
	renew, eraseTasks, eraseTrash            *sql.Stmt
	eraseKeys, eraseOwner                    *sql.Stmt
	advanceClock, nextOwners, renewOwner     *sql.Stmt
	insertAPIKey, countAPIKeys, markAPIKey   *sql.Stmt
	expireAPIKeys, revokeAPIKey              *sql.Stmt
	eraseAPIKeys                             *sql.Stmt
	page, writePage                          *sql.Stmt

	removed bool // something was deleted that the log may still hold
}

func (s *statements) prepare(ctx context.Context, conn *connection) error {
	return conn.prepareAll(ctx, map[**sql.Stmt]string{
		&s.begin:      "BEGIN IMMEDIATE",
		&s.commit:     "COMMIT",
		&s.rollback:   "ROLLBACK",
		&s.savepoint:  "SAVEPOINT one",
		&s.undo:       "ROLLBACK TO one",
		&s.release:    "RELEASE one",
		&s.checkpoint: checkpointSQL,
		&s.truncate:   truncateSQL,

		&s.find:        getSQL,
		&s.insert:      insertSQL,
		&s.update:      updateSQL,
		&s.delete:      deleteSQL,
		&s.findTrash:   findTrashSQL,
		&s.insertTrash: insertTrashSQL,
		&s.undelete:    undeleteSQL,
		&s.add:         addSQL,
		&s.bump:        bumpSQL,
		&s.own:         ownSQL,
		&s.has:         hasSQL,
		&s.room:        roomSQL,
		&s.bury:        burySQL,
		&s.findKey:     findKeySQL,
		&s.kept:        keptSQL,
		&s.raiseKept:   raiseKeptSQL,
		&s.keepKey:     keepKeySQL,

		&s.lowerKept:    lowerKeptSQL,
		&s.expireKeys:   expireKeysSQL,
		&s.raisePurged:  raisePurgedSQL,
		&s.purge:        purgeSQL,
		&s.purgeFirst:   purgeFirstSQL,
		&s.overflow:     overflowSQL,
		&s.renew:        renewSQL,
		&s.eraseTasks:   eraseTasksSQL,
		&s.eraseTrash:   eraseTrashSQL,
		&s.eraseKeys:    eraseKeysSQL,
		&s.eraseOwner:   eraseOwnerSQL,
		&s.advanceClock: advanceClockSQL,
		&s.nextOwners:   nextOwnersSQL,
		&s.renewOwner:   renewOwnerSQL,

		&s.insertAPIKey:  insertAPIKeySQL,
		&s.countAPIKeys:  countAPIKeysSQL,
		&s.markAPIKey:    markAPIKeySQL,
		&s.expireAPIKeys: expireAPIKeysSQL,
		&s.revokeAPIKey:  revokeAPIKeySQL,
		&s.eraseAPIKeys:  eraseAPIKeysSQL,

		&s.page:      pageSQL,
		&s.writePage: writePageSQL,
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
	for found := false; !found; {
		written, err = s.write(ctx, owner, w)
		if !errors.Is(err, errKept) {
			break
		}
		written, found, err = s.replay(ctx, owner, w.Key)
		if err != nil {
			break
		}
	}
	if errors.Is(err, errAcquire) && w.Key != nil && s.inFlight.others(owner, w.Key) {
		err = docket.InFlight()
	}
	if err != nil {
		return docket.Written{}, err
	}
	return written, nil
}

// write carries out w. The error is errKept when its key has a result.
func (s *Store) write(ctx context.Context, owner docket.UserID, w docket.Write) (written docket.Written, err error) {
	err = s.writer.do(ctx, len(w.Operations), func(q *statements) error {
		if w.Key != nil {
			if err := checkKey(q, owner, w); err != nil {
				return err
			}
			if err := checkRoom(q, owner, w); err != nil {
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
	return written, err
}

// carryOut does one operation of w and returns what Written.Tasks holds for it.
func carryOut(q *statements, owner docket.UserID, w docket.Write, o docket.Operation) (docket.Task, error) {
	if o.Action == docket.Create {
		t := w.NewTask(owner, o)
		err := create(q, w, &t)
		return t, err
	}
	t, err := find(q, owner, o)
	if err != nil {
		return docket.Task{}, err
	}
	t, differs, err := w.Change(t, o)
	if err != nil || !differs {
		return t, err
	}
	switch o.Action {
	case docket.Delete:
		err := discardTask(q, w, &t)
		return t.Tombstone(), err
	case docket.Restore:
		err := restore(q, w, &t)
		return t, err
	}
	var trash int64
	if err := version(w, q.bump.QueryRow(string(owner), 0, unlimited), &t.Version, &trash); err != nil {
		return docket.Task{}, err
	}
	all := values(&t)
	err = exec(q.update, append(all[keyColumns:], all[:keyColumns]...)...)
	return t, err
}

// create stores a new task. The error is docket.AlreadyExists when its owner has a task
// of its id, in the trash too.
func create(q *statements, w docket.Write, t *docket.Task) error {
	err := version(w, q.add.QueryRow(string(t.UserID), w.Epoch, w.TaskLimit(), t.ID[:]), &t.Version)
	if err == nil {
		return insert(q, t)
	}
	if docket.KindOf(err) == docket.QuotaExceeded { // or so it seems: there was no row
		if found, failed := exists(q, t); found || failed != nil {
			return cmp.Or(failed, docket.AlreadyExists())
		}
	}
	return err
}

// insert stores t as a live task. The error is docket.AlreadyExists when there is one
// of its id.
func insert(q *statements, t *docket.Task) error {
	err := exec(q.insert, values(t)...)
	if violatesPrimaryKey(err) {
		return docket.AlreadyExists()
	}
	return err
}

// exists reports whether the owner of t has a task of its id, in the trash too.
func exists(q *statements, t *docket.Task) (found bool, err error) {
	err = q.has.QueryRow(string(t.UserID), t.ID[:]).Scan(&found)
	return found, err
}

// find returns the task of o, which is no Create. It looks where that action needs it
// first.
func find(q *statements, owner docket.UserID, o docket.Operation) (docket.Task, error) {
	if o.Action == docket.Restore {
		t, err := readTask(context.Background(), q.findTrash, newTrashScanner(owner), o.ID)
		if docket.KindOf(err) != docket.NotFound {
			return t, err
		}
	}
	return readTask(context.Background(), q.find, newScanner(owner), o.ID)
}

// discardTask moves t to the trash. When the trash is full, it purges the task that
// was deleted first.
func discardTask(q *statements, w docket.Write, t *docket.Task) error {
	var trash int64
	if err := version(w, q.bump.QueryRow(string(t.UserID), -1, unlimited), &t.Version, &trash); err != nil {
		return err
	}
	if trash > w.TaskLimit() {
		var purged int64
		if err := q.purgeFirst.QueryRow(string(t.UserID)).Scan(&purged); err != nil {
			return err
		}
		if err := exec(q.overflow, string(t.UserID), purged); err != nil {
			return err
		}
		q.removed = true
	}
	if err := exec(q.delete, string(t.UserID), t.ID[:]); err != nil {
		return err
	}
	return exec(q.insertTrash, append(values(t), deletedAt.value(t))...)
}

// restore takes t out of the trash.
func restore(q *statements, w docket.Write, t *docket.Task) error {
	var trash int64
	if err := version(w, q.bump.QueryRow(string(t.UserID), 1, w.TaskLimit()), &t.Version, &trash); err != nil {
		return err
	}
	if err := exec(q.undelete, string(t.UserID), t.ID[:]); err != nil {
		return err
	}
	return insert(q, t)
}

// version scans what addSQL or bumpSQL returned. The error is of kind QuotaExceeded
// when there is no row.
func version(w docket.Write, row *sql.Row, dest ...any) error {
	err := row.Scan(dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return docket.TooManyTasks(w.MaxTasks)
	}
	return err
}
