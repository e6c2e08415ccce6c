package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"docket"
	"docket/internal/postgres/dispatch"
	"docket/internal/postgres/pgerror"
)

// keyedWrite holds the arguments of the statements about the key of a write.
type keyedWrite struct {
	owner  docket.UserID
	write  *docket.Write
	result []byte
	kept   int64 // the sum of size of the owner's keys
}

var keyParameters = parameters[keyedWrite]{
	"user_id":     func(k keyedWrite) any { return string(k.owner) },
	"key":         func(k keyedWrite) any { return k.write.Key.Text },
	"fingerprint": func(k keyedWrite) any { return k.write.Key.Fingerprint[:] },
	"expires_at":  func(k keyedWrite) any { return k.write.Now.Add(docket.KeyLifetime) },
	"result":      func(k keyedWrite) any { return k.result },
	"size":        func(k keyedWrite) any { return len(k.result) },
	"kept":        func(k keyedWrite) any { return k.kept },
}

var (
	// claimKeySQL waits for another transaction that has claimed the same key. It
	// returns the key as it is then: one without a result is ours. A key that has
	// expired replays too, until it is removed.
	claimKeySQL = keyParameters.compile(`INSERT INTO docket.idempotency_keys AS k (user_id, key, fingerprint, expires_at) VALUES (@user_id, @key, @fingerprint, @expires_at)
ON CONFLICT (user_id, key) DO UPDATE SET fingerprint = k.fingerprint RETURNING k.fingerprint, k.result`)

	// guardKeySQL fails when the key has a result, and so do the statements that were
	// sent after it. A CASE of constants would fail when it is planned.
	guardKeySQL = keyParameters.compile(`SELECT (CASE WHEN EXISTS (SELECT 1 FROM docket.idempotency_keys AS k WHERE k.user_id = @user_id AND k.key = @key AND k.result IS NOT NULL)
  THEN 'docket replays a write, which is no fault' ELSE '0' END)::integer`)

	confirmKeySQL = keyParameters.compile("UPDATE docket.idempotency_keys AS k SET fingerprint = k.fingerprint WHERE k.user_id = @user_id AND k.key = @key")

	// keptSQL runs after the operations, hence with the owner's lock held.
	keptSQL = keyParameters.compile("SELECT x.kept FROM docket.owners AS x WHERE x.user_id = @user_id")

	// countKeptSQL counts exactly. kept is too high after a program before schema 4 has
	// removed keys.
	countKeptSQL = keyParameters.compile("SELECT coalesce(sum(k.size), 0) FROM docket.idempotency_keys AS k WHERE k.user_id = @user_id")

	keepKeySQL = keyParameters.compile(`WITH kept AS (
  UPDATE docket.idempotency_keys AS k SET result = @result, size = @size::integer WHERE k.user_id = @user_id AND k.key = @key)
UPDATE docket.owners AS x SET kept = @kept::bigint WHERE x.user_id = @user_id`)
)

// claim reads the answer to claimKeySQL. When the key is taken it returns the
// result of the write that took it.
func claim(answers pgx.BatchResults, key *docket.Key) (written docket.Written, err error) {
	var fingerprint, result []byte
	rows, err := answers.Query()
	if err == nil {
		err = dispatch.ScanOne(rows, &fingerprint, &result)
	}
	if pgerror.Code(err) == pgerror.QueryCanceled {
		return written, docket.InFlight()
	}
	if err != nil {
		return written, err
	}
	if err := key.CheckRetry(fingerprint); err != nil || result == nil {
		return written, err
	}
	written.Replayed = true
	if written.Tasks, err = docket.DecodeResult(result); err != nil {
		err = pgerror.BadResult(err)
	}
	return written, err
}

// keep sets the result of the write, and adds its size to kept. The error is of kind
// KeptFull when that is too much. It does nothing for a write without a key.
func (k *keyedWrite) keep(ctx context.Context, conn *pgx.Conn, tasks []docket.Task) (err error) {
	if k.write.Key == nil {
		return nil
	}
	if k.result, err = docket.EncodeResult(tasks); err != nil {
		return pgerror.BadResult(err)
	}
	size := int64(len(k.result))
	if k.kept+size > docket.MaxKeptBytes {
		if err := conn.QueryRow(ctx, countKeptSQL.sql, countKeptSQL.args(*k)...).Scan(&k.kept); err != nil {
			return err
		}
	}
	if k.kept += size; k.kept > docket.MaxKeptBytes {
		return docket.NoRoomToKeep()
	}
	return nil
}
