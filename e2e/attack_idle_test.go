package e2e

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	idleConnections = 10_000 // as many as the server keeps
	idleFiles       = 1_000  // files of this process that are not idle connections
	idlePatience    = 30 * time.Second
)

// TestAttackByIdleConnections opens as many connections as the server keeps, or as
// the limit of files allows. After one probe each does nothing: a probe and a
// new client are served. The short form has too few connections to fill the
// server; the tests of package edge do that with a smaller bound.
func TestAttackByIdleConnections(t *testing.T) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	count := min(long(200, idleConnections), int(min(limit.Cur, 1<<30))-idleFiles)
	attackStores(t, func(t *testing.T, s *target) {
		s.resetPeak(t)
		openIdle(t, s.URL, count)
		served := 0
		fresh := client{s.URL, &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
		for _, r := range []struct {
			method, path, body string
			status             int
		}{
			{http.MethodGet, "/healthz", "", http.StatusOK},
			{http.MethodGet, "/readyz", "", http.StatusOK},
			{http.MethodPost, tasksPath("new"), `{"title": "served"}`, http.StatusCreated},
			{http.MethodGet, tasksPath("new"), "", http.StatusOK},
		} {
			ctx, cancel := context.WithTimeout(t.Context(), idlePatience)
			a, err := fresh.do(ctx, r.method, r.path, r.body)
			cancel()
			if err != nil || a.Status != r.status {
				t.Errorf("beside %d idle connections, %s %s: %d, %v", count, r.method, r.path, a.Status, err)
				break
			}
			served++
		}
		showf(t, fmt.Sprintf("%d idle connections, %s", count, s.store), "a probe and a new client are served", "%d requests on new connections served, peak %d MiB", served, s.Memory(t)["VmHWM"]>>10)
	}, "IDLE_TIMEOUT=1h")
}

// openIdle opens connections, each of which sends one probe, until the end of the
// test.
func openIdle(t *testing.T, server string, count int) {
	t.Helper()
	const dialers = 16
	address := strings.TrimPrefix(server, "http://")
	conns := make([]net.Conn, count)
	failures := make([]error, dialers)
	t.Cleanup(func() {
		for _, conn := range conns {
			if conn != nil {
				_ = conn.Close() // the server may have been first
			}
		}
	})
	var wait sync.WaitGroup
	for d := range dialers {
		wait.Go(func() {
			for i := d; i < count && failures[d] == nil; i += dialers {
				conns[i], failures[d] = openOne(t.Context(), address)
			}
		})
	}
	wait.Wait()
	for _, err := range failures {
		if err != nil {
			t.Fatalf("a connection cannot be opened: %v", err)
		}
	}
}

// openOne opens a connection and has a probe answered on it.
func openOne(ctx context.Context, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	if err := conn.SetDeadline(time.Now().Add(idlePatience)); err != nil {
		return conn, err
	}
	if _, err := fmt.Fprintf(conn, "GET /healthz HTTP/1.1\r\nHost: %s\r\n\r\n", address); err != nil {
		return conn, err
	}
	head := make([]byte, 4<<10)
	n, err := conn.Read(head)
	if err == nil && !strings.HasPrefix(string(head[:n]), "HTTP/1.1 200") {
		err = fmt.Errorf("the probe was answered with %.100s", head[:n])
	}
	return conn, err
}
