package sqlite

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"sync"
	"time"

	"docket/internal/sqlite/engine"
)

// pageSQL and writePageSQL read and write a page of the file, by its number.
const (
	pageSQL      = "SELECT data FROM sqlite_dbpage('main') WHERE pgno = ?1"
	writePageSQL = "UPDATE sqlite_dbpage SET data = ?2 WHERE pgno = ?1"
)

const (
	// maxWiped is the number of pages up to which a file is wiped: behind them the
	// first byte of an overflow page, which is a page number, may look like that of a
	// B-tree.
	maxWiped = 1 << 24
	// wipeStep is how many pages are examined at once, and how many one write wipes.
	wipeStep = 64
	// wipeShare keeps the wiper at rest for so many times as long as a pass took.
	wipeShare = 10
)

// wiper overwrites what was deleted and is still in the file. SQLite overwrites what
// it deletes (secure_delete), but when it moves rows to another page, copies of them
// stay in the unused space of the old page. The wiper overwrites that space, in all
// pages.
type wiper struct {
	file     engine.File
	writer   *writer
	log      *slog.Logger
	interval time.Duration
	due      chan struct{} // capacity 1
	stop     chan struct{}
	stopOnce sync.Once
	done     chan struct{}
}

// openWiper returns a wiper that is due: what was deleted before the last stop may
// still be there.
func openWiper(s *Store) *wiper {
	w := &wiper{
		file: s.file, writer: s.writer, log: s.log, interval: s.pace.wipe,
		due: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
	}
	signal(w.due)
	return w
}

// run wipes when that is due, until close.
func (w *wiper) run() {
	defer close(w.done)
	for {
		select {
		case <-w.due:
		case <-w.stop:
			return
		}
		began := time.Now()
		err := w.wipe()
		if errors.Is(err, errAutoVacuum) {
			w.log.Warn("what is deleted is not overwritten in the file", "error", err)
			return
		}
		if err != nil {
			w.log.Warn("what was deleted could not be overwritten in the file; it will be retried", "error", err)
			signal(w.due)
		}
		pause := max(w.interval, wipeShare*time.Since(began))
		select {
		case <-time.After(pause):
		case <-w.stop:
			return
		}
	}
}

func (w *wiper) close() {
	w.stopOnce.Do(func() { close(w.stop) })
	<-w.done
}

// errAutoVacuum is the error of a file that has pages which look like those of
// B-trees, and are none (pointer maps).
var errAutoVacuum = errors.New("sqlite: the file has the mode auto_vacuum: to have it overwritten, stop the server and run PRAGMA auto_vacuum = 0; VACUUM on it")

// wipe wipes all pages. It uses at most half of one core.
func (w *wiper) wipe() (err error) {
	ctx := context.Background()
	conn, err := w.file.Open("query_only = 1")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	mode, err := conn.Number("PRAGMA auto_vacuum")
	if err == nil && mode != 0 {
		err = errAutoVacuum
	}
	if err != nil {
		return err
	}
	pages, err := conn.Number("PRAGMA page_count")
	if err != nil {
		return err
	}
	if pages > maxWiped {
		return errors.New("sqlite: the file is too large to be wiped")
	}
	for first := int64(1); first <= pages; first += wipeStep {
		began := time.Now()
		stale, err := stalePages(conn, first, min(first+wipeStep-1, pages))
		if err == nil && len(stale) > 0 {
			err = w.writer.do(ctx, len(stale), func(q *statements) error { return wipePages(q, stale) })
		}
		if err != nil {
			return err
		}
		select {
		case <-time.After(time.Since(began)):
		case <-w.stop:
			return nil
		}
	}
	return nil
}

// stalePages returns those of the pages from first to last whose unused space holds
// something.
func stalePages(conn *engine.Conn, first, last int64) (stale []int64, err error) {
	for n := first; n <= last && err == nil; n++ {
		var page []byte
		page, err = pageOf(conn, n)
		if !isZero(unused(n, page)) {
			stale = append(stale, n)
		}
	}
	return stale, err
}

// pageOf runs pageSQL.
func pageOf(conn *engine.Conn, number int64) (page []byte, err error) {
	read := conn.Stmt(pageSQL)
	_, err = read.Num(number).Row(func() { page = read.BytesAt(0) })
	return page, err
}

// wipePages overwrites the unused space of pages.
func wipePages(q *statements, numbers []int64) error {
	for _, n := range numbers {
		page, err := pageOf(q.Conn, n)
		if err != nil {
			return err
		}
		clear(unused(n, page))
		if err := q.Stmt(writePageSQL).Num(n).Blob(page).Exec(); err != nil {
			return err
		}
	}
	q.removed = true
	return nil
}

// unused returns the part of a page of a B-tree between its cell pointers and its
// cells ("The Database File Format", section 1.6), and nothing of another page.
func unused(number int64, page []byte) []byte {
	if len(page) == 0 { // the file has become shorter
		return nil
	}
	header := page
	if number == 1 {
		header = page[100:]
	}
	var size int
	switch header[0] {
	case 2, 5: // interior
		size = 12
	case 10, 13: // leaf
		size = 8
	default:
		return nil
	}
	cells := int(binary.BigEndian.Uint16(header[3:]))
	from := len(page) - len(header) + size + 2*cells
	to := int(binary.BigEndian.Uint16(header[5:]))
	if to == 0 {
		to = 1 << 16
	}
	if from > to || to > len(page) {
		return nil
	}
	return page[from:to]
}

func isZero(b []byte) bool { return len(bytes.Trim(b, "\x00")) == 0 }
