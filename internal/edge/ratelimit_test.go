package edge

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"docket"
)

// TestRateLimiter compares the limiter with a model of buckets that forgets
// nobody.
func TestRateLimiter(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		quota := rapid.IntRange(1, 120).Draw(r, "quota")
		now := time.Date(2026, 1, 31, 9, 30, 0, 0, time.UTC)
		l := newRateLimiter(quota, func() time.Time { return now })
		type bucket struct {
			tokens float64
			at     time.Time
		}
		model := map[docket.UserID]bucket{}
		for range rapid.IntRange(1, 400).Draw(r, "requests") {
			now = now.Add(rapid.SampledFrom([]time.Duration{0, 0, 0, time.Millisecond, 100 * time.Millisecond, time.Second, 59 * time.Second, time.Minute, time.Hour}).Draw(r, "pause"))
			user := docket.UserID(rapid.SampledFrom([]string{"alice", "bob", "carol"}).Draw(r, "user"))
			b, known := model[user]
			if !known {
				b = bucket{float64(quota), now}
			}
			b.tokens = min(float64(quota), b.tokens+now.Sub(b.at).Seconds()*float64(quota)/60)
			b.at = now
			got := l.take(user)
			if diff := b.tokens - 1; diff > -1e-6 && diff < 1e-6 { // too close to tell
				b.tokens = float64(int(b.tokens + 0.5))
				if got.allowed {
					b.tokens--
				}
				model[user] = b
				continue
			}
			want := b.tokens >= 1
			if want {
				b.tokens--
			}
			model[user] = b
			if got.allowed != want {
				r.Fatalf("%s has %.6f tokens, and %v", user, b.tokens, got)
			}
			if !want && (got.retry <= 0 || got.retry > time.Minute/time.Duration(quota)+time.Millisecond) {
				r.Fatalf("retry after %s with %.6f tokens of %d", got.retry, b.tokens, quota)
			}
		}
	})
}

func TestRateLimiterIsBounded(t *testing.T) {
	now := time.Date(2026, 1, 31, 9, 30, 0, 0, time.UTC)
	l := newRateLimiter(10, func() time.Time { return now })
	for i := range 3 * maxRated {
		l.take(docket.UserID(fmt.Sprint(i)))
	}
	if n := len(l.recent) + len(l.older); n > maxRated {
		t.Errorf("%d users are counted", n)
	}
	now = now.Add(2 * rateWindow)
	l.take("alice")
	now = now.Add(2 * rateWindow)
	l.take("alice")
	if n := len(l.recent) + len(l.older); n > 2 { // she, before and after the turn
		t.Errorf("%d users are counted after all but one have left", n)
	}
}

// TestRefusalsAreHeld has a user go on after a refusal, heed one, and go on
// while the server stops.
func TestRefusalsAreHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		draining := make(chan struct{})
		h := New(http.NotFoundHandler(), Options{RateLimit: 1, Draining: draining})
		took := func(want int) time.Duration {
			t.Helper()
			start := time.Now()
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/alice/tasks", nil))
			if w.Code != want {
				t.Errorf("answered with %d, want %d", w.Code, want)
			}
			return time.Since(start)
		}
		for i, want := range []time.Duration{0, 0, refusalDelay, refusalDelay} {
			if got := took(map[bool]int{true: http.StatusNotFound, false: http.StatusTooManyRequests}[i == 0]); got != want {
				t.Errorf("request %d took %s, want %s", i, got, want)
			}
		}
		time.Sleep(2 * refusalMemory)
		if got := took(http.StatusTooManyRequests); got != 0 {
			t.Errorf("a refusal after a pause took %s", got)
		}
		close(draining)
		if got := took(http.StatusTooManyRequests); got != 0 {
			t.Errorf("a refusal while the server stops took %s", got)
		}
	})
}
