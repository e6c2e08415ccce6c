package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"docket"
)

const (
	// claimKeySQL waits for another transaction that has claimed the same key. It
	// returns the key as it is then: without a result it is ours, be it new or
	// expired.
	claimKeySQL = `INSERT INTO docket.idempotency_keys AS k (user_id, key, fingerprint, expires_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (user_id, key) DO UPDATE SET
  fingerprint = CASE WHEN k.expires_at > $5 THEN k.fingerprint ELSE excluded.fingerprint END,
  result = CASE WHEN k.expires_at > $5 THEN k.result END,
  expires_at = CASE WHEN k.expires_at > $5 THEN k.expires_at ELSE excluded.expires_at END
RETURNING k.fingerprint, k.result`
	// guardKeySQL fails, and with it what was sent behind it, when the key has a
	// result. A CASE of constants would fail before it is run.
	guardKeySQL = `SELECT (CASE WHEN EXISTS (SELECT 1 FROM docket.idempotency_keys AS k WHERE k.user_id = $1 AND k.key = $2 AND k.result IS NOT NULL)
  THEN 'docket replays a write, which is no fault' ELSE '0' END)::integer`
	keepKeySQL = `UPDATE docket.idempotency_keys AS k SET result = $3 WHERE k.user_id = $1 AND k.key = $2`

	// expireKeysSQL is of all users. It looks at the time once more, for a key may
	// have been claimed anew while it waited for it.
	expireKeysSQL = `DELETE FROM docket.idempotency_keys AS k WHERE k.expires_at <= $1 AND (k.user_id, k.key) IN
  (SELECT e.user_id, e.key FROM docket.idempotency_keys AS e WHERE e.expires_at <= $1 ORDER BY e.expires_at LIMIT $2)`
)

// lockTimeoutSQL bounds the waits of a keyed write for others, acquireTimeout in all.
var lockTimeoutSQL = fmt.Sprintf("SET LOCAL lock_timeout = %d", acquireTimeout.Milliseconds())

// Write implements docket.Store. One operation without a key is one statement.
// Everything else is one transaction of two round trips: the first begins it,
// claims the key and carries out the operations, the second keeps the result
// and commits. When the key turns out to be taken, the operations are not begun.
func (s *Store) Write(ctx context.Context, owner docket.UserID, w docket.Write) (written docket.Written, err error) {
	if len(w.Operations) > 1 || w.Key != nil {
		return s.writeTogether(ctx, owner, w)
	}
	r, tasks := requestFor(owner, w, w.Operations[0]), make([]docket.Task, 1)
	err = s.batch(ctx, s.batchers.writesOf(owner), &call{
		owner: owner, sql: r.sql, args: r.args,
		read: func(rows pgx.Rows) error { return scanOne(rows, r.dest...) },
		outcome: func(err error) (failed error) {
			tasks[0], failed = r.result(w, 0, err)
			return failed
		},
	})
	if err != nil {
		return docket.Written{}, err
	}
	return docket.Written{Tasks: tasks}, nil
}

// writeTogether is Write as a transaction. With a key it is also tried again
// when nobody knows whether it was committed: if it was, the key shows it.
func (s *Store) writeTogether(ctx context.Context, owner docket.UserID, w docket.Write) (written docket.Written, err error) {
	var doubt error // of an attempt that may have been committed
	p := writing
	if w.Key != nil {
		p = writingKeyed
	}
	err = s.run(ctx, p, func(ctx context.Context, conn *pgx.Conn) (err error) {
		written, err = attemptTogether(ctx, conn, owner, w)
		if classify(err) == unknown {
			doubt = err
		}
		return err
	})
	switch kind := docket.KindOf(err); {
	case err == nil:
		return written, nil
	case doubt != nil && (kind == docket.Unavailable || kind == docket.KeyInFlight || kind == docket.Internal):
		err = translate(doubt)
	}
	return docket.Written{}, err
}

