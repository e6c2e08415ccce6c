package e2e

import (
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"text/tabwriter"
	"time"
)

// figures is the table of what the tests of faults and load have measured.
type figures struct {
	mu   sync.Mutex
	rows []string
}

var shown figures

// showf adds a row to the table that torture prints at the end: the fault, what
// the service promises during it, whether the test has failed so far, and what
// was measured.
func showf(t testing.TB, fault, promise, format string, args ...any) {
	figure := fmt.Sprintf(format, args...)
	t.Logf("%s: %s: %s", fault, promise, figure)
	shown.mu.Lock()
	defer shown.mu.Unlock()
	result := "holds"
	if t.Failed() {
		result = "FAILS"
	}
	shown.rows = append(shown.rows, fmt.Sprintf("%s\t%s\t%s\t%s\n", fault, promise, result, figure))
}

func (f *figures) print() {
	if *torture == 0 || len(f.rows) == 0 {
		return
	}
	slices.Sort(f.rows)
	fmt.Println()
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "FAULT\tPROMISE\t\tFIGURE\n")
	for _, row := range f.rows {
		fmt.Fprint(table, row)
	}
	_ = table.Flush() // there is no one to tell when standard output fails
	fmt.Println()
}

// percentile returns the value that this percentage of the durations do not
// exceed, or 0 without durations. It sorts the list.
func percentile(list []time.Duration, percent int) time.Duration {
	if len(list) == 0 {
		return 0
	}
	slices.Sort(list)
	return list[min(len(list)-1, len(list)*percent/100)]
}
