// Package legacy reads the tasks of the Python version, whose table lay in the schema public.
package legacy

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/jackc/pgx/v5"

	"docket"
	"docket/internal/postgres/connect"
)

// Row is a row of the Python version's table public.tasks.
type Row struct {
	UserID      string
	ID          string
	Fields      docket.Fields
	CreatedAt   time.Time
	UpdatedAt   time.Time
	CompletedAt time.Time      // zero when the table does not tell
	Faults      []docket.Fault // of values that Fields cannot hold
}

// laterColumns are columns that only some tables have: for each the expression that
// reads it from a table p, and what stands for it elsewhere.
var laterColumns = []struct{ name, expression, absent string }{
	{"priority", "p.priority::text", "NULL::text"},
	{"due_date", "p.due_date::text", "NULL::text"},
	{"tags", `CASE WHEN pg_typeof(p.tags)::text LIKE '%[]' THEN to_json(p.tags)::text
      WHEN pg_typeof(p.tags)::text IN ('json', 'jsonb') OR p.tags::text LIKE '[%' THEN p.tags::text
      ELSE to_json(string_to_array(p.tags::text, ','))::text END`, "NULL::text"},
	{"completed_at", "CASE WHEN isfinite(p.completed_at::timestamptz) THEN p.completed_at::timestamptz END", "NULL::timestamptz"},
}

// Read reads the table public.tasks at t in one snapshot, and changes nothing
// there. It calls total with the number of rows, then f with each row, by user and
// then in the order of creation. Times without a zone are taken as UTC, as the
// Python version wrote them.
func Read(ctx context.Context, t connect.Target, total func(rows int), f func(Row) error) error {
	return connect.With(ctx, t, func(conn *pgx.Conn) error {
		snapshot := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
		return pgx.BeginTxFunc(ctx, conn, snapshot, func(tx pgx.Tx) error { return readRows(ctx, t, tx, total, f) })
	})
}

func readRows(ctx context.Context, t connect.Target, tx pgx.Tx, total func(rows int), f func(Row) error) error {
	if _, err := tx.Exec(ctx, "SELECT set_config('timezone', 'UTC', true), set_config('datestyle', 'ISO', true)", pgx.QueryExecModeExec); err != nil {
		return err
	}
	query, err := queryFor(ctx, tx)
	if err != nil {
		return err
	}
	if query == "" {
		return fmt.Errorf("the database %s has no table public.tasks: is it the Python version's?", t)
	}
	var n int
	if err := tx.QueryRow(ctx, "SELECT count(*) FROM public.tasks", pgx.QueryExecModeExec).Scan(&n); err != nil {
		return err
	}
	total(n)
	rows, err := tx.Query(ctx, query, pgx.QueryExecModeExec)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		row, err := scanRow(rows)
		if err != nil {
			return err
		}
		if err := f(row); err != nil {
			return err
		}
	}
	return rows.Err()
}

// queryFor returns the query for the rows of public.tasks, which scanRow reads;
// "" when there is no such table.
func queryFor(ctx context.Context, tx pgx.Tx) (string, error) {
	rows, err := tx.Query(ctx, "SELECT a.attname::text FROM pg_attribute AS a WHERE a.attrelid = to_regclass('public.tasks') AND a.attnum > 0 AND NOT a.attisdropped", pgx.QueryExecModeExec)
	if err != nil {
		return "", err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(names) == 0 {
		return "", err
	}
	var later, expressions strings.Builder
	for _, c := range laterColumns {
		expression := c.absent
		if slices.Contains(names, c.name) {
			expression = c.expression
		}
		fmt.Fprintf(&later, ", t.%s", c.name)
		fmt.Fprintf(&expressions, ", %s AS %s", expression, c.name)
	}
	return `SELECT t.user_id::text, t.id::text, t.title::text, t.description::text, coalesce(t.completed, false),
  coalesce(t.created, t.updated, 'epoch'), coalesce(t.updated, t.created, 'epoch')` + later.String() + `
FROM (SELECT p.user_id, p.id, p.title, p.description, p.completed, p.created_at` + expressions.String() + `,
    CASE WHEN isfinite(p.created_at) THEN p.created_at::timestamptz END AS created,
    CASE WHEN isfinite(p.updated_at) THEN p.updated_at::timestamptz END AS updated FROM public.tasks AS p) AS t ORDER BY t.user_id COLLATE "C", t.created_at, t.id`, nil
}

func scanRow(row pgx.Row) (Row, error) {
	var l Row
	var priority, due, tags *string
	var completed *time.Time
	f := &l.Fields
	err := row.Scan(&l.UserID, &l.ID, &f.Title, &f.Description, &f.Completed, &l.CreatedAt, &l.UpdatedAt, &priority, &due, &tags, &completed)
	if completed != nil {
		l.CompletedAt = *completed
	}
	take(&l, &f.Priority, priority, parsePriority)
	take(&l, &f.DueDate, due, parseDueDate)
	take(&l, &f.Tags, tags, parseTags)
	return l, err
}

// take sets field to what parse makes of a text, or adds the fault. No text is no value.
func take[T any](l *Row, field *T, text *string, parse func(string) (T, *docket.Fault)) {
	if text == nil || strings.TrimSpace(*text) == "" {
		return
	}
	value, fault := parse(strings.TrimSpace(*text))
	if fault != nil {
		l.Faults = append(l.Faults, *fault)
		return
	}
	*field = value
}

func parsePriority(text string) (docket.Priority, *docket.Fault) {
	name := strings.ToLower(text)
	if name == "urgent" || name == "critical" {
		return docket.High, nil
	}
	p, known := docket.ParsePriority(name)
	if !known {
		return p, &docket.Fault{Name: "/priority", Code: "unknown_priority", Detail: "The priority must be low, medium, high, urgent or critical."}
	}
	return p, nil
}

// parseDueDate takes a date, timestamp or timestamptz of a session in UTC, and what
// docket.ParseDueDate takes.
func parseDueDate(text string) (docket.DueDate, *docket.Fault) {
	text = strings.Replace(text, " ", "T", 1)
	if instant, ok := strings.CutSuffix(text, "+00"); ok {
		text = instant + "Z"
	}
	d, ok := docket.ParseDueDate(text)
	if !ok {
		return d, new(docket.BadDueDate())
	}
	return d, nil
}

// parseTags takes a JSON array. Empty tags are left out.
func parseTags(text string) (tags []string, fault *docket.Fault) {
	if err := json.Unmarshal([]byte(text), &tags); err != nil {
		return nil, &docket.Fault{Name: "/tags", Code: "wrong_type", Detail: "The tags must be texts: in an array, in a JSON array, or separated by commas."}
	}
	return slices.DeleteFunc(tags, func(tag string) bool { return strings.TrimSpace(tag) == "" }), nil
}
