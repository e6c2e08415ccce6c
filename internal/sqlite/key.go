package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"time"

	"docket"
)

const (
	findKeySQL = "SELECT fingerprint, result FROM idempotency_keys WHERE user_id = ?1 AND key = ?2 AND expires_at > ?3"
	// keepKeySQL takes the place of a key that has expired.
	keepKeySQL = `INSERT INTO idempotency_keys (user_id, key, fingerprint, result, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (user_id, key) DO UPDATE SET fingerprint = ?3, result = ?4, expires_at = ?5`
	expireKeysSQL = `DELETE FROM idempotency_keys WHERE (user_id, key) IN
(SELECT user_id, key FROM idempotency_keys WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)`
)

// replay returns what an earlier write with the key of w left, if there is one.
func replay(q *statements, owner docket.UserID, w docket.Write) (written docket.Written, err error) {
	var fingerprint, result []byte
	switch err := q.findKey.QueryRow(string(owner), w.Key.Text, w.Now.UnixMicro()).Scan(&fingerprint, &result); {
	case errors.Is(err, sql.ErrNoRows):
		return written, nil
	case err != nil:
		return written, err
	}
	if err := w.Key.CheckRetry(fingerprint); err != nil {
		return written, err
	}
	written.Replayed = true
	written.Tasks, err = docket.DecodeResult(result)
	return written, err
}

// keep stores what the write left, for its repetitions.
func keep(q *statements, owner docket.UserID, w docket.Write, tasks []docket.Task) error {
	result, err := docket.EncodeResult(tasks)
	if err != nil {
		return err
	}
	return exec(q.keepKey, string(owner), w.Key.Text, w.Key.Fingerprint[:], result, w.Now.Add(docket.KeyLifetime).UnixMicro())
}

// ExpireKeys implements docket.Store.
func (s *Store) ExpireKeys(ctx context.Context, now time.Time, limit int) (int, error) {
	var n int64
	err := s.writer.do(ctx, 1, func(q *statements) error {
		done, err := q.expireKeys.ExecContext(context.Background(), now.UnixMicro(), limit)
		if err == nil {
			n, err = done.RowsAffected()
		}
		return err
	})
	return int(n), err
}

// flights knows which keyed writes are waiting or running. Their order is the
// writer's matter; this only tells a wait for the same request from any other.
type flights struct {
	mu sync.Mutex
	n  map[flight]int
}

type flight struct {
	owner docket.UserID
	key   string
}

// begin notes a write with a key until the returned function is called.
func (f *flights) begin(owner docket.UserID, key *docket.Key) (end func()) {
	id := flight{owner, key.Text}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.n == nil {
		f.n = map[flight]int{}
	}
	f.n[id]++
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.n[id]--
		if f.n[id] == 0 {
			delete(f.n, id)
		}
	}
}

// others reports whether there is more than one write with the key.
func (f *flights) others(owner docket.UserID, key *docket.Key) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.n[flight{owner, key.Text}] > 1
}
