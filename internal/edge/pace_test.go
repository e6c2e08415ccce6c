package edge

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestLargeAnswersArePaced has answers of one user each work for 2 ms between two
// parts: beside others, their pauses leave one core's time to all of them together.
func TestLargeAnswersArePaced(t *testing.T) {
	for name, test := range map[string]struct {
		large  int
		others bool
		want   time.Duration // the pause after each part
	}{
		"alone":               {1, false, 0},
		"one beside others":   {1, true, 2 * time.Millisecond},
		"three beside others": {3, true, 6 * time.Millisecond},
		"many beside others":  {16, true, maxPause},
	} {
		synctest.Test(t, func(t *testing.T) {
			e := &edge{load: newLoad()}
			x := &exchange{edge: e, share: e.load.join("alice")}
			e.load.enlarge(x.share, test.large-1)
			if test.others {
				e.load.join("bob")
			}
			x.pace(largeAnswer - 1)
			x.pace(1) // now it is large
			for part := range 3 {
				time.Sleep(2 * time.Millisecond)
				begun := time.Now()
				x.pace(1)
				if pause := time.Since(begun); pause != test.want {
					t.Errorf("%s: a pause of %s after part %d, want %s", name, pause, part, test.want)
				}
			}
			x.release()
			if large, _ := e.load.crowd(e.load.join("alice")); test.large == 1 && large != 0 {
				t.Errorf("%s: %d large answers are left", name, large)
			}
		})
	}
}
