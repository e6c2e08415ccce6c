package postgres

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"docket"
)

// ownSQL takes the owner's lock. It makes the owner first when there is none.
var ownSQL = bulkParameters.compile(`INSERT INTO docket.owners AS x (user_id, epoch, counter, live, trash) VALUES (@user_id, @epoch, 0, 0, 0)
ON CONFLICT (user_id) DO UPDATE SET counter = x.counter`)

// importSQL runs with the owner's lock held, so no other statement adds tasks.
var importSQL = bulkParameters.compile(insertMany("x.counter + row_number() OVER (ORDER BY i.n)", "docket.owners",
	"x.user_id = @user_id AND NOT EXISTS (SELECT 1 FROM docket.tasks AS t WHERE t.user_id = @user_id AND t.id = i.id)"))

// countSQL counts the tasks that importSQL added.
var countSQL = bulkParameters.compile("UPDATE docket.owners AS x SET counter = x.counter + @added::bigint, live = x.live + @added WHERE x.user_id = @user_id")

// Import implements docket.Store.
func (s *Store) Import(ctx context.Context, owner docket.UserID, tasks []docket.Task, epoch int64) (added int, err error) {
	b := &bulk{owner: owner, epoch: epoch, tasks: distinct(tasks)}
	err = s.transact(ctx, func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, ownSQL.sql, ownSQL.args(b)...); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, importSQL.sql, importSQL.args(b)...)
		if err != nil {
			return err
		}
		b.added = int(tag.RowsAffected())
		_, err = tx.Exec(ctx, countSQL.sql, countSQL.args(b)...)
		return err
	})
	return b.added, err
}

// distinct returns the tasks without those whose id an earlier one has.
func distinct(tasks []docket.Task) []docket.Task {
	seen := make(map[uuid.UUID]bool, len(tasks))
	list := make([]docket.Task, 0, len(tasks))
	for _, t := range tasks {
		if !seen[t.ID] {
			seen[t.ID] = true
			list = append(list, t)
		}
	}
	return list
}

// transact runs f in one transaction. It tries again when it is certain that
// nothing was committed.
func (s *Store) transact(ctx context.Context, f func(context.Context, pgx.Tx) error) error {
	return s.run(ctx, writing, func(ctx context.Context, conn *pgx.Conn) error {
		tx, err := conn.Begin(ctx)
		if err != nil {
			return err
		}
		if err := f(ctx, tx); err != nil {
			return errors.Join(err, ignoreClosed(tx.Rollback(ctx)))
		}
		return s.afterCommit(tx.Commit(ctx))
	})
}

// ignoreClosed drops the errors of a rollback after the connection was lost, which
// rolled back too.
func ignoreClosed(err error) error {
	if errors.Is(err, pgx.ErrTxClosed) || errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return err
}
