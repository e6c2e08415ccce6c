package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	attackLists   = 4
	attackReaders = 20
	attackStreams = 32
	// attackPage is the most that a page of a list may have: 8 MiB, and the task
	// with which it ends.
	attackPage = 8<<20 + 64<<10
)

// TestAttackByAnswers has a user with as much as can be ask for all of it at once:
// by clients that read, and by clients that do not.
func TestAttackByAnswers(t *testing.T) {
	attackStores(t, func(t *testing.T, s *target) {
		batches := long(6, 100)
		c := newClient(t, s.URL, attackLists)
		since := loadLargest(t, c, batches)
		alone := s.alone(t)
		s.withstand(t, fmt.Sprintf("%d clients list %d largest tasks", attackLists, 100*batches), alone, func() (func() bool, func()) {
			var finished atomic.Int64
			a := attack(t, attackLists, func(ctx context.Context, _ int) (int, error) {
				n, err := listAll(ctx, c, tasksPath("attacker"))
				if ctx.Err() == nil {
					finished.Add(1)
				}
				if err == nil && n != 100*batches {
					err = fmt.Errorf("%d of %d tasks arrived", n, 100*batches)
				}
				return http.StatusOK, err
			})
			return func() bool { return finished.Load() >= attackLists }, func() { a.end(t) }
		})
		s.withstand(t, fmt.Sprintf("%d clients do not read their list", attackReaders), alone, func() (func() bool, func()) {
			return unread(t, s.URL, attackReaders, tasksPath("attacker"))
		})
		s.withstand(t, fmt.Sprintf("%d clients do not read their stream", attackStreams), alone, func() (func() bool, func()) {
			return unread(t, s.URL, attackStreams, "/api/attacker/events?since="+since)
		})
	})
}

// loadLargest makes so many batches of tasks that are as large as can be, and
// returns a sync token from before them.
func loadLargest(t *testing.T, c client, batches int) (since string) {
	t.Helper()
	path := tasksPath("attacker")
	id := created(t, mustDo(t, c, http.StatusCreated, http.MethodPost, path, `{"title": "begin"}`))
	mustDo(t, c, http.StatusNoContent, http.MethodDelete, path+"/"+id, "", minimal)
	var changes struct{ Next string }
	if err := json.Unmarshal(mustDo(t, c, http.StatusOK, http.MethodGet, "/api/attacker/changes", "").Body, &changes); err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(5, 5))
	body := batchOf(100, func(int) string { return `{"op":"create","task":` + largest(random) + `}` })
	for range batches {
		mustDo(t, c, http.StatusOK, http.MethodPost, path+"/batch", body)
	}
	return changes.Next
}

var (
	nextPage = regexp.MustCompile(`<([^>]*)>; rel="next"`)
	taskID   = []byte(`"id":"`)
)

// listAll lists a user's tasks, following Link and asking again after a 429, and
// returns how many there are.
func listAll(ctx context.Context, c client, path string) (n int, err error) {
	seen := map[string]bool{}
	for {
		a, err := c.do(ctx, http.MethodGet, path, "")
		switch {
		case err != nil:
			return 0, err
		case a.Status == http.StatusTooManyRequests:
			continue
		case a.Status != http.StatusOK:
			return 0, fmt.Errorf("%d %.300s", a.Status, a.Body)
		case len(a.Body) > attackPage:
			return 0, fmt.Errorf("a page has %d bytes", len(a.Body))
		}
		for body := a.Body; ; {
			_, after, found := bytes.Cut(body, taskID)
			if !found {
				break
			}
			id, rest, _ := bytes.Cut(after, []byte(`"`))
			if seen[string(id)] {
				return 0, fmt.Errorf("task %s arrives twice", id)
			}
			seen[string(id)], body = true, rest
		}
		next := nextPage.FindStringSubmatch(a.Header.Get("Link"))
		if next == nil {
			return len(seen), nil
		}
		if path, err = resolve(path, next[1]); err != nil {
			return 0, err
		}
	}
}

// resolve returns the path and query of a reference in an answer to path.
func resolve(path, reference string) (string, error) {
	base, err := url.Parse(path)
	if err != nil {
		return "", err
	}
	resolved, err := base.Parse(reference)
	if err != nil {
		return "", err
	}
	return resolved.String(), nil
}

// unread sends a GET on so many connections and reads only the first bytes of the
// answers, which may be 200 or 429. When it returns, all of these have arrived.
func unread(t *testing.T, server string, clients int, path string) (enough func() bool, end func()) {
	t.Helper()
	var wait sync.WaitGroup
	conns := make([]net.Conn, clients)
	statuses := make([]string, clients)
	failures := make([]error, clients)
	for i := range clients {
		wait.Go(func() { conns[i], statuses[i], failures[i] = begin(t.Context(), server, path) })
	}
	wait.Wait()
	end = func() {
		for _, conn := range conns {
			if conn != nil {
				_ = conn.Close() // the server may have been first
			}
		}
	}
	t.Cleanup(end)
	counts := map[string]int{}
	for _, status := range statuses {
		counts[status]++
	}
	if err := errors.Join(failures...); err != nil || counts["200"] == 0 || counts["200"]+counts["429"] != clients {
		t.Errorf("the answers that nobody reads are %v: %v", counts, err)
	}
	t.Logf("the answers that nobody reads are %v", counts)
	return func() bool { return true }, end
}

// begin sends a GET on a connection of its own and reads the status alone. The
// little that the kernel takes in addition is bounded.
func begin(ctx context.Context, server, path string) (conn net.Conn, status string, err error) {
	address := strings.TrimPrefix(server, "http://")
	conn, err = new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, "", err
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		err = tcp.SetReadBuffer(4 << 10)
	}
	line := make([]byte, len("HTTP/1.1 200"))
	err = errors.Join(err, conn.SetDeadline(time.Now().Add(attackAnswer)))
	if err == nil {
		_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, address)
	}
	if err == nil {
		_, err = io.ReadFull(conn, line)
	}
	return conn, string(line[len("HTTP/1.1 "):]), err
}
