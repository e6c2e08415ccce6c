package sqlite

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"docket"
)

const (
	findKeySQL = "SELECT fingerprint FROM idempotency_keys WHERE user_id = ?1 AND key = ?2"
	resultSQL  = "SELECT fingerprint, result FROM idempotency_keys WHERE user_id = ?1 AND key = ?2"
	keptSQL    = "SELECT kept FROM owners WHERE user_id = ?1"
	// raiseKeptSQL changes nothing when more than ?3 bytes would be kept.
	raiseKeptSQL = "UPDATE owners SET kept = kept + ?2 WHERE user_id = ?1 AND kept + ?2 <= ?3"
	keepKeySQL   = "INSERT INTO idempotency_keys (user_id, key, fingerprint, result, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)"
)

// errKept ends a write whose key has a result.
var errKept = errors.New("sqlite: the key has a result")

// checkKey returns errKept when the key of w has a result. The error is of kind Invalid
// when the result is another request's.
func checkKey(q *statements, owner docket.UserID, w docket.Write) error {
	var fingerprint []byte
	s := q.Stmt(findKeySQL)
	found, err := s.Text(string(owner)).Text(w.Key.Text).Row(func() { fingerprint = s.BytesAt(0) })
	if err != nil || !found {
		return err
	}
	if err := w.Key.CheckRetry(fingerprint); err != nil {
		return err
	}
	return errKept
}

// replay returns the result that is kept under a key. It reads and decodes it outside
// the writer, which has found the key. It returns false when the key has been removed
// since.
func (s *Store) replay(ctx context.Context, owner docket.UserID, key *docket.Key) (written docket.Written, found bool, err error) {
	var fingerprint, result []byte
	err = s.readers.use(ctx, func(r *reader) (err error) {
		s := r.conn.Stmt(resultSQL)
		found, err = s.Text(string(owner)).Text(key.Text).Row(func() { fingerprint, result = s.BytesAt(0), s.BytesAt(1) })
		return err
	})
	if err == nil && found {
		err = key.CheckRetry(fingerprint)
	}
	if err != nil || !found {
		return written, false, err
	}
	written.Tasks, err = docket.DecodeResult(result)
	if err != nil {
		return written, false, fmt.Errorf("sqlite: the result that is kept under a key cannot be read: %w", err)
	}
	written.Replayed = true
	return written, true, nil
}

// checkRoom refuses a write whose result will hardly find room, before the writer has
// the work of carrying it out. The texts of a write are in its result, where a quarter
// of their size is little.
func checkRoom(q *statements, owner docket.UserID, w docket.Write) error {
	var kept, texts int
	for i := range w.Operations {
		o := &w.Operations[i]
		for _, text := range []*string{&o.New.Title, o.New.Description, &o.Update.Title.Value, o.Update.Description.Value} {
			if text != nil {
				texts += len(*text)
			}
		}
	}
	s := q.Stmt(keptSQL)
	_, err := s.Text(string(owner)).Row(func() { kept = s.IntAt(0) })
	if err == nil && kept+texts/4 > docket.MaxKeptBytes {
		err = docket.NoRoomToKeep()
	}
	return err
}

// keep stores the result of w for its repetitions.
func keep(q *statements, owner docket.UserID, w docket.Write, tasks []docket.Task) error {
	result, err := docket.EncodeResult(tasks)
	if err != nil {
		return err
	}
	raised, err := q.Stmt(raiseKeptSQL).Text(string(owner)).Num(int64(len(result))).Num(docket.MaxKeptBytes).Changes()
	if err == nil && raised == 0 {
		err = docket.NoRoomToKeep()
	}
	if err != nil {
		return err
	}
	return q.Stmt(keepKeySQL).Text(string(owner)).Text(w.Key.Text).Blob(w.Key.Fingerprint[:]).Blob(result).Moment(w.Now.Add(docket.KeyLifetime)).Exec()
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
		k.writes[id]--
		if k.writes[id] == 0 {
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
