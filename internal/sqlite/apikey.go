package sqlite

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"docket"
	"docket/internal/sqlite/engine"
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
	if _, err := add(q, key.Owner, docket.Write{Epoch: epoch}, 0, nil, false); err != nil {
		return err
	}
	expired, err := q.Stmt(expireAPIKeysSQL).Text(owner).Moment(key.CreatedAt).Changes()
	if err != nil {
		return err
	}
	q.removed = q.removed || expired > 0
	n, count := 0, q.Stmt(countAPIKeysSQL)
	if _, err := count.Text(owner).Row(func() { n = count.IntAt(0) }); err != nil {
		return err
	}
	if n >= docket.MaxAPIKeys {
		return docket.TooManyAPIKeys()
	}
	return q.Stmt(insertAPIKeySQL).Text(owner).Blob(key.ID[:]).Blob(key.Hash[:]).Moment(key.CreatedAt).Moment(key.ExpiresAt).Moment(key.UsedOn).
		Text(key.Scopes.String()).Text(key.Name).Exec()
}

// APIKeys implements docket.Store.
func (s *Store) APIKeys(ctx context.Context, owner docket.UserID) (keys []docket.APIKey, err error) {
	err = s.readers.use(ctx, func(r *reader) error {
		keys, err = readAPIKeys(r.conn.Stmt(apiKeysSQL).Text(string(owner)), owner)
		return err
	})
	return keys, err
}

// FindAPIKey implements docket.Store.
func (s *Store) FindAPIKey(ctx context.Context, owner docket.UserID, id uuid.UUID) (key docket.APIKey, err error) {
	err = s.readers.lookUp(ctx, func(r *reader) error {
		keys, err := readAPIKeys(r.conn.Stmt(findAPIKeySQL).Text(string(owner)).Blob(id[:]), owner)
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

// readAPIKeys returns the keys of an owner that a statement finds.
func readAPIKeys(s *engine.Stmt, owner docket.UserID) ([]docket.APIKey, error) {
	keys := []docket.APIKey{}
	var unreadable error
	err := s.Each(func() bool {
		key := docket.APIKey{
			Owner: owner, CreatedAt: s.MomentAt(2), ExpiresAt: s.MomentAt(3), UsedOn: s.MomentAt(4),
			Scopes: docket.ParseScopes(s.TextAt(5)), Name: s.TextAt(6),
		}
		if key.ID, unreadable = idAt(s, 0); unreadable == nil && !s.FillAt(1, key.Hash[:]) {
			unreadable = errors.New("sqlite: the hash of an API key is not of 32 bytes")
		}
		keys = append(keys, key)
		return unreadable == nil
	})
	return keys, cmp.Or(err, unreadable)
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
	n, err := q.Stmt(revokeAPIKeySQL).Text(string(owner)).Blob(id[:]).Changes()
	if err == nil && n == 0 {
		err = docket.NoSuchAPIKey()
	}
	q.removed = q.removed || n > 0
	return err
}

// MarkAPIKeyUsed implements docket.Store.
func (s *Store) MarkAPIKeyUsed(ctx context.Context, owner docket.UserID, id uuid.UUID, day time.Time) error {
	return s.writer.do(ctx, 1, func(q *statements) error {
		return q.Stmt(markAPIKeySQL).Text(string(owner)).Blob(id[:]).Moment(day).Exec()
	})
}
