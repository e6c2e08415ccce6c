package schema

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"docket/internal/migrate"
	"docket/internal/postgres/column"
	"docket/internal/postgres/connect"
	"docket/internal/postgres/pgerror"
)

// distributedTables are the tables that Citus distributes by user_id, those that there
// are. Their shards lie together: all rows of a user are on one worker.
var distributedTables = []string{"docket.owners", "docket.tasks", "docket.idempotency_keys", "docket.api_keys"}

// createTaskTypes are the types of the parameters of docket.create_task, which differ
// where its columns do: functions of several programs are beside each other.
var createTaskTypes, createTaskBody = func() (types, body string) {
	var columnTypes, names, values []string
	parameter := map[string]string{}
	for _, c := range column.All {
		if c.Value != nil {
			columnTypes, names = append(columnTypes, c.SQLType), append(names, c.Name)
			parameter[c.Name] = fmt.Sprintf("$%d", 4+len(names))
			values = append(values, parameter[c.Name])
		}
	}
	return "text, bigint, bigint, boolean, " + //nolint:dupword // types
			strings.Join(columnTypes, ", "), `
DECLARE v bigint;
BEGIN
  IF NOT $4 AND EXISTS (SELECT 1 FROM docket.tasks AS t WHERE t.user_id = $1 AND t.id = ` + parameter["id"] + `) THEN
    RETURN QUERY SELECT 0::bigint, 'exists';
    RETURN;
  END IF;
  INSERT INTO docket.owners AS x (user_id, epoch, counter, live, trash) VALUES ($1, $2, 1, 1, 0)
  ON CONFLICT (user_id) DO UPDATE SET counter = x.counter + 1, live = x.live + 1 WHERE x.live < $3
  RETURNING x.counter INTO v;
  IF FOUND THEN
    INSERT INTO docket.tasks AS t (user_id, version, ` + strings.Join(names, ", ") + `) VALUES ($1, v, ` + strings.Join(values, ", ") + `);
    RETURN QUERY SELECT v, 'done';
  END IF;
END `
}()

// CreateTaskSQL makes the function that does what createSQL does, where its user's rows
// are. As a statement, that takes Citus several round trips to the worker.
var CreateTaskSQL = "CREATE OR REPLACE FUNCTION docket.create_task(" + createTaskTypes + ") RETURNS TABLE (version bigint, outcome text) LANGUAGE plpgsql AS $f$" + createTaskBody + "$f$"

// Inspect returns as its verdict what an operator has to do before distributed
// tables can be served.
func Inspect(ctx context.Context, conn *pgx.Conn) (verdict, err error) {
	for _, step := range distributionSteps() {
		due, err := connect.Ask(ctx, conn, step.due)
		if err != nil {
			return nil, err
		}
		if due {
			return errors.New("the distribution of the tables is not complete: run `docket migrate up`"), nil
		}
	}
	return nil, nil
}

// distributionStep is one statement of the distribution, and the query that tells
// whether it is due. Each has a transaction of its own: Citus refuses some of them in
// the transaction of another.
type distributionStep struct{ what, due, do string }

// distributionSteps are the steps that distribute the tables, in their order. Each is due
// until its effect is there.
func distributionSteps() (steps []distributionStep) {
	first := distributedTables[0]
	var copies []distributionStep // last, because a table that another refers to is emptied with it
	for _, table := range distributedTables {
		with := first
		if table == first {
			with = "none"
		}
		steps = append(steps, distributionStep{
			"distribute " + table,
			fmt.Sprintf("SELECT to_regclass('%[1]s') IS NOT NULL AND NOT EXISTS (SELECT 1 FROM pg_dist_partition AS p WHERE p.logicalrelid = to_regclass('%[1]s') AND p.partmethod = 'h')", table),
			fmt.Sprintf("SELECT create_distributed_table('%s', 'user_id', colocate_with => '%s')", table, with),
		})
		copies = append(copies, distributionStep{
			"remove the coordinator's copy of " + table, // the rows of before are out of sight there
			fmt.Sprintf("SELECT coalesce(pg_relation_size(to_regclass('%s')), 0) > 0", table),
			fmt.Sprintf("SELECT truncate_local_data_after_distributing_table('%s')", table),
		})
	}
	return append(append(steps, copies...), distributionStep{
		"give every server docket.schema_migrations",
		"SELECT NOT EXISTS (SELECT 1 FROM pg_dist_partition AS p WHERE p.logicalrelid = to_regclass('docket.schema_migrations'))",
		"SELECT create_reference_table('docket.schema_migrations')",
	}, distributionStep{
		"make docket.database known to every server",
		"SELECT to_regclass('docket.database') IS NOT NULL AND NOT EXISTS (SELECT 1 FROM pg_dist_partition AS p WHERE p.logicalrelid = to_regclass('docket.database'))",
		"SELECT citus_add_local_table_to_metadata('docket.database')",
	}, distributionStep{
		"make docket.create_task",
		functionDueSQL,
		CreateTaskSQL + "; SELECT create_distributed_function('docket.create_task(" + createTaskTypes + ")', '$1', colocate_with => 'docket.owners', force_delegation => true)",
	})
}

