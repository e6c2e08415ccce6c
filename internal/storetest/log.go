package storetest

import (
	"log/slog"
	"strings"
	"sync"
)

// Log keeps what a store or a server logs. It may be read while their goroutines still
// write to it. Its zero value is an empty log.
type Log struct {
	mu   sync.Mutex
	text strings.Builder
}

// Logger returns a logger that writes lines of text to the log.
func (l *Log) Logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// Write adds p to the log. It never fails.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// String returns what has been written to the log.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Count returns how often part stands in the log.
func (l *Log) Count(part string) int { return strings.Count(l.String(), part) }
