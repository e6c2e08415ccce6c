package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/google/uuid"

	"docket"
	"docket/internal/migrate"
	"docket/internal/sqlite/engine"
)

// Beside changes the API keys in a file that another process may be serving. It takes
// none of the file's locks: its writes are short transactions, for which a server waits.
type Beside struct{ conn *engine.Conn }

// OpenBeside opens the file at path, whose schema must be up to date.
func OpenBeside(ctx context.Context, path string) (*Beside, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("there is no database yet, run `docket migrate up`: %w", err)
	}
	conn, err := fileAt(path).Open("wal_autocheckpoint = 0") // that is for the server
	if err != nil {
		return nil, fmt.Errorf("cannot open %s: %w", path, err)
	}
	defer conn.Until(ctx)()
	records, err := readRecords(conn)
	if err == nil {
		err = migrate.Status{Records: records, Known: migrations}.Check()
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return &Beside{conn}, nil
}

// Close closes the file.
func (b *Beside) Close() error { return b.conn.Close() }

// CreateAPIKey is that of docket.Store.
func (b *Beside) CreateAPIKey(_ context.Context, key docket.APIKey, epoch int64) error {
	return b.write(func(q *statements) error { return createAPIKey(q, key, epoch) })
}

// RevokeAPIKey is that of docket.Store.
func (b *Beside) RevokeAPIKey(_ context.Context, owner docket.UserID, id uuid.UUID) error {
	return b.write(func(q *statements) error { return revokeAPIKey(q, owner, id) })
}

// APIKeys is that of docket.Store.
func (b *Beside) APIKeys(_ context.Context, owner docket.UserID) ([]docket.APIKey, error) {
	keys, err := readAPIKeys(b.conn.Stmt(apiKeysSQL).Text(string(owner)), owner)
	return keys, translate(err)
}

// write runs f in one transaction.
func (b *Beside) write(f func(*statements) error) error {
	if err := b.conn.Stmt("BEGIN IMMEDIATE").Exec(); err != nil {
		return translate(err)
	}
	if err := f(&statements{Conn: b.conn}); err != nil {
		return translate(errors.Join(err, b.conn.Stmt("ROLLBACK").Exec()))
	}
	return translateCommit(b.conn.Stmt("COMMIT").Exec())
}
