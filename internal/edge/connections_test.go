package edge

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"time"
)

// TestIdleConnectionsGiveWay opens as many connections as there may be, which
// send nothing, half a head, half a body or nothing more, and is served all the same.
func TestIdleConnectionsGiveWay(t *testing.T) {
	const most = 8
	entered, leave := make(chan struct{}), make(chan struct{})
	routes := http.NewServeMux()
	routes.HandleFunc("GET /quick", func(http.ResponseWriter, *http.Request) {})
	routes.HandleFunc("POST /refused", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
	routes.HandleFunc("GET /slow", func(_ http.ResponseWriter, r *http.Request) {
		_, _ = Admit(r.Context(), Cost{}, func() (any, error) { entered <- struct{}{}; <-leave; return nil, nil })
	})
	server := httptest.NewUnstartedServer(New(routes, Options{}))
	NewConnections(most).Bound(server.Config)
	server.Start()
	defer server.Close()
	end := sync.OnceFunc(func() { close(leave) })
	defer end()

	dial := func(text string) net.Conn {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, text); err != nil {
			t.Fatal(err)
		}
		return conn
	}
	answered := func(conn net.Conn) int {
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			return 0
		}
		response.Body.Close()
		return response.StatusCode
	}
	slow := dial("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
	<-entered
	var idle []net.Conn
	defer func() {
		for _, conn := range idle {
			_ = conn.Close() // it may be closed
		}
	}()
	const kinds = 4
	for n := range kinds * most {
		conn := dial([]string{"", "GET /quick HTTP/1.1\r\nHo", "POST /refused HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\n\r\nx", "GET /quick HTTP/1.1\r\nHost: x\r\n\r\n"}[n%kinds])
		if n%kinds == kinds-1 && answered(conn) != http.StatusOK {
			t.Fatal("a new client was not served")
		}
		idle = append(idle, conn)
	}
	if got := answered(dial("GET /quick HTTP/1.1\r\nHost: x\r\n\r\n")); got != http.StatusOK {
		t.Errorf("the last client was answered with %d", got)
	}
	end()
	if got := answered(slow); got != http.StatusOK {
		t.Errorf("a request that was served when connections had to give way was answered with %d", got)
	}
	for n, conn := range idle[:most] { // the oldest
		if n%kinds == kinds-1 { // it counts as idle when the server has noticed that its answer is sent
			continue
		}
		if err := conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("idle connection %d was kept: %v", n, err)
		}
	}
}
