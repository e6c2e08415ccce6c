package sqlite

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"docket"
)

var errSoon = errors.New("sqlite: API keys are not kept yet")

// CreateAPIKey implements docket.Store.
func (s *Store) CreateAPIKey(context.Context, docket.APIKey, int64) error { return errSoon }

// APIKeys implements docket.Store.
func (s *Store) APIKeys(context.Context, docket.UserID) ([]docket.APIKey, error) { return nil, errSoon }

// FindAPIKey implements docket.Store.
func (s *Store) FindAPIKey(context.Context, docket.UserID, uuid.UUID) (docket.APIKey, error) {
	return docket.APIKey{}, errSoon
}

// RevokeAPIKey implements docket.Store.
func (s *Store) RevokeAPIKey(context.Context, docket.UserID, uuid.UUID) error { return errSoon }

// MarkAPIKeyUsed implements docket.Store.
func (s *Store) MarkAPIKeyUsed(context.Context, docket.UserID, uuid.UUID, time.Time) error {
	return errSoon
}
