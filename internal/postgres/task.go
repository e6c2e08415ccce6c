package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"docket"
)

// columns of a task t but its owner, in the order in which taskRow reads them.
const columns = "t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version"

const getSQL = "SELECT " + columns + " FROM docket.tasks AS t WHERE t.user_id = $1 AND t.id = $2 AND t.deleted_at IS NULL"

// taskRow scans a row of columns, and of others behind them, into a task and
// more. What is null in the row is left as it was. It implements pgx.RowScanner
// because the general way costs a list more than everything else that is done
// with its rows.
type taskRow struct {
	task *docket.Task
	more []any
}

// ScanRow implements pgx.RowScanner.
func (r taskRow) ScanRow(rows pgx.Rows) error {
	values, fields, types := rows.RawValues(), rows.FieldDescriptions(), rows.Conn().TypeMap()
	t := r.task
	dest := append([]any{&t.ID, &t.Title, &t.Description, &t.Completed, &t.CreatedAt, &t.UpdatedAt, &t.Version}, r.more...)
	if len(values) != len(dest) {
		return fmt.Errorf("postgres: a row of %d columns instead of %d", len(values), len(dest))
	}
	n := 0
	if values[0] == nil || fields[0].Format == pgx.BinaryFormatCode {
		n = len(dest) - len(r.more)
		if err := decode(t, values[:n]); err != nil {
			return err
		}
	}
	for i := n; i < len(dest); i++ {
		if values[i] == nil {
			continue
		}
		if err := types.Scan(fields[i].DataTypeOID, fields[i].Format, values[i], dest[i]); err != nil {
			return fmt.Errorf("postgres: column %d: %w", i, err)
		}
	}
	t.CreatedAt, t.UpdatedAt, t.DeletedAt = t.CreatedAt.UTC(), t.UpdatedAt.UTC(), t.DeletedAt.UTC()
	return nil
}

// decode reads columns in the binary format of the protocol.
func decode(t *docket.Task, v [][]byte) error {
	if v[0] == nil {
		return nil
	}
	if len(v[0]) != 16 || len(v[3]) != 1 || len(v[4]) != 8 || len(v[5]) != 8 || len(v[6]) != 8 {
		return errors.New("postgres: a task with columns of other sizes than they have")
	}
	t.ID, t.Title, t.Completed = uuid.UUID(v[0]), string(v[1]), v[3][0] != 0
	if v[2] != nil {
		description := string(v[2])
		t.Description = &description
	}
	t.CreatedAt, t.UpdatedAt, t.Version = moment(v[4]), moment(v[5]), number(v[6])
	return nil
}

func number(b []byte) int64 { return int64(binary.BigEndian.Uint64(b)) } //nolint:gosec // two's complement

// moment is a timestamptz: microseconds since the year 2000.
func moment(b []byte) time.Time {
	const y2000 = 946_684_800_000_000
	return time.UnixMicro(y2000 + number(b)).UTC()
}

// Get implements docket.Store.
func (s *Store) Get(ctx context.Context, owner docket.UserID, id uuid.UUID) (docket.Task, error) {
	t := &docket.Task{UserID: owner}
	err := s.together(ctx, s.lanes.reads, &call{
		owner: owner, sql: getSQL, args: []any{string(owner), id},
		read: func(rows pgx.Rows) error { return scanOne(rows, taskRow{task: t}) },
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
