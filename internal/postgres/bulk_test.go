package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"docket"
	"docket/internal/pgtest"
	"docket/internal/storetest"
)

// TestBulkIsOneByOne has two users write the same: for one, creates that follow each
// other are one statement, for the other, each is its own. Both get the same answers,
// and have the same tasks and results afterwards.
func TestBulkIsOneByOne(t *testing.T) {
	s := openPatient(t, pgtest.Shared(t).Database(t))
	now := time.Date(2026, 1, 31, 9, 30, 0, 123_456_000, time.UTC)
	pairs, bulks := 0, 0
	rapid.Check(t, func(r *rapid.T) {
		pairs++
		together, apart := docket.UserID(fmt.Sprint("many ", pairs)), docket.UserID(fmt.Sprint("each ", pairs)) // as long, because the results have them
		var ids []uuid.UUID
		for i := range rapid.IntRange(1, 4).Draw(r, "writes") {
			w := docket.Write{Now: now, Epoch: 1, MaxTasks: rapid.SampledFrom([]int64{0, 3, 6, 9}).Draw(r, "most")}
			if rapid.Bool().Draw(r, "keyed") {
				w.Key = &docket.Key{Text: fmt.Sprint("key ", rapid.IntRange(0, i).Draw(r, "key"))}
			}
			for range rapid.IntRange(2, 8).Draw(r, "operations") {
				w.Operations = append(w.Operations, drawOperation(r, &ids))
			}
			if run(w.Operations) > 1 {
				bulks++
			}
			want, wantErr := writeApart(t, s, apart, w)
			got, err := s.Write(t.Context(), together, w)
			if diff := cmp.Diff(explained(wantErr), explained(err)); diff != "" {
				r.Fatalf("%+v fails differently (-apart +together):\n%s", w, diff)
			}
			if diff := cmp.Diff(ofNobody(want.Tasks), ofNobody(got.Tasks)); diff != "" || got.Replayed != want.Replayed {
				r.Fatalf("%+v returns other tasks, replayed %t and %t (-apart +together):\n%s", w, want.Replayed, got.Replayed, diff)
			}
		}
		if diff := cmp.Diff(everything(t, s, apart), everything(t, s, together)); diff != "" {
			r.Fatalf("the owners differ (-apart +together):\n%s", diff)
		}
	})
	if bulks == 0 {
		t.Error("no write had a bulk")
	}
}

