package postgres

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"docket"
	"docket/internal/postgres/column"
	"docket/internal/postgres/dispatch"
)

// taskID names a task.
type taskID struct {
	owner docket.UserID
	id    uuid.UUID
}

var getSQL = parameters[taskID]{
	"user_id": func(t taskID) any { return string(t.owner) },
	"id":      func(t taskID) any { return column.UUID(t.id) },
}.compile("SELECT " + column.Selected + " FROM docket.tasks AS t WHERE t.user_id = @user_id AND t.id = @id AND t.deleted_at IS NULL")

// Get implements docket.Store.
func (s *Store) Get(ctx context.Context, owner docket.UserID, id uuid.UUID) (docket.Task, error) {
	t := new(docket.Task)
	err := s.db.Batch(ctx, s.db.Reads, &dispatch.Call{
		Owner: owner, SQL: getSQL.sql, Args: getSQL.args(taskID{owner, id}),
		Read: func(rows pgx.Rows) error { return dispatch.ScanOne(rows, &column.Row{Owner: owner, Task: t}) },
		Outcome: func(err error) error {
			if errors.Is(err, pgx.ErrNoRows) {
				return docket.NoSuchTask()
			}
			return err
		},
	})
	if err != nil {
		return docket.Task{}, err
	}
	return *t, nil
}
