package dispatch

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"docket/internal/postgres/pgerror"
)

const (
	readWidth     = 2 // groups of reads of a task in flight, at least
	pageWidth     = 3 // groups of pages in flight
	writeBatchers = 4 // with one group in flight each
)

// Bound is the statement with which a group bounds its own time, or "". After that
// time each call goes alone.
type Bound string

const (
	// writesFirstSQL bounds how long a group waits for a user who is locked elsewhere.
	writesFirstSQL Bound = `SELECT set_config('lock_timeout', '200ms', true)`
	// pagesFirstSQL bounds a page that takes long to find.
	pagesFirstSQL Bound = `SELECT set_config('statement_timeout', '200ms', true)`
)

// widthAt returns how many groups of reads may be in flight. Near the database
// more would only be smaller. Far from it a group leaves about every 2 ms, on up
// to half of the connections, so that no read waits for long.
func widthAt(distance time.Duration, conns int) int {
	return readWidth + max(0, min(int(distance/(2*time.Millisecond)), conns/2-readWidth))
}

// errAlone says that a call has to go alone: it has no place in a group for now, or
// its group has committed nothing, perhaps because of another call.
var errAlone = errors.New("postgres: the statement has to go alone")

// ErrApart is the error of a call that Part.Merge has made, when its parts cannot be
// carried out together. The error of one of them shows when each is sent by itself.
var ErrApart = errors.New("postgres: the tasks of a bulk cannot be made together")

// errAbandoned is the cause of Batcher.abandoned.
var errAbandoned = errors.New("postgres: another request, which sent this statement in a group, has panicked")

// Batch runs c in a group of b, or alone where that is needed and, while the
// database is in trouble, because the error of one statement then says more. One
// limit bounds the waits in the queue and for a connection together.
func (d *Dispatcher) Batch(ctx context.Context, b *Batcher, c *Call) error {
	if d.noBatching || d.Troubled() {
		return d.Alone(ctx, b.policy, b, c)
	}
	acquire, cancel := context.WithTimeoutCause(ctx, d.Limits.Acquire, pgerror.ErrAcquire)
	defer cancel()
	defer b.remove(c)
	err := d.submit(acquire, b, c)
	if errors.Is(err, ErrApart) {
		c.Part = nil
		err = d.submit(acquire, b, c)
	}
	switch {
	case errors.Is(err, errAlone):
		return d.repeatAlone(acquire, ctx, b.policy, b, c)
	case err == nil, errors.Is(err, pgx.ErrNoRows):
		return c.Outcome(err)
	}
	return err
}

// Alone runs c by itself, as the policy says and with the outcome that b would give it.
func (d *Dispatcher) Alone(ctx context.Context, p Policy, b *Batcher, c *Call) error {
	return d.repeatAlone(ctx, ctx, p, b, c)
}

// repeatAlone is Alone with a context of its own for the waits.
func (d *Dispatcher) repeatAlone(acquire, ctx context.Context, p Policy, b *Batcher, c *Call) error {
	return d.repeat(acquire, ctx, p, func(ctx context.Context, conn *pgx.Conn) error {
		if !b.worded {
			return c.Outcome(one(ctx, conn, b, c))
		}
		if err := b.exchange(ctx, conn, []*Call{c}, ""); err != nil {
			return c.Outcome(err)
		}
		return c.Outcome(c.err)
	})
}

// one runs the statement of a call. It returns pgx.ErrNoRows when there was no
// row where one was looked for.
func one(ctx context.Context, conn *pgx.Conn, b *Batcher, c *Call) error {
	rows, err := conn.Query(ctx, c.SQL, c.Args...)
	completed := false
	if err == nil {
		completed, err = c.collect(&isolatedRows{rows})
	}
	return b.sent(err, completed)
}

// submit returns the error of c once its group has ended, or errAlone.
func (d *Dispatcher) submit(acquire context.Context, b *Batcher, c *Call) (err error) {
	joined := b.add(c)
	if joined == detached {
		return errAlone
	}
	span := startSpan(acquire, "statement", c.SQL)
	defer func() { endSpan(span, err) }()
	if joined == queued {
		select {
		case <-c.lead:
		case <-c.end:
			return c.err
		case <-acquire.Done():
			if b.withdraw(c) {
				return acquireError(acquire, acquire.Err())
			}
			<-c.end
			return c.err
		}
	}
	return d.leadGroup(acquire, b, c)
}

// leadGroup sends the next group, c and what is queued by then, and returns the
// error of c. However it ends, each call of the group ends, and the lead and the
// connection are passed on.
func (d *Dispatcher) leadGroup(acquire context.Context, b *Batcher, c *Call) error {
	conn, err := d.acquire(acquire, b.policy)
	if err != nil {
		if acquire.Err() != nil {
			return acquireError(acquire, err)
		}
		b.finish([]*Call{c}, errAlone)
		return errAlone
	}
	group, verdict := b.take(c), errAlone
	defer func() { b.finish(group, verdict) }()
	defer func() { d.release(conn, err) }()
	b.groups.Add(1)
	b.calls.Add(int64(len(group)))
	// The time limit is the group's own: no request may end what it shares with others.
	ctx, cancel := context.WithTimeout(context.Background(), d.Limits.Statement)
	defer cancel()
	calls := b.arrange(group)
	verdict = b.abandoned
	err = b.exchange(ctx, conn.Conn(), calls, b.bound)
	d.note(err)
	verdict = b.verdict(err)
	if verdict != nil {
		return verdict
	}
	return c.err
}

