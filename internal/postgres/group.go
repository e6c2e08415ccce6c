package postgres

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
)

const (
	readWidth     = 2 // groups of reads of a task in flight, at least
	pageWidth     = 3 // groups of pages in flight
	writeBatchers = 4 // with one group in flight each
)

// bound is the statement with which a group bounds its own time, or "". After that
// time each call goes alone.
type bound string

const (
	// writesFirstSQL bounds how long a group waits for a user who is locked elsewhere.
	writesFirstSQL bound = `SELECT set_config('lock_timeout', '200ms', true)`
	// pagesFirstSQL bounds a page that takes long to find.
	pagesFirstSQL bound = `SELECT set_config('statement_timeout', '200ms', true)`
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

// errApart says that the parts of a call, of which another made it, cannot be carried
// out together. The error of one of them shows when each is sent by itself.
var errApart = errors.New("postgres: the tasks of a bulk cannot be made together")

// errAbandoned is the cause of batcher.abandoned.
var errAbandoned = errors.New("postgres: another request, which sent this statement in a group, has panicked")

// batch runs c in a group of b, or alone where that is needed and, while the
// database is in trouble, because the error of one statement then says more. One
// limit bounds the waits in the queue and for a connection together.
func (d *dispatcher) batch(ctx context.Context, b *batcher, c *call) error {
	if d.noBatching || d.isTroubled() {
		return d.alone(ctx, b.policy, b, c)
	}
	acquire, cancel := context.WithTimeoutCause(ctx, d.limits.acquire, errAcquire)
	defer cancel()
	defer b.remove(c)
	err := d.submit(acquire, b, c)
	if errors.Is(err, errApart) {
		c.part = nil
		err = d.submit(acquire, b, c)
	}
	switch {
	case errors.Is(err, errAlone):
		return d.repeatAlone(acquire, ctx, b.policy, b, c)
	case err == nil, errors.Is(err, pgx.ErrNoRows):
		return c.outcome(err)
	}
	return err
}

// alone runs c by itself, as the policy says and with the outcome that b would give it.
func (d *dispatcher) alone(ctx context.Context, p policy, b *batcher, c *call) error {
	return d.repeatAlone(ctx, ctx, p, b, c)
}

// repeatAlone is alone with a context of its own for the waits.
func (d *dispatcher) repeatAlone(acquire, ctx context.Context, p policy, b *batcher, c *call) error {
	return d.repeat(acquire, ctx, p, func(ctx context.Context, conn *pgx.Conn) error {
		if !b.worded {
			return c.outcome(one(ctx, conn, b, c))
		}
		if err := b.exchange(ctx, conn, []*call{c}, ""); err != nil {
			return c.outcome(err)
		}
		return c.outcome(c.err)
	})
}

// one runs the statement of a call. It returns pgx.ErrNoRows when there was no
// row where one was looked for.
func one(ctx context.Context, conn *pgx.Conn, b *batcher, c *call) error {
	rows, err := conn.Query(ctx, c.sql, c.args...)
	completed := false
	if err == nil {
		completed, err = c.collect(&isolatedRows{rows})
	}
	return b.sent(err, completed)
}

// submit returns the error of c once its group has ended, or errAlone.
func (d *dispatcher) submit(acquire context.Context, b *batcher, c *call) (err error) {
	joined := b.add(c)
	if joined == detached {
		return errAlone
	}
	span := startSpan(acquire, "statement", c.sql)
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
func (d *dispatcher) leadGroup(acquire context.Context, b *batcher, c *call) error {
	conn, err := d.acquire(acquire, b.policy)
	if err != nil {
		if acquire.Err() != nil {
			return acquireError(acquire, err)
		}
		b.finish([]*call{c}, errAlone)
		return errAlone
	}
	group, verdict := b.take(c), errAlone
	defer func() { b.finish(group, verdict) }()
	defer func() { d.release(conn, err) }()
	b.groups.Add(1)
	b.calls.Add(int64(len(group)))
	// The time limit is the group's own: no request may end what it shares with others.
	ctx, cancel := context.WithTimeout(context.Background(), d.limits.statement)
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
func (b *batcher) arrange(group []*call) []*call {
	if !b.policy.write {
		return group
	}
	slices.SortStableFunc(group, func(a, b *call) int { return strings.Compare(string(a.owner), string(b.owner)) })
	return merge(group)
}

// merge makes one call of those that follow each other in a group, are of one owner, and
// whose parts can be carried out together.
func merge(group []*call) []*call {
	calls := make([]*call, 0, len(group))
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

func (c *call) mergesWith(other *call) bool {
	return c.part != nil && other.part != nil && c.owner == other.owner && c.part.mergesWith(other.part)
}

// asOne returns the call that carries out the parts of members.
func asOne(members []*call) *call {
	parts := make([]callPart, len(members))
	for i, m := range members {
		parts[i] = m.part
	}
	c := parts[0].merge(parts)
	c.members = members
	return c
}

// build returns the statements of a group, and how many come before those of the calls.
func (b *batcher) build(calls []*call, l bound) (batch *pgx.Batch, before int) {
	queries := make([]pgx.QueuedQuery, 0, len(calls)+4)
	for _, sql := range b.before(l) {
		queries = append(queries, pgx.QueuedQuery{SQL: sql})
	}
	before = len(queries)
	for _, c := range calls {
		queries = append(queries, pgx.QueuedQuery{SQL: c.sql, Arguments: c.args})
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
func (b *batcher) before(l bound) []string {
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
func (b *batcher) exchange(ctx context.Context, conn *pgx.Conn, calls []*call, l bound) error {
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
		return replicated(conn, concludeWorded(conn, results, completed))
	}
	return replicated(conn, b.sent(results.Close(), completed))
}

// sent marks an error of a statement as one after which a write may have been
// committed. completed says that the server had reported the statement as run.
func (b *batcher) sent(err error, completed bool) error {
	if !b.policy.write {
		return err
	}
	return afterSend(err, completed)
}

// verdict returns the error of every call of a group that failed with err: it is
// errAlone when nothing was committed and each may fare better by itself.
func (b *batcher) verdict(err error) error {
	switch {
	case err == nil:
		return nil
	case classify(err) == unknown, pgconn.Timeout(err), sqlState(err) == queryCanceled && b.bound != pagesFirstSQL:
		return translate(err)
	}
	return errAlone
}

// collect has c read its rows, which it closes, and reports whether the server
// completed the statement. An error that c has made of rows that were fine is a
// badResult error.
func (c *call) collect(rows *isolatedRows) (completed bool, err error) {
	err = c.readRecovered(rows)
	rows.Close()
	switch failed := rows.Err(); {
	case failed != nil:
		err = failed
	case err != nil && !errors.Is(err, pgx.ErrNoRows) && !isBadResult(err):
		err = badResult(err)
	}
	return rows.CommandTag().String() != "", err
}

// readRecovered turns a panic into an error, for the goroutine is perhaps that of
// another request.
func (c *call) readRecovered(rows pgx.Rows) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return c.read(rows)
}
