package docket

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/google/uuid"
)

const (
	// MaxAPIKeys is the most API keys of one owner that have not expired.
	MaxAPIKeys = 50
	// MaxAPIKeyName is the longest name of an API key, in characters.
	MaxAPIKeyName = 100
	// APIKeyPrefix begins the text of every API key, and that of no JSON Web Token.
	APIKeyPrefix = "dkt_"
	// APIKeyPattern matches the text of every API key, for programs that search for
	// leaked ones (RE2).
	APIKeyPattern = `dkt_[A-Za-z0-9_-]+\.[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\.[A-Za-z0-9_-]{43}`

	// apiKeySecret is the size of an API key's random part, in bytes.
	apiKeySecret = 32
)

// APIKey is what is kept of an API key: all but its text, which holds the secret.
type APIKey struct {
	ID        uuid.UUID // version 7, so that ids sort in the order of creation
	Owner     UserID
	Name      string            // 1 to MaxAPIKeyName characters, no surrounding white space
	Scopes    Scopes            // at least one
	Hash      [sha256.Size]byte // of the text
	CreatedAt time.Time         // UTC, whole microseconds
	ExpiresAt time.Time         // UTC, whole microseconds; zero: never
	UsedOn    time.Time         // the UTC day of its last use, at 00:00; zero: never used
}

// ExpiredAt reports whether the key has expired at now.
func (k *APIKey) ExpiredAt(now time.Time) bool {
	return !k.ExpiresAt.IsZero() && !now.Before(k.ExpiresAt)
}

// NewAPIKey is what a client gives to make an API key.
type NewAPIKey struct {
	Name      string
	Scopes    Scopes
	ExpiresAt time.Time // zero: never
}

// Normalize trims the name. It returns every fault of n, none when a key may be made of
// it at now.
func (n *NewAPIKey) Normalize(now time.Time) []Fault {
	n.Name = strings.TrimSpace(n.Name)
	var faults []Fault
	if n.Name == "" {
		faults = append(faults, bodyFault("/name", "too_short", "The name is empty. Give it at least 1 character besides white space."))
	} else {
		faults = checkText("/name", "name", n.Name, MaxAPIKeyName)
	}
	if n.Scopes == 0 {
		faults = append(faults, bodyFault("/scopes", "too_short", "There is no scope. Give at least one of "+strings.Join(ScopeNames(), ", ")+"."))
	}
	if !n.ExpiresAt.IsZero() && !n.ExpiresAt.After(now) {
		faults = append(faults, bodyFault("/expires_at", "past", "The time of expiry is not in the future. Give a later one, or null for a key that does not expire."))
	}
	return faults
}

// IssueAPIKey makes a key of owner, which is not kept yet, and its text, which is the
// only place that has its secret. The error is of kind Invalid. Reading from random
// must not fail.
func IssueAPIKey(owner UserID, n NewAPIKey, now time.Time, random io.Reader) (key APIKey, text string, err error) {
	if faults := n.Normalize(now); len(faults) > 0 {
		return APIKey{}, "", InvalidInput(faults...)
	}
	key = APIKey{
		ID: uuidV7(stampOf(now), randomFrom(random)), Owner: owner, Name: n.Name, Scopes: n.Scopes,
		CreatedAt: toMicroseconds(now), ExpiresAt: toMicroseconds(n.ExpiresAt),
	}
	var secret [apiKeySecret]byte
	readRandom(random, secret[:])
	text = APIKeyPrefix + base64.RawURLEncoding.EncodeToString([]byte(owner)) + "." + key.ID.String() + "." + base64.RawURLEncoding.EncodeToString(secret[:])
	key.Hash = sha256.Sum256([]byte(text))
	return key, text, nil
}

// PresentedAPIKey is a key that a client has sent: which it claims to be, and the hash
// of its text.
type PresentedAPIKey struct {
	Owner UserID
	ID    uuid.UUID
	Hash  [sha256.Size]byte
}

