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
		pace pace
	}{
		"by rest":  {pace{idle: time.Millisecond, most: time.Hour, pages: 1 << 20, wipe: time.Hour}},
		"by time":  {pace{idle: time.Hour, most: time.Millisecond, pages: 1 << 20, wipe: time.Hour}},
		"by bytes": {pace{idle: time.Hour, most: time.Hour, pages: 1, wipe: time.Hour}},
	} {
		t.Run(name, func(t *testing.T) {
			path := tempPath(t)
			s := openAt(t, path, test.pace)
			s.wiper.close() // only the test writes
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
	s := openAt(t, path, pace{idle: time.Hour, most: time.Hour, pages: 1 << 20, wipe: time.Hour})
	s.wiper.close()
	if err := s.writer.conn.Run(truncateSQL); err != nil {
		t.Fatal(err)
	}
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
	pages := (int(info.Size()) - header) / frame
	if counted, copied := s.writer.logLength(); counted != pages || copied != 0 || pages == 0 {
		t.Errorf("%d pages were counted, %d of them copied, and the log has %d", counted, copied, pages)
	}
	if err := s.writer.conn.Run(checkpointSQL); err != nil {
		t.Fatal(err)
	}
	if counted, copied := s.writer.logLength(); counted != pages || copied != pages {
		t.Errorf("after a checkpoint %d pages were counted, %d of them copied", counted, copied)
	}
}