// drawOperation draws a create with one of the fields that a bulk may mix up, of a new
// task or one that there may be, or a change of such a task.
func drawOperation(r *rapid.T, ids *[]uuid.UUID) docket.Operation {
	action := rapid.SampledFrom([]docket.Action{docket.Create, docket.Create, docket.Create, docket.Create, docket.Toggle, docket.Delete}).Draw(r, "action")
	if len(*ids) > 0 && (action != docket.Create || rapid.IntRange(0, 7).Draw(r, "same id") == 0) {
		return docket.Operation{Action: action, ID: rapid.SampledFrom(*ids).Draw(r, "id"), Fresh: rapid.Bool().Draw(r, "fresh"), New: docket.NewTask{Fields: docket.Fields{Title: "again"}}}
	}
	id := uuid.Must(uuid.NewV7())
	*ids = append(*ids, id)
	return docket.Operation{Action: docket.Create, ID: id, Fresh: rapid.Bool().Draw(r, "fresh"), New: docket.NewTask{Fields: docket.Fields{
		Title: rapid.SampledFrom([]string{"a", "{,}", `"\`, "NULL", "é\n"}).Draw(r, "title"), Description: rapid.SampledFrom([]*string{nil, new(""), new("null")}).Draw(r, "description"),
		Completed: rapid.Bool().Draw(r, "completed"), Priority: rapid.SampledFrom([]docket.Priority{docket.Low, docket.Medium, docket.High}).Draw(r, "priority"),
		DueDate: rapid.SampledFrom([]docket.DueDate{"", "2026-12-01"}).Draw(r, "due date"), Tags: rapid.SampledFrom([][]string{nil, {"a"}, {"b", `"`}}).Draw(r, "tags"),
		Metadata: rapid.SampledFrom([]docket.Metadata{"", `{"a":1}`}).Draw(r, "metadata"),
	}}}
}

// writeApart is Write with a statement for each operation.
func writeApart(t *testing.T, s *Store, owner docket.UserID, w docket.Write) (written docket.Written, err error) {
	conn, err := s.db.Pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	return s.attemptTogether(t.Context(), conn.Conn(), owner, &w, false)
}

func explained(err error) string {
	failed, ok := errors.AsType[*docket.OperationError](err)
	switch {
	case ok:
		return fmt.Sprintf("operation %d: %v, limit %d", failed.Index, failed.Err, failed.Err.Limit)
	case err != nil:
		return err.Error()
	}
	return ""
}

// ofNobody returns the tasks without their owner.
func ofNobody(tasks []docket.Task) []docket.Task {
	tasks = slices.Clone(tasks)
	for i := range tasks {
		tasks[i].UserID = ""
	}
	return tasks
}

// everything returns all rows of an owner as texts, without the owner.
func everything(t *testing.T, s *Store, owner docket.UserID) (rows []string) {
	for _, query := range []string{
		"SELECT (to_jsonb(x) - 'user_id')::text FROM docket.owners AS x WHERE x.user_id = $1",
		"SELECT (to_jsonb(t) - 'user_id')::text FROM docket.tasks AS t WHERE t.user_id = $1 ORDER BY t.version",
		"SELECT k.key FROM docket.idempotency_keys AS k WHERE k.user_id = $1 ORDER BY k.key",
	} {
		found, err := s.db.Pool.Query(t.Context(), query, owner)
		if err != nil {
			t.Fatal(err)
		}
		texts, err := pgx.CollectRows(found, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, texts...)
	}
	return rows
}

// TestBulkIsOneStatement has a hundred creates, which are one statement, and creates
// between other operations.
func TestBulkIsOneStatement(t *testing.T) {
	create := func() docket.Operation {
		return docket.Operation{Action: docket.Create, ID: storetest.Draft("").ID, Fresh: true, New: docket.NewTask{Fields: docket.Fields{Title: "task"}}}
	}
	var hundred []docket.Operation
	for range docket.MaxBatch {
		hundred = append(hundred, create())
	}
	toggle := docket.Operation{Action: docket.Toggle, ID: hundred[0].ID}
	for _, test := range []struct {
		operations []docket.Operation
		statements int
	}{
		{hundred, 1}, {append(slices.Clone(hundred[:99]), hundred[98]), 2}, {[]docket.Operation{create(), create(), toggle, create(), toggle, create(), create()}, 5},
	} {
		attempt := &transaction{store: new(Store), keyedWrite: keyedWrite{owner: "alice", write: &docket.Write{Operations: test.operations}}, bulks: true}
		if got := attempt.first().Len() - 1; got != test.statements {
			t.Errorf("%d operations are %d statements after BEGIN, want %d", len(test.operations), got, test.statements)
		}
	}
}

// TestGroupMakesTasksTogether has one user make five tasks, and another one more, while a
// write is in flight. Five are two too many for a user who may have as many as four.
func TestGroupMakesTasksTogether(t *testing.T) {
	for most, want := range map[int64]int{0: 5, 6: 5, 4: 3} {
		s, proxy, direct := openBehindProxy(t)
		users, b := mates(s, 3)
		create(t, s, users...)
		pgtest.Exec(t, direct, `CREATE TABLE made (n int)`,
			`CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO made SELECT count(*) FROM new; RETURN NULL; END'`,
			`CREATE TRIGGER note AFTER INSERT ON docket.tasks REFERENCING NEW TABLE AS new FOR EACH STATEMENT EXECUTE FUNCTION note()`)
		var calls []func()
		drafts, errs := make([]docket.Task, 7), make([]error, 7)
		for i := range drafts {
			drafts[i] = of(users[1], fmt.Sprint("task ", i))
			if i == 0 || i == 3 {
				drafts[i].UserID = users[i*2/3]
			}
			calls = append(calls, func() {
				o := docket.Operation{Action: docket.Create, ID: drafts[i].ID, Fresh: true, New: docket.NewTask{Fields: drafts[i].Fields}}
				var written docket.Written
				if written, errs[i] = s.Write(context.Background(), drafts[i].UserID, docket.Write{Operations: []docket.Operation{o}, Now: drafts[i].CreatedAt, MaxTasks: most}); errs[i] == nil {
					drafts[i] = written.Tasks[0]
				}
			})
		}
		whileInFlight(t, proxy, s, b, calls...)()
		page, err := s.List(t.Context(), users[1], docket.ListQuery{Limit: 10, Count: true})
		if err != nil || page.Total != want+1 || len(page.Tasks) != want+1 || page.State.Counter != int64(want)+1 {
			t.Errorf("at most %d: %d tasks after %d changes, %v", most, page.Total, page.State.Counter, err)
		}
		made, version := 0, int64(1)
		for i, draft := range drafts {
			switch {
			case draft.UserID != users[1]:
				if errs[i] != nil || draft.Version != 2 {
					t.Errorf("at most %d: the other user's task is %+v, %v", most, draft, errs[i])
				}
			case errs[i] != nil:
				if docket.KindOf(errs[i]) != docket.QuotaExceeded {
					t.Errorf("at most %d: task %d: %v", most, i, errs[i])
				}
			default:
				made++
				version++
				got, err := s.Get(t.Context(), users[1], draft.ID)
				if err != nil || !cmp.Equal(got, draft) {
					t.Errorf("at most %d: task %d is %+v, stored as %+v, %v", most, i, draft, got, err)
				}
				if want == 5 && draft.Version != version { // else they are made apart, in any order
					t.Errorf("at most %d: task %d has version %d, want %d", most, i, draft.Version, version)
				}
			}
		}
		if made != want {
			t.Errorf("at most %d: %d tasks were made, want %d", most, made, want)
		}
		if together := pgtest.Count(t, direct, "SELECT max(n) FROM made"); (together == 5) != (want == 5) {
			t.Errorf("at most %d: %d tasks were made by one statement", most, together)
		}
		idle(t, b)
	}
}

// BenchmarkBatch makes a hundred tasks in one write, as one statement and as a hundred.
func BenchmarkBatch(b *testing.B) {
	s := open(b, pgtest.Shared(b).Database(b))
	conn, err := s.db.Pool.Acquire(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Release()
	for name, bulks := range map[string]bool{"together": true, "apart": false} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				w := docket.Write{Now: time.Date(2026, 1, 31, 9, 30, 0, 0, time.UTC), Epoch: 1}
				for range docket.MaxBatch {
					w.Operations = append(w.Operations, docket.Operation{Action: docket.Create, ID: storetest.Draft("").ID, Fresh: true, New: docket.NewTask{Fields: docket.Fields{Title: "task"}}})
				}
				if _, err := s.attemptTogether(b.Context(), conn.Conn(), "alice", &w, bulks); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