// functionDueSQL tells whether docket.create_task is missing, differs, or lies with the
// shards of other tables.
var functionDueSQL = "SELECT NOT EXISTS (SELECT 1 FROM pg_proc AS f JOIN pg_dist_object AS o ON o.classid = 'pg_proc'::regclass AND o.objid = f.oid JOIN pg_dist_partition AS p ON p.colocationid = o.colocationid" +
	" WHERE f.oid = to_regprocedure('docket.create_task(" + createTaskTypes + ")') AND f.prosrc = $f$" + createTaskBody + "$f$ AND p.logicalrelid = to_regclass('docket.owners'))"

// Distribute distributes the tables by user over the servers of a database with Citus.
// The schema must be this program's. It refuses while another program of Docket is
// connected, which would not know that its writes need other statements. It can be
// repeated, and completes what was interrupted. It calls done after each step.
func Distribute(ctx context.Context, t connect.Target, done func(step string)) error {
	return connect.With(ctx, t, func(conn *pgx.Conn) error { return distribute(ctx, t, conn, done) })
}

func distribute(ctx context.Context, t connect.Target, conn *pgx.Conn, done func(step string)) error {
	has, err := connect.HasCitus(ctx, conn)
	if err != nil {
		return err
	}
	if !has {
		return fmt.Errorf("the database %s has no extension citus: create it on every server, and add the workers (docs/operations.md)", t)
	}
	status, err := StatusOf(ctx, conn)
	if err != nil {
		return err
	}
	if err := status.Check(); err != nil {
		return err
	}
	is, err := connect.IsDistributed(ctx, conn)
	if err != nil {
		return err
	}
	if !is {
		if err := nobodyElse(ctx, conn); err != nil {
			return err
		}
	}
	return migration{conn}.distribute(ctx, done)
}

// nobodyElse returns an error when another session of Docket is connected, and does not
// end while it is looked at several times.
func nobodyElse(ctx context.Context, conn *pgx.Conn) error {
	for n := 1; ; n++ {
		var sessions int
		err := conn.QueryRow(ctx, `SELECT count(*) FROM pg_stat_activity AS a
WHERE a.datname = current_database() AND a.application_name = current_setting('application_name') AND a.pid <> pg_backend_pid()`, pgx.QueryExecModeExec).Scan(&sessions)
		if err != nil || sessions == 0 {
			return err
		}
		if n == stepAttempts || !connect.Pause(ctx, stepPause) {
			return fmt.Errorf("%d other sessions of docket are connected: stop every server, and a pooler that keeps its sessions, then repeat", sessions)
		}
	}
}

// distribute takes the steps that are due.
func (m migration) distribute(ctx context.Context, done func(step string)) error {
	for _, step := range distributionSteps() {
		taken := false
		err := m.distributing(ctx, func() (err error) {
			if taken, err = connect.Ask(ctx, m.conn, step.due); err != nil || !taken {
				return err
			}
			_, err = m.conn.PgConn().Exec(ctx, step.do).ReadAll() // its function has line ends
			return err
		})
		if err != nil {
			return fmt.Errorf("cannot %s: %w", step.what, err)
		}
		if taken {
			done(step.what)
		}
	}
	return nil
}

// distributing runs f in a transaction, and again when Citus' internal tables were
// changed at the same time.
func (m migration) distributing(ctx context.Context, f func() error) error {
	for n := 1; ; n++ {
		err := m.Exclusively(ctx, func(migrate.Tx) error { return f() })
		if pgerror.Code(err) != pgerror.InternalError || n == stepAttempts || !connect.Pause(ctx, stepPause) {
			return err
		}
	}
}

// redistribute distributes what a migration has added to tables that are distributed. It
// removes docket.create_task when the schema is not this program's any more.
func (m migration) redistribute(ctx context.Context) error {
	if has, err := connect.HasCitus(ctx, m.conn); err != nil || !has {
		return err
	}
	is, err := connect.IsDistributed(ctx, m.conn)
	if err != nil {
		return err
	}
	records, err := m.Records(ctx)
	switch {
	case err != nil:
		return err
	case is && len(records) == len(Migrations):
		return m.distribute(ctx, func(string) {})
	case len(records) < len(Migrations):
		return m.distributing(ctx, func() error {
			return m.Exec(ctx, "DROP FUNCTION IF EXISTS docket.create_task("+createTaskTypes+")")
		})
	}
	return nil
}
