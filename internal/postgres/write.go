package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"docket"
)

// keyedWrite holds the arguments of the statements about the key of a write.
type keyedWrite struct {
	owner  docket.UserID
	write  *docket.Write
	result []byte // of keepKeySQL
}

var keyParameters = parameters[keyedWrite]{
	"user_id":     func(k keyedWrite) any { return string(k.owner) },
	"key":         func(k keyedWrite) any { return k.write.Key.Text },
	"fingerprint": func(k keyedWrite) any { return k.write.Key.Fingerprint[:] },
	"now":         func(k keyedWrite) any { return k.write.Now },
	"expires_at":  func(k keyedWrite) any { return k.write.Now.Add(docket.KeyLifetime) },
	"result":      func(k keyedWrite) any { return k.result },
}

var (
	// claimKeySQL waits for another transaction that has claimed the same key. It
	// returns the key as it is then: one without a result is ours, new or expired.
	claimKeySQL = keyParameters.compile(`INSERT INTO docket.idempotency_keys AS k (user_id, key, fingerprint, expires_at) VALUES (@user_id, @key, @fingerprint, @expires_at)
ON CONFLICT (user_id, key) DO UPDATE SET
  fingerprint = CASE WHEN k.expires_at > @now THEN k.fingerprint ELSE excluded.fingerprint END,
  result = CASE WHEN k.expires_at > @now THEN k.result END,
  expires_at = CASE WHEN k.expires_at > @now THEN k.expires_at ELSE excluded.expires_at END
RETURNING k.fingerprint, k.result`)

	// guardKeySQL fails when the key has a result, and so do the statements that were
	// sent after it. A CASE of constants would fail when it is planned.
	guardKeySQL = keyParameters.compile(`SELECT (CASE WHEN EXISTS (SELECT 1 FROM docket.idempotency_keys AS k WHERE k.user_id = @user_id AND k.key = @key AND k.result IS NOT NULL)
  THEN 'docket replays a write, which is no fault' ELSE '0' END)::integer`)

	keepKeySQL = keyParameters.compile(`UPDATE docket.idempotency_keys AS k SET result = @result WHERE k.user_id = @user_id AND k.key = @key`)
)

// expiry holds the arguments of expireKeysSQL.
type expiry struct {
	now   time.Time
	limit int
}

// expireKeysSQL spans all users. It compares the time once more, because a key may
// be claimed again while the statement waits for its row.
var expireKeysSQL = parameters[expiry]{
	"now":   func(e expiry) any { return e.now },
	"limit": func(e expiry) any { return e.limit },
}.compile(`DELETE FROM docket.idempotency_keys AS k WHERE k.expires_at <= @now AND (k.user_id, k.key) IN
  (SELECT e.user_id, e.key FROM docket.idempotency_keys AS e WHERE e.expires_at <= @now ORDER BY e.expires_at LIMIT @limit)`)

// lockTimeoutSQL bounds each wait of a keyed write for a lock.
var lockTimeoutSQL = fmt.Sprintf("SET LOCAL lock_timeout = %d", acquireTimeout.Milliseconds())

// Write implements docket.Store. One operation without a key is one statement.
// Every other write is one transaction of two round trips: the first begins the
// transaction, claims the key and runs the operations, the second keeps the result
// and commits. No operation runs when the key is taken.
func (s *Store) Write(ctx context.Context, owner docket.UserID, w docket.Write) (written docket.Written, err error) {
	if len(w.Operations) > 1 || w.Key != nil {
		return s.writeTogether(ctx, owner, w)
	}
	r, tasks := requestFor(owner, &w, &w.Operations[0]), make([]docket.Task, 1)
	err = s.together(ctx, s.lanes.of(owner), &call{
		owner: owner, sql: r.sql, args: r.args,
		read: func(rows pgx.Rows) error { return scanOne(rows, r.dest...) },
		outcome: func(err error) (failed error) {
			tasks[0], failed = r.result(0, err)
			return failed
		},
	})
	if err != nil {
		return docket.Written{}, err
	}
	return docket.Written{Tasks: tasks}, nil
}

