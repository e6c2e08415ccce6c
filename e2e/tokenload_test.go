package e2e

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
)

// load is clients that send requests without a pause, which must all succeed.
type load struct {
	cancel context.CancelFunc
	wg     sync.WaitGroup
	each   []atomic.Int64 // answers of each worker
}

// startLoad starts workers that read path, each with the token that the function
// returns for it.
func startLoad(t *testing.T, c client, path string, workers int, token func(worker int) string) *load {
	ctx, cancel := context.WithCancel(t.Context())
	l := &load{cancel: cancel, each: make([]atomic.Int64, workers)}
	t.Cleanup(func() { l.stop() })
	for worker := range workers {
		l.wg.Go(func() {
			for ctx.Err() == nil {
				a, err := c.do(ctx, http.MethodGet, path, "", bearer(token(worker)))
				if ctx.Err() != nil {
					return
				}
				if err != nil || a.Status != http.StatusOK {
					t.Errorf("a request among many: %d %s (%v)", a.Status, a.Body, err)
					return
				}
				l.each[worker].Add(1)
			}
		})
	}
	return l
}

// await waits until every worker has had this many more answers.
func (l *load) await(t *testing.T, more int64) {
	t.Helper()
	for worker := range l.each {
		goal := l.each[worker].Load() + more
		eventually(t, "requests are answered", func() bool { return t.Failed() || l.each[worker].Load() >= goal })
	}
}

// stop ends the load, and returns how many requests were answered.
func (l *load) stop() (total int64) {
	l.cancel()
	l.wg.Wait()
	for worker := range l.each {
		total += l.each[worker].Load()
	}
	return total
}
