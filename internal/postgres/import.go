package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"docket"
	"docket/internal/postgres/dispatch"
)

// deletions returns the ids of those tasks that go to the trash, and when each was
// deleted.
func (b *bulk) deletions() (ids []uuid.UUID, times []time.Time) {
	for _, t := range b.tasks {
		if !t.DeletedAt.IsZero() {
			ids, times = append(ids, t.ID), append(times, t.DeletedAt)
		}
	}
	return ids, times
}

// ownSQL takes the owner's lock. It makes the owner first when there is none.
var ownSQL = bulkParameters.compile(`INSERT INTO docket.owners AS x (user_id, epoch, counter, live, trash) VALUES (@user_id, @epoch, 0, 0, 0)
ON CONFLICT (user_id) DO UPDATE SET counter = x.counter`)

// importSQL runs with the owner's lock held, so no other statement adds tasks.
var importSQL = bulkParameters.compile(insertMany("x.counter + row_number() OVER (ORDER BY i.n)", "docket.owners", "x.user_id = @user_id"))

// The other statements of an import.
var (
	// knownSQL finds those of the tasks that the owner has, in the trash too.
	knownSQL = bulkParameters.compile("SELECT t.id FROM docket.tasks AS t WHERE t.user_id = @user_id AND t.id = ANY (@id::uuid[])")

	// roomSQL returns how many live and deleted tasks the owner has.
	roomSQL = bulkParameters.compile(`SELECT x.live, coalesce(x.trash, (SELECT count(*) FROM docket.tasks AS t WHERE t.user_id = @user_id AND coalesce(t.deleted_at, 'infinity') < 'infinity'))
FROM docket.owners AS x WHERE x.user_id = @user_id`)

	// burySQL moves those tasks to the trash that were deleted.
	burySQL = bulkParameters.compile(`UPDATE docket.tasks AS t SET deleted_at = i.deleted_at FROM unnest(@deleted_id::uuid[], @deleted_at::timestamptz[]) AS i (id, deleted_at)
WHERE t.user_id = @user_id AND t.id = i.id`)

	// countSQL counts the tasks that importSQL added. A trash that was never counted stays so.
	countSQL = bulkParameters.compile(`UPDATE docket.owners AS x SET counter = x.counter + @added::bigint, live = x.live + @added - @deleted::bigint, trash = x.trash + @deleted
WHERE x.user_id = @user_id`)
)

// Import implements docket.Store.
func (s *Store) Import(ctx context.Context, owner docket.UserID, what docket.Import) (done docket.Imported, err error) {
	err = s.transact(ctx, func(ctx context.Context, tx pgx.Tx) error {
		b := &bulk{owner: owner, epoch: what.Epoch, tasks: what.Tasks}
		if !what.DryRun {
			if _, err := tx.Exec(ctx, ownSQL.sql, ownSQL.args(b)...); err != nil {
				return err
			}
		}
		if err := b.choose(ctx, tx, what); err != nil {
			return err
		}
		done = b.done
		if what.DryRun || len(b.tasks) == 0 {
			return nil
		}
		return b.add(ctx, tx)
	})
	return done, err
}

// choose takes those of the tasks that are to be added.
func (b *bulk) choose(ctx context.Context, tx pgx.Tx, what docket.Import) error {
	rows, err := tx.Query(ctx, knownSQL.sql, knownSQL.args(b)...)
	if err != nil {
		return err
	}
	known := map[uuid.UUID]bool{}
	var id uuid.UUID
	if _, err := pgx.ForEachRow(rows, []any{&id}, func() error { known[id] = true; return nil }); err != nil {
		return err
	}
	var live, trash int64
	if err := tx.QueryRow(ctx, roomSQL.sql, roomSQL.args(b)...).Scan(&live, &trash); err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	b.tasks, b.done, err = what.Choose(known, live, trash)
	return err
}

// insert runs importSQL, with a builder of its own for the parameters. That of the
// connection holds on to them, which are several MiB, until a later statement has as many.
func (b *bulk) insert(ctx context.Context, conn *pgx.Conn) error {
	var built pgx.ExtendedQueryBuilder
	if err := built.Build(conn.TypeMap(), nil, importSQL.args(b)); err != nil {
		return err
	}
	_, err := conn.PgConn().ExecParams(ctx, importSQL.sql, built.ParamValues, nil, built.ParamFormats, nil).Close()
	return err
}

// add adds the tasks.
func (b *bulk) add(ctx context.Context, tx pgx.Tx) error {
	if err := b.insert(ctx, tx.Conn()); err != nil {
		return err
	}
	statements := []*statement[*bulk]{countSQL}
	if b.done.Deleted > 0 {
		statements = append(statements, burySQL)
	}
	for _, st := range statements {
		if _, err := tx.Exec(ctx, st.sql, st.args(b)...); err != nil {
			return err
		}
	}
	return nil
}

// transact runs f in one transaction. It tries again when it is certain that
// nothing was committed.
func (s *Store) transact(ctx context.Context, f func(context.Context, pgx.Tx) error) error {
	return s.db.Run(ctx, dispatch.Writing, func(ctx context.Context, conn *pgx.Conn) error {
		tx, err := conn.Begin(ctx)
		if err != nil {
			return err
		}
		if err := f(ctx, tx); err != nil {
			return errors.Join(err, ignoreClosed(tx.Rollback(ctx)))
		}
		return s.db.AfterCommit(tx.Commit(ctx))
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
