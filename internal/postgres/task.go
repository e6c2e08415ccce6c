package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"docket"
)

// columns of a task t, in the order that destinations names them.
const columns = "t.user_id, t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version"

const (
	getSQL = "SELECT " + columns + " FROM docket.tasks AS t WHERE t.user_id = $1 AND t.id = $2 AND t.deleted_at IS NULL"

	createSQL = `WITH o AS (
  INSERT INTO docket.owners AS x (user_id, epoch, counter, live) VALUES ($1, $2, 1, 1)
  ON CONFLICT (user_id) DO UPDATE SET counter = x.counter + 1, live = x.live + 1
  RETURNING x.counter)
INSERT INTO docket.tasks AS t (user_id, id, title, description, completed, created_at, updated_at, version, title_folded, description_folded)
SELECT $1::text, $3::uuid, $4::text, $5::text, $6::boolean, $7::timestamptz, $8::timestamptz, o.counter, $9::text, $10::text FROM o
RETURNING t.version`

	// A toggle needs no look at the task before it is changed: the update of the
	// owner waits for other writes, and that of the task then sees their result.
	// When the task is deleted in that moment the owner's number has a gap.
	toggleSQL = `WITH o AS (
  UPDATE docket.owners AS x SET counter = x.counter + 1
  WHERE x.user_id = $1 AND EXISTS (SELECT 1 FROM docket.tasks AS t WHERE t.user_id = $1 AND t.id = $2 AND t.deleted_at IS NULL)
  RETURNING x.counter)
UPDATE docket.tasks AS t SET completed = NOT t.completed, updated_at = greatest($3, t.updated_at), version = o.counter
FROM o WHERE t.user_id = $1 AND t.id = $2 AND t.deleted_at IS NULL
RETURNING ` + columns

	updateSQL = locked + `n AS (
  UPDATE docket.owners AS x SET counter = x.counter + 1 FROM now
  WHERE x.user_id = $1 AND now.holds AND ($5::boolean AND now.title <> $6::text
    OR $7::boolean AND now.description IS DISTINCT FROM $8::text
    OR $9::boolean AND now.completed <> $10::boolean)
  RETURNING x.counter),
u AS (
  UPDATE docket.tasks AS t SET
    title = CASE WHEN $5 THEN $6 ELSE t.title END, title_folded = CASE WHEN $5 THEN $11::text ELSE t.title_folded END,
    description = CASE WHEN $7 THEN $8 ELSE t.description END, description_folded = CASE WHEN $7 THEN $12::text ELSE t.description_folded END,
    completed = CASE WHEN $9 THEN $10 ELSE t.completed END, updated_at = greatest($13::timestamptz, t.updated_at), version = n.counter
  FROM n WHERE t.user_id = $1 AND t.id = $2
  RETURNING ` + columns + `)
SELECT ` + columns + `, true FROM u AS t
UNION ALL
SELECT ` + columns + `, t.holds FROM now AS t WHERE NOT EXISTS (SELECT 1 FROM u)`

	toggleIfSQL = locked + `n AS (
  UPDATE docket.owners AS x SET counter = x.counter + 1 FROM now WHERE x.user_id = $1 AND now.holds
  RETURNING x.counter),
u AS (
  UPDATE docket.tasks AS t SET completed = NOT t.completed, updated_at = greatest($5::timestamptz, t.updated_at), version = n.counter
  FROM n WHERE t.user_id = $1 AND t.id = $2
  RETURNING ` + columns + `)
SELECT ` + columns + `, true FROM u AS t
UNION ALL
SELECT ` + columns + `, t.holds FROM now AS t WHERE NOT EXISTS (SELECT 1 FROM u)`

	deleteSQL = locked + `n AS (
  UPDATE docket.owners AS x SET counter = x.counter + 1, live = x.live - 1 FROM now
  WHERE x.user_id = $1 AND now.holds
  RETURNING x.counter),
u AS (
  UPDATE docket.tasks AS t SET deleted_at = $5::timestamptz, version = n.counter
  FROM n WHERE t.user_id = $1 AND t.id = $2)
SELECT now.holds FROM now`
)

