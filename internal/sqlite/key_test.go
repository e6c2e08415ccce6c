package sqlite

import (
	"context"
	"sync"
	"testing"

	"docket"
)

// TestKeyInFlight has the first write with a key block in its transaction.
func TestKeyInFlight(t *testing.T) {
	s := open(t, tempPath(t))
	task := put(t, s, "task")
	w := docket.Write{Operations: []docket.Operation{{Action: docket.Toggle, ID: task.ID}}, Key: &docket.Key{Text: "key"}, Now: task.CreatedAt}
	other := w
	other.Key = &docket.Key{Text: "other"}
	end := s.inFlight.begin("alice", w.Key)
	release := block(s)
	var repetitions sync.WaitGroup
	repetitions.Go(func() {
		if _, err := s.Write(context.Background(), "alice", w); docket.KindOf(err) != docket.KeyInFlight {
			t.Errorf("a repetition returned %v", err)
		}
	})
	repetitions.Go(func() {
		if _, err := s.Write(context.Background(), "alice", other); docket.KindOf(err) != docket.Unavailable {
			t.Errorf("a write with another key returned %v", err)
		}
	})
	repetitions.Wait()
	end()
	if err := release(); err != nil {
		t.Fatal(err)
	}
	if written, err := s.Write(t.Context(), "alice", w); err != nil || written.Replayed || len(s.inFlight.writes) != 0 {
		t.Errorf("afterwards: %+v, %v, %d in flight", written, err, len(s.inFlight.writes))
	}
}
