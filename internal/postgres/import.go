package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"docket"
)

// importing holds the arguments of the statements of Import.
type importing struct {
	owner   docket.UserID
	epoch   int64
	counter int64         // before the import
	tasks   []docket.Task // no two with one id
	added   int
}

var importParameters = func() parameters[*importing] {
	p := parameters[*importing]{
		"user_id": func(i *importing) any { return string(i.owner) },
		"epoch":   func(i *importing) any { return i.epoch },
		"counter": func(i *importing) any { return i.counter },
		"added":   func(i *importing) any { return i.added },
	}
	for _, c := range columns {
		if c.array != nil {
			p[c.name] = func(i *importing) any { return c.array(i.tasks) }
		}
	}
	return p
}()

// ownSQL takes the owner's lock. It makes the owner first when there is none.
var ownSQL = importParameters.compile(`INSERT INTO docket.owners AS x (user_id, epoch, counter, live, trash) VALUES (@user_id, @epoch, 0, 0, 0)
ON CONFLICT (user_id) DO UPDATE SET counter = x.counter RETURNING x.counter`)

// importSQL runs with the owner's lock held, so no other statement adds tasks.
var importSQL = func() *statement[*importing] {
	var names, selected, arrays []string
	for _, c := range columns {
		if c.array != nil {
			names, selected = append(names, c.name), append(selected, "i."+c.name)
			arrays = append(arrays, fmt.Sprintf("@%s::%s[]", c.name, c.sqlType))
		}
	}
	list := strings.Join(names, ", ")
	return importParameters.compile(`INSERT INTO docket.tasks AS t (user_id, version, ` + list + `)
SELECT @user_id::text, @counter::bigint + row_number() OVER (ORDER BY i.n), ` + strings.Join(selected, ", ") + `
FROM unnest(` + strings.Join(arrays, ", ") + `)
  WITH ORDINALITY AS i (` + list + `, n)
WHERE NOT EXISTS (SELECT 1 FROM docket.tasks AS t WHERE t.user_id = @user_id AND t.id = i.id)`)
}()

// countSQL counts the tasks that importSQL added.
var countSQL = importParameters.compile("UPDATE docket.owners AS x SET counter = x.counter + @added::bigint, live = x.live + @added WHERE x.user_id = @user_id")

// Import implements docket.Store.
func (s *Store) Import(ctx context.Context, owner docket.UserID, tasks []docket.Task, epoch int64) (added int, err error) {
	i := &importing{owner: owner, epoch: epoch, tasks: distinct(tasks)}
	err = s.transact(ctx, func(ctx context.Context, tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, ownSQL.sql, ownSQL.args(i)...).Scan(&i.counter); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, importSQL.sql, importSQL.args(i)...)
		if err != nil {
			return err
		}
		i.added = int(tag.RowsAffected())
		_, err = tx.Exec(ctx, countSQL.sql, countSQL.args(i)...)
		return err
	})
	return i.added, err
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
