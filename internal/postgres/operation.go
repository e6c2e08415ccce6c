package postgres

import (
	"errors"

	"github.com/jackc/pgx/v5"

	"docket"
)

const (
	// createSQL returns nothing when the owner has as many tasks as $11.
	createSQL = `WITH o AS (
  INSERT INTO docket.owners AS x (user_id, epoch, counter, live) VALUES ($1, $2, 1, 1)
  ON CONFLICT (user_id) DO UPDATE SET counter = x.counter + 1, live = x.live + 1 WHERE x.live < $11::bigint
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

	restoreSQL = lockedOwner + `now AS MATERIALIZED (
  SELECT ` + columns + `, ` + holds + ` AS holds, t.deleted_at IS NOT NULL AS deleted
  FROM o, docket.tasks AS t WHERE t.user_id = $1 AND t.id = $2 FOR UPDATE OF t),
n AS (
  UPDATE docket.owners AS x SET counter = x.counter + 1, live = x.live + 1 FROM now
  WHERE x.user_id = $1 AND now.holds AND now.deleted AND x.live < $6::bigint
  RETURNING x.counter),
u AS (
  UPDATE docket.tasks AS t SET deleted_at = NULL, updated_at = greatest($5::timestamptz, t.updated_at), version = n.counter
  FROM n WHERE t.user_id = $1 AND t.id = $2
  RETURNING ` + columns + `)
SELECT ` + columns + `, true AS holds, true AS deleted, true AS fits FROM u AS t
UNION ALL
SELECT ` + columns + `, t.holds, t.deleted, false FROM now AS t WHERE NOT EXISTS (SELECT 1 FROM u)`
)

// lockedOwner takes the owner's lock.
const lockedOwner = `WITH o AS MATERIALIZED (
  SELECT x.counter FROM docket.owners AS x WHERE x.user_id = $1 FOR UPDATE),
`

// holds says of a task t whether it is as a precondition demands: $3 and $4
// are its versions, or null.
const holds = `($3::bigint[] IS NULL OR t.version = ANY ($3)) AND ($4::bigint[] IS NULL OR t.version <> ALL ($4))`

// locked takes the owner's lock and then the task as it is at that moment: FOR
// UPDATE reads the newest version of a row, not the statement's snapshot.
const locked = lockedOwner + `now AS MATERIALIZED (
  SELECT ` + columns + `, ` + holds + ` AS holds
  FROM o, docket.tasks AS t WHERE t.user_id = $1 AND t.id = $2 AND t.deleted_at IS NULL FOR UPDATE OF t),
`

// request is an operation as a statement, and what that returns.
type request struct {
	sql  string
	args []any
	dest []any

	task    docket.Task
	creates bool
	// That the precondition holds and, of a restore, that the task is deleted and
	// its owner may have one more.
	held, deleted, fits bool
}

// requestFor returns the statement of an operation of w.
func requestFor(owner docket.UserID, w docket.Write, o docket.Operation) *request {
	r := &request{creates: o.Action == docket.Create, held: true, deleted: true, fits: true}
	if o.Action != docket.Delete {
		r.task.UserID = owner
	}
	which := func(more ...any) []any {
		return append([]any{string(owner), key(o.ID), versions(o.If.Match), versions(o.If.NoneMatch)}, more...)
	}
	switch u := o.Update; o.Action {
	case docket.Create:
		t := w.NewTask(owner, o)
		r.sql, r.task, r.dest = createSQL, t, []any{&r.task.Version}
		r.args = []any{string(owner), w.Epoch, key(t.ID), t.Title, t.Description, t.Completed, t.CreatedAt, t.UpdatedAt, docket.Fold(t.Title), docket.FoldOptional(t.Description), w.TaskLimit()}
	case docket.Update:
		r.sql, r.dest = updateSQL, []any{&taskRow{task: &r.task, more: []any{&r.held}}}
		r.args = which(u.Title.Set, u.Title.Value, u.Description.Set, u.Description.Value, u.Completed.Set, u.Completed.Value,
			docket.Fold(u.Title.Value), docket.FoldOptional(u.Description.Value), w.Now)
	case docket.Toggle:
		if r.sql, r.args, r.dest = toggleIfSQL, which(w.Now), []any{&taskRow{task: &r.task, more: []any{&r.held}}}; !o.If.Match.Set && !o.If.NoneMatch.Set {
			r.sql, r.args, r.dest = toggleSQL, []any{string(owner), key(o.ID), w.Now}, []any{&taskRow{task: &r.task}}
		}
	case docket.Delete:
		r.sql, r.args, r.dest = deleteSQL, which(w.Now), []any{&r.held}
	case docket.Restore:
		r.sql, r.args, r.dest = restoreSQL, which(w.Now, w.TaskLimit()), []any{&taskRow{task: &r.task, more: []any{&r.held, &r.deleted, &r.fits}}}
	}
	return r
}

// result is what the operation, the one at index of w, came to after err of its
// statement.
func (r *request) result(w docket.Write, index int, err error) (docket.Task, error) {
	switch {
	case errors.Is(err, pgx.ErrNoRows) && r.creates:
		err = docket.TooManyTasks(w.MaxTasks)
	case errors.Is(err, pgx.ErrNoRows):
		err = docket.NoSuchTask()
	case err != nil:
	case !r.deleted:
		err = docket.TaskNotDeleted()
	case !r.held:
		err = docket.Stale()
	case !r.fits:
		err = docket.TooManyTasks(w.MaxTasks)
	default:
		return r.task, nil
	}
	return docket.Task{}, docket.FailOperation(index, err)
}

// versions returns the argument of one side of a precondition.
func versions(list docket.Optional[[]int64]) any {
	if !list.Set {
		return nil
	}
	return append([]int64{}, list.Value...) // an empty array, not null
}
