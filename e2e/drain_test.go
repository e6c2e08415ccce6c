package e2e

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"docket/internal/pgtest"
)

// longestDrain is the longest DRAIN_DELAY.
const longestDrain = "20s"

// TestDrain stops a server that is to serve for a while longer: it is not ready,
// serves, and ends at once at a second signal.
func TestDrain(t *testing.T) {
	t.Parallel()
	s := startServer(t, "DRAIN_DELAY="+longestDrain)
	c := newClient(t, s.URL, 1)
	var ready map[string]string
	c.get(t, "/readyz", &ready)
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the server is not ready", func() bool {
		a, err := c.do(t.Context(), http.MethodGet, "/readyz", "")
		return err == nil && a.Status == http.StatusServiceUnavailable
	})
	for range 10 {
		a, err := c.do(t.Context(), http.MethodPost, tasksPath("u"), `{"title": "still served"}`)
		if err != nil || a.Status != http.StatusCreated {
			t.Fatalf("while the server drains: %d, %v", a.Status, err)
		}
	}
	err := s.signal(t, syscall.SIGTERM)
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGTERM {
		t.Errorf("after the second signal it ended with %v", err)
	}
}

// TestDrainEnds stops a server that ends by itself after its delay.
func TestDrainEnds(t *testing.T) {
	t.Parallel()
	s := startServer(t, "DRAIN_DELAY=500ms")
	s.Stop(t)
}

// balancer is a small load balancer. It asks each server every 50 ms whether it
// is ready, and sends requests to the ready servers in turn.
type balancer struct {
	servers []*backend
	next    atomic.Int64
}

type backend struct {
	mu    sync.Mutex
	proxy *httputil.ReverseProxy
	url   string
	ready bool
}

// use points the backend at a server that has been started.
func (b *backend) use(address string, failed *atomic.Int64) {
	target, _ := url.Parse(address)
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.Transport = &http.Transport{MaxIdleConnsPerHost: 200}
	proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) {
		failed.Add(1)
		w.WriteHeader(http.StatusBadGateway)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.proxy, b.url, b.ready = proxy, address, false
}

func (b *backend) isReady() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ready
}

// probe notes whether the server is ready, until ctx ends.
func (b *backend) probe(ctx context.Context) {
	for ctx.Err() == nil {
		b.mu.Lock()
		address := b.url
		b.mu.Unlock()
		ready := false
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/readyz", http.NoBody)
		if err == nil {
			var answer *http.Response
			if answer, err = http.DefaultClient.Do(r); err == nil {
				answer.Body.Close()
				ready = answer.StatusCode == http.StatusOK
			}
		}
		b.mu.Lock()
		if b.url == address {
			b.ready = ready
		}
		b.mu.Unlock()
		time.Sleep(50 * time.Millisecond)
	}
}

func (l *balancer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for range 100 {
		b := l.servers[int(l.next.Add(1))%len(l.servers)]
		b.mu.Lock()
		proxy, ready := b.proxy, b.ready
		b.mu.Unlock()
		if ready {
			proxy.ServeHTTP(w, r)
			return
		}
	}
	w.WriteHeader(http.StatusBadGateway)
}

// rollDelay is the DRAIN_DELAY of TestRollingRestart. The balancer must notice
// within it that a server drains, also on a busy machine.
const rollDelay = "10s"

// rollPause is how long each client pauses between requests, so that the clients
// leave the machine to the servers and the balancer.
const rollPause = 100 * time.Millisecond

// TestRollingRestart restarts two instances behind a load balancer, one after
// the other, while clients send requests that they do not repeat. No request
// fails.
func TestRollingRestart(t *testing.T) {
	t.Parallel()
	clients := long(20, 100)
	direct := pgtest.Shared(t).Database(t)
	var refused atomic.Int64
	l := &balancer{}
	servers := make([]*server, 2)
	ctx, cancel := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	defer wait.Wait()
	defer cancel()
	for i := range servers {
		servers[i] = newServer(t, t.TempDir(), direct)
		b := &backend{}
		b.use(servers[i].Start(t, "DRAIN_DELAY="+rollDelay), &refused)
		l.servers = append(l.servers, b)
		wait.Go(func() { b.probe(ctx) })
	}
	front := httptest.NewServer(l)
	defer front.Close()
	c := newClient(t, front.URL, clients)
	for _, b := range l.servers {
		eventually(t, "the balancer uses both servers", b.isReady)
	}

	var done, failed atomic.Int64
	working, stop := context.WithCancel(t.Context())
	defer stop()
	var workers sync.WaitGroup
	for _, w := range newWriters(clients, 20) {
		workers.Go(func() {
			for working.Err() == nil {
				if _, result, err := w.write(t.Context(), c); result != succeeded {
					failed.Add(1)
					t.Errorf("%s: %v", result, err)
					return
				}
				done.Add(1)
				time.Sleep(rand.N(rollPause))
			}
		})
	}
	rounds := long(1, 4)
	for range rounds {
		for i, s := range servers {
			s.Stop(t)
			if l.servers[i].isReady() {
				t.Fatalf("the balancer did not notice within %s that a server drains", rollDelay)
			}
			before := done.Load()
			l.servers[i].use(s.Start(t, "DRAIN_DELAY="+rollDelay), &refused)
			eventually(t, "the server is used again", func() bool {
				return l.servers[i].isReady() && done.Load() > before+int64(clients) || t.Failed()
			})
		}
	}
	stop()
	workers.Wait()
	showf(t, "Rolling restart of two instances", "0 requests fail", "%d restarts, %d clients, %d requests, %d failed", 2*rounds, clients, done.Load(), failed.Load()+refused.Load())
	if refused.Load() > 0 {
		t.Errorf("the balancer could not pass on %d requests", refused.Load())
	}
}
