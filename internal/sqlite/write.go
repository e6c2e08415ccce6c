package sqlite

import (
	"cmp"
	"context"
	"errors"
	"math"

	"docket"
	"docket/internal/sqlite/engine"
)

const (
	// addSQL counts ?3 new tasks of an owner, whom it makes when there is none. Of them
	// the task ?6 is fresh. It returns the counter, the size of the trash and how many are
	// fresh, but no row when the owner would have more than ?4 live tasks, or has deleted
	// the task ?5.
	addSQL = `INSERT INTO owners (user_id, epoch, counter, live, fresh, fresh_from) VALUES (?1, ?2, ?3, ?3, ?6 IS NOT NULL, ?6)
ON CONFLICT (user_id) DO UPDATE SET counter = counter + ?3, live = live + ?3, fresh = fresh + excluded.fresh, fresh_from = coalesce(min(fresh_from, ?6), fresh_from, ?6)
WHERE live + ?3 <= ?4 AND (trash = 0 OR NOT EXISTS (SELECT 1 FROM trash WHERE user_id = ?1 AND id = ?5)) RETURNING counter, trash, fresh`
	// settleSQL puts the fresh tasks into the index by version, settledSQL notes that.
	settleSQL  = "UPDATE tasks SET fresh = 0 WHERE user_id = ?1 AND id >= (SELECT fresh_from FROM owners WHERE user_id = ?1) AND fresh = 1"
	settledSQL = "UPDATE owners SET fresh = 0, fresh_from = NULL WHERE user_id = ?1"
	// bumpSQL counts a change that takes ?2 tasks out of the trash. It returns no row
	// when the owner has ?3 live tasks or more.
	bumpSQL = "UPDATE owners SET counter = counter + 1, live = live + ?2, trash = trash - ?2 WHERE user_id = ?1 AND live < ?3 RETURNING counter, trash"

	deleteSQL   = "DELETE FROM tasks WHERE user_id = ?1 AND id = ?2"
	undeleteSQL = "DELETE FROM trash WHERE user_id = ?1 AND id = ?2"

	unlimited = math.MaxInt64 // as the limit of live tasks

	// maxFresh bounds the fresh tasks of an owner. A read of changes scans all tasks from
	// the first fresh one on. So a write that adds a task which is not fresh settles the
	// fresh ones.
	maxFresh = 32
)

// statements are those of the writing connection.
type statements struct {
	*engine.Conn
	removed bool // something was deleted that the log may still hold
}

