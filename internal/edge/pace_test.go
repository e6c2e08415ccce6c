package edge

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// TestLargeAnswersArePaced sends two parts of a large answer each of several times,
// alone and beside others: those of one user share one rate.
func TestLargeAnswersArePaced(t *testing.T) {
	const part = largeAnswer
	for name, test := range map[string]struct {
		answers int
		others  bool
		want    time.Duration // until all are sent
	}{
		"alone":             {3, false, 0},
		"one beside others": {1, true, 2 * part * time.Second / answerRate},
		"four of one user":  {4, true, 8 * part * time.Second / answerRate},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := &edge{load: newLoad()}
				for range test.answers {
					x := &exchange{edge: e, share: e.load.join("alice")}
					if test.others {
						s := e.load.join("bob")
						if err := e.load.admit(t.Context(), s, Cost{}); err != nil {
							t.Fatal(err)
						}
					}
					go func() {
						x.pace(part - 1) // not yet large
						x.pace(part)
						x.pace(part)
						x.release()
					}()
				}
				requests := func() int {
					synctest.Wait()
					e.load.mu.Lock()
					defer e.load.mu.Unlock()
					if s := e.load.shares["alice"]; s != nil {
						return s.requests
					}
					return 0
				}
				if time.Sleep(test.want - time.Microsecond); test.others && requests() == 0 {
					t.Errorf("before %s all were sent", test.want)
				}
				if time.Sleep(time.Microsecond); requests() > 0 {
					t.Errorf("after %s there are %d requests", test.want, requests())
				}
			})
		})
	}
}

// TestPassesRest has a user ask for passes beside others: each rests before the next
// one, which is admitted when the rest ends. The others' passes do not wait, nor do
// those of a user who is alone.
func TestPassesRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, pass := newLoad(), Cost{Pass: true}
		alice, bob := l.join("alice"), l.join("bob")
		admitted := func(s *share) time.Duration {
			begun := time.Now()
			if err := l.admit(t.Context(), s, pass); err != nil {
				t.Fatal(err)
			}
			return time.Since(begun)
		}
		pause := func(s *share, d time.Duration) {
			l.charge(s, d)
			l.give(s, pass.taken())
		}
		if waited := admitted(alice); waited != 0 {
			t.Errorf("the first pass waited for %s", waited)
		}
		pause(alice, 300*time.Millisecond)
		bobs := make(chan time.Duration)
		go func() { bobs <- admitted(bob) }()
		if waited := <-bobs; waited != 0 {
			t.Errorf("another user's pass waited for %s", waited)
		}
		if waited := admitted(alice); waited != 300*time.Millisecond {
			t.Errorf("the second pass waited for %s", waited)
		}
		if waited := admitted(alice); waited != apart {
			t.Errorf("a second pass at a time waited for %s", waited)
		}
		l.give(alice, pass.taken())
		large := Cost{Bytes: largeAnswer}
		if err := l.admit(t.Context(), alice, large); err != nil {
			t.Errorf("a large answer beside a pass: %v", err)
		}
		l.give(alice, large.taken())
		l.give(bob, pass.taken())
		time.Sleep(beside)
		if waited := admitted(alice); waited != 0 {
			t.Errorf("a pass beside nobody waited for %s", waited)
		}
		pause(alice, time.Hour)
		if waited := admitted(alice); waited != 0 {
			t.Errorf("a rest beside nobody took %s", waited)
		}
		l.leave(alice)
		l.leave(bob)
		if time.Sleep(maxRest); len(l.shares) > 0 {
			t.Errorf("%d shares are left", len(l.shares))
		}
	})
}

// TestRestsAreOfOneRequest has a request rest beside others. Other requests of its user
// go on.
func TestRestsAreOfOneRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &edge{load: newLoad()}
		x := &exchange{edge: e, share: e.load.join("alice")}
		rest := Rests(context.WithValue(t.Context(), exchangeKey{}, x))
		const worked = 10 * time.Millisecond
		rests := func() time.Duration {
			time.Sleep(worked)
			begun := time.Now()
			if err := rest(); err != nil {
				t.Fatal(err)
			}
			return time.Since(begun)
		}
		time.Sleep(2 * beside)
		if waited := rests(); waited != 0 {
			t.Errorf("alone it rested for %s", waited)
		}
		if err := e.load.admit(t.Context(), e.load.join("bob"), Cost{}); err != nil {
			t.Fatal(err)
		}
		if waited := rests(); waited != restAfterPass*worked {
			t.Errorf("after %s of work it rested for %s", worked, waited)
		}
		if err := e.load.admit(t.Context(), x.share, Cost{Bytes: largeAnswer}); err != nil || e.load.shares["alice"].resting != nil {
			t.Errorf("the user rests too: %v", err)
		}
	})
}

// TestEventsAndPagesAreNotPaced sends much in small parts, and large parts to a visitor.
func TestEventsAndPagesAreNotPaced(t *testing.T) {
	e := &edge{load: newLoad()}
	if err := e.load.admit(t.Context(), e.load.join("bob"), Cost{}); err != nil {
		t.Fatal(err)
	}
	for user, part := range map[string]int{"alice": smallPart - 1, "": writeChunk} {
		x := &exchange{edge: e, share: e.load.join(user)}
		for range 1000 {
			x.pace(part)
		}
		if !x.share.rest.IsZero() {
			t.Errorf("user %q has to rest", user)
		}
	}
}
