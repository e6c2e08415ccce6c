package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"docket"
	"docket/internal/postgres/dispatch"
	"docket/internal/postgres/pgerror"
)

// Write implements docket.Store. One operation without a key is one statement.
// Every other write is one transaction of two round trips: the first begins the
// transaction, claims the key and runs the operations, the second keeps the result
// and commits. No operation runs when the key is taken. A delete that would exceed
// the bound of the trash does nothing as one statement, and is then repeated as a
// transaction.
func (s *Store) Write(ctx context.Context, owner docket.UserID, w docket.Write) (written docket.Written, err error) {
	if len(w.Operations) > 1 || w.Key != nil {
		return s.writeTogether(ctx, owner, w)
	}
	r, tasks := s.requestFor(owner, &w, &w.Operations[0], true), make([]docket.Task, 1)
	c := &dispatch.Call{
		Owner: owner, SQL: r.sql, Args: r.args,
		Read: func(rows pgx.Rows) error { return dispatch.ScanOne(rows, r.dest...) },
		Outcome: func(err error) (failed error) {
			tasks[0], failed = r.result(0, err)
			return failed
		},
	}
	if o := w.Operations[0]; o.Action == docket.Create && o.Fresh && !s.distributed {
		c.Part = r
	}
	err = s.db.Batch(ctx, s.db.WritesOf(owner), c)
	switch {
	case err != nil:
		return docket.Written{}, err
	case r.outcome == outcomeCrowded:
		return s.writeTogether(ctx, owner, w)
	}
	return docket.Written{Tasks: tasks}, nil
}

// writeTogether is Write as a transaction. With a key, it is tried again also when
// its outcome is unknown: if it was committed, the key has a result.
func (s *Store) writeTogether(ctx context.Context, owner docket.UserID, w docket.Write) (written docket.Written, err error) {
	var lost error // of an attempt that may have been committed
	p := dispatch.Writing
	if w.Key != nil {
		p = dispatch.WritingKeyed
	}
	err = s.db.Run(ctx, p, func(ctx context.Context, conn *pgx.Conn) (err error) {
		written, err = s.attemptTogether(ctx, conn, owner, &w, true)
		if errors.Is(err, dispatch.ErrApart) {
			written, err = s.attemptTogether(ctx, conn, owner, &w, false)
		}
		if err == nil && written.Replayed && s.synchronous.Load() {
			err = confirm(ctx, conn, keyedWrite{owner: owner, write: &w})
		}
		if pgerror.Classify(err) == pgerror.Unknown {
			lost = err
		}
		return err
	})
	switch kind := docket.KindOf(err); {
	case err == nil:
		written.Replayed = written.Replayed && lost == nil // else an attempt of this write has done it
		return written, nil
	case lost != nil && (kind == docket.Unavailable || kind == docket.KeyInFlight || kind == docket.Internal):
		err = pgerror.Translate(lost)
	}
	return docket.Written{}, err
}

// transaction is one attempt of a write as a transaction.
type transaction struct {
	keyedWrite
	store *Store
	conn  *pgx.Conn
	bulks bool // creates that follow each other are one statement
	steps []step
}

// step reads the answers to the statements of some operations, and returns what
// Written.Tasks holds for them.
type step func(pgx.BatchResults) ([]docket.Task, error)

// attemptTogether runs a write as one transaction. With a key, the first round trip,
// which has all waits for locks, takes no longer than the wait for a connection may. The error is
// dispatch.ErrApart when a bulk could not be made.
func (s *Store) attemptTogether(ctx context.Context, conn *pgx.Conn, owner docket.UserID, w *docket.Write, bulks bool) (docket.Written, error) {
	t := &transaction{keyedWrite: keyedWrite{owner: owner, write: w}, store: s, conn: conn, bulks: bulks}
	written, err := t.begin(ctx)
	if err == nil && !written.Replayed {
		if err = t.keep(ctx, conn, written.Tasks); err == nil {
			return written, t.commit(ctx)
		}
	}
	// When this fails the connection is closed, which rolls back too.
	_, _ = conn.Exec(ctx, "ROLLBACK")
	return written, err
}

// begin starts the transaction, claims the key and runs the operations. After an
// error, and when the write is replayed, the caller rolls back.
func (t *transaction) begin(ctx context.Context) (written docket.Written, err error) {
	keyed := t.write.Key != nil
	if keyed {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, t.store.db.Limits.Acquire)
		defer cancel()
	}
	answers := t.conn.SendBatch(ctx, t.first())
	defer func() {
		if closed := answers.Close(); err == nil && !written.Replayed {
			err = closed
		}
	}()
	if _, err := answers.Exec(); err != nil { // the answer to BEGIN
		return written, err
	}
	if keyed {
		if written, err = claim(answers, t.write.Key); err != nil || written.Replayed {
			return written, err
		}
		if _, err := answers.Exec(); err != nil { // the answer to guardKeySQL
			return written, err
		}
	}
	if written.Tasks, err = t.results(answers); err != nil || !keyed {
		return written, err
	}
	rows, err := answers.Query()
	if err == nil {
		err = dispatch.ScanOne(rows, &t.kept)
	}
	return written, err
}

