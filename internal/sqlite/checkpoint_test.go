package sqlite

import (
	"bytes"
	"os"
	"testing"
	"time"

	"docket/internal/storetest"
)

// TestCheckpoints waits until what was written is in the file itself, for each reason
// to copy it there.
func TestCheckpoints(t *testing.T) {
	for name, test := range map[string]struct {
		pace  pace
		pages int
	}{
		"by rest":  {pace{idle: time.Millisecond, most: time.Hour, wipe: time.Hour}, 0},
		"by time":  {pace{idle: time.Hour, most: time.Millisecond, wipe: time.Hour}, 0},
		"by bytes": {pace{idle: time.Hour, most: time.Hour, wipe: time.Hour}, checkpointPages - 1},
	} {
		t.Run(name, func(t *testing.T) {
			path := tempPath(t)
			s := openAt(t, path, test.pace)
			s.wiper.close() // only the test writes
			s.checkpoints.pages = test.pages
			storetest.Put(t, s, marked)
			for {
				data, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if bytes.Contains(data, []byte(marked)) {
					return
				}
				time.Sleep(time.Millisecond)
			}
		})
	}
}

// TestLogIsCounted compares the count of pages with the length of a new log.
func TestLogIsCounted(t *testing.T) {
	path := tempPath(t)
	s := openAt(t, path, pace{idle: time.Hour, most: time.Hour, wipe: time.Hour})
	s.wiper.close()
	if _, err := s.writer.conn.ExecContext(t.Context(), truncateSQL); err != nil {
		t.Fatal(err)
	}
	s.writer.pagesWritten()
	storetest.Put(t, s, "task")
	storetest.Put(t, s, "another")
	if err := s.writer.do(t.Context(), 1, func(*statements) error { return nil }); err != nil { // the writer has counted
		t.Fatal(err)
	}
	info, err := os.Stat(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	const header, frame = 32, 24 + 4096
	if pages := (int(info.Size()) - header) / frame; s.checkpoints.pages != pages || pages == 0 {
		t.Errorf("%d pages were counted, and the log has %d", s.checkpoints.pages, pages)
	}
}
