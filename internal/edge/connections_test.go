package edge

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestIdleConnectionsGiveWay opens as many connections as there may be, which
// send nothing, half a request or nothing more, and is served all the same.
func TestIdleConnectionsGiveWay(t *testing.T) {
	const most = 8
	entered, leave := make(chan struct{}), make(chan struct{})
	routes := http.NewServeMux()
	routes.HandleFunc("GET /quick", func(http.ResponseWriter, *http.Request) {})
	routes.HandleFunc("GET /slow", func(http.ResponseWriter, *http.Request) { entered <- struct{}{}; <-leave })
	server := httptest.NewUnstartedServer(New(routes, Options{}))
	NewConnections(most).Bound(server.Config)
	server.Start()
	defer server.Close()

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
	for n := range 3 * most {
		conn := dial([]string{"", "GET /quick HTTP/1.1\r\nHo", "GET /quick HTTP/1.1\r\nHost: x\r\n\r\n"}[n%3])
		if n%3 == 2 && answered(conn) != http.StatusOK {
			t.Fatal("a new client was not served")
		}
		idle = append(idle, conn)
	}
	if got := answered(dial("GET /quick HTTP/1.1\r\nHost: x\r\n\r\n")); got != http.StatusOK {
		t.Errorf("the last client was answered with %d", got)
	}
	close(leave)
	if got := answered(slow); got != http.StatusOK {
		t.Errorf("a request that was served when connections had to give way was answered with %d", got)
	}
	for _, conn := range idle[:most] { // the oldest
		if n, err := conn.Read(make([]byte, 1)); err == nil {
			t.Errorf("an idle connection was kept, and sent %d bytes", n)
		}
	}
}
