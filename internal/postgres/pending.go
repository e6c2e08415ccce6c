package postgres

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
func (s *Store) Renew(context.Context, func() (epoch, raise int64)) (owners int, err error) {
	return 0, errors.ErrUnsupported
}

// Warnings implements docket.Store.
func (s *Store) Warnings() []string { return nil }
