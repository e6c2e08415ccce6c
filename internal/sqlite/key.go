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
	// keepKeySQL replaces a key that has expired.
	keepKeySQL = `INSERT INTO idempotency_keys (user_id, key, fingerprint, result, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (user_id, key) DO UPDATE SET fingerprint = ?3, result = ?4, expires_at = ?5`
	expireKeysSQL = `DELETE FROM idempotency_keys WHERE (user_id, key) IN
(SELECT user_id, key FROM idempotency_keys WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)`
)

// replay returns the result of an earlier write with the key of w, if there is one.
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

// keep stores the result of w for its repetitions.
func keep(q *statements, owner docket.UserID, w docket.Write, tasks []docket.Task) error {
	result, err := docket.EncodeResult(tasks)
	if err != nil {
		return err
	}
	return exec(q.keepKey, string(owner), w.Key.Text, w.Key.Fingerprint[:], result, w.Now.Add(docket.KeyLifetime).UnixMicro())
}

// ExpireKeys implements docket.Store.
func (s *Store) ExpireKeys(ctx context.Context, now time.Time, limit int) (n int, err error) {
	err = s.writer.do(ctx, 1, func(q *statements) error {
		n, err = removed(q.expireKeys, now.UnixMicro(), limit)
		return err
	})
	return n, err
}

// inFlightKeys counts the keyed writes that wait or run. Only the writer decides
// their order; the counts tell a wait for the same key from any other wait.
type inFlightKeys struct {
	mu     sync.Mutex
	writes map[ownedKey]int
}

type ownedKey struct {
	owner docket.UserID
	text  string
}

// begin counts a write with a key until end is called.
func (k *inFlightKeys) begin(owner docket.UserID, key *docket.Key) (end func()) {
	id := ownedKey{owner, key.Text}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.writes == nil {
		k.writes = map[ownedKey]int{}
	}
	k.writes[id]++
	return func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		if k.writes[id]--; k.writes[id] == 0 {
			delete(k.writes, id)
		}
	}
}

// others reports whether more than one write has the key.
func (k *inFlightKeys) others(owner docket.UserID, key *docket.Key) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.writes[ownedKey{owner, key.Text}] > 1
}
