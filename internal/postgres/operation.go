package postgres

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"docket"
	"docket/internal/postgres/column"
	"docket/internal/postgres/pgerror"
)

// request is an operation as one statement.
type request struct {
	owner     docket.UserID
	write     *docket.Write
	operation *docket.Operation

	sql     string
	args    []any
	dest    []any
	then    []*statement[*request] // to run after it in the same transaction
	alone   bool                   // it is the whole write
	noRow   outcome                // the outcome when the statement returns no row
	task    docket.Task            // with the arguments, then what the statement returns
	outcome outcome
}

// operationParameters are the parameters of the statements of operations.
var operationParameters = func() parameters[*request] {
	p := parameters[*request]{
		"user_id":    func(r *request) any { return string(r.owner) },
		"epoch":      func(r *request) any { return r.write.Epoch },
		"now":        func(r *request) any { return r.write.Now },
		"limit":      func(r *request) any { return r.write.TaskLimit() },
		"fresh":      func(r *request) any { return r.operation.Fresh },
		"match":      func(r *request) any { return versions(r.operation.If.Match) },
		"none_match": func(r *request) any { return versions(r.operation.If.NoneMatch) },
		"trash_limit": func(r *request) any { // null is no bound
			if !r.alone || r.write.MaxTasks == 0 {
				return nil
			}
			return r.write.MaxTasks
		},
	}
	for _, c := range column.All {
		if c.Value != nil {
			p[c.Name] = func(r *request) any { return c.Value(&r.task) }
		}
		if c.IsSet != nil {
			p[c.Set] = func(r *request) any { return c.IsSet(&r.operation.Update) }
		}
	}
	return p
}()

// versions returns the argument for one side of a precondition.
func versions(list docket.Optional[[]int64]) any {
	if !list.Set {
		return nil
	}
	return append([]int64{}, list.Value...) // an empty array, not null
}

// These return no row when the owner has as many live tasks as @limit. They fail when
// another transaction has just made a task with this id. createSQL looks for one that is
// there already, which costs it a tenth more. createPlainSQL is for a task of column.IsPlain,
// which costs it a tenth less.
var (
	createSQL      = creation{}.compile()
	createFreshSQL = creation{fresh: true}.compile()
	createPlainSQL = creation{fresh: true, plain: true}.compile()
)

// creation is a statement that makes a task.
type creation struct{ fresh, plain bool }

func (c creation) compile() *statement[*request] {
	var names, values strings.Builder
	for _, col := range column.All {
		if col.Value != nil && (!c.plain || col.Null == nil) {
			fmt.Fprintf(&names, ", %s", col.Name)
			fmt.Fprintf(&values, ", @%s::%s", col.Name, col.SQLType)
		}
	}
	own := func(unless string) string {
		return `o AS (
  INSERT INTO docket.owners AS x (user_id, epoch, counter, live, trash)
  SELECT @user_id::text, @epoch::bigint, 1, 1, 0` + unless + `
  ON CONFLICT (user_id) DO UPDATE SET counter = x.counter + 1, live = x.live + 1 WHERE x.live < @limit::bigint
  RETURNING x.counter)`
	}
	insert := `INSERT INTO docket.tasks AS t (user_id, version` + names.String() + `)
  SELECT @user_id, o.counter` + values.String() + ` FROM o
  RETURNING t.version, 'done'`
	if c.fresh {
		return operationParameters.compile("WITH " + own(" WHERE true") + "\n" + insert)
	}
	return operationParameters.compile(`WITH e AS MATERIALIZED (
  SELECT t.id FROM docket.tasks AS t WHERE t.user_id = @user_id AND t.id = @id),
` + own(" WHERE NOT EXISTS (SELECT 1 FROM e)") + `,
n (version, outcome) AS (
  ` + insert + `)
SELECT n.version, n.outcome FROM n
UNION ALL
SELECT 0, 'exists' FROM e`)
}

