package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/google/uuid"

	"docket"
)

// columns of a task, in the order that scanTask reads them.
const columns = "user_id, id, title, description, completed, created_at, updated_at, version, deleted_at"

const getSQL = "SELECT " + columns + " FROM tasks WHERE user_id = ?1 AND id = ?2 AND deleted_at IS NULL"

// Get implements docket.Store.
func (s *Store) Get(ctx context.Context, owner docket.UserID, id uuid.UUID) (t docket.Task, err error) {
	err = s.readers.use(ctx, func(r *reader) error {
		t, err = get(r.get, owner, id)
		return err
	})
	return t, err
}

func get(stmt *sql.Stmt, owner docket.UserID, id uuid.UUID) (docket.Task, error) {
	t, err := scanTask(stmt.QueryRow(string(owner), id[:]))
	if errors.Is(err, sql.ErrNoRows) {
		return docket.Task{}, docket.NoSuchTask()
	}
	return t, err
}

func scanTask(row interface{ Scan(...any) error }) (t docket.Task, err error) {
	var created, updated int64
	var deleted sql.NullInt64
	err = row.Scan(&t.UserID, &t.ID, &t.Title, &t.Description, &t.Completed, &created, &updated, &t.Version, &deleted)
	t.CreatedAt, t.UpdatedAt = time.UnixMicro(created).UTC(), time.UnixMicro(updated).UTC()
	if deleted.Valid {
		t.DeletedAt = time.UnixMicro(deleted.Int64).UTC()
	}
	return t, err
}
