package edge

import (
	"context"
	"slices"
	"sync"
	"time"

	"docket/internal/problem"
)

// What all requests may take together.
const (
	maxWork    = 256      // requests at work at a time
	maxBodies  = 64 << 20 // bytes of request bodies that have arrived
	maxFiles   = 32 << 20 // and of those that may be larger than that of a batch
	maxAnswers = 64 << 20 // bytes of answers that their clients have not yet taken
)

// What the requests of one user may take together.
const (
	maxUserWork    = 16
	maxUserPasses  = 2 // requests at work that read all tasks of the user
	maxUserBodies  = maxBodies / 4
	maxUserFiles   = maxFiles / 2
	maxUserAnswers = maxAnswers / 4
)

const (
	// admissionWait bounds the wait of a request for its user's share.
	admissionWait = 2 * time.Second
	// maxWaiting bounds how many wait in one queue: all are looked at again whenever
	// a request gives back what it has.
	maxWaiting = 256
)

// load bounds what all requests take together, and what each user's do. A
// request that finds its user's share taken waits for admissionWait. One that
// finds too many at work is refused at once, rather than let all of them wait and
// memory grow. A request whose body is still arriving holds up nobody: it counts
// the bytes that have arrived, and nothing else.
type load struct {
	mu     sync.Mutex
	total  taken
	shares map[string]*share // of the users who have requests, or have to rest
	queue  []*waiter         // for maxAnswers
	recent [2]arrival        // the last ones of two different users, the last one first
}

// taken is what requests have of the server.
type taken struct {
	work, passes           int   // requests at work; of these, see Cost
	bodies, files, answers int64 // bytes
}

// share is what one user's requests have of the server. The load guards it.
type share struct {
	taken
	user     string
	requests int // that refer to the share
	queue    []*waiter
	rest     time.Time   // until when costly requests wait, beside others
	resting  *time.Timer // calls rested when one that waits for the rest may be admitted; or nil
}

// waiter is a request that waits, for its user's share or for maxAnswers.
type waiter struct {
	share    *share
	cost     Cost
	queue    *[]*waiter // that it is in, nil when it has left; guarded by the load
	lacks    error      // what it waits for, as the error when that does not come; guarded by the load
	admitted chan error // of capacity 1: how the wait ended
}

func newLoad() *load { return &load{shares: map[string]*share{}} }

// join returns the share of a user, until leave.
func (l *load) join(user string) *share {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.shares[user]
	if s == nil {
		s = &share{user: user}
		l.shares[user] = s
	}
	s.requests++
	l.arrived(user)
	return s
}

func (l *load) leave(s *share) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.requests--
	l.forget(s)
}

// forget ends a share without requests, unless it has to rest.
func (l *load) forget(s *share) {
	if s.requests == 0 && s.resting == nil {
		delete(l.shares, s.user)
	}
}

// admit takes what a request costs. The error is problem.ErrUserBusy,
// problem.ErrOverload, or that of ctx.
func (l *load) admit(ctx context.Context, s *share, c Cost) error {
	w, err := l.enter(s, c)
	if w == nil {
		return err
	}
	timer := time.NewTimer(admissionWait)
	defer timer.Stop()
	select {
	case err := <-w.admitted:
		return err
	case <-timer.C:
		return l.withdraw(w, nil)
	case <-ctx.Done():
		return l.withdraw(w, ctx.Err())
	}
}

// enter takes what a request costs, or returns the error that refuses it, or a
// waiter when it is to wait.
func (l *load) enter(s *share, c Cost) (*waiter, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	queue, err := l.take(s, c)
	if queue == nil {
		return nil, err
	}
	if len(*queue) >= maxWaiting {
		return nil, err
	}
	w := &waiter{share: s, cost: c, queue: queue, lacks: err, admitted: make(chan error, 1)}
	*queue = append(*queue, w)
	l.wake(s)
	return w, nil
}

