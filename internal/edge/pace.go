package edge

import (
	"context"
	"time"
)

// What one user's requests take of the cores beside those of other users. To encode
// an answer and to read all tasks is computation, and the requests of others would
// wait for a time slice of each: Go looks for arrivals on the network only every
// 10 ms while all cores are busy.
const (
	largeAnswer   = 64 << 10 // the size in bytes from which an answer is paced
	answerRate    = 8 << 20  // bytes of large answers in a second
	smallPart     = 4 << 10  // parts of an answer below this, such as events, are not
	restAfterPass = 8        // times as long as the pass took
	maxRest       = time.Second
	apart         = time.Second            // how long after its user's rest a pass waits for another's end
	beside        = 100 * time.Millisecond // how long after their arrival requests count as others
)

// arrival is a request that came.
type arrival struct {
	user string
	at   time.Time
}

// arrived notes that a request of user came.
func (l *load) arrived(user string) {
	if l.recent[0].user != user {
		l.recent[1] = l.recent[0]
	}
	l.recent[0] = arrival{user, time.Now()}
}

// crowded reports whether other users than that of s have requests at work, or had
// some just now.
func (l *load) crowded(s *share, now time.Time) bool {
	other := l.recent[0]
	if other.user == s.user {
		other = l.recent[1]
	}
	return l.total.work > s.work || now.Sub(other.at) < beside
}

func (l *load) isCrowded(s *share) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.crowded(s, time.Now())
}

// rests reports whether a costly request of s has to wait: until its user's rest is
// over, and a pass soon after it for the end of the one that was admitted before.
func (l *load) rests(s *share, c Cost) bool {
	now := time.Now()
	wait := now.Before(s.rest) || c.Pass && s.passes > 0 && now.Before(s.rest.Add(apart))
	return wait && l.crowded(s, now)
}

// charge makes the user of s rest for d more, up to maxRest in all, while others have
// requests. It returns how long the rest is.
func (l *load) charge(s *share, d time.Duration) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if !l.crowded(s, now) {
		return 0
	}
	rest := min(max(s.rest.Sub(now), 0)+d, maxRest)
	s.rest = now.Add(rest)
	l.restedIn(s, rest)
	return rest
}

// restedIn has rested called after d.
func (l *load) restedIn(s *share, d time.Duration) {
	if s.resting == nil {
		s.resting = time.AfterFunc(d, func() { l.rested(s) })
	} else {
		s.resting.Reset(d)
	}
}

// wake has rested called for a request that begins to wait.
func (l *load) wake(s *share) {
	if left := time.Until(s.rest.Add(apart)); s.resting == nil && left > 0 {
		l.restedIn(s, left)
	}
}

// rested admits requests that waited for the end of a rest.
func (l *load) rested(s *share) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	left := s.rest.Sub(now)
	if left <= 0 {
		l.admitFrom(&s.queue)
		if len(s.queue) > 0 {
			left = s.rest.Add(apart).Sub(now)
		}
	}
	if left > 0 {
		s.resting.Reset(left)
		return
	}
	s.resting = nil
	l.forget(s)
}

// pace is called when n more bytes of the answer were sent. It makes the large
// answers of one user go at answerRate together beside others. Pages, which nobody has
// to sign in for, are not computed.
func (x *exchange) pace(n int) {
	if x.sent += int64(n); x.sent < largeAnswer || n < smallPart || x.share == nil || x.share.user == "" {
		return
	}
	const worthwhile = time.Millisecond // to switch goroutines for
	rest := x.edge.load.charge(x.share, time.Duration(n)*time.Second/answerRate)
	if rest >= worthwhile {
		time.Sleep(rest)
	}
}

// Rests returns a function for a request that computes for long, to be called now and
// then. Beside the requests of others it waits, for restAfterPass times as long as has
// passed since it was called last, and for maxRest at most. Other requests of its user do
// not wait for that. The error is that of ctx.
func Rests(ctx context.Context) func() error {
	x, ok := ctx.Value(exchangeKey{}).(*exchange)
	if !ok {
		return ctx.Err
	}
	last := time.Now()
	return func() error {
		if x.edge.load.isCrowded(x.share) {
			select {
			case <-ctx.Done():
			case <-time.After(min(restAfterPass*time.Since(last), maxRest)):
			}
		}
		last = time.Now()
		return ctx.Err()
	}
}
