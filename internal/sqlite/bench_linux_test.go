package sqlite

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"

	"docket"
	"docket/internal/storetest"
)

// BenchmarkStore measures a store of 100,000 tasks of 1,000 users, in one process. Each
// figure is that of one task, but of list, which is that of a page of 50. The time
// includes the flush of the disk, cpu-ns does not.
//
//	go test ./internal/sqlite -run='^$' -bench=Store -count=5
func BenchmarkStore(b *testing.B) {
	const users, each = 1000, 100
	s, err := Open(b.Context(), filepath.Join(b.TempDir(), "docket.db"), noLog)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	owner := func(n int) docket.UserID { return docket.UserID(fmt.Sprintf("user-%04d", n%users)) }
	var ids [users][]uuid.UUID
	for n := range users {
		ids[n] = createSome(b, s, owner(n), each)
	}
	b.Run("get", func(b *testing.B) {
		defer measured(b)()
		for n := 0; b.Loop(); n++ {
			if _, err := s.Get(b.Context(), owner(n*7), ids[n*7%users][n%each]); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("list 50", func(b *testing.B) {
		defer measured(b)()
		for n := 0; b.Loop(); n++ {
			page, err := s.List(b.Context(), owner(n*7), docket.ListQuery{Limit: 50})
			if err != nil || len(page.Tasks) != 50 {
				b.Fatal(len(page.Tasks), err)
			}
		}
	})
	b.Run("create by 16", func(b *testing.B) {
		defer measured(b)()
		var writers sync.WaitGroup
		for w := range 16 {
			writers.Go(func() {
				for n := w; n < b.N; n += 16 {
					createSome(b, s, owner(n*7), 1)
				}
			})
		}
		writers.Wait()
	})
	b.Run("create in a batch of 100", func(b *testing.B) {
		defer measured(b)()
		for n := 0; n < b.N; n += 100 {
			createSome(b, s, owner(n/100*7), 100)
		}
	})
}

// measured reports the CPU time of this process, until it is called.
func measured(b *testing.B) (end func()) {
	b.ReportAllocs()
	used := func() int64 {
		var u unix.Rusage
		if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return u.Utime.Nano() + u.Stime.Nano()
	}
	before := used()
	return func() { b.ReportMetric(float64(used()-before)/float64(b.N), "cpu-ns/op") }
}

// createSome creates tasks in one write.
func createSome(b *testing.B, s *Store, owner docket.UserID, n int) (ids []uuid.UUID) {
	w := docket.Write{Now: time.Now().UTC().Truncate(time.Microsecond), Epoch: 1}
	for range n {
		id := storetest.Draft("").ID
		ids = append(ids, id)
		w.Operations = append(w.Operations, docket.Operation{
			Action: docket.Create, ID: id,
			New: docket.NewTask{Fields: docket.Fields{Title: "Buy milk and bread", Description: new("Two litres, and the bread of yesterday.")}},
		})
	}
	if _, err := s.Write(b.Context(), owner, w); err != nil {
		b.Error(err)
	}
	return ids
}
