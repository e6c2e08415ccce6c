package edge

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"docket"
	"docket/internal/problem"
)

// rateWindow is the time that a rate limit is counted over.
const rateWindow = time.Minute

// maxRated is the maximum number of users with a bucket. Beyond it the older half of
// the buckets is dropped early.
const maxRated = 100_000

const (
	// A user who sends again within refusalMemory of a refusal waits refusalDelay for
	// the next one, on each connection, so that a flood takes little from the others.
	// Clients that honour Retry-After never wait.
	refusalMemory = time.Second
	refusalDelay  = 100 * time.Millisecond
)

// rateLimiter has a token bucket for each user, of quota tokens that come back within
// rateWindow. It counts the requests of this instance.
type rateLimiter struct {
	quota  int
	policy []string // the header RateLimit-Policy
	now    func() time.Time

	mu sync.Mutex
	// A bucket that was not used for a window is full, as a new one is. So buckets live
	// in two generations: after a window recent becomes older, and a bucket that is used
	// moves back.
	recent, older map[docket.UserID]*bucket
	turned        time.Time
}

type bucket struct {
	*rate.Limiter
	refused atomic.Int64 // when its user was refused last, in Unix nanoseconds
}

func newRateLimiter(quota int, now func() time.Time) *rateLimiter {
	policy := fmt.Sprintf(`"user";q=%d;w=%d`, quota, int(rateWindow.Seconds()))
	return &rateLimiter{quota: quota, policy: []string{policy}, now: now, recent: map[docket.UserID]*bucket{}, turned: now()}
}

// bucket returns the tokens of a user.
func (l *rateLimiter) bucket(user docket.UserID, now time.Time) *bucket {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.turned) >= rateWindow || len(l.recent) >= maxRated/2 {
		l.older, l.recent, l.turned = l.recent, make(map[docket.UserID]*bucket, len(l.recent)), now
	}
	b := l.recent[user]
	if b == nil {
		if b = l.older[user]; b == nil {
			b = &bucket{Limiter: rate.NewLimiter(rate.Limit(float64(l.quota)/rateWindow.Seconds()), l.quota)}
		}
		l.recent[user] = b
	}
	return b
}

// standing is what a user has left after a request.
type standing struct {
	allowed   bool
	remaining int
	full      time.Duration // until the bucket is full
	retry     time.Duration // until the next request is allowed, when this one was not
	insists   bool          // refused twice within refusalMemory
}

func (l *rateLimiter) take(user docket.UserID) standing {
	now := l.now()
	b := l.bucket(user, now)
	s := standing{allowed: b.AllowN(now, 1)}
	tokens := max(0, b.TokensAt(now))
	each := rateWindow / time.Duration(l.quota)
	s.remaining = int(tokens)
	s.full = time.Duration((float64(l.quota) - tokens) * float64(each))
	s.retry = time.Duration((1 - tokens) * float64(each))
	if !s.allowed {
		s.insists = now.UnixNano()-b.refused.Swap(now.UnixNano()) < int64(refusalMemory)
	}
	return s
}

// seconds rounds up, to one at least.
func seconds(d time.Duration) int { return max(1, int(math.Ceil(d.Seconds()))) }

// charge counts the request against its user's limit, tells how much is left
// (draft-ietf-httpapi-ratelimit-headers), and returns problem.ErrRateLimited
// when nothing is. It counts the requests of this instance. Without a limiter,
// and without a user, everything passes.
func (l *rateLimiter) charge(x *exchange, user docket.UserID) error {
	if l == nil || user == "" {
		return nil
	}
	s := l.take(user)
	header := x.Header()
	header["Ratelimit-Policy"] = l.policy
	header.Set("RateLimit", fmt.Sprintf(`"user";r=%d;t=%d`, s.remaining, seconds(s.full)))
	if s.allowed {
		return nil
	}
	x.edge.metrics.limited.Inc()
	if s.insists {
		hold(x.request.Context(), x.edge.draining, refusalDelay)
	}
	header.Set("Retry-After", strconv.Itoa(seconds(s.retry)))
	return problem.ErrRateLimited
}

// hold waits for d, or until the client leaves or the server is about to stop.
func hold(ctx context.Context, draining <-chan struct{}, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-draining:
	}
}
