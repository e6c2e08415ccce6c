package sqlite

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"docket"
	"docket/internal/storetest"
)

// marked is a text that the tests look for in the files.
const marked = "a-text-that-nobody-else-has"

// leftIn returns the files of the database that hold the text.
func leftIn(t *testing.T, path string) (names []string) {
	t.Helper()
	for _, suffix := range []string{"", "-wal", "-shm"} {
		data, err := os.ReadFile(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(data, []byte(marked)) + bytes.Count(data, []byte(docket.Fold(marked))); n > 0 {
			names = append(names, fmt.Sprintf("docket.db%s: %d times", suffix, n))
		}
	}
	return names
}

// fillMarked writes, changes and deletes tasks of alice with the marked text, some with
// keys, among tasks of others.
func fillMarked(t *testing.T, s *Store) {
	t.Helper()
	now := time.Now().UTC().Truncate(time.Microsecond)
	for i := range 60 {
		for _, owner := range []docket.UserID{"aaron", "alice", "bob"} {
			text := strings.Repeat("what the others wrote ", 1+i*i%150)
			if owner == "alice" {
				text = strings.Repeat(marked+" ", 1+i*i%150)
			}
			task := storetest.Draft(text[:min(len(text), 100)])
			task.Description = &text
			var key *docket.Key
			if i%3 == 0 {
				key = &docket.Key{Text: fmt.Sprint("key ", i)}
			}
			create := docket.Operation{Action: docket.Create, ID: task.ID, New: docket.NewTask{Fields: task.Fields}}
			if _, err := s.Write(t.Context(), owner, docket.Write{Operations: []docket.Operation{create}, Key: key, Now: now, Epoch: 1}); err != nil {
				t.Fatal(err)
			}
			shorter := text[:len(text)/2+1]
			change := docket.Operation{Action: docket.Update, ID: task.ID, Update: docket.TaskUpdate{Description: docket.Some(&shorter)}}
			if i%4 == 0 {
				change = docket.Operation{Action: docket.Delete, ID: task.ID}
			}
			if _, err := s.Write(t.Context(), owner, docket.Write{Operations: []docket.Operation{change}, Now: now, Epoch: 1}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// openHurried opens a store that maintains its file without pauses, and in which no
// read reaches its deadline.
func openHurried(t *testing.T, path string) *Store {
	t.Helper()
	s := openAt(t, path, pace{idle: time.Millisecond, most: time.Millisecond, pages: 1 << 20, wipe: time.Millisecond})
	s.readers.limit, s.passes.limit = time.Hour, time.Hour
	return s
}

// untilNothingIsLeft waits until the text is in no file. The store is as whole as
// before.
func untilNothingIsLeft(t *testing.T, s *Store) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		left := leftIn(t, s.file.Path)
		if left == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the text is in %v", left)
		}
	}
	checkIntegrity(t, s)
}

func checkIntegrity(t *testing.T, s *Store) {
	t.Helper()
	if result := textOf(t, beside(t, s), "PRAGMA integrity_check"); result != "ok" {
		t.Errorf("the check of the file returned %q", result)
	}
}

func TestErasureLeavesNothingInTheFiles(t *testing.T) {
	path := tempPath(t)
	s := openHurried(t, path)
	fillMarked(t, s)
	s.checkpoints.copyLog()
	if leftIn(t, path) == nil {
		t.Fatal("the text is nowhere to begin with")
	}
	for done := false; !done; {
		var err error
		if done, err = s.Erase(t.Context(), "alice", 2, 50); err != nil {
			t.Fatal(err)
		}
	}
	untilNothingIsLeft(t, s)
}

func TestPurgeLeavesNothingInTheFiles(t *testing.T) {
	path := tempPath(t)
	s := openHurried(t, path)
	now := time.Now().UTC()
	for i := range 50 {
		task := storetest.Put(t, s, strings.Repeat(marked+" ", 1+i%15))
		if _, err := s.Write(t.Context(), "alice", docket.Write{Operations: []docket.Operation{{Action: docket.Delete, ID: task.ID}}, Now: now}); err != nil {
			t.Fatal(err)
		}
	}
	for n := -1; n != 0; {
		var err error
		if n, err = s.Purge(t.Context(), now.Add(time.Hour), 20); err != nil {
			t.Fatal(err)
		}
	}
	untilNothingIsLeft(t, s)
}

// readOn begins a read transaction, which needs the log until leave is closed. Its error
// is then in ended.
func readOn(t *testing.T, s *Store) (leave chan<- struct{}, ended <-chan error) {
	t.Helper()
	began, leaving, result := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		_, err := atOnce(t.Context(), s.readers, func(r *reader) (live int, err error) {
			_, live, _, err = r.stateOf("alice")
			close(began)
			<-leaving
			return live, err
		})
		result <- err
	}()
	<-began
	return leaving, result
}

// TestErasureBesideAReader erases while a read transaction needs the log. The log is
// emptied when it has ended.
func TestErasureBesideAReader(t *testing.T) {
	path := tempPath(t)
	s := openHurried(t, path)
	storetest.Put(t, s, marked)
	leave, ended := readOn(t, s)
	if done, err := s.Erase(t.Context(), "alice", 2, 50); err != nil || !done {
		t.Fatalf("Erase returned %v, %v", done, err)
	}
	if leftIn(t, path) == nil {
		t.Error("the text went although a reader may need it")
	}
	close(leave)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	untilNothingIsLeft(t, s)
}

// TestWiperLeavesPointerMapsAlone has a file with pages that look like those of B-trees.
func TestWiperLeavesPointerMapsAlone(t *testing.T) {
	path := tempPath(t)
	s, err := Open(t.Context(), path, noLog)
	if err != nil {
		t.Fatal(err)
	}
	fillMarked(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	conn, err := fileAt(path).Open()
	if err != nil {
		t.Fatal(err)
	}
	err = conn.Run("PRAGMA journal_mode = DELETE; PRAGMA auto_vacuum = FULL; VACUUM")
	if err := errors.Join(err, conn.Close()); err != nil {
		t.Fatal(err)
	}
	s = open(t, path)
	if err := s.wiper.wipe(); !errors.Is(err, errAutoVacuum) {
		t.Errorf("the wiper returned %v", err)
	}
	checkIntegrity(t, s)
}

// TestLogIsEmptiedAfterBusyTries has a reader need the log. The writer that has found it
// busy often enough waits for that reader.
func TestLogIsEmptiedAfterBusyTries(t *testing.T) {
	s := open(t, tempPath(t))
	storetest.Put(t, s, "task")
	w := stopped(t, s)
	if err := w.conn.Run("UPDATE owners SET epoch = epoch + 1"); err != nil { // so that the log is not empty
		t.Fatal(err)
	}
	leave, ended := readOn(t, s)
	w.stmts.removed = true
	if w.emptyLog(); !w.stmts.removed {
		t.Error("the log was emptied while a reader needed it")
	}
	w.busy = maxBusy
	close(leave)
	w.emptyLog()
	if err := <-ended; err != nil || w.stmts.removed || w.busy != 0 {
		t.Errorf("the log was not emptied: %v", err)
	}
	restart(t, s)
}
