package postgres

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"docket"
)

// columns of a task t, in the order that destinations names them.
const columns = "t.user_id, t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version"

const getSQL = "SELECT " + columns + " FROM docket.tasks AS t WHERE t.user_id = $1 AND t.id = $2 AND t.deleted_at IS NULL"

// destinations are where a row of columns is scanned to.
func destinations(t *docket.Task) []any {
	return []any{(*string)(&t.UserID), &t.ID, &t.Title, &t.Description, &t.Completed, &t.CreatedAt, &t.UpdatedAt, &t.Version}
}

// scanned finishes a task that was scanned: pgx gives times in the local zone.
func scanned(t docket.Task) docket.Task {
	t.CreatedAt, t.UpdatedAt = t.CreatedAt.UTC(), t.UpdatedAt.UTC()
	return t
}

// Get implements docket.Store.
func (s *Store) Get(ctx context.Context, owner docket.UserID, id uuid.UUID) (docket.Task, error) {
	t := new(docket.Task)
	err := s.together(ctx, s.lanes.reads, &call{
		owner: owner, sql: getSQL, args: []any{string(owner), id}, dest: destinations(t),
		outcome: func(err error) error {
			if errors.Is(err, pgx.ErrNoRows) {
				return docket.NoSuchTask()
			}
			return err
		},
	})
	if err != nil {
		return docket.Task{}, err
	}
	return scanned(*t), nil
}
