package cli

import (
	"runtime"
	"runtime/debug"
	"testing"
)

func TestGCPercent(t *testing.T) {
	for live, want := range map[uint64]int{
		0: maxPercent, 1 << 20: maxPercent, 3 << 20: 300, 4 << 20: 200, 5 << 20: 140, minHeap / 2: 100, minHeap: 100, 1 << 40: 100,
	} {
		if got := gcPercent(live); got != want {
			t.Errorf("with %d bytes it is %d instead of %d", live, got, want)
		}
	}
}

// TestHeapGoalFollowsTheHeap grows and shrinks the heap.
func TestHeapGoalFollowsTheHeap(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	g := newHeapGoal()
	large := make([]byte, 4*minHeap)
	runtime.GC()
	g.set()
	if g.percent != 100 {
		t.Errorf("a large heap has %d", g.percent)
	}
	runtime.KeepAlive(large)
	runtime.GC()
	g.set()
	if g.percent <= 100 {
		t.Errorf("when the heap is small again it has %d", g.percent)
	}
}
