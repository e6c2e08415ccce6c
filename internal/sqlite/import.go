package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"github.com/google/uuid"

	"docket"
)

const (
	ownSQL = "INSERT INTO owners (user_id, epoch, counter, live) VALUES (?1, ?2, 0, 0) ON CONFLICT (user_id) DO NOTHING"
	// roomSQL returns how many live and deleted tasks an owner has.
	roomSQL = "SELECT live, trash FROM owners WHERE user_id = ?1"
	// burySQL counts a task that is added to the trash.
	burySQL = "UPDATE owners SET counter = counter + 1, trash = trash + 1 WHERE user_id = ?1 RETURNING counter"
	hasSQL  = "SELECT EXISTS (SELECT 1 FROM tasks WHERE user_id = ?1 AND id = ?2) OR EXISTS (SELECT 1 FROM trash WHERE user_id = ?1 AND id = ?2)"
)

// Import implements docket.Store.
func (s *Store) Import(ctx context.Context, owner docket.UserID, what docket.Import) (done docket.Imported, err error) {
	err = s.writer.do(ctx, len(what.Tasks), func(q *statements) (err error) {
		done, err = importTasks(q, owner, what)
		return err
	})
	return done, err
}

func importTasks(q *statements, owner docket.UserID, what docket.Import) (done docket.Imported, err error) {
	known := make(map[uuid.UUID]bool, len(what.Tasks))
	for _, t := range what.Tasks {
		if known[t.ID], err = exists(q, &t); err != nil {
			return done, err
		}
	}
	var live, trash int64
	if err := q.room.QueryRow(string(owner)).Scan(&live, &trash); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return done, err
	}
	add, done, err := what.Choose(known, live, trash)
	if err != nil || what.DryRun || len(add) == 0 {
		return done, err
	}
	if err := exec(q.own, string(owner), what.Epoch); err != nil {
		return done, err
	}
	for _, t := range add {
		if err := importTask(q, &t, what.Epoch); err != nil {
			return done, err
		}
	}
	return done, nil
}

// importTask stores a task whose owner does not have its id.
func importTask(q *statements, t *docket.Task, epoch int64) error {
	if t.DeletedAt.IsZero() {
		if err := q.add.QueryRow(string(t.UserID), epoch, unlimited, t.ID[:]).Scan(&t.Version); err != nil {
			return err
		}
		return insert(q, t)
	}
	if err := q.bury.QueryRow(string(t.UserID)).Scan(&t.Version); err != nil {
		return err
	}
	return exec(q.insertTrash, append(values(t), deletedAt.value(t))...)
}