// Write implements docket.Store.
func (s *Store) Write(ctx context.Context, owner docket.UserID, w docket.Write) (written docket.Written, err error) {
	s.arrivals.note()
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
		for i := 0; i < len(w.Operations); {
			n, err := createRun(q, owner, w, written.Tasks, i)
			if n == 0 && err == nil {
				written.Tasks[i], err = carryOut(q, owner, w, w.Operations[i])
				n = 1
			}
			if err != nil {
				return docket.FailOperation(i+max(n, 1)-1, err)
			}
			i += n
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
		err := create(q, w, &t, o.Fresh)
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
	if _, err := bump(q, w, &t, 0, unlimited); err != nil {
		return docket.Task{}, err
	}
	err = bindTask(q.Stmt(updateSQL), &t).Exec()
	return t, err
}

// counts are an owner's after add: the counter, and how many tasks are in the trash and
// are fresh.
type counts struct{ version, trash, fresh int64 }

// add counts n new tasks of an owner. The one with the id, which may be nil, is fresh if
// that is said. The error is of kind QuotaExceeded when there is no room for them, or the owner has
// deleted that task.
func add(q *statements, owner docket.UserID, w docket.Write, n int, id []byte, fresh bool) (c counts, err error) {
	a, freshID := q.Stmt(addSQL), id
	if !fresh {
		freshID = nil
	}
	found, err := a.Text(string(owner)).Num(w.Epoch).Num(int64(n)).Num(w.TaskLimit()).Blob(id).Blob(freshID).Row(func() {
		c = counts{a.Int64At(0), a.Int64At(1), a.Int64At(2)}
	})
	if err == nil && !found {
		err = docket.TooManyTasks(w.MaxTasks)
	}
	return c, err
}

// createRun carries out the creates that follow one another in w from first on, when
// they are more than one. It returns how many, of which the last one failed when there
// is an error, and 0 when each has to be carried out by itself: that finds the one
// which exceeds the quota.
func createRun(q *statements, owner docket.UserID, w docket.Write, tasks []docket.Task, first int) (n int, err error) {
	for _, o := range w.Operations[first:] {
		if o.Action != docket.Create {
			break
		}
		n++
	}
	if n < 2 || int64(n) > w.TaskLimit() {
		return 0, nil
	}
	after, err := add(q, owner, w, n, nil, false)
	if err == nil && after.fresh > 0 {
		err = settle(q, owner)
	}
	if err != nil {
		if docket.KindOf(err) == docket.QuotaExceeded {
			err = nil
		}
		return 0, err
	}
	for i := range n {
		t := &tasks[first+i]
		*t = w.NewTask(owner, w.Operations[first+i])
		t.Version = after.version - int64(n-1-i)
		found := false
		if after.trash > 0 {
			found, err = exists(q.Conn, t)
		}
		if err == nil && found {
			err = docket.AlreadyExists()
		}
		if err == nil {
			err = insert(q, t, false)
		}
		if err != nil {
			return i + 1, err
		}
	}
	return n, nil
}

// create stores a new task. The error is docket.AlreadyExists when its owner has a task
// of its id, in the trash too.
func create(q *statements, w docket.Write, t *docket.Task, fresh bool) error {
	after, err := add(q, t.UserID, w, 1, t.ID[:], fresh)
	if err == nil {
		t.Version = after.version
		if err := insert(q, t, fresh); err != nil || fresh && after.fresh < maxFresh || after.fresh == 0 {
			return err
		}
		return settle(q, t.UserID)
	}
	if docket.KindOf(err) == docket.QuotaExceeded { // or so it seems: there was no row
		if found, failed := exists(q.Conn, t); found || failed != nil {
			return cmp.Or(failed, docket.AlreadyExists())
		}
	}
	return err
}

// settle puts the fresh tasks of an owner into the index by version.
func settle(q *statements, owner docket.UserID) error {
	return errors.Join(q.Stmt(settleSQL).Text(string(owner)).Exec(), q.Stmt(settledSQL).Text(string(owner)).Exec())
}

// insert stores t as a live task. The error is docket.AlreadyExists when there is one
// of its id.
func insert(q *statements, t *docket.Task, fresh bool) error {
	err := bindTask(q.Stmt(insertSQL), t).Flag(fresh).Exec()
	if violatesPrimaryKey(err) {
		return docket.AlreadyExists()
	}
	return err
}

// exists reports whether the owner of t has a task of its id, in the trash too.
func exists(c *engine.Conn, t *docket.Task) (found bool, err error) {
	s := c.Stmt(hasSQL)
	_, err = s.Text(string(t.UserID)).Blob(t.ID[:]).Row(func() { found = s.FlagAt(0) })
	return found, err
}

// find returns the task of o, which is no Create. It looks where that action needs it
// first.
func find(q *statements, owner docket.UserID, o docket.Operation) (docket.Task, error) {
	if o.Action == docket.Restore {
		t, err := readTask(q.Stmt(findTrashSQL), owner, o.ID)
		if docket.KindOf(err) != docket.NotFound {
			return t, err
		}
	}
	return readTask(q.Stmt(getSQL), owner, o.ID)
}

// discardTask moves t to the trash. When the trash is full, it purges the task that
// was deleted first.
func discardTask(q *statements, w docket.Write, t *docket.Task) error {
	trash, err := bump(q, w, t, -1, unlimited)
	if err != nil {
		return err
	}
	owner := string(t.UserID)
	if trash > w.TaskLimit() {
		var purged int64
		first := q.Stmt(purgeFirstSQL)
		if _, err := first.Text(owner).Row(func() { purged = first.Int64At(0) }); err != nil {
			return err
		}
		if err := q.Stmt(overflowSQL).Text(owner).Num(purged).Exec(); err != nil {
			return err
		}
		q.removed = true
	}
	if err := q.Stmt(deleteSQL).Text(owner).Blob(t.ID[:]).Exec(); err != nil {
		return err
	}
	return bindTask(q.Stmt(insertTrashSQL), t).Exec()
}

// restore takes t out of the trash.
func restore(q *statements, w docket.Write, t *docket.Task) error {
	if _, err := bump(q, w, t, 1, w.TaskLimit()); err != nil {
		return err
	}
	if err := q.Stmt(undeleteSQL).Text(string(t.UserID)).Blob(t.ID[:]).Exec(); err != nil {
		return err
	}
	return insert(q, t, false)
}

// bump gives t its next version, and takes so many tasks of its owner out of the trash,
// whose size it returns. The error is of kind QuotaExceeded when the owner has limit live
// tasks or more.
func bump(q *statements, w docket.Write, t *docket.Task, restored, limit int64) (trash int64, err error) {
	b := q.Stmt(bumpSQL)
	found, err := b.Text(string(t.UserID)).Num(restored).Num(limit).Row(func() { t.Version, trash = b.Int64At(0), b.Int64At(1) })
	if err == nil && !found {
		err = docket.TooManyTasks(w.MaxTasks)
	}
	return trash, err
}