func attemptTogether(ctx context.Context, conn *pgx.Conn, owner docket.UserID, w docket.Write) (docket.Written, error) {
	written, err := begin(ctx, conn, owner, w)
	if err == nil && !written.Replayed {
		return written, commit(ctx, conn, owner, w, written.Tasks)
	}
	// When this fails the connection is given up, which comes to the same.
	_, _ = conn.Exec(ctx, "ROLLBACK")
	return written, err
}

// begin starts the transaction of a write, claims its key and carries out its
// operations. After an error, and when the key was taken, the transaction has
// to be rolled back.
func begin(ctx context.Context, conn *pgx.Conn, owner docket.UserID, w docket.Write) (written docket.Written, err error) {
	batch := &pgx.Batch{}
	batch.Queue("BEGIN")
	if w.Key != nil {
		batch.Queue(lockTimeoutSQL)
		batch.Queue(claimKeySQL, string(owner), w.Key.Text, w.Key.Fingerprint[:], w.Now.Add(docket.KeyLifetime), w.Now)
		batch.Queue(guardKeySQL, string(owner), w.Key.Text)
	}
	requests := make([]*request, len(w.Operations))
	for i := range requests {
		requests[i] = requestFor(owner, w, w.Operations[i])
		batch.Queue(requests[i].sql, requests[i].args...)
	}
	answers := conn.SendBatch(ctx, batch)
	defer func() {
		if closed := answers.Close(); err == nil && !written.Replayed {
			err = closed
		}
	}()
	if _, err := answers.Exec(); err != nil {
		return written, err
	}
	if w.Key != nil {
		if written, err = claim(answers, w.Key); err != nil || written.Replayed {
			return written, err
		}
		if _, err := answers.Exec(); err != nil { // of guardKeySQL
			return written, err
		}
	}
	written.Tasks = make([]docket.Task, len(requests))
	for i, r := range requests {
		rows, err := answers.Query()
		if err != nil {
			return written, err
		}
		if written.Tasks[i], err = r.result(w, i, scanOne(rows, r.dest...)); err != nil {
			return written, err
		}
	}
	return written, nil
}

// claim reads the answers to lockTimeoutSQL and claimKeySQL. When the key was
// taken it returns what the write that took it came to.
func claim(answers pgx.BatchResults, key *docket.Key) (written docket.Written, err error) {
	if _, err := answers.Exec(); err != nil {
		return written, err
	}
	var fingerprint, result []byte
	rows, err := answers.Query()
	if err == nil {
		err = scanOne(rows, &fingerprint, &result)
	}
	if sqlState(err) == lockNotAvailable {
		return written, docket.InFlight()
	}
	if err != nil {
		return written, err
	}
	if err := key.CheckRetry(fingerprint); err != nil || result == nil {
		return written, err
	}
	written.Replayed = true
	written.Tasks, err = docket.DecodeResult(result)
	return written, err
}

// commit keeps the result of a write with a key and ends the transaction.
func commit(ctx context.Context, conn *pgx.Conn, owner docket.UserID, w docket.Write, tasks []docket.Task) error {
	batch := &pgx.Batch{}
	if w.Key != nil {
		result, err := docket.EncodeResult(tasks)
		if err != nil {
			return err
		}
		batch.Queue(keepKeySQL, string(owner), w.Key.Text, result)
	}
	batch.Queue("COMMIT")
	return afterSend(conn.SendBatch(ctx, batch).Close(), true)
}

// ExpireKeys implements docket.Store.
func (s *Store) ExpireKeys(ctx context.Context, now time.Time, limit int) (n int, err error) {
	err = s.run(ctx, maintaining, func(ctx context.Context, conn *pgx.Conn) error {
		tag, err := conn.Exec(ctx, expireKeysSQL, now, limit)
		n = int(tag.RowsAffected())
		return err
	})
	return n, err
}
