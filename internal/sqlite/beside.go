package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"

	"github.com/google/uuid"

	"docket"
	"docket/internal/migrate"
)

// Beside changes the API keys in a file that another process may be serving. It takes
// none of the file's locks: its writes are short transactions, for which a server waits.
type Beside struct {
	conn    *connection
	stmts   statements
	apiKeys *sql.Stmt
}

// OpenBeside opens the file at path, whose schema must be up to date.
func OpenBeside(ctx context.Context, path string) (*Beside, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("there is no database yet, run `docket migrate up`: %w", err)
	}
	conn, err := fileAt(path).connection(ctx, "wal_autocheckpoint(0)") // that is for the server
	if err != nil {
		return nil, fmt.Errorf("cannot open %s: %w", path, err)
	}
	b := &Beside{conn: conn}
	if err := b.prepare(ctx); err != nil {
		return nil, errors.Join(err, conn.close())
	}
	return b, nil
}

func (b *Beside) prepare(ctx context.Context) error {
	records, err := records(ctx, b.conn)
	if err == nil {
		err = migrate.Status{Records: records, Known: migrations}.Check()
	}
	if err == nil {
		err = b.stmts.prepare(ctx, b.conn)
	}
	if err == nil {
		err = b.conn.prepareAll(ctx, map[**sql.Stmt]string{&b.apiKeys: apiKeysSQL})
	}
	return err
}

// Close closes the file.
func (b *Beside) Close() error { return b.conn.close() }

// CreateAPIKey is that of docket.Store.
func (b *Beside) CreateAPIKey(_ context.Context, key docket.APIKey, epoch int64) error {
	return b.write(func(q *statements) error { return createAPIKey(q, key, epoch) })
}

// RevokeAPIKey is that of docket.Store.
func (b *Beside) RevokeAPIKey(_ context.Context, owner docket.UserID, id uuid.UUID) error {
	return b.write(func(q *statements) error { return revokeAPIKey(q, owner, id) })
}

// APIKeys is that of docket.Store.
func (b *Beside) APIKeys(ctx context.Context, owner docket.UserID) ([]docket.APIKey, error) {
	keys, err := readAPIKeys(ctx, b.apiKeys, owner)
	return keys, translate(err)
}

// write runs f in one transaction.
func (b *Beside) write(f func(*statements) error) error {
	if err := exec(b.stmts.begin); err != nil {
		return translate(err)
	}
	if err := f(&b.stmts); err != nil {
		return translate(errors.Join(err, exec(b.stmts.rollback)))
	}
	return translateCommit(exec(b.stmts.commit))
}
