package postgres

import (
	"context"
	"errors"
	"hash/maphash"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"docket"
)

const (
	readWidth  = 2 // groups of single tasks on their way at a time, at least
	pageWidth  = 3 // groups of pages
	writeLanes = 4 // of one group each
)

const (
	// writesFirstSQL bounds how long a group waits for a user that is locked
	// elsewhere. After it each call goes alone.
	writesFirstSQL = `SELECT set_config('lock_timeout', '200ms', true)`
	// pagesFirstSQL does so for a page that takes long to find.
	pagesFirstSQL = `SELECT set_config('statement_timeout', '200ms', true)`
)

// lanes carry the statements of concurrent requests that read or change a task,
// or read a short page. All writes of a user are in one lane, so the groups of
// this process never wait for each other.
type lanes struct {
	reads  *lane
	pages  *lane
	writes [writeLanes]*lane
	seed   maphash.Seed
}

// newLanes returns the lanes to a database that is a round trip of distance away
// over so many connections.
func newLanes(distance time.Duration, conns int) *lanes {
	l := &lanes{reads: newLane(widthAt(distance, conns), "", false), pages: newLane(pageWidth, pagesFirstSQL, false), seed: maphash.MakeSeed()}
	for i := range l.writes {
		l.writes[i] = newLane(1, writesFirstSQL, true)
	}
	return l
}

// widthAt is how many groups of reads are on their way at a time. Near the
// database more groups are but smaller ones. Far from it one leaves about every
// 2 ms, on up to half of the connections, so that no read waits for long.
func widthAt(distance time.Duration, conns int) int {
	return readWidth + max(0, min(int(distance/(2*time.Millisecond)), conns/2-readWidth))
}

func (l *lanes) of(owner docket.UserID) *lane {
	return l.writes[maphash.String(l.seed, string(owner))%writeLanes]
}

// together carries c in a lane with those of other requests, or alone when that
// says more than the failure of a group would, and in a database in trouble. The
// wait in the lane and that for a connection have one limit.
func (s *Store) together(ctx context.Context, l *lane, c *call) error {
	if s.alwaysAlone || s.troubled.Load() {
		return s.alone(ctx, ctx, l, c)
	}
	acquire, cancel := context.WithTimeoutCause(ctx, acquireTimeout, errAcquire)
	defer cancel()
	c.turn = make(chan struct{}, 1)
	err := errAlone
	if l.enter(c) {
		lane := startSpan(ctx, "statement", c.sql)
		err = s.ride(acquire, ctx, l, c)
		endSpan(lane, err)
	}
	switch {
	case errors.Is(err, errAlone):
		defer l.arrived(c.owner)
		return s.alone(acquire, ctx, l, c)
	case err == nil, errors.Is(err, pgx.ErrNoRows):
		return c.outcome(err)
	}
	return err
}

func (s *Store) alone(acquire, ctx context.Context, l *lane, c *call) error {
	f := func(ctx context.Context, conn *pgx.Conn) error { return c.outcome(one(ctx, conn, c)) }
	if l.writes {
		return s.writeWhile(acquire, ctx, safeToRepeat, f)
	}
	return s.readWithin(acquire, ctx, f)
}

// errAlone is the end of a call whose group has failed for certain, for a reason
// that another may have given.
var errAlone = errors.New("postgres: the group has failed")

// ride waits for c to be carried, or leads the group that does.
func (s *Store) ride(acquire, ctx context.Context, l *lane, c *call) error {
	select {
	case <-c.turn:
	case <-acquire.Done():
		if l.leave(c) {
			return acquireError(acquire, ctx.Err())
		}
		<-c.turn
	}
	if !l.led(c) {
		return c.err
	}
	conn, err := s.pool.Acquire(acquire)
	if err != nil {
		if acquire.Err() != nil {
			l.leave(c)
			return acquireError(acquire, err)
		}
		l.pass([]*call{c}, true)
		return errAlone
	}
	group := l.group(c)
	l.groups.Add(1)
	l.calls.Add(int64(len(group)))
	err = carry(conn.Conn(), group, l)
	conn.Release()
	s.note(err)
	again := err != nil && repeatable(err, l)
	l.pass(group, again)
	for _, c := range group {
		if again {
			c.err = errAlone
		} else if err != nil {
			c.err = translate(err)
		}
		c.turn <- struct{}{}
	}
	<-c.turn
	return c.err
}

func acquireError(acquire context.Context, err error) error {
	if errors.Is(context.Cause(acquire), errAcquire) {
		return unavailable(errors.Join(errAcquire, err))
	}
	return err
}

// carry runs the calls of a group as one transaction in one round trip, those of
// writes in order of their users: the groups of all processes take their locks
// in the same order. The deadline is the group's own, for no request may end
// what it shares with others. After an error nothing has an outcome but that.
func carry(conn *pgx.Conn, group []*call, l *lane) error {
	ctx, cancel := context.WithTimeout(context.Background(), statementTimeout)
	defer cancel()
	batch := &pgx.Batch{}
	if l.first != "" {
		batch.Queue(l.first)
	}
	if l.writes {
		slices.SortStableFunc(group, func(a, b *call) int { return strings.Compare(string(a.owner), string(b.owner)) })
	}
	for _, c := range group {
		batch.Queue(c.sql, c.args...)
	}
	answers := conn.SendBatch(ctx, batch)
	completed := true
	if l.first != "" {
		_, err := answers.Exec()
		completed = err == nil
	}
	for _, c := range group {
		rows, err := answers.Query()
		if err == nil {
			err = c.read(rows)
		}
		c.err = err
		completed = completed && (err == nil || errors.Is(err, pgx.ErrNoRows))
	}
	err := answers.Close()
	if l.writes {
		return settle(err, completed)
	}
	return err // there was nothing to commit
}

// repeatable reports whether calls of a group that failed with err are carried
// once more, each by itself.
func repeatable(err error, l *lane) bool {
	if _, open := errors.AsType[*unsettled](err); open && l.writes {
		return false
	}
	return !pgconn.Timeout(err) && (sqlState(err) != queryCanceled || l.first == pagesFirstSQL)
}
