package pgtest

import (
	"io"
	"net"
	"testing"
	"time"
)

// TestDelaysDoNotAddUp has three segments in flight at the same time, on a link
// whose delay is so long that none of them arrives.
func TestDelaysDoNotAddUp(t *testing.T) {
	t.Parallel()
	const delay = time.Hour
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	sender, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer sender.Close()
	accepted, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()

	l := &link{proxy: &Proxy{delay: delay}, born: time.Now().Add(-delay), done: make(chan struct{})}
	defer close(l.done)
	inFlight := make(chan segment, maxInFlight)
	go l.receive(accepted.(*net.TCPConn), l.sent, inFlight)
	for _, text := range []string{"one", "two", "three"} {
		before := time.Now()
		if _, err := io.WriteString(sender, text); err != nil {
			t.Fatal(err)
		}
		s := <-inFlight
		after := time.Now()
		if string(s.bytes) != text || s.due.Before(before.Add(delay/2)) || s.due.After(after.Add(delay/2)) {
			t.Errorf("%q is due at %s; it was sent between %s and %s", s.bytes, s.due, before, after)
		}
	}
}
