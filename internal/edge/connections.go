package edge

import (
	"container/list"
	"context"
	"net"
	"net/http"
	"sync"
)

// Connections bounds the open connections of an http.Server. One too many closes
// the connection that has been without a request for the longest time, so that
// new clients and probes are served however many connections do nothing. A
// connection is without a request until that is at work (Admit): one that has not
// arrived whole, or that anybody may send, keeps nobody out.
type Connections struct {
	most int

	mu   sync.Mutex
	open map[net.Conn]*list.Element // in waiting; nil while a request is at work
	// waiting are the connections without a request, longest first.
	waiting *list.List
}

// NewConnections returns a bound of most connections, for one server.
func NewConnections(most int) *Connections {
	return &Connections{most: most, open: map[net.Conn]*list.Element{}, waiting: list.New()}
}

// Bound makes the server keep to the bound. It sets ConnState and ConnContext.
func (c *Connections) Bound(s *http.Server) {
	s.ConnState = c.changed
	s.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		return context.WithValue(ctx, connectionKey{}, func() { c.serving(conn) })
	}
}

type connectionKey struct{}

// markServing says that the request of ctx is at work.
func markServing(ctx context.Context) {
	if mark, ok := ctx.Value(connectionKey{}).(func()); ok {
		mark()
	}
}

func (c *Connections) changed(conn net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		c.arrived(conn)
	case http.StateIdle:
		c.idle(conn)
	case http.StateClosed, http.StateHijacked:
		c.gone(conn)
	case http.StateActive: // the first byte of a request has arrived; serving says when it is at work
	}
}

func (c *Connections) arrived(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.open) >= c.most {
		victim := conn // when every other one serves a request
		if longest := c.waiting.Front(); longest != nil {
			victim, _ = longest.Value.(net.Conn)
			c.forget(victim)
		}
		_ = victim.Close() // it may be gone already
		if victim == conn {
			return
		}
	}
	c.open[conn] = c.waiting.PushBack(conn)
}

func (c *Connections) serving(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.open[conn]; e != nil {
		c.waiting.Remove(e)
		c.open[conn] = nil
	}
}

func (c *Connections) idle(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch e, open := c.open[conn]; {
	case !open:
	case e == nil:
		c.open[conn] = c.waiting.PushBack(conn)
	default:
		c.waiting.MoveToBack(e)
	}
}

func (c *Connections) gone(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forget(conn)
}

func (c *Connections) forget(conn net.Conn) {
	if e := c.open[conn]; e != nil {
		c.waiting.Remove(e)
	}
	delete(c.open, conn)
}
