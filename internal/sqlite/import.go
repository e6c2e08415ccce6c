package sqlite

import (
	"context"

	"github.com/google/uuid"

	"docket"
	"docket/internal/sqlite/engine"
)

const (
	hasSQL = "SELECT EXISTS (SELECT 1 FROM tasks WHERE user_id = ?1 AND id = ?2) OR EXISTS (SELECT 1 FROM trash WHERE user_id = ?1 AND id = ?2)"
	// roomSQL returns how many live and deleted tasks an owner has.
	roomSQL = "SELECT live, trash FROM owners WHERE user_id = ?1"
	// burySQL counts ?2 tasks that are added to the trash.
	burySQL = "UPDATE owners SET counter = counter + ?2, trash = trash + ?2 WHERE user_id = ?1"
)

// Import implements docket.Store.
func (s *Store) Import(ctx context.Context, owner docket.UserID, what docket.Import) (done docket.Imported, err error) {
	if what.DryRun {
		return atOnce(ctx, s.readers, func(r *reader) (docket.Imported, error) {
			_, done, err := choose(r.conn, owner, what)
			return done, err
		})
	}
	err = s.writer.do(ctx, len(what.Tasks), func(q *statements) (err error) {
		done, err = importTasks(q, owner, what)
		return err
	})
	return done, err
}

// choose returns the tasks of what that are to be added.
func choose(c *engine.Conn, owner docket.UserID, what docket.Import) (chosen []docket.Task, done docket.Imported, err error) {
	known := make(map[uuid.UUID]bool, len(what.Tasks))
	for i := range what.Tasks {
		t := &what.Tasks[i]
		if known[t.ID], err = exists(c, t); err != nil {
			return nil, done, err
		}
	}
	var live, trash int64
	room := c.Stmt(roomSQL)
	if _, err := room.Text(string(owner)).Row(func() { live, trash = room.Int64At(0), room.Int64At(1) }); err != nil {
		return nil, done, err
	}
	return what.Choose(known, live, trash)
}

func importTasks(q *statements, owner docket.UserID, what docket.Import) (done docket.Imported, err error) {
	chosen, done, err := choose(q.Conn, owner, what)
	if err != nil || len(chosen) == 0 {
		return done, err
	}
	// The tasks are counted when all are stored.
	count := docket.Write{Epoch: what.Epoch}
	before, err := add(q, owner, count, 0, nil, false)
	if err == nil && before.fresh > 0 {
		err = settle(q, owner)
	}
	if err != nil {
		return done, err
	}
	for i := range chosen {
		t := &chosen[i]
		t.Version = before.version + int64(i+1)
		if t.DeletedAt.IsZero() {
			err = insert(q, t, false)
		} else {
			err = bindTask(q.Stmt(insertTrashSQL), t).Exec()
		}
		if err != nil {
			return done, err
		}
	}
	if _, err := add(q, owner, count, done.Added-done.Deleted, nil, false); err != nil {
		return done, err
	}
	return done, q.Stmt(burySQL).Text(string(owner)).Num(int64(done.Deleted)).Exec()
}
