package e2e

import (
	"context"
	"errors"
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

// TestDrain stops a server that is asked to go on serving for a while.
func TestDrain(t *testing.T) {
	const delay = 2 * time.Second
	s := startServer(t, "DRAIN_DELAY="+delay.String())
	c := newClient(t, s.URL, 1)
	var ready map[string]string
	c.get(t, "/readyz", &ready)
	process := s.cmd.Process
	begun := time.Now()
	if err := process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	eventually(t, delay/2, "the server is not ready", func() bool {
		a, err := c.do(t.Context(), http.MethodGet, "/readyz", "")
		return err == nil && a.Status == http.StatusServiceUnavailable
	})
	for time.Since(begun) < delay-200*time.Millisecond {
		a, err := c.do(t.Context(), http.MethodPost, tasksPath("u"), `{"title": "still served"}`)
		if err != nil || a.Status != http.StatusCreated {
			t.Fatalf("after %s: %d, %v", time.Since(begun), a.Status, err)
		}
	}
	select {
	case err := <-s.exited:
		s.cmd = nil
		if took := time.Since(begun); err != nil || took < delay {
			t.Errorf("the server ended after %s: %v", took, err)
		}
	case <-time.After(stopTimeout):
		t.Fatal("the server does not end")
	}
}

// TestSecondSignal ends a server that drains at once.
func TestSecondSignal(t *testing.T) {
	s := startServer(t, "DRAIN_DELAY=20s")
	c := newClient(t, s.URL, 1)
	process := s.cmd.Process
	if err := process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	eventually(t, stopTimeout, "the server is not ready", func() bool {
		a, err := c.do(t.Context(), http.MethodGet, "/readyz", "")
		return err == nil && a.Status == http.StatusServiceUnavailable
	})
	begun := time.Now()
	err := s.signal(t, syscall.SIGTERM)
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGTERM || time.Since(begun) > 10*time.Second {
		t.Errorf("after the second signal it ended with %v in %s", err, time.Since(begun))
	}
}

// balancer is a small load balancer: it asks each server every 50 ms whether it
// is ready, and sends requests to those that are, in turns.
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

// rollDelay is many times what the balancer takes to notice, for this machine
// does all the work.
const rollDelay = "2s"

// TestRollingRestart restarts two instances behind a load balancer, one after
// the other, under clients that do not try again: no request fails.
func TestRollingRestart(t *testing.T) {
	const clients = 100
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
	eventually(t, stopTimeout, "both are ready", func() bool {
		for _, b := range l.servers {
			b.mu.Lock()
			ready := b.ready
			b.mu.Unlock()
			if !ready {
				return false
			}
		}
		return true
	})

	var done, failed atomic.Int64
	working, stop := context.WithCancel(t.Context())
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
			}
		})
	}
	rounds := long(1, 4)
	for range rounds {
		for i, s := range servers {
			before := done.Load()
			s.Stop(t)
			l.servers[i].use(s.Start(t, "DRAIN_DELAY="+rollDelay), &refused)
			eventually(t, stopTimeout, "the server is used again", func() bool {
				l.servers[i].mu.Lock()
				defer l.servers[i].mu.Unlock()
				return l.servers[i].ready && done.Load() > before+clients
			})
		}
	}
	stop()
	workers.Wait()
	showf(t, "Rolling restart of two instances", "0 of the requests of 100 clients fail", "%d restarts, %d requests, %d failed", 2*rounds, done.Load(), failed.Load()+refused.Load())
	if refused.Load() > 0 {
		t.Errorf("%d requests did not get through", refused.Load())
	}
	cancel()
	for _, s := range servers {
		s.Stop(t)
	}
}
