package pgtest

import (
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Proxy forwards TCP connections to one server, and can make the way there
// long or bad. Its methods may be called from several goroutines.
type Proxy struct {
	address string // where it listens
	target  string
	delay   time.Duration
	trips   atomic.Int64
	running sync.WaitGroup

	mu       sync.Mutex
	listener net.Listener // nil while refusing and when closed
	links    map[*link]struct{}
	thawed   chan struct{} // nil unless frozen; closed to thaw
	closed   bool
}

// NewProxy starts a proxy in front of the server of a URL, be it a direct one,
// a pooler's or another proxy's, until the test's end. The server is as if a
// round trip to it took delay: each byte travels delay/2 longer in either
// direction, however many are under way, and the first byte of a connection
// one delay more, for the handshake of TCP. A delay of 0 is allowed.
func NewProxy(t testing.TB, u string, delay time.Duration) *Proxy {
	t.Helper()
	parsed, err := url.Parse(u)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := listen()
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{
		address: listener.Addr().String(), target: parsed.Host, delay: delay,
		listener: listener, links: map[*link]struct{}{},
	}
	p.running.Go(func() { p.accept(listener) })
	t.Cleanup(p.close)
	return p
}

// Delay returns u by way of a NewProxy, for when nothing else is asked of it.
func Delay(t testing.TB, u string, delay time.Duration) string {
	t.Helper()
	return NewProxy(t, u, delay).URL(u)
}

// URL returns a URL of the proxy's server through the proxy.
func (p *Proxy) URL(u string) string { return withAddress(u, p.address) }

// RoundTrips says how often, on all connections so far, the server has begun
// to send after the client had sent. A client that waits for each answer
// before it goes on finds the exact number here as soon as it has the answer;
// one call of it costs the difference. Connecting is one (without TLS and
// password), a pipeline that is written at once is one, and what is never
// answered (a goodbye, a request to cancel) is none. A request of many
// kilobytes may count twice: the server may begin to answer before it ends.
func (p *Proxy) RoundTrips() int64 { return p.trips.Load() }

// Cut resets all connections there are; new ones are served. What was under
// way is lost, as when a network device forgets its connections.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.reset()
	}
}

// Refuse makes the operating system refuse new connections, as when the server
// is not running, or take them again. Those there are go on.
func (p *Proxy) Refuse(t testing.TB, refuse bool) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case refuse && p.listener != nil:
		if err := p.listener.Close(); err != nil {
			t.Fatal(err)
		}
		p.listener = nil
	case !refuse && p.listener == nil && !p.closed:
		listener, err := net.Listen("tcp", p.address)
		if err != nil {
			t.Fatal(err)
		}
		p.listener = listener
		p.running.Go(func() { p.accept(listener) })
	}
}

// Freeze holds all bytes in both directions, as when the server hangs, or lets
// them and the held ones go on. New connections succeed, and are held as well.
func (p *Proxy) Freeze(freeze bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case freeze && p.thawed == nil:
		p.thawed = make(chan struct{})
	case !freeze && p.thawed != nil:
		close(p.thawed)
		p.thawed = nil
	}
}

func (p *Proxy) close() {
	p.mu.Lock()
	p.closed = true
	if p.listener != nil {
		_ = p.listener.Close() // nothing is lost with it
		p.listener = nil
	}
	for l := range p.links {
		l.reset()
	}
	p.mu.Unlock()
	p.running.Wait()
}

func (p *Proxy) accept(listener net.Listener) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return // it was closed: by Refuse or at the end
		}
		p.running.Go(func() { p.serve(client.(*net.TCPConn)) })
	}
}

func (p *Proxy) serve(client *net.TCPConn) {
	born := time.Now()
	server, err := net.DialTimeout("tcp", p.server(), patience)
	if err != nil {
		_ = client.SetLinger(0) // reset it: the nearest to a refusal
		_ = client.Close()
		return
	}
	l := &link{proxy: p, client: client, server: server.(*net.TCPConn), born: born, done: make(chan struct{})}
	p.mu.Lock()
	if p.closed {
		l.reset()
	}
	p.links[l] = struct{}{}
	p.mu.Unlock()

	l.run()

	p.mu.Lock()
	delete(p.links, l)
	p.mu.Unlock()
}

// gate is nil, or closes when bytes may pass again.
func (p *Proxy) gate() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.thawed
}