// ParseAPIKey reads the text of an API key. Each key has exactly one text. It returns
// false when text is none.
func ParseAPIKey(text string) (PresentedAPIKey, bool) {
	parts := strings.Split(strings.TrimPrefix(text, APIKeyPrefix), ".")
	if !strings.HasPrefix(text, APIKeyPrefix) || len(parts) != 3 {
		return PresentedAPIKey{}, false
	}
	user, err := decodeStrictly(parts[0])
	if err != nil {
		return PresentedAPIKey{}, false
	}
	owner, err := ParseUserID(string(user))
	if err != nil {
		return PresentedAPIKey{}, false
	}
	id, err := uuid.Parse(parts[1])
	if err != nil || id.String() != parts[1] || !ValidNewID(id) {
		return PresentedAPIKey{}, false
	}
	if secret, err := decodeStrictly(parts[2]); err != nil || len(secret) != apiKeySecret {
		return PresentedAPIKey{}, false
	}
	return PresentedAPIKey{Owner: owner, ID: id, Hash: sha256.Sum256([]byte(text))}, true
}

// decodeStrictly decodes base64url without padding, of which each value has one text.
func decodeStrictly(text string) ([]byte, error) {
	if strings.ContainsAny(text, "\r\n") { // the decoder skips them
		return nil, errors.New("docket: a line break in base64url")
	}
	return base64.RawURLEncoding.Strict().DecodeString(text)
}

// APIKeyStore is the part of a Store that keeps API keys. Its methods return the errors
// of a Store, and those that their comments name.
type APIKeyStore interface {
	// CreateAPIKey keeps a key of an owner, and begins the owner's history with epoch
	// when there is none, so that an erasure finds it. It removes the owner's keys that
	// had expired at key.CreatedAt. The error is of kind KeptFull when MaxAPIKeys are
	// left.
	CreateAPIKey(ctx context.Context, key APIKey, epoch int64) error

	// APIKeys returns the keys of owner, in the order of their ids. It is not nil.
	APIKeys(ctx context.Context, owner UserID) ([]APIKey, error)

	// FindAPIKey returns a key. The error is of kind APIKeyNotFound when there is none.
	FindAPIKey(ctx context.Context, owner UserID, id uuid.UUID) (APIKey, error)

	// RevokeAPIKey removes a key. The error is of kind APIKeyNotFound when there is none.
	RevokeAPIKey(ctx context.Context, owner UserID, id uuid.UUID) error

	// MarkAPIKeyUsed sets UsedOn of a key to day, unless it is that day or a later one.
	// It does nothing when there is no such key.
	MarkAPIKeyUsed(ctx context.Context, owner UserID, id uuid.UUID, day time.Time) error
}

// CreateAPIKey makes an API key of owner. The text is the only copy of its secret: it
// is not kept. The error is of kind Invalid or KeptFull.
func (s *Service) CreateAPIKey(ctx context.Context, owner UserID, n NewAPIKey) (key APIKey, text string, err error) {
	key, text, err = IssueAPIKey(owner, n, s.Time(), s.rand)
	if err == nil {
		err = s.store.CreateAPIKey(ctx, key, s.epoch())
	}
	if err != nil {
		return APIKey{}, "", err
	}
	return key, text, nil
}

// APIKeys returns the API keys of owner, in the order of their creation.
func (s *Service) APIKeys(ctx context.Context, owner UserID) ([]APIKey, error) {
	return s.store.APIKeys(ctx, owner)
}

// RevokeAPIKey ends an API key of owner. The error is of kind APIKeyNotFound when there
// is none.
func (s *Service) RevokeAPIKey(ctx context.Context, owner UserID, id uuid.UUID) error {
	err := s.store.RevokeAPIKey(ctx, owner, id)
	if mayBeDone(err) {
		s.keysEnded(owner)
	}
	return err
}

var errNoAPIKey = &Error{Kind: APIKeyNotFound, Detail: "This user has no such API key."}

// NoSuchAPIKey returns the error of kind APIKeyNotFound. It is the same for a key that
// never was, has been revoked, or is another user's.
func NoSuchAPIKey() error { return errNoAPIKey }

var errTooManyAPIKeys = &Error{Kind: KeptFull, Limit: MaxAPIKeys, Detail: fmt.Sprintf("This user has %d API keys, which is as many as one may have. Nothing was made. Revoke one that is not needed.", MaxAPIKeys)}

// TooManyAPIKeys returns the error of kind KeptFull for one API key more than MaxAPIKeys.
func TooManyAPIKeys() error { return errTooManyAPIKeys }
