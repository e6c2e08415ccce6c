package edge

import "time"

const (
	// largeAnswer is the size in bytes from which an answer is paced.
	largeAnswer = 64 << 10
	// minPause is the shortest pause that is worth a switch of goroutines, maxPause
	// the longest.
	minPause = time.Millisecond
	maxPause = 20 * time.Millisecond
)

// pacer makes the large answers of one user take no more than one core together
// while other users have requests. To produce them is all computation, and the
// requests of others would wait for the end of a time slice of each: Go looks for
// arrivals on the network only every 10 ms while all cores are busy.
type pacer struct {
	sent  int64
	large bool          // the answer is counted in its user's share
	since time.Time     // the end of the last pause
	debt  time.Duration // pauses that were too short to be made
}

// pace is called when n more bytes of the answer were sent.
func (x *exchange) pace(n int) {
	p := &x.pacer
	if p.sent += int64(n); p.sent < largeAnswer || x.share == nil {
		return
	}
	now := time.Now()
	if !p.large {
		p.large, p.since = true, now
		x.edge.load.enlarge(x.share, 1)
		return
	}
	large, others := x.edge.load.crowd(x.share)
	if others {
		p.debt += now.Sub(p.since) * time.Duration(large)
	}
	if p.debt >= minPause {
		time.Sleep(min(p.debt, maxPause))
		p.debt, now = 0, time.Now()
	}
	p.since = now
}

// enlarge counts large answers of a user.
func (l *load) enlarge(s *share, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.large += n
}

// crowd returns how many large answers a user has, and whether other users have
// requests.
func (l *load) crowd(s *share) (large int, others bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return s.large, len(l.shares) > 1
}
