package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"docket"
)

// columns of a task t but its owner, in the order in which taskRow reads them.
const columns = "t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version"

const getSQL = "SELECT " + columns + " FROM docket.tasks AS t WHERE t.user_id = $1 AND t.id = $2 AND t.deleted_at IS NULL"

// columnCount is how many columns are.
const columnCount = 7

// taskRow scans a row of columns, and of others behind them, into a task and
// more. What is null in the row is left as it was. It implements pgx.RowScanner
// because the general way costs a list more than everything else that is done
// with its rows.
type taskRow struct {
	task  *docket.Task
	more  []any
	texts texts
}

// ScanRow implements pgx.RowScanner.
func (r *taskRow) ScanRow(rows pgx.Rows) error {
	values, fields := rows.RawValues(), rows.FieldDescriptions()
	if len(values) != columnCount+len(r.more) {
		return fmt.Errorf("postgres: a row of %d columns instead of %d", len(values), columnCount+len(r.more))
	}
	t := r.task
	switch {
	case values[0] == nil:
	case fields[0].Format == pgx.BinaryFormatCode:
		if err := r.decode(values); err != nil {
			return err
		}
	default:
		if err := scanValues(rows, 0, []any{&t.ID, &t.Title, &t.Description, &t.Completed, &t.CreatedAt, &t.UpdatedAt, &t.Version}); err != nil {
			return err
		}
	}
	err := scanValues(rows, columnCount, r.more)
	t.CreatedAt, t.UpdatedAt, t.DeletedAt = t.CreatedAt.UTC(), t.UpdatedAt.UTC(), t.DeletedAt.UTC()
	return err
}

// scanValues scans the values from index first on that are not null.
func scanValues(rows pgx.Rows, first int, dest []any) error {
	values, fields := rows.RawValues(), rows.FieldDescriptions()
	for i, d := range dest {
		value, field := values[first+i], fields[first+i]
		if value == nil {
			continue
		}
		if err := rows.Conn().TypeMap().Scan(field.DataTypeOID, field.Format, value, d); err != nil {
			return fmt.Errorf("postgres: column %s: %w", field.Name, err)
		}
	}
	return nil
}

// decode reads columns in the binary format of the protocol.
func (r *taskRow) decode(v [][]byte) error {
	if len(v[0]) != 16 || len(v[3]) != 1 || len(v[4]) != 8 || len(v[5]) != 8 || len(v[6]) != 8 {
		return errors.New("postgres: a task with columns of other sizes than they have")
	}
	t := r.task
	t.ID, t.Title, t.Completed = uuid.UUID(v[0]), r.texts.keep(v[1]), v[3][0] != 0
	if v[2] != nil {
		t.Description = r.texts.keepOptional(v[2])
	}
	t.CreatedAt, t.UpdatedAt, t.Version = moment(v[4]), moment(v[5]), number(v[6])
	return nil
}

// texts copies the texts of rows: with an allocation for each, or for so many of
// them together when it is of a page.
type texts struct {
	page     bool
	bytes    strings.Builder
	optional []string
}

func (t *texts) keep(b []byte) string {
	if !t.page {
		return string(b)
	}
	if t.bytes.Cap()-t.bytes.Len() < len(b) {
		t.bytes.Reset()
		t.bytes.Grow(max(len(b), 8<<10))
	}
	start := t.bytes.Len()
	t.bytes.Write(b)
	return t.bytes.String()[start:]
}

func (t *texts) keepOptional(b []byte) *string {
	if !t.page {
		return new(string(b))
	}
	if len(t.optional) == cap(t.optional) {
		t.optional = make([]string, 0, 64)
	}
	t.optional = append(t.optional, t.keep(b))
	return &t.optional[len(t.optional)-1]
}

// key is an id as pgx takes it without a way by its text.
func key(id uuid.UUID) pgtype.UUID { return pgtype.UUID{Bytes: id, Valid: true} }

func number(b []byte) int64 { return int64(binary.BigEndian.Uint64(b)) } //nolint:gosec // two's complement

// moment is a timestamptz: microseconds since the year 2000.
func moment(b []byte) time.Time {
	const y2000 = 946_684_800_000_000
	return time.UnixMicro(y2000 + number(b)).UTC()
}

// Get implements docket.Store.
func (s *Store) Get(ctx context.Context, owner docket.UserID, id uuid.UUID) (docket.Task, error) {
	t := &docket.Task{UserID: owner}
	err := s.batch(ctx, s.batchers.reads, &call{
		owner: owner, sql: getSQL, args: []any{string(owner), key(id)},
		read: func(rows pgx.Rows) error { return scanOne(rows, &taskRow{task: t}) },
		outcome: func(err error) error {
			if errors.Is(err, pgx.ErrNoRows) {
				return docket.NoSuchTask()
			}
			return err
		},
	})
	if err != nil {
		return docket.Task{}, err
	}
	return *t, nil
}