// creationOf returns the statement that makes a task.
func creationOf(t *docket.Task, fresh bool) *statement[*request] {
	switch {
	case !fresh:
		return createSQL
	case column.IsPlain(t):
		return createPlainSQL
	}
	return createFreshSQL
}

// toggleSQL toggles without a precondition, so it need not look at the task before
// it changes it: the update of the owner waits for other writes of the owner, and
// the update of the task then sees what they did. It returns no row when there is
// no live task. When the task is deleted at that moment, the counter has a gap.
var toggleSQL = operationParameters.compile(`WITH o AS (
  UPDATE docket.owners AS x SET counter = x.counter + 1
  WHERE x.user_id = @user_id AND EXISTS (SELECT 1 FROM docket.tasks AS t WHERE t.user_id = @user_id AND t.id = @id AND t.deleted_at IS NULL)
  RETURNING x.counter)
UPDATE docket.tasks AS t SET ` + toggled + `, ` + updated + `, version = o.counter
FROM o WHERE t.user_id = @user_id AND t.id = @id AND t.deleted_at IS NULL
RETURNING ` + column.Selected + `, 'done'`)

// The statements of the other operations return no row when there is no task.
var (
	updateSQL = updating(false).compile()

	// updatePlainSQL is for an update of column.IsPlainUpdate.
	updatePlainSQL = updating(true).compile()

	toggleIfSQL = change{refusals: []string{stale}, task: toggled + ", " + updated}.compile()

	// deleteSQL does nothing when the trash has, or may have, as many tasks as
	// @trash_limit.
	deleteSQL = change{
		refusals: []string{stale, "WHEN coalesce(o.trash, @trash_limit::bigint) >= @trash_limit THEN 'crowded'"},
		task:     "deleted_at = @now::timestamptz", owner: ", live = x.live - 1, trash = x.trash + 1", tombstone: true,
	}.compile()

	restoreSQL = change{
		deleted:  true,
		refusals: []string{"WHEN t.deleted_at IS NULL THEN 'live'", stale, "WHEN o.live >= @limit::bigint THEN 'full'"},
		task:     "deleted_at = NULL, completed_at = " + settled + ", " + updated, owner: ", live = x.live + 1, trash = x.trash - 1",
	}.compile()
)

// The statements about the trash run after a delete in the same transaction, hence
// with the owner's lock held.
var (
	// countTrashSQL counts exactly before anything is purged: trash is null before the
	// first count, and too high after a program before schema 4 has restored or purged.
	countTrashSQL = operationParameters.compile(`UPDATE docket.owners AS x SET trash = (SELECT count(*) FROM docket.tasks AS t WHERE t.user_id = @user_id AND coalesce(t.deleted_at, 'infinity') < 'infinity')
WHERE x.user_id = @user_id AND coalesce(x.trash, @limit::bigint + 1) > @limit`)

	// trimTrashSQL purges the task that was deleted first. A deletion gives its task the
	// owner's highest version, so versions are in the order of deletions.
	trimTrashSQL = operationParameters.compile(`WITH gone AS (
  DELETE FROM docket.tasks AS t WHERE t.user_id = @user_id AND t.id IN (
    SELECT d.id FROM docket.tasks AS d WHERE d.user_id = @user_id AND coalesce(d.deleted_at, 'infinity') < 'infinity'
      AND EXISTS (SELECT 1 FROM docket.owners AS x WHERE x.user_id = @user_id AND x.trash > @limit::bigint)
    ORDER BY d.version LIMIT 1)
  RETURNING t.version)
UPDATE docket.owners AS x SET trash = x.trash - 1, purged_through = greatest(x.purged_through, gone.version)
FROM gone WHERE x.user_id = @user_id`)
)

