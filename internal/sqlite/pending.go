package sqlite

import (
	"context"
	"errors"
	"time"
)

// AdvanceClock implements docket.Store.
func (s *Store) AdvanceClock(_ context.Context, now time.Time, _ time.Duration) (time.Time, error) {
	return now, nil
}

// Renew implements docket.Store.
func (s *Store) Renew(context.Context, func() (epoch, raise int64)) (int, error) {
	return 0, errors.New("sqlite: not implemented")
}

// Warnings implements docket.Store.
func (s *Store) Warnings() []string { return nil }
