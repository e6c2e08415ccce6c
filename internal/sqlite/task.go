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
const columns = "user_id, id, title, description, completed, created_at, updated_at, version"

const (
	getSQL = "SELECT " + columns + " FROM tasks WHERE user_id = ?1 AND id = ?2 AND deleted_at IS NULL"

	addSQL = `INSERT INTO owners (user_id, epoch, counter, live) VALUES (?1, ?2, 1, 1)
ON CONFLICT (user_id) DO UPDATE SET counter = counter + 1, live = live + 1 RETURNING counter`
	bumpSQL   = "UPDATE owners SET counter = counter + 1, live = live + ?2 WHERE user_id = ?1 RETURNING counter"
	insertSQL = `INSERT INTO tasks (user_id, id, title, description, completed, created_at, updated_at, version, title_folded, description_folded)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)`
	updateSQL = `UPDATE tasks SET title = ?3, description = ?4, completed = ?5, updated_at = ?6, version = ?7, title_folded = ?8, description_folded = ?9
WHERE user_id = ?1 AND id = ?2`
	ownSQL    = "INSERT INTO owners (user_id, epoch, counter, live) VALUES (?1, ?2, 0, 0) ON CONFLICT (user_id) DO NOTHING"
	hasSQL    = "SELECT count(*) FROM tasks WHERE user_id = ?1 AND id = ?2"
	deleteSQL = "UPDATE tasks SET deleted_at = ?3, version = ?4 WHERE user_id = ?1 AND id = ?2"
)

// statements are those of the writing connection.
type statements struct {
	begin, commit, rollback  *sql.Stmt
	savepoint, undo, release *sql.Stmt

	get, add, bump, insert, update, delete, own, has *sql.Stmt
}

func (s *statements) prepare(ctx context.Context, conn *sql.Conn) error {
	return prepareAll(ctx, conn, map[**sql.Stmt]string{
		&s.begin:     "BEGIN IMMEDIATE",
		&s.commit:    "COMMIT",
		&s.rollback:  "ROLLBACK",
		&s.savepoint: "SAVEPOINT one",
		&s.undo:      "ROLLBACK TO one",
		&s.release:   "RELEASE one",
		&s.get:       getSQL,
		&s.add:       addSQL,
		&s.bump:      bumpSQL,
		&s.insert:    insertSQL,
		&s.update:    updateSQL,
		&s.delete:    deleteSQL,
		&s.own:       ownSQL,
		&s.has:       hasSQL,
	})
}

func exec(stmt *sql.Stmt, args ...any) error {
	_, err := stmt.ExecContext(context.Background(), args...)
	return err
}

// Create implements docket.Store.
func (s *Store) Create(ctx context.Context, t docket.Task, epoch int64) (docket.Task, error) {
	err := s.writer.do(ctx, func(q *statements) error {
		if err := q.add.QueryRow(string(t.UserID), epoch).Scan(&t.Version); err != nil {
			return err
		}
		return insert(q, t)
	})
	return t, err
}

func insert(q *statements, t docket.Task) error {
	return exec(q.insert, string(t.UserID), t.ID[:], t.Title, t.Description, t.Completed,
		t.CreatedAt.UnixMicro(), t.UpdatedAt.UnixMicro(), t.Version,
		docket.Fold(t.Title), docket.FoldOptional(t.Description))
}

// Get implements docket.Store.
func (s *Store) Get(ctx context.Context, owner docket.UserID, id uuid.UUID) (t docket.Task, err error) {
	err = s.readers.use(ctx, func(r *reader) error {
		t, err = get(r.get, owner, id)
		return err
	})
	return t, err
}

// Update implements docket.Store.
func (s *Store) Update(ctx context.Context, owner docket.UserID, id uuid.UUID, u docket.TaskUpdate, p docket.Precondition, now time.Time) (docket.Task, error) {
	return s.change(ctx, owner, id, p, now, u.Apply)
}

// Toggle implements docket.Store.
func (s *Store) Toggle(ctx context.Context, owner docket.UserID, id uuid.UUID, p docket.Precondition, now time.Time) (docket.Task, error) {
	return s.change(ctx, owner, id, p, now, func(t *docket.Task) bool {
		t.Completed = !t.Completed
		return true
	})
}

// change applies f, which reports whether it changed anything, to one task.
func (s *Store) change(ctx context.Context, owner docket.UserID, id uuid.UUID, p docket.Precondition, now time.Time, f func(*docket.Task) bool) (t docket.Task, err error) {
	err = s.writer.do(ctx, func(q *statements) error {
		if t, err = getIf(q.get, owner, id, p); err != nil || !f(&t) {
			return err
		}
		if now.After(t.UpdatedAt) { // another write may have read the clock later and got here earlier
			t.UpdatedAt = now
		}
		if err := q.bump.QueryRow(string(owner), 0).Scan(&t.Version); err != nil {
			return err
		}
		return exec(q.update, string(owner), id[:], t.Title, t.Description, t.Completed,
			t.UpdatedAt.UnixMicro(), t.Version, docket.Fold(t.Title), docket.FoldOptional(t.Description))
	})
	return t, err
}

// Delete implements docket.Store.
func (s *Store) Delete(ctx context.Context, owner docket.UserID, id uuid.UUID, p docket.Precondition, now time.Time) error {
	return s.writer.do(ctx, func(q *statements) error {
		if _, err := getIf(q.get, owner, id, p); err != nil {
			return err
		}
		var version int64
		if err := q.bump.QueryRow(string(owner), -1).Scan(&version); err != nil {
			return err
		}
		return exec(q.delete, string(owner), id[:], now.UnixMicro(), version)
	})
}

// Import implements docket.Store.
func (s *Store) Import(ctx context.Context, owner docket.UserID, tasks []docket.Task, epoch int64) (added int, err error) {
	err = s.writer.do(ctx, func(q *statements) error {
		added = 0
		if err := exec(q.own, string(owner), epoch); err != nil {
			return err
		}
		for _, t := range tasks {
			var there bool
			if err := q.has.QueryRow(string(owner), t.ID[:]).Scan(&there); err != nil {
				return err
			}
			if there {
				continue
			}
			if err := q.bump.QueryRow(string(owner), 1).Scan(&t.Version); err != nil {
				return err
			}
			if err := insert(q, t); err != nil {
				return err
			}
			added++
		}
		return nil
	})
	return added, err
}

func get(stmt *sql.Stmt, owner docket.UserID, id uuid.UUID) (docket.Task, error) {
	t, err := scanTask(stmt.QueryRow(string(owner), id[:]))
	if errors.Is(err, sql.ErrNoRows) {
		return docket.Task{}, docket.NoSuchTask()
	}
	return t, err
}

// getIf is get of a task whose version must be as p demands.
func getIf(stmt *sql.Stmt, owner docket.UserID, id uuid.UUID, p docket.Precondition) (docket.Task, error) {
	t, err := get(stmt, owner, id)
	if err == nil && !p.Holds(t.Version) {
		return docket.Task{}, docket.Stale()
	}
	return t, err
}

func scanTask(row interface{ Scan(...any) error }) (t docket.Task, err error) {
	var created, updated int64
	err = row.Scan(&t.UserID, &t.ID, &t.Title, &t.Description, &t.Completed, &created, &updated, &t.Version)
	t.CreatedAt, t.UpdatedAt = time.UnixMicro(created).UTC(), time.UnixMicro(updated).UTC()
	return t, err
}