// Parts of statements about a task t.
const (
	stale = "WHEN NOT ((@match::bigint[] IS NULL OR t.version = ANY (@match)) AND (@none_match::bigint[] IS NULL OR t.version <> ALL (@none_match))) THEN 'stale'"

	changed = "greatest(@now::timestamptz, t.updated_at)"
	updated = "updated_at = " + changed
	toggled = "completed = NOT t.completed, completed_at = CASE WHEN NOT t.completed THEN " + changed + " END"

	// settled is what docket.Task.Settle makes of completed_at. Whatever changes
	// updated_at has to set it, because the next reader would take the new time.
	settled = "CASE WHEN t.completed THEN coalesce(t.completed_at, t.updated_at) END"

	// followed sets completed_at beside what assigned sets.
	followed = "completed_at = CASE WHEN NOT @set_completed OR t.completed = @completed THEN " + settled + " WHEN @completed THEN " + changed + " END"
)

// updating returns the statement of an update, or of one of column.IsPlainUpdate.
func updating(plain bool) change {
	var differs, assigned []string
	for _, c := range column.All {
		if plain && c.Null != nil {
			continue
		}
		if c.IsSet != nil {
			differs = append(differs, fmt.Sprintf("@%s::boolean AND t.%s IS DISTINCT FROM @%[2]s::%s", c.Set, c.Name, c.SQLType))
		}
		if c.Set != "" {
			assigned = append(assigned, fmt.Sprintf("%[1]s = CASE WHEN @%[2]s THEN @%[1]s::%[3]s ELSE t.%[1]s END", c.Name, c.Set, c.SQLType))
		}
	}
	return change{
		refusals: []string{stale, "WHEN NOT (" + strings.Join(differs, " OR ") + ") THEN 'same'"},
		task:     strings.Join(append(assigned, followed, updated), ", "),
	}
}

// change is the statement of an operation on a task that exists, in parts.
type change struct {
	deleted   bool     // it finds deleted tasks too
	refusals  []string // WHEN clauses, each with an outcome other than done; the first that holds counts
	task      string   // what it sets in the task, besides version
	owner     string   // what it sets in the owner, besides counter
	tombstone bool     // it returns the version, 0 when the outcome is not done, instead of the task
}

// compile returns the statement. It locks the owner and then reads the task: FOR UPDATE
// reads the newest version of a row, not that of the statement's snapshot. It returns
// one row: the task as the statement leaves it, and the outcome.
func (c change) compile() *statement[*request] {
	where, returned, result := "", "", "SELECT coalesce((SELECT n.counter FROM n), 0), now.outcome FROM now"
	if !c.deleted {
		where = " AND t.deleted_at IS NULL"
	}
	if !c.tombstone {
		returned = "\n  RETURNING " + column.Selected
		result = "SELECT " + column.Selected + ", 'done' FROM u AS t\nUNION ALL\nSELECT " + column.Selected + ", t.outcome FROM now AS t WHERE NOT EXISTS (SELECT 1 FROM u)"
	}
	return operationParameters.compile(`WITH o AS MATERIALIZED (
  SELECT x.live, x.trash FROM docket.owners AS x WHERE x.user_id = @user_id FOR UPDATE),
now AS MATERIALIZED (
  SELECT ` + column.Selected + `, CASE
    ` + strings.Join(c.refusals, "\n    ") + `
    ELSE 'done' END AS outcome
  FROM o, docket.tasks AS t WHERE t.user_id = @user_id AND t.id = @id` + where + ` FOR UPDATE OF t),
n AS (
  UPDATE docket.owners AS x SET counter = x.counter + 1` + c.owner + ` FROM now
  WHERE x.user_id = @user_id AND now.outcome = 'done'
  RETURNING x.counter),
u AS (
  UPDATE docket.tasks AS t SET ` + c.task + `, version = n.counter
  FROM n WHERE t.user_id = @user_id AND t.id = @id` + returned + `)
` + result)
}

// outcome is what the statement of an operation did.
type outcome string

