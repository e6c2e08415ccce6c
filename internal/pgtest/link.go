package pgtest

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// link is one connection through a proxy.
type link struct {
	proxy          *Proxy
	client, server *net.TCPConn
	born           time.Time
	asked          atomic.Bool // the client was the last to send
	once           sync.Once
	done           chan struct{} // closed when both connections are
}

// segment is the result of one read.
type segment struct {
	due   time.Time // when it is to be written
	bytes []byte
	err   error // after the bytes; io.EOF for the end of the stream
}

// maxInFlight is how many segments a link holds for each direction.
const maxInFlight = 1024

// run returns when both directions have ended, or after reset.
func (l *link) run() {
	var pumps sync.WaitGroup
	pumps.Go(func() { l.pump(toServer, l.client, l.server, l.sent) })
	pumps.Go(func() { l.pump(toClient, l.server, l.client, l.answered) })
	pumps.Wait()
	l.close(false)
}

// reset ends both connections at once and drops the bytes in flight.
func (l *link) reset() { l.close(true) }

func (l *link) close(drop bool) {
	l.once.Do(func() {
		close(l.done)
		for _, conn := range []*net.TCPConn{l.client, l.server} {
			if drop {
				_ = conn.SetLinger(0) // fails if the other side has already reset it
			}
			_ = conn.Close()
		}
	})
}

// sent notes that the client has sent bytes, and returns when the first of them
// could have left the client: not before TCP's handshake has ended.
func (l *link) sent(bytes int) time.Time {
	if bytes > 0 {
		l.asked.Store(true)
	}
	now, connected := time.Now(), l.born.Add(l.proxy.delay)
	if now.Before(connected) {
		return connected
	}
	return now
}

// answered notes that the server has sent bytes, and returns the current time.
// It runs before the client receives them, so that RoundTrips is exact.
func (l *link) answered(bytes int) time.Time {
	if bytes > 0 && l.asked.Swap(false) {
		l.proxy.trips.Add(1)
	}
	return time.Now()
}

// pump copies one direction of the link until its end. note is told of each
// read, and returns when the bytes left.
func (l *link) pump(d direction, from, to *net.TCPConn, note func(bytes int) time.Time) {
	inFlight := make(chan segment, maxInFlight)
	go l.receive(from, note, inFlight)
	for s := range inFlight { // also after a reset, until receive has ended
		if !l.arrive(d, s.due) {
			continue
		}
		if _, err := to.Write(s.bytes); err != nil {
			l.reset()
			continue
		}
		switch {
		case errors.Is(s.err, io.EOF):
			_ = to.CloseWrite() // fails if that side has gone, which its reader sees
		case s.err != nil:
			l.reset()
		}
	}
}

// receive reads until the end of the stream and puts what it reads in flight.
// It does not wait for earlier segments to be written, so that a delay adds to
// latency and does not limit throughput.
func (l *link) receive(from *net.TCPConn, note func(bytes int) time.Time, inFlight chan<- segment) {
	defer close(inFlight)
	for {
		buffer := make([]byte, 32<<10)
		n, err := from.Read(buffer)
		left := note(n)
		select {
		case inFlight <- segment{due: left.Add(l.proxy.delay / 2), bytes: buffer[:n], err: err}:
		case <-l.done:
			return
		}
		if err != nil {
			return
		}
	}
}

// arrive waits until due, and then while the proxy holds the direction. It
// returns false when the link was closed.
func (l *link) arrive(d direction, due time.Time) bool {
	if wait := time.Until(due); wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-l.done:
			return false
		}
	}
	for {
		gate := l.proxy.gate(d)
		if gate == nil {
			return true
		}
		select {
		case <-gate:
		case <-l.done:
			return false
		}
	}
}
