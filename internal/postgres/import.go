package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"docket"
)

const (
	// ownSQL takes the owner's lock, making the owner first where there is none.
	ownSQL = `INSERT INTO docket.owners AS x (user_id, epoch, counter, live) VALUES ($1, $2, 0, 0)
ON CONFLICT (user_id) DO UPDATE SET counter = x.counter RETURNING x.counter`

	importSQL = `INSERT INTO docket.tasks AS t (user_id, id, title, description, completed, created_at, updated_at, version, title_folded, description_folded)
SELECT $1::text, i.id, i.title, i.description, i.completed, i.created_at, i.updated_at, $2::bigint + i.n, i.title_folded, i.description_folded
FROM unnest($3::uuid[], $4::text[], $5::text[], $6::boolean[], $7::timestamptz[], $8::timestamptz[], $9::text[], $10::text[])
  WITH ORDINALITY AS i (id, title, description, completed, created_at, updated_at, title_folded, description_folded, n)
ON CONFLICT (user_id, id) DO NOTHING`

	// countSQL leaves gaps in the owner's numbers for the tasks that were there.
	countSQL = "UPDATE docket.owners AS x SET counter = x.counter + $2, live = x.live + $3 WHERE x.user_id = $1"
)

// Import implements docket.Store.
func (s *Store) Import(ctx context.Context, owner docket.UserID, tasks []docket.Task, epoch int64) (added int, err error) {
	n := len(tasks)
	ids, titles, descriptions, completed := make([]string, n), make([]string, n), make([]*string, n), make([]bool, n)
	created, updated := make([]time.Time, n), make([]time.Time, n)
	titlesFolded, descriptionsFolded := make([]string, n), make([]*string, n)
	for i, t := range tasks {
		ids[i], titles[i], descriptions[i], completed[i], created[i], updated[i] = t.ID.String(), t.Title, t.Description, t.Completed, t.CreatedAt, t.UpdatedAt
		titlesFolded[i], descriptionsFolded[i] = docket.Fold(t.Title), docket.FoldOptional(t.Description)
	}
	err = s.transact(ctx, func(ctx context.Context, tx pgx.Tx) error {
		var counter int64
		if err := tx.QueryRow(ctx, ownSQL, string(owner), epoch).Scan(&counter); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, importSQL, string(owner), counter, ids, titles, descriptions, completed, created, updated, titlesFolded, descriptionsFolded)
		if err != nil {
			return err
		}
		added = int(tag.RowsAffected())
		_, err = tx.Exec(ctx, countSQL, string(owner), n, added)
		return err
	})
	return added, err
}

// transact runs f in one transaction, which is tried again when it is certain
// that it was not committed.
func (s *Store) transact(ctx context.Context, f func(context.Context, pgx.Tx) error) error {
	return s.run(ctx, writing, func(ctx context.Context, conn *pgx.Conn) error {
		tx, err := conn.Begin(ctx)
		if err != nil {
			return err
		}
		if err := f(ctx, tx); err != nil {
			return errors.Join(err, ignoreClosed(tx.Rollback(ctx)))
		}
		return afterSend(tx.Commit(ctx), true)
	})
}

// ignoreClosed drops the error of undoing what a lost connection has undone.
func ignoreClosed(err error) error {
	if errors.Is(err, pgx.ErrTxClosed) || errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return err
}

// Legacy is a row of the Python version's table public.tasks.
type Legacy struct {
	UserID      string
	ID          string
	Title       string
	Description *string
	Completed   bool
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// ReadLegacy calls f with each row of the table public.tasks at t, by user and
// then in the order of creation, in one snapshot. Before that it calls total
// with the number of rows. Nothing is changed there. Times without a zone
// count as UTC, as the Python version meant them.
func ReadLegacy(ctx context.Context, t Target, total func(rows int), f func(Legacy) error) (err error) {
	conn, err := connect(ctx, t)
	if err != nil {
		return fmt.Errorf("cannot reach the database %s: %w", t, err)
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	snapshot := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	return pgx.BeginTxFunc(ctx, conn, snapshot, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SET LOCAL timezone = 'UTC'", pgx.QueryExecModeExec); err != nil {
			return err
		}
		var made bool
		if err := tx.QueryRow(ctx, "SELECT to_regclass('public.tasks') IS NOT NULL", pgx.QueryExecModeExec).Scan(&made); err != nil {
			return err
		}
		if !made {
			return fmt.Errorf("the database %s has no table public.tasks: is it the Python version's?", t)
		}
		var n int
		if err := tx.QueryRow(ctx, "SELECT count(*) FROM public.tasks", pgx.QueryExecModeExec).Scan(&n); err != nil {
			return err
		}
		total(n)
		rows, err := tx.Query(ctx, `SELECT t.user_id::text, t.id::text, t.title::text, t.description::text, coalesce(t.completed, false),
  coalesce(t.created, t.updated, 'epoch'), coalesce(t.updated, t.created, 'epoch')
FROM (SELECT p.user_id, p.id, p.title, p.description, p.completed, p.created_at,
    CASE WHEN isfinite(p.created_at) THEN p.created_at::timestamptz END AS created,
    CASE WHEN isfinite(p.updated_at) THEN p.updated_at::timestamptz END AS updated FROM public.tasks AS p) AS t ORDER BY t.user_id COLLATE "C", t.created_at, t.id`, pgx.QueryExecModeExec)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			row, err := pgx.RowToStructByPos[Legacy](rows)
			if err != nil {
				return err
			}
			if err := f(row); err != nil {
				return err
			}
		}
		return rows.Err()
	})
}
