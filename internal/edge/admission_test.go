package edge

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"docket/internal/problem"
)

// TestSharesOfUsers fills the share of one user: the next request waits, is
// admitted when there is room and refused otherwise, and another user's never
// waits.
func TestSharesOfUsers(t *testing.T) {
	for name, test := range map[string]struct {
		cost Cost
		most int
	}{
		"work": {Cost{}, maxUserWork}, "passes": {Cost{Pass: true}, maxUserPasses}, "answers": {Cost{Bytes: maxUserAnswers / 4}, 4},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLoad()
				alice, bob := l.join("alice"), l.join("bob")
				for range test.most {
					if err := l.admit(t.Context(), alice, test.cost); err != nil {
						t.Fatal(err)
					}
				}
				if err := l.admit(t.Context(), alice, test.cost); !errors.Is(err, problem.ErrUserBusy) {
					t.Errorf("a request too many: %v", err)
				}
				waited := make(chan error)
				go func() { waited <- l.admit(t.Context(), alice, test.cost) }()
				synctest.Wait()
				if err := l.admit(t.Context(), bob, test.cost); err != nil {
					t.Errorf("another user's request: %v", err)
				}
				l.give(alice, test.cost.taken())
				if err := <-waited; err != nil {
					t.Errorf("a request that waited: %v", err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				go func() { waited <- l.admit(ctx, alice, test.cost) }()
				synctest.Wait()
				cancel()
				if err := <-waited; !errors.Is(err, context.Canceled) {
					t.Errorf("a request whose client left: %v", err)
				}
				if len(alice.queue) > 0 {
					t.Error("it waits still")
				}
			})
		})
	}
}

// TestQueuesAreBounded has as many requests of a user wait as may. The next one is
// refused at once, and another user's is not.
func TestQueuesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLoad()
		alice := l.join("alice")
		for range maxUserWork + maxWaiting {
			go func() { _ = l.admit(t.Context(), alice, Cost{}) }()
		}
		synctest.Wait()
		begun := time.Now()
		if err := l.admit(t.Context(), alice, Cost{}); !errors.Is(err, problem.ErrUserBusy) || time.Since(begun) > 0 {
			t.Errorf("one too many: %v after %s", err, time.Since(begun))
		}
		if err := l.admit(t.Context(), l.join("bob"), Cost{}); err != nil {
			t.Errorf("another user's request: %v", err)
		}
		time.Sleep(admissionWait)
		synctest.Wait()
	})
}

// TestFailuresHoldNoAnswer has one exchange fail as often as a stream may while the
// database is away: it holds what its last success has read, and nothing else.
func TestFailuresHoldNoAnswer(t *testing.T) {
	e := &edge{load: newLoad()}
	x := &exchange{edge: e, share: e.load.join("alice")}
	ctx := context.WithValue(t.Context(), exchangeKey{}, x)
	const part = maxUserAnswers / 4
	for range 10 {
		failure := errors.New("the database is away")
		if _, err := Admit(ctx, Cost{Bytes: part}, func() (any, error) { return nil, failure }); !errors.Is(err, failure) {
			t.Fatal(err)
		}
	}
	if held := e.load.now().answers; held != 0 {
		t.Errorf("after failures %d bytes are held", held)
	}
	if _, err := Admit(ctx, Cost{Bytes: part}, func() (any, error) { return nil, nil }); err != nil || e.load.now().answers != part {
		t.Errorf("after a success %d bytes are held, %v", e.load.now().answers, err)
	}
	Hold(ctx, 1)
	if now := e.load.now(); now != (taken{answers: 1}) {
		t.Errorf("%+v is taken", now)
	}
}

// TestAnswersWaitForEachOther fills the budget of answers by several users.
func TestAnswersWaitForEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLoad()
		c := Cost{Bytes: maxUserAnswers}
		first := l.join("0")
		for _, user := range []string{"0", "1", "2", "3"} {
			if err := l.admit(t.Context(), l.join(user), c); err != nil {
				t.Fatal(err)
			}
		}
		waited := make(chan error)
		go func() { waited <- l.admit(t.Context(), l.join("5"), c) }()
		synctest.Wait()
		l.give(first, c.taken())
		if err := <-waited; err != nil {
			t.Errorf("an answer that waited: %v", err)
		}
		start := time.Now()
		if err := l.admit(t.Context(), l.join("6"), c); !errors.Is(err, problem.ErrOverload) || time.Since(start) != admissionWait {
			t.Errorf("an answer too many: %v after %s", err, time.Since(start))
		}
		if err := l.admit(t.Context(), l.join("7"), Cost{}); err != nil {
			t.Errorf("a request without an answer to speak of: %v", err)
		}
	})
}

// TestAdmissionKeepsItsBounds runs random requests of several users against the
// bounds, and ends with nothing taken.
func TestAdmissionKeepsItsBounds(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		users := rapid.IntRange(1, 6).Draw(r, "users")
		requests := rapid.SliceOfN(rapid.Custom(func(r *rapid.T) Cost {
			return Cost{Pass: rapid.Bool().Draw(r, "pass"), Bytes: rapid.SampledFrom([]int64{0, 1 << 10, maxUserAnswers / 3, maxUserAnswers, 2 * maxUserAnswers}).Draw(r, "bytes")}
		}), 1, 80).Draw(r, "requests")
		synctest.Test(t, func(t *testing.T) {
			l := newLoad()
			for i, c := range requests {
				go func() {
					s := l.join(string(rune('a' + i%users)))
					defer l.leave(s)
					if l.admit(t.Context(), s, c) != nil {
						return
					}
					l.mu.Lock()
					if s.work > maxUserWork || s.passes > maxUserPasses || s.answers > 2*maxUserAnswers || l.total.answers > maxAnswers+maxUserAnswers {
						t.Errorf("%+v is taken of %+v", s.taken, l.total)
					}
					l.mu.Unlock()
					time.Sleep(time.Duration(i%7) * admissionWait / 4) // some end in the moment in which others give up
					l.give(s, c.taken())
				}()
			}
			synctest.Wait()
			time.Sleep(time.Minute)
			synctest.Wait()
			if l.now() != (taken{}) || len(l.shares) > 0 || len(l.queue) > 0 {
				t.Errorf("%+v is taken, %d users have shares", l.now(), len(l.shares))
			}
		})
	})
}
