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

// parcel is what one read brought.
type parcel struct {
	due   time.Time // when it has arrived
	bytes []byte
	err   error // after the bytes; io.EOF for the end of the stream
}

// parcels is how many may be under way in one direction of a link.
const parcels = 1024

// run returns when both directions have ended, or after reset.
func (l *link) run() {
	var pumps sync.WaitGroup
	pumps.Go(func() { l.pump(l.client, l.server, l.sent) })
	pumps.Go(func() { l.pump(l.server, l.client, l.answered) })
	pumps.Wait()
	l.close(false)
}

// reset ends both connections at once; what is under way is dropped.
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

// sent notes that the client has sent bytes, and says when the first of them
// could have left: not before the handshake of TCP.
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

// answered notes that the server has sent bytes. The note comes before the
// client can know of them, hence RoundTrips' exactness.
func (l *link) answered(bytes int) time.Time {
	if bytes > 0 && l.asked.Swap(false) {
		l.proxy.trips.Add(1)
	}
	return time.Now()
}

// pump moves one direction of the link until its end; note is told of each
// read, and says when it left. Reading goes on while others are under way:
// that makes a delay and not a queue.
func (l *link) pump(from, to *net.TCPConn, note func(bytes int) time.Time) {
	road := make(chan parcel, parcels)
	go func() {
		defer close(road)
		for {
			buffer := make([]byte, 32<<10)
			n, err := from.Read(buffer)
			left := note(n)
			select {
			case road <- parcel{due: left.Add(l.proxy.delay / 2), bytes: buffer[:n], err: err}:
			case <-l.done:
				return
			}
			if err != nil {
				return
			}
		}
	}()
	for p := range road { // until its reader has ended, which a reset makes it
		if !l.arrive(p.due) {
			continue
		}
		if _, err := to.Write(p.bytes); err != nil {
			l.reset()
			continue
		}
		switch {
		case errors.Is(p.err, io.EOF):
			_ = to.CloseWrite() // fails if that side has gone, which its reader sees
		case p.err != nil:
			l.reset()
		}
	}
}

// arrive waits until due, and then while the proxy is frozen; false says that
// the link was closed.
func (l *link) arrive(due time.Time) bool {
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
		gate := l.proxy.gate()
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