// locked takes the owner's lock and then the task as it is at that moment: FOR
// UPDATE reads the newest version of a row, not the statement's snapshot. $3 and
// $4 are the versions of a precondition, or null.
const locked = `WITH o AS MATERIALIZED (
  SELECT x.counter FROM docket.owners AS x WHERE x.user_id = $1 FOR UPDATE),
now AS MATERIALIZED (
  SELECT ` + columns + `, ($3::bigint[] IS NULL OR t.version = ANY ($3)) AND ($4::bigint[] IS NULL OR t.version <> ALL ($4)) AS holds
  FROM o, docket.tasks AS t WHERE t.user_id = $1 AND t.id = $2 AND t.deleted_at IS NULL FOR UPDATE OF t),
`

// destinations are where a row of columns is scanned to.
func destinations(t *docket.Task) []any {
	return []any{(*string)(&t.UserID), &t.ID, &t.Title, &t.Description, &t.Completed, &t.CreatedAt, &t.UpdatedAt, &t.Version}
}

// scanned finishes a task that was scanned: pgx gives times in the local zone.
func scanned(t docket.Task) docket.Task {
	t.CreatedAt, t.UpdatedAt = t.CreatedAt.UTC(), t.UpdatedAt.UTC()
	return t
}

func found(t docket.Task, err error) (docket.Task, error) {
	if errors.Is(err, pgx.ErrNoRows) {
		return docket.Task{}, docket.NoSuchTask()
	}
	return scanned(t), err
}

// Create implements docket.Store.
func (s *Store) Create(ctx context.Context, t docket.Task, epoch int64) (docket.Task, error) {
	args := []any{
		string(t.UserID), epoch, t.ID, t.Title, t.Description, t.Completed, t.CreatedAt, t.UpdatedAt,
		docket.Fold(t.Title), docket.FoldOptional(t.Description),
	}
	err := s.write(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		return s.one(ctx, conn, createSQL, args, &t.Version)
	})
	return t, err
}

// Get implements docket.Store.
func (s *Store) Get(ctx context.Context, owner docket.UserID, id uuid.UUID) (t docket.Task, err error) {
	err = s.read(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		return s.one(ctx, conn, getSQL, []any{string(owner), id}, destinations(&t)...)
	})
	return found(t, err)
}

// Update implements docket.Store.
func (s *Store) Update(ctx context.Context, owner docket.UserID, id uuid.UUID, u docket.TaskUpdate, p docket.Precondition, now time.Time) (docket.Task, error) {
	return s.change(ctx, updateSQL, string(owner), id, versions(p.Match), versions(p.NoneMatch),
		u.Title.Set, u.Title.Value, u.Description.Set, u.Description.Value, u.Completed.Set, u.Completed.Value,
		docket.Fold(u.Title.Value), docket.FoldOptional(u.Description.Value), now)
}

// Toggle implements docket.Store.
func (s *Store) Toggle(ctx context.Context, owner docket.UserID, id uuid.UUID, p docket.Precondition, now time.Time) (t docket.Task, err error) {
	if p.Match.Set || p.NoneMatch.Set {
		return s.change(ctx, toggleIfSQL, string(owner), id, versions(p.Match), versions(p.NoneMatch), now)
	}
	err = s.write(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		return s.one(ctx, conn, toggleSQL, []any{string(owner), id, now}, destinations(&t)...)
	})
	return found(t, err)
}

// change runs a statement that returns the task as it is afterwards, and
// whether the precondition held.
func (s *Store) change(ctx context.Context, sql string, args ...any) (t docket.Task, err error) {
	var held bool
	err = s.write(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		return s.one(ctx, conn, sql, args, append(destinations(&t), &held)...)
	})
	if err == nil && !held {
		err = docket.Stale()
	}
	return found(t, err)
}

// Delete implements docket.Store.
func (s *Store) Delete(ctx context.Context, owner docket.UserID, id uuid.UUID, p docket.Precondition, now time.Time) error {
	var held bool
	err := s.write(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		return s.one(ctx, conn, deleteSQL, []any{string(owner), id, versions(p.Match), versions(p.NoneMatch), now}, &held)
	})
	if err == nil && !held {
		err = docket.Stale()
	}
	_, err = found(docket.Task{}, err)
	return err
}

// versions returns the argument of one side of a precondition.
func versions(list docket.Optional[[]int64]) any {
	if !list.Set {
		return nil
	}
	return append([]int64{}, list.Value...) // an empty array, not null
}
