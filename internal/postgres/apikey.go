package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"docket"
	"docket/internal/postgres/column"
	"docket/internal/postgres/dispatch"
	"docket/internal/postgres/pgerror"
)

// keyed holds the arguments of the statements about API keys.
type keyed struct {
	docket.APIKey
	epoch int64
}

var apiKeyParameters = parameters[keyed]{
	"user_id":    func(k keyed) any { return string(k.Owner) },
	"epoch":      func(k keyed) any { return k.epoch },
	"id":         func(k keyed) any { return column.UUID(k.ID) },
	"hash":       func(k keyed) any { return k.Hash[:] },
	"created_at": func(k keyed) any { return k.CreatedAt },
	"expires_at": func(k keyed) any { return column.OptionalTime(k.ExpiresAt) },
	"used_on":    func(k keyed) any { return column.OptionalTime(k.UsedOn) },
	"scopes":     func(k keyed) any { return k.Scopes.String() },
	"name":       func(k keyed) any { return k.Name },
}

const (
	apiKeyColumns = "k.id, k.hash, k.created_at, k.expires_at, k.used_on, k.scopes, k.name"
	ofAPIKey      = " WHERE k.user_id = @user_id AND k.id = @id"
)

var (
	apiKeysSQL    = apiKeyParameters.compile("SELECT " + apiKeyColumns + " FROM docket.api_keys AS k WHERE k.user_id = @user_id ORDER BY k.id")
	findAPIKeySQL = apiKeyParameters.compile("SELECT " + apiKeyColumns + " FROM docket.api_keys AS k" + ofAPIKey)

	// The statements of CreateAPIKey run in one transaction. The first takes the owner's
	// lock, so that the third counts all keys.
	ownAPIKeySQL = apiKeyParameters.compile(`INSERT INTO docket.owners AS x (user_id, epoch, counter, live, trash) VALUES (@user_id, @epoch, 0, 0, 0)
ON CONFLICT (user_id) DO UPDATE SET counter = x.counter`)
	expireAPIKeysSQL = apiKeyParameters.compile("DELETE FROM docket.api_keys AS k WHERE k.user_id = @user_id AND k.expires_at <= @created_at")
	countAPIKeysSQL  = apiKeyParameters.compile("SELECT count(*) FROM docket.api_keys AS k WHERE k.user_id = @user_id")
	insertAPIKeySQL  = apiKeyParameters.compile(`INSERT INTO docket.api_keys AS k (user_id, id, hash, created_at, expires_at, used_on, scopes, name)
VALUES (@user_id, @id, @hash, @created_at, @expires_at, @used_on, @scopes, @name)`)

	revokeAPIKeySQL = apiKeyParameters.compile("DELETE FROM docket.api_keys AS k" + ofAPIKey + " RETURNING k.id")
	markAPIKeySQL   = apiKeyParameters.compile("UPDATE docket.api_keys AS k SET used_on = @used_on" + ofAPIKey + " AND (k.used_on IS NULL OR k.used_on < @used_on) RETURNING k.id")
)

// CreateAPIKey implements docket.Store.
func (s *Store) CreateAPIKey(ctx context.Context, key docket.APIKey, epoch int64) error {
	k := keyed{key, epoch}
	return s.transact(ctx, func(ctx context.Context, tx pgx.Tx) error {
		for _, st := range []*statement[keyed]{ownAPIKeySQL, expireAPIKeysSQL} {
			if _, err := tx.Exec(ctx, st.sql, st.args(k)...); err != nil {
				return err
			}
		}
		var n int
		if err := tx.QueryRow(ctx, countAPIKeysSQL.sql, countAPIKeysSQL.args(k)...).Scan(&n); err != nil {
			return err
		}
		if n >= docket.MaxAPIKeys {
			return docket.TooManyAPIKeys()
		}
		_, err := tx.Exec(ctx, insertAPIKeySQL.sql, insertAPIKeySQL.args(k)...)
		return err
	})
}

// APIKeys implements docket.Store.
func (s *Store) APIKeys(ctx context.Context, owner docket.UserID) ([]docket.APIKey, error) {
	return s.readAPIKeys(ctx, apiKeysSQL, docket.APIKey{Owner: owner})
}

// FindAPIKey implements docket.Store.
func (s *Store) FindAPIKey(ctx context.Context, owner docket.UserID, id uuid.UUID) (docket.APIKey, error) {
	keys, err := s.readAPIKeys(ctx, findAPIKeySQL, docket.APIKey{Owner: owner, ID: id})
	if err == nil && len(keys) == 0 {
		err = docket.NoSuchAPIKey()
	}
	if err != nil {
		return docket.APIKey{}, err
	}
	return keys[0], nil
}

// readAPIKeys returns the keys that a statement finds. It shares its round trip with
// other reads.
func (s *Store) readAPIKeys(ctx context.Context, st *statement[keyed], of docket.APIKey) (keys []docket.APIKey, err error) {
	err = s.db.Batch(ctx, s.db.Reads, &dispatch.Call{
		Owner: of.Owner, SQL: st.sql, Args: st.args(keyed{APIKey: of}),
		Read: func(rows pgx.Rows) (err error) {
			keys, err = scanAPIKeys(rows, of.Owner)
			return err
		},
		Outcome: func(err error) error { return err },
	})
	return keys, err
}

// scanAPIKeys scans rows of apiKeyColumns, and closes them.
func scanAPIKeys(rows pgx.Rows, owner docket.UserID) ([]docket.APIKey, error) {
	defer rows.Close()
	keys := []docket.APIKey{}
	for rows.Next() {
		k, hash, scopes := docket.APIKey{Owner: owner}, []byte(nil), ""
		if err := rows.Scan(&k.ID, &hash, (*column.UTCTime)(&k.CreatedAt), (*column.UTCTime)(&k.ExpiresAt), (*column.UTCTime)(&k.UsedOn), &scopes, &k.Name); err != nil {
			return nil, pgerror.BadResult(err)
		}
		if copy(k.Hash[:], hash) != len(k.Hash) {
			return nil, pgerror.BadResult(fmt.Errorf("postgres: the hash of an API key has %d bytes", len(hash)))
		}
		k.Scopes = docket.ParseScopes(scopes)
		keys = append(keys, k)
	}
	return keys, rows.Err()
}

// RevokeAPIKey implements docket.Store.
func (s *Store) RevokeAPIKey(ctx context.Context, owner docket.UserID, id uuid.UUID) error {
	return s.changeAPIKey(ctx, revokeAPIKeySQL, docket.APIKey{Owner: owner, ID: id}, docket.NoSuchAPIKey())
}

// MarkAPIKeyUsed implements docket.Store.
func (s *Store) MarkAPIKeyUsed(ctx context.Context, owner docket.UserID, id uuid.UUID, day time.Time) error {
	return s.changeAPIKey(ctx, markAPIKeySQL, docket.APIKey{Owner: owner, ID: id, UsedOn: day}, nil)
}

// changeAPIKey runs a statement that changes one key. It returns none when there was no
// key to change.
func (s *Store) changeAPIKey(ctx context.Context, st *statement[keyed], k docket.APIKey, none error) error {
	return s.db.Batch(ctx, s.db.WritesOf(k.Owner), &dispatch.Call{
		Owner: k.Owner, SQL: st.sql, Args: st.args(keyed{APIKey: k}),
		Read: func(rows pgx.Rows) error { return dispatch.ScanOne(rows, new(uuid.UUID)) },
		Outcome: func(err error) error {
			if errors.Is(err, pgx.ErrNoRows) {
				return none
			}
			return err
		},
	})
}
