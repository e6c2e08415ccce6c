package pgtest

import (
	"errors"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// Proxy forwards TCP connections to one server, and can delay, hold or cut
// them. Its methods may be called from several goroutines.
type Proxy struct {
	address string // where it listens
	target  string
	delay   time.Duration
	trips   atomic.Int64
	running sync.WaitGroup

	mu       sync.Mutex
	listener net.Listener // nil while refusing and when closed
	links    map[*link]struct{}
	held     [directions]chan struct{} // nil while bytes pass; closed to let them pass again
	closed   bool
}

// NewProxy starts a proxy in front of the server of a URL: a direct one, a
// pooler's or another proxy's. The proxy runs until the test ends. Each round
// trip takes delay longer: a byte takes delay/2 longer in either direction, and
// does not wait for the bytes before it; the first byte of a connection takes
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

// Delay returns u through a NewProxy, for tests that need nothing but the delay.
func Delay(t testing.TB, u string, delay time.Duration) string {
	t.Helper()
	return NewProxy(t, u, delay).URL(u)
}

// URL returns a URL of the proxy's server through the proxy.
func (p *Proxy) URL(u string) string { return withAddress(u, p.address) }

// RoundTrips returns how often the server has begun to send after the client
// had sent, on all connections so far. The number is exact for a client that
// waits for each answer, as soon as the client has the answer. Connecting
// counts as one (without TLS and password), a pipeline that is written at once
// as one, and a message without an answer (a goodbye, a request to cancel) as
// none. A request of many kilobytes may count twice, because the server may
// begin to answer before the request ends.
func (p *Proxy) RoundTrips() int64 { return p.trips.Load() }

// Cut resets all existing connections, and the bytes in flight and held on them
// are lost, as when a network device forgets its connections. New connections
// are served.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.reset()
	}
}

// Refuse makes the operating system refuse new connections, as when the server
// is not running, or accept them again. Existing connections continue.
func (p *Proxy) Refuse(t testing.TB, refuse bool) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case refuse && p.listener != nil:
		if err := errors.Join(stopListening(p.listener), p.listener.Close()); err != nil {
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

// stopListening has new connections refused also while a child process, which is just
// being started, still has the socket. Only Linux does that.
func stopListening(listener net.Listener) error {
	socket, err := listener.(*net.TCPListener).SyscallConn()
	if err != nil {
		return err
	}
	return socket.Control(func(fd uintptr) { _ = syscall.Shutdown(int(fd), syscall.SHUT_RDWR) })
}

// Freeze holds all bytes in both directions, as when the server hangs, or lets
// them pass again, the held ones first. New connections succeed, and are held
// as well.
func (p *Proxy) Freeze(freeze bool) {
	p.hold(toServer, freeze)
	p.hold(toClient, freeze)
}

// HoldAnswers holds what the server sends, while what the clients send still
// arrives, or lets it pass again. Followed by Cut, it makes a statement take
// effect and its answer get lost.
func (p *Proxy) HoldAnswers(hold bool) { p.hold(toClient, hold) }

// direction is one of the two that bytes take through a proxy.
type direction int

const (
	toServer direction = iota
	toClient
	directions
)

func (p *Proxy) hold(d direction, hold bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case hold && p.held[d] == nil:
		p.held[d] = make(chan struct{})
	case !hold && p.held[d] != nil:
		close(p.held[d])
		p.held[d] = nil
	}
}

func (p *Proxy) close() {
	p.mu.Lock()
	p.closed = true
	if p.listener != nil {
		_ = p.listener.Close() // an error loses nothing
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
			return // Refuse or close has closed it
		}
		p.running.Go(func() { p.serve(client.(*net.TCPConn)) })
	}
}

func (p *Proxy) serve(client *net.TCPConn) {
	born := time.Now()
	server, err := net.DialTimeout("tcp", p.server(), patience)
	if err != nil {
		_ = client.SetLinger(0) // a reset is as close to a refusal as a proxy can get
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

// gate returns nil while bytes may pass in a direction, or else a channel that
// is closed when they may pass again.
func (p *Proxy) gate(d direction) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.held[d]
}
