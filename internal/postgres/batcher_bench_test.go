package postgres

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"docket"
	"docket/internal/pgtest"
	"docket/internal/storetest"
)

// BenchmarkBatcher has 100 requests at work at a time, or one.
func BenchmarkBatcher(b *testing.B) {
	s := open(b, pgtest.Shared(b).Database(b))
	tasks := make([]docket.Task, 100)
	for i := range tasks {
		draft := storetest.Draft("task")
		draft.UserID = docket.UserID(fmt.Sprintf("user-%d", i))
		var err error
		if tasks[i], err = storetest.Create(b.Context(), s, draft); err != nil {
			b.Fatal(err)
		}
	}
	for name, request := range map[string]func(docket.Task) error{
		"get": func(t docket.Task) error {
			_, err := s.Get(context.Background(), t.UserID, t.ID)
			return err
		},
		"toggle": func(t docket.Task) error {
			_, err := s.Write(context.Background(), t.UserID, docket.Write{Operations: []docket.Operation{{Action: docket.Toggle, ID: t.ID}}, Now: t.CreatedAt})
			return err
		},
	} {
		b.Run(name+"/100", func(b *testing.B) {
			b.ReportAllocs()
			b.SetParallelism(50)
			var next atomic.Int64
			b.RunParallel(func(pb *testing.PB) {
				task := tasks[next.Add(1)%100]
				for pb.Next() {
					if err := request(task); err != nil {
						b.Error(err)
					}
				}
			})
		})
		b.Run(name+"/1", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := request(tasks[0]); err != nil {
					b.Error(err)
				}
			}
		})
	}
}