// first returns the statements of the first round trip.
func (t *transaction) first() *pgx.Batch {
	batch := &pgx.Batch{}
	batch.Queue("BEGIN")
	if t.write.Key != nil {
		batch.Queue(claimKeySQL.sql, claimKeySQL.args(t.keyedWrite)...)
		batch.Queue(guardKeySQL.sql, guardKeySQL.args(t.keyedWrite)...)
	}
	counted := false // the trash, in this transaction
	for i := 0; i < len(t.write.Operations); {
		n := 1
		if t.bulks {
			n = max(n, run(t.write.Operations[i:]))
		}
		if int64(n) > t.write.TaskLimit() {
			n = 1 // at least one of them fails
		}
		if n > 1 {
			t.makeMany(batch, t.write.Operations[i:i+n])
		} else {
			counted = t.operate(batch, i, counted)
		}
		i += n
	}
	if t.write.Key != nil {
		batch.Queue(keptSQL.sql, keptSQL.args(t.keyedWrite)...)
	}
	return batch
}

// makeMany adds the statements of a bulk to the batch. The first returns the version.
func (t *transaction) makeMany(batch *pgx.Batch, creates []docket.Operation) {
	b, s := bulkFor(t.owner, t.write, creates)
	statements := []*statement[*bulk]{s}
	if t.store.distributed {
		statements = createManyOnShardSQL
	}
	for _, s := range statements {
		batch.Queue(s.sql, s.args(b)...)
	}
	t.steps = append(t.steps, func(answers pgx.BatchResults) ([]docket.Task, error) {
		var last int64
		rows, err := answers.Query()
		if err == nil {
			err = dispatch.ScanOne(rows, &last)
		}
		for range statements[1:] {
			if err == nil {
				_, err = answers.Exec()
			}
		}
		return b.result(last, err)
	})
}

// operate adds the statements of the operation at index to the batch. counted says that
// the trash has been counted in this transaction.
func (t *transaction) operate(batch *pgx.Batch, index int, counted bool) bool {
	o := &t.write.Operations[index]
	r := t.store.requestFor(t.owner, t.write, o, false)
	if o.Action == docket.Delete && t.write.MaxTasks > 0 {
		if !counted {
			r.then = append(r.then, countTrashSQL)
		}
		r.then, counted = append(r.then, trimTrashSQL), true
	}
	batch.Queue(r.sql, r.args...)
	for _, st := range r.then {
		batch.Queue(st.sql, st.args(r)...)
	}
	t.steps = append(t.steps, func(answers pgx.BatchResults) ([]docket.Task, error) {
		rows, err := answers.Query()
		if err == nil {
			err = dispatch.ScanOne(rows, r.dest...)
		}
		task, err := r.result(index, err)
		for range r.then {
			if err != nil {
				break
			}
			if _, failed := answers.Exec(); failed != nil {
				task, err = r.result(index, failed)
			}
		}
		return []docket.Task{task}, err
	})
	return counted
}

// results reads the answers to the operations. It returns what Written.Tasks holds.
func (t *transaction) results(answers pgx.BatchResults) ([]docket.Task, error) {
	tasks := make([]docket.Task, 0, len(t.write.Operations))
	for _, read := range t.steps {
		made, err := read(answers)
		if err != nil {
			return nil, err
		}
		tasks = append(tasks, made...)
	}
	return tasks, nil
}

// confirm commits a change of nothing to the key. What is replayed may have been
// committed by a server alone: its connection was lost while it waited for a standby.
// This commit waits for what came before it too.
func confirm(ctx context.Context, conn *pgx.Conn, k keyedWrite) error {
	_, err := conn.Exec(ctx, confirmKeySQL.sql, confirmKeySQL.args(k)...)
	return pgerror.AfterSend(err, true)
}

// commit keeps the result of a write with a key, and commits.
func (t *transaction) commit(ctx context.Context) error {
	batch := &pgx.Batch{}
	if t.write.Key != nil {
		batch.Queue(keepKeySQL.sql, keepKeySQL.args(t.keyedWrite)...)
	}
	batch.Queue("COMMIT")
	return t.store.db.AfterCommit(t.conn.SendBatch(ctx, batch).Close())
}