const (
	outcomeDone   outcome = "done"
	outcomeSame   outcome = "same"   // the update changes nothing
	outcomeAbsent outcome = "absent" // there is no such task
	outcomeExists outcome = "exists" // the task to create is there, live or deleted
	outcomeLive   outcome = "live"   // the task to restore is not deleted
	outcomeStale  outcome = "stale"  // the precondition does not hold
	outcomeFull   outcome = "full"   // the owner has as many live tasks as @limit

	outcomeCrowded outcome = "crowded" // the trash may have as many tasks as @trash_limit
)

// createStatement returns the statement that makes a task. Where the tables are
// distributed it is the function that makes it on its shard.
func (s *Store) createStatement(fresh bool, t *docket.Task) *statement[*request] {
	if s.distributed {
		return createOnShardSQL
	}
	return creationOf(t, fresh)
}

// requestFor returns the statement of an operation of w. alone says that it is run
// by itself, hence that the trash cannot be trimmed after it.
func (s *Store) requestFor(owner docket.UserID, w *docket.Write, o *docket.Operation, alone bool) *request {
	r := &request{owner: owner, write: w, operation: o, alone: alone, noRow: outcomeAbsent}
	r.task.ID = o.ID
	outcome := (*string)(&r.outcome)
	var st *statement[*request]
	switch o.Action {
	case docket.Create:
		r.task, r.noRow, r.dest = w.NewTask(owner, *o), outcomeFull, []any{&r.task.Version, outcome}
		st = s.createStatement(o.Fresh, &r.task)
	case docket.Update:
		if st = updateSQL; column.IsPlainUpdate(&o.Update) {
			st = updatePlainSQL
		}
		o.Update.Apply(&r.task.Fields)
	case docket.Toggle:
		if st = toggleSQL; o.If.Match.Set || o.If.NoneMatch.Set {
			st = toggleIfSQL
		}
	case docket.Delete:
		st, r.dest = deleteSQL, []any{&r.task.Version, outcome}
	case docket.Restore:
		st = restoreSQL
	}
	if r.dest == nil {
		r.dest = []any{&column.Row{Owner: owner, Task: &r.task, More: []any{outcome}}}
	}
	r.sql, r.args = st.sql, st.args(r)
	switch o.Action { // from now on the task is what the statement returns
	case docket.Create:
	case docket.Delete:
		r.task = docket.Task{ID: o.ID, UserID: owner, DeletedAt: w.Now}
	default:
		r.task = docket.Task{}
	}
	return r
}

// result returns what Written.Tasks holds for the operation, the one at index of
// its write, after err of the statement.
func (r *request) result(index int, err error) (docket.Task, error) {
	if errors.Is(err, pgx.ErrNoRows) {
		r.outcome, err = r.noRow, nil
	}
	if isTaskTwice(err) {
		r.outcome, err = outcomeExists, nil
	}
	if err == nil {
		err = r.refusal()
	}
	if err != nil {
		return docket.Task{}, docket.FailOperation(index, err)
	}
	return r.task, nil
}

// refusal returns the error that the outcome stands for.
func (r *request) refusal() error {
	switch r.outcome {
	case outcomeDone, outcomeSame, outcomeCrowded:
		return nil
	case outcomeAbsent:
		return docket.NoSuchTask()
	case outcomeExists:
		return docket.AlreadyExists()
	case outcomeLive:
		return docket.TaskNotDeleted()
	case outcomeStale:
		return docket.Stale()
	case outcomeFull:
		return docket.TooManyTasks(r.write.MaxTasks)
	}
	return fmt.Errorf("postgres: a statement returned the unknown outcome %q", string(r.outcome))
}

// isTaskTwice reports whether a user's task was to be made under an id that another
// task of the user has. Citus adds the number of a shard to the name of the constraint,
// and leaves the name out of an error that comes from another server.
func isTaskTwice(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && e.Code == pgerror.UniqueViolation && (strings.HasPrefix(e.ConstraintName, "tasks_pkey") || e.ConstraintName == "")
}
