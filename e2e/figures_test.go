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

// figures is what the tests of faults found, as a table.
type figures struct {
	mu   sync.Mutex
	rows []string
}

var shown figures

// showf adds a row to the table that is printed at the end, unless the test
// failed: what was done to the service, what it promises then, and what was
// measured.
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
	if !*torture || len(f.rows) == 0 {
		return
	}
	slices.Sort(f.rows)
	fmt.Println()
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "FAULT\tPROMISE\t\tFIGURE\n")
	for _, row := range f.rows {
		fmt.Fprint(table, row)
	}
	_ = table.Flush() // to the terminal
	fmt.Println()
}

// percentile returns the value that so many percent of the durations do not
// exceed. It sorts them.
func percentile(list []time.Duration, percent int) time.Duration {
	if len(list) == 0 {
		return 0
	}
	slices.Sort(list)
	return list[min(len(list)-1, len(list)*percent/100)]
}