// withdraw ends the wait of w, for reason or else for want of what it lacks.
func (l *load) withdraw(w *waiter, reason error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if w.queue == nil { // it was admitted in the same moment
		return <-w.admitted
	}
	*w.queue = slices.DeleteFunc(*w.queue, func(q *waiter) bool { return q == w })
	if reason == nil {
		reason = w.lacks
	}
	return reason
}

// take takes what a request costs when there is room for it. Otherwise the error
// says what it lacks, and queue, unless it is nil, is where to wait for that.
//
//nolint:nilnil // no queue and no error: it has taken it
func (l *load) take(s *share, c Cost) (queue *[]*waiter, err error) {
	switch {
	case l.total.work >= maxWork:
		return nil, problem.ErrOverload
	case s.work >= maxUserWork, c.Pass && s.passes >= maxUserPasses, !fits(s.answers, c.Bytes, maxUserAnswers), c.costly() && l.rests(s, c):
		return &s.queue, problem.ErrUserBusy
	case !fits(l.total.answers, c.Bytes, maxAnswers):
		return &l.queue, problem.ErrOverload
	}
	l.change(s, 1, c.taken())
	return nil, nil
}

// fits reports whether bytes more of an answer have room. One that is larger than
// the bound has room by itself, and nothing always has.
func fits(held, bytes, bound int64) bool { return held == 0 || bytes == 0 || held+bytes <= bound }

// taken is what a request of this cost takes when it is admitted.
func (c Cost) taken() taken {
	t := taken{work: 1, answers: c.Bytes}
	if c.Pass {
		t.passes = 1
	}
	return t
}

// change adds times d to what is taken.
func (l *load) change(s *share, times int, d taken) {
	for _, t := range []*taken{&s.taken, &l.total} {
		t.work += times * d.work
		t.passes += times * d.passes
		t.bodies += int64(times) * d.bodies
		t.files += int64(times) * d.files
		t.answers += int64(times) * d.answers
	}
}

// give gives back what a request has taken, and admits those that wait and fit.
func (l *load) give(s *share, d taken) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.change(s, -1, d)
	l.admitFrom(&s.queue)
	l.admitFrom(&l.queue)
}

// admitFrom admits the waiters of a queue that fit, the first ones first. One
// that now lacks something else goes on waiting for that.
func (l *load) admitFrom(queue *[]*waiter) {
	waiters := *queue
	*queue = nil
	for _, w := range waiters {
		if w.queue, w.lacks = l.take(w.share, w.cost); w.queue != nil {
			*w.queue = append(*w.queue, w)
			continue
		}
		w.admitted <- w.lacks
	}
}

// receive counts what has arrived of a request's body.
func (l *load) receive(s *share, t taken) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.change(s, 1, t)
	switch {
	case s.bodies > maxUserBodies, s.files > maxUserFiles:
		return problem.ErrUserBusy
	case l.total.bodies > maxBodies, l.total.files > maxFiles:
		return problem.ErrOverload
	}
	return nil
}

// now is what all requests have.
func (l *load) now() taken {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.total
}

// Admit runs f, which is the work of a request, while there is room for it: the
// request counts as at work until f returns or panics. Otherwise f does not run,
// and the error is problem.ErrUserBusy when the share of the request's user stays
// taken for 2 s or too many wait for it, or problem.ErrOverload.
//
// After an error of f the bytes of the cost are given back. Otherwise they stay taken
// until Hold says otherwise or the request ends.
func Admit[T any](ctx context.Context, c Cost, f func() (T, error)) (result T, err error) {
	x, ok := ctx.Value(exchangeKey{}).(*exchange)
	if !ok {
		return f()
	}
	if err := x.edge.load.admit(ctx, x.share, c); err != nil {
		return result, x.refused(err)
	}
	markServing(ctx)
	x.answer += c.Bytes
	begun := time.Now()
	defer func() {
		if c.Pass {
			x.edge.load.charge(x.share, restAfterPass*time.Since(begun))
		}
		done := c.taken()
		if err == nil {
			done.answers = 0
		} else { // there is no answer to hold
			x.answer -= c.Bytes
		}
		x.withBody(&done)
		x.edge.load.give(x.share, done)
		x.body = 0
	}()
	return f()
}
