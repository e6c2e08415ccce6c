package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"docket"
	"docket/internal/pgtest"
	"docket/internal/postgres/column"
	"docket/internal/postgres/pgerror"
	"docket/internal/storetest"
)

// TestBadTags has a task whose tags cannot be read: the requests that read it fail, and
// the database is not in trouble.
func TestBadTags(t *testing.T) {
	for _, mode := range []string{"cache_statement", "exec"} {
		url := pgtest.Shared(t).Database(t)
		s := open(t, url, func(o *Options) { o.ExecMode = mode })
		task := storetest.Put(t, s, "task")
		pgtest.Exec(t, url, "UPDATE docket.tasks SET tags = 'a'")
		_, one := s.Get(t.Context(), "alice", task.ID)
		_, many := storetest.List(s)
		for _, err := range []error{one, many} {
			if docket.KindOf(err) != docket.Internal || !pgerror.IsBadResult(err) || s.db.Troubled() {
				t.Errorf("%s: the read returned %v; troubled: %t", mode, err, s.db.Troubled())
			}
		}
	}
}

// TestBytesAreNoMoreThanTheSize has tasks whose tags take more bytes in their column,
// because of escapes, or fewer when they are folded.
func TestBytesAreNoMoreThanTheSize(t *testing.T) {
	url := pgtest.Shared(t).Database(t)
	s := open(t, url)
	for _, tag := range []string{"\x01", "\u212a", "\"", "a", "\U0010ffff"} {
		draft := storetest.Draft("title")
		draft.DueDate, draft.Metadata, draft.Description = "2026-12-01T09:00:00Z", `{"a":"é"}`, new("é")
		for i := range docket.MaxTags {
			draft.Tags = append(draft.Tags, strings.Repeat(tag, docket.MaxTag-i))
		}
		task, err := storetest.Create(t.Context(), s, draft)
		if err != nil {
			t.Fatal(err)
		}
		bytes := int64(pgtest.Count(t, url, fmt.Sprintf("SELECT %s FROM docket.tasks AS t WHERE t.id = '%s'", column.TextBytes, task.ID)))
		tags := int64(len(strings.Join(docket.FoldTags(task.Tags), "")))
		if bytes > task.Size() || bytes < tags+int64(len(task.Title)+len(*task.Description)+len(task.Metadata)) {
			t.Errorf("a task of the size %d, with tags %q, has %d bytes", task.Size(), tag, bytes)
		}
	}
}

// TestConcurrentCreatesOfOneID has two instances create one task: each has looked for
// it before either has made it.
func TestConcurrentCreatesOfOneID(t *testing.T) {
	url := pgtest.Shared(t).Database(t)
	alone := func(o *Options) { o.NoBatching = true } // else its wait for a lock is cut
	first, second := openPatient(t, url, alone), openPatient(t, url, alone)
	storetest.Put(t, first, "other")
	owner := lock(t, url, "SELECT 1 FROM docket.owners FOR UPDATE")
	task, errs := storetest.Draft("task"), make(chan error, 2)
	for _, s := range []*Store{first, second} {
		go func() {
			_, err := storetest.Create(context.Background(), s, task)
			errs <- err
		}()
	}
	waitUntil(t, "both wait for the owner", func() bool { return pgtest.Count(t, url, waiting) == 2 })
	if err := owner.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	var failed []error
	for range 2 {
		if err := <-errs; err != nil {
			failed = append(failed, err)
		}
	}
	if len(failed) != 1 || !errors.Is(failed[0], docket.AlreadyExists()) {
		t.Errorf("%d of two failed: %v", len(failed), failed)
	}
	if n := pgtest.Count(t, url, "SELECT counter FROM docket.owners"); n != 2 {
		t.Errorf("the counter is %d", n)
	}
}

// TestCreateAgainInAGroup has one write of a group make a task that is there. The others
// are not sent again.
func TestCreateAgainInAGroup(t *testing.T) {
	s, proxy, _ := openBehindProxy(t)
	users, b := mates(s, 4)
	tasks := create(t, s, users...)
	again := docket.Operation{Action: docket.Create, ID: tasks[0].ID, New: docket.NewTask{Fields: tasks[0].Fields}}
	if _, err := storetest.Do(t.Context(), s, users[0], again, tasks[0].CreatedAt); !errors.Is(err, docket.AlreadyExists()) { // it prepares the statement
		t.Fatal(err)
	}
	errs := make([]error, len(users))
	var calls []func()
	for i, user := range users {
		draft := of(user, "second")
		if i == 2 {
			draft.ID = tasks[i].ID
		}
		o := docket.Operation{Action: docket.Create, ID: draft.ID, New: docket.NewTask{Fields: draft.Fields}}
		calls = append(calls, func() { _, errs[i] = storetest.Do(context.Background(), s, user, o, draft.CreatedAt) })
	}
	before := proxy.RoundTrips()
	whileInFlight(t, proxy, s, b, calls...)()
	if took := proxy.RoundTrips() - before; took != 2 {
		t.Errorf("%d writes took %d round trips", len(users), took)
	}
	for i, err := range errs {
		if i == 2 && !errors.Is(err, docket.AlreadyExists()) || i != 2 && err != nil {
			t.Errorf("write %d returned %v", i, err)
		}
	}
	idle(t, b)
}

// TestCreateAgainTogether has the second operation of a write make a task that is there,
// that is deleted, or that the first operation makes.
func TestCreateAgainTogether(t *testing.T) {
	s := open(t, pgtest.Shared(t).Database(t))
	live, gone := storetest.Put(t, s, "live"), storetest.Put(t, s, "gone")
	discard(t, s, 0, gone)
	made := docket.Operation{Action: docket.Create, ID: storetest.Draft("").ID, New: docket.NewTask{Fields: docket.Fields{Title: "made"}}}
	for name, task := range map[string]docket.Task{"live": live, "deleted": gone, "made": {ID: made.ID}} {
		for _, key := range []*docket.Key{nil, {Text: name}} {
			again := made
			again.ID = task.ID
			_, err := s.Write(t.Context(), "alice", docket.Write{Operations: []docket.Operation{made, again}, Key: key, Now: live.CreatedAt, Epoch: 1})
			failed, ok := errors.AsType[*docket.OperationError](err)
			if !ok || failed.Index != 1 || !errors.Is(failed, docket.AlreadyExists()) {
				t.Errorf("%s, with a key: %t: Write returned %v", name, key != nil, err)
			}
		}
	}
	if tasks, err := storetest.List(s); err != nil || len(tasks) != 1 {
		t.Errorf("%d tasks are left, %v", len(tasks), err)
	}
}