// writeTogether is Write as a transaction. With a key, it is tried again also when
// its outcome is unknown: if it was committed, the key has a result.
func (s *Store) writeTogether(ctx context.Context, owner docket.UserID, w docket.Write) (written docket.Written, err error) {
	var unknown error // of an attempt that may have been committed
	again := func(err error) bool {
		_, open := errors.AsType[*unsettled](err)
		return safeToRepeat(err) || open && w.Key != nil
	}
	err = s.writeWhile(ctx, ctx, again, func(ctx context.Context, conn *pgx.Conn) (err error) {
		written, err = attemptTogether(ctx, conn, owner, &w)
		if _, open := errors.AsType[*unsettled](err); open {
			unknown = err
		}
		return err
	})
	switch kind := docket.KindOf(err); {
	case err == nil:
		return written, nil
	case unknown != nil && (kind == docket.Unavailable || kind == docket.KeyInFlight || kind == docket.Internal):
		err = translate(unknown)
	}
	return docket.Written{}, err
}

func attemptTogether(ctx context.Context, conn *pgx.Conn, owner docket.UserID, w *docket.Write) (docket.Written, error) {
	written, err := begin(ctx, conn, owner, w)
	if err == nil && !written.Replayed {
		return written, commit(ctx, conn, owner, w, written.Tasks)
	}
	// When this fails the connection is closed, which rolls back too.
	_, _ = conn.Exec(ctx, "ROLLBACK")
	return written, err
}

// begin starts the transaction of a write, claims its key and runs its operations.
// After an error, and when the write is replayed, the caller rolls back.
func begin(ctx context.Context, conn *pgx.Conn, owner docket.UserID, w *docket.Write) (written docket.Written, err error) {
	batch := &pgx.Batch{}
	batch.Queue("BEGIN")
	if w.Key != nil {
		batch.Queue(lockTimeoutSQL)
		k := keyedWrite{owner: owner, write: w}
		batch.Queue(claimKeySQL.sql, claimKeySQL.args(k)...)
		batch.Queue(guardKeySQL.sql, guardKeySQL.args(k)...)
	}
	requests := make([]*request, len(w.Operations))
	for i := range requests {
		requests[i] = requestFor(owner, w, &w.Operations[i])
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
		if _, err := answers.Exec(); err != nil { // the answer to guardKeySQL
			return written, err
		}
	}
	written.Tasks = make([]docket.Task, len(requests))
	for i, r := range requests {
		rows, err := answers.Query()
		if err != nil {
			return written, err
		}
		if written.Tasks[i], err = r.result(i, scanOne(rows, r.dest...)); err != nil {
			return written, err
		}
	}
	return written, nil
}

// claim reads the answers to lockTimeoutSQL and claimKeySQL. When the key is taken
// it returns the result of the write that took it.
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

// commit keeps the result of a write with a key, and commits.
func commit(ctx context.Context, conn *pgx.Conn, owner docket.UserID, w *docket.Write, tasks []docket.Task) error {
	batch := &pgx.Batch{}
	if w.Key != nil {
		result, err := docket.EncodeResult(tasks)
		if err != nil {
			return err
		}
		batch.Queue(keepKeySQL.sql, keepKeySQL.args(keyedWrite{owner, w, result})...)
	}
	batch.Queue("COMMIT")
	return settle(conn.SendBatch(ctx, batch).Close(), true)
}

// ExpireKeys implements docket.Store.
func (s *Store) ExpireKeys(ctx context.Context, now time.Time, limit int) (n int, err error) {
	// The caller's context ends the statement: nobody waits for maintenance.
	err = s.run(ctx, ctx, safeToRepeat, func(ctx context.Context, conn *pgx.Conn) error {
		tag, err := conn.Exec(ctx, expireKeysSQL.sql, expireKeysSQL.args(expiry{now, limit})...)
		n = int(tag.RowsAffected())
		return err
	})
	return n, err
}