// arrange returns the calls to send for a group. Writes are in the order of their users,
// so that the groups of all processes take their locks in the same order.
func (b *Batcher) arrange(group []*Call) []*Call {
	if !b.policy.write {
		return group
	}
	slices.SortStableFunc(group, func(a, b *Call) int { return strings.Compare(string(a.Owner), string(b.Owner)) })
	return merge(group)
}

// merge makes one call of those that follow each other in a group, are of one owner, and
// whose parts can be carried out together.
func merge(group []*Call) []*Call {
	calls := make([]*Call, 0, len(group))
	for len(group) > 0 {
		c, n := group[0], 1
		for n < len(group) && c.mergesWith(group[n]) {
			n++
		}
		if n > 1 {
			c = asOne(group[:n])
		}
		calls, group = append(calls, c), group[n:]
	}
	return calls
}

func (c *Call) mergesWith(other *Call) bool {
	return c.Part != nil && other.Part != nil && c.Owner == other.Owner && c.Part.MergesWith(other.Part)
}

// asOne returns the call that carries out the parts of members.
func asOne(members []*Call) *Call {
	parts := make([]Part, len(members))
	for i, m := range members {
		parts[i] = m.Part
	}
	c := parts[0].Merge(parts)
	c.members = members
	return c
}

// build returns the statements of a group, and how many come before those of the calls.
func (b *Batcher) build(calls []*Call, l Bound) (batch *pgx.Batch, before int) {
	queries := make([]pgx.QueuedQuery, 0, len(calls)+4)
	for _, sql := range b.before(l) {
		queries = append(queries, pgx.QueuedQuery{SQL: sql})
	}
	before = len(queries)
	for _, c := range calls {
		queries = append(queries, pgx.QueuedQuery{SQL: c.SQL, Arguments: c.Args})
	}
	if b.worded {
		queries = append(queries, pgx.QueuedQuery{SQL: "COMMIT"})
	}
	batch = &pgx.Batch{QueuedQueries: make([]*pgx.QueuedQuery, len(queries))}
	for i := range queries {
		batch.QueuedQueries[i] = &queries[i]
	}
	return batch, before
}

// before returns the statements before those of the calls.
func (b *Batcher) before(l Bound) []string {
	switch {
	case b.worded && l != "":
		return wordedBegin
	case b.worded:
		return wordedBegin[:1]
	case l != "":
		return []string{string(l)}
	}
	return nil
}

// exchange runs a group as one transaction in one round trip, bounded by l, and gives
// each call its rows. Unless it returns nil the errors of the calls mean nothing.
func (b *Batcher) exchange(ctx context.Context, conn *pgx.Conn, calls []*Call, l Bound) error {
	batch, before := b.build(calls, l)
	results := conn.SendBatch(ctx, batch)
	completed := true
	for range before {
		_, err := results.Exec()
		completed = completed && err == nil
	}
	isolated := new(isolatedRows)
	for _, c := range calls {
		var done bool
		isolated.Rows, c.err = results.Query() //nolint:gocritic // collect closes the rows
		if c.err == nil {
			done, c.err = c.collect(isolated)
		}
		completed = completed && done
		for _, m := range c.members {
			m.err = c.err
		}
	}
	if b.worded {
		return pgerror.Replicated(conn, concludeWorded(conn, results, completed))
	}
	return pgerror.Replicated(conn, b.sent(results.Close(), completed))
}

// sent marks an error of a statement as one after which a write may have been
// committed. completed says that the server had reported the statement as run.
func (b *Batcher) sent(err error, completed bool) error {
	if !b.policy.write {
		return err
	}
	return pgerror.AfterSend(err, completed)
}

// verdict returns the error of every call of a group that failed with err: it is
// errAlone when nothing was committed and each may fare better by itself.
func (b *Batcher) verdict(err error) error {
	switch {
	case err == nil:
		return nil
	case pgerror.Classify(err) == pgerror.Unknown, pgconn.Timeout(err), pgerror.Code(err) == pgerror.QueryCanceled && b.bound != pagesFirstSQL:
		return pgerror.Translate(err)
	}
	return errAlone
}

// collect has c read its rows, which it closes, and reports whether the server
// completed the statement. An error that c has made of rows that were fine is a
// pgerror.BadResult.
func (c *Call) collect(rows *isolatedRows) (completed bool, err error) {
	err = c.readRecovered(rows)
	rows.Close()
	switch failed := rows.Err(); {
	case failed != nil:
		err = failed
	case err != nil && !errors.Is(err, pgx.ErrNoRows) && !pgerror.IsBadResult(err):
		err = pgerror.BadResult(err)
	}
	return rows.CommandTag().String() != "", err
}

// readRecovered turns a panic into an error, for the goroutine is perhaps that of
// another request.
func (c *Call) readRecovered(rows pgx.Rows) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return c.Read(rows)
}
