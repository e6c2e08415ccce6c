package cli

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

const (
	// minHeap is the size in bytes that the heap reaches before garbage is collected.
	// Without it a heap of a few MiB is collected hundreds of times a second under load.
	minHeap = 12 << 20
	// maxPercent bounds how much of the live heap may be garbage until then. Of the 4 MiB
	// that the runtime starts with it makes minHeap.
	maxPercent = 300
)

// growHeap sets the percentage of the garbage collector anew after each collection, so
// that a small heap grows to minHeap and a large one by as much as lives. GOGC in the
// environment overrides it.
func growHeap() {
	if _, set := os.LookupEnv("GOGC"); !set { //nolint:forbidigo // the runtime's own variable
		afterCollection(newHeapGoal())
	}
}

// heapGoal is what the collector was told last.
type heapGoal struct {
	percent int
	live    []metrics.Sample
}

func newHeapGoal() *heapGoal {
	g := &heapGoal{live: []metrics.Sample{{Name: "/gc/heap/live:bytes"}}}
	g.set()
	return g
}

// set tells the collector the percentage unless it is much the same as before: the
// program stops for a moment when it changes.
func (g *heapGoal) set() {
	metrics.Read(g.live)
	percent := gcPercent(g.live[0].Value.Uint64())
	if change := percent - g.percent; change > g.percent/8 || change < -g.percent/8 {
		g.percent = percent
		debug.SetGCPercent(percent)
	}
}

// gcPercent returns the GOGC with which a heap of live bytes is collected when it has
// minHeap, and at least that of a heap which doubles.
func gcPercent(live uint64) int {
	if live >= minHeap/2 {
		return 100
	}
	return int(min((minHeap-live)*100/max(live, 1), maxPercent))
}

// afterCollection calls set after each collection from now on: the cleanup of an object
// that nobody refers to runs when the next one has found it.
func afterCollection(g *heapGoal) {
	runtime.AddCleanup(new(heapGoal), func(g *heapGoal) {
		g.set()
		afterCollection(g)
	}, g)
}
