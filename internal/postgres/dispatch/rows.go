package dispatch

import (
	"github.com/jackc/pgx/v5"

	"docket/internal/postgres/pgerror"
)

// isolatedRows are the rows of one call. A row that cannot be scanned is an error
// of Scan alone; pgx makes it the error of the rows too, and of all that follows
// in a batch.
type isolatedRows struct{ pgx.Rows }

// Scan implements pgx.Rows.
func (r *isolatedRows) Scan(dest ...any) error { return scan(r, dest) }

func scan(rows pgx.Rows, dest []any) error {
	if len(dest) == 1 {
		if row, ok := dest[0].(pgx.RowScanner); ok {
			return row.ScanRow(rows)
		}
	}
	return pgx.ScanRow(rows.Conn().TypeMap(), rows.FieldDescriptions(), rows.RawValues(), dest...)
}

// ScanOne scans the only row there may be and closes rows. It returns pgx.ErrNoRows
// when there is none, and one of pgerror.BadResult when it
// cannot be scanned.
func ScanOne(rows pgx.Rows, dest ...any) error {
	found := rows.Next()
	var scanned error
	if found {
		scanned = scan(rows, dest)
	}
	rows.Close()
	switch err := rows.Err(); {
	case err != nil:
		return err
	case !found:
		return pgx.ErrNoRows
	case scanned != nil:
		return pgerror.BadResult(scanned)
	}
	return nil
}
