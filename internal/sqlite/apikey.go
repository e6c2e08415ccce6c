package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"docket"
)

const (
	apiKeyColumns    = "id, hash, created_at, expires_at, used_on, scopes, name"
	apiKeysSQL       = "SELECT " + apiKeyColumns + " FROM api_keys WHERE user_id = ?1 ORDER BY id"
	findAPIKeySQL    = "SELECT " + apiKeyColumns + " FROM api_keys WHERE user_id = ?1 AND id = ?2"
	insertAPIKeySQL  = "INSERT INTO api_keys (user_id, " + apiKeyColumns + ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
	countAPIKeysSQL  = "SELECT count(*) FROM api_keys WHERE user_id = ?1"
	expireAPIKeysSQL = "DELETE FROM api_keys WHERE user_id = ?1 AND expires_at <= ?2"
	revokeAPIKeySQL  = "DELETE FROM api_keys WHERE user_id = ?1 AND id = ?2"
	eraseAPIKeysSQL  = "DELETE FROM api_keys WHERE user_id = ?1"
	markAPIKeySQL    = "UPDATE api_keys SET used_on = ?3 WHERE user_id = ?1 AND id = ?2 AND (used_on IS NULL OR used_on < ?3)"
)

// CreateAPIKey implements docket.Store.
func (s *Store) CreateAPIKey(ctx context.Context, key docket.APIKey, epoch int64) error {
	return s.writer.do(ctx, 1, func(q *statements) error { return createAPIKey(q, key, epoch) })
}

func createAPIKey(q *statements, key docket.APIKey, epoch int64) error {
	owner := string(key.Owner)
	if err := exec(q.own, owner, epoch); err != nil {
		return err
	}
	expired, err := removed(q.expireAPIKeys, owner, key.CreatedAt.UnixMicro())
	if err != nil {
		return err
	}
	q.removed = q.removed || expired > 0
	var n int
	if err := q.countAPIKeys.QueryRow(owner).Scan(&n); err != nil {
		return err
	}
	if n >= docket.MaxAPIKeys {
		return docket.TooManyAPIKeys()
	}
	return exec(q.insertAPIKey, owner, key.ID[:], key.Hash[:], microseconds(key.CreatedAt), microseconds(key.ExpiresAt), microseconds(key.UsedOn), key.Scopes.String(), key.Name)
}

// APIKeys implements docket.Store.
func (s *Store) APIKeys(ctx context.Context, owner docket.UserID) (keys []docket.APIKey, err error) {
	err = s.readers.use(ctx, func(ctx context.Context, r *reader) error {
		keys, err = readAPIKeys(ctx, r.apiKeys, owner)
		return err
	})
	return keys, err
}

// FindAPIKey implements docket.Store.
func (s *Store) FindAPIKey(ctx context.Context, owner docket.UserID, id uuid.UUID) (key docket.APIKey, err error) {
	err = s.readers.use(ctx, func(ctx context.Context, r *reader) error {
		keys, err := readAPIKeys(ctx, r.findAPIKey, owner, id[:])
		if err != nil {
			return err
		}
		if len(keys) == 0 {
			return docket.NoSuchAPIKey()
		}
		key = keys[0]
		return nil
	})
	return key, err
}

// readAPIKeys returns the keys that a statement finds for an owner and args.
func readAPIKeys(ctx context.Context, stmt *sql.Stmt, owner docket.UserID, args ...any) (_ []docket.APIKey, err error) {
	rows, err := stmt.QueryContext(ctx, append([]any{string(owner)}, args...)...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	keys := []docket.APIKey{}
	for rows.Next() {
		key, hash, scopes := docket.APIKey{Owner: owner}, []byte(nil), ""
		if err := rows.Scan(&key.ID, &hash, (*moment)(&key.CreatedAt), (*moment)(&key.ExpiresAt), (*moment)(&key.UsedOn), &scopes, &key.Name); err != nil {
			return nil, err
		}
		if copy(key.Hash[:], hash) != len(key.Hash) {
			return nil, fmt.Errorf("sqlite: the hash of an API key has %d bytes", len(hash))
		}
		key.Scopes = docket.ParseScopes(scopes)
		keys = append(keys, key)
	}
	return keys, rows.Err()
}

// RevokeAPIKey implements docket.Store. The key is overwritten afterwards, see Erase.
func (s *Store) RevokeAPIKey(ctx context.Context, owner docket.UserID, id uuid.UUID) error {
	err := s.writer.do(ctx, 1, func(q *statements) error { return revokeAPIKey(q, owner, id) })
	if err == nil {
		signal(s.wiper.due)
	}
	return err
}

func revokeAPIKey(q *statements, owner docket.UserID, id uuid.UUID) error {
	n, err := removed(q.revokeAPIKey, string(owner), id[:])
	if err == nil && n == 0 {
		err = docket.NoSuchAPIKey()
	}
	q.removed = q.removed || n > 0
	return err
}

// MarkAPIKeyUsed implements docket.Store.
func (s *Store) MarkAPIKeyUsed(ctx context.Context, owner docket.UserID, id uuid.UUID, day time.Time) error {
	return s.writer.do(ctx, 1, func(q *statements) error { return exec(q.markAPIKey, string(owner), id[:], day.UnixMicro()) })
}
