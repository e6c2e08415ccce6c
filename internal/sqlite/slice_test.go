package sqlite

import (
	"testing"
	"testing/synctest"
	"time"

	"docket"
	"docket/internal/storetest"
)

// TestPassesRest has passes without an end take so long for each row. Their limit counts
// their work, and only so much of their rests.
func TestPassesRest(t *testing.T) {
	const work = docket.PassTimeout
	for name, test := range map[string]struct {
		row    time.Duration
		others time.Duration // until the last short read
		want   time.Duration // until the pass is interrupted
	}{
		"alone":             {3 * time.Millisecond, -1, work + 333*longRest},
		"beside others":     {1500 * time.Microsecond, time.Hour, work + 1329*shortRest},
		"after others":      {3 * time.Millisecond, 0, work + 23*shortRest + 321*longRest},
		"as long as it may": {400 * time.Microsecond, time.Hour, docket.StatementTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				file := fileAt(tempPath(t))
				if _, err := file.Create(); err != nil {
					t.Fatal(err)
				}
				conn, err := file.Open()
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = conn.Close() }()
				var shorts arrivals
				begun := time.Now()
				conn.SetAlarm(t.Context(), docket.PassTimeout)
				r := &reader{conn: conn, slice: firstSlice(&shorts)}
				var after time.Duration
				go func() {
					const step = 100 * time.Microsecond
					for time.Sleep(step / 2); !conn.Interrupted(); time.Sleep(step) {
						after = time.Since(begun) + step/2
					}
				}()
				for r.inTime() {
					if time.Since(begun) <= test.others {
						shorts.note()
					}
					time.Sleep(test.row)
				}
				if synctest.Wait(); after != test.want {
					t.Errorf("the pass was interrupted after %s, want %s", after, test.want)
				}
				_ = conn.ClearAlarm()
			})
		})
	}
}

// TestShortReadsAndWritesAreNoted looks at what passes give way to.
func TestShortReadsAndWritesAreNoted(t *testing.T) {
	s := open(t, tempPath(t))
	if s.passes.beside != &s.arrivals {
		t.Error("passes give way to nothing")
	}
	task := storetest.Put(t, s, "task")
	if s.arrivals.last.Swap(0) == 0 {
		t.Error("a write is not noted")
	}
	if _, err := s.List(t.Context(), "alice", docket.ListQuery{Search: "task", Limit: 1}); err != nil || s.arrivals.last.Load() != 0 {
		t.Errorf("a pass is noted, %v", err)
	}
	if _, err := s.Get(t.Context(), "alice", task.ID); err != nil || s.arrivals.last.Load() == 0 {
		t.Errorf("a short read is not noted, %v", err)
	}
}
