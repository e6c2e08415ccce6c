package postgres

import (
	_ "embed"
	"fmt"
	"maps"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"docket"
	"docket/internal/migrate"
	"docket/internal/pgtest"
	"docket/internal/postgres/connect"
	"docket/internal/postgres/schema"
	"docket/internal/storetest"
)

// schema4 has statements as a program of schema 4 sends them.
//
//go:embed testdata/schema4.sql
var schema4 string

// older is a program of schema 4.
type older struct {
	*testing.T
	conn *pgx.Conn
}

func openOlder(t *testing.T, url string) older {
	t.Helper()
	return older{t, pgtest.Connect(t, url)}
}

var parameterLine = regexp.MustCompile(`(?m)^-- \$\d+ is (\w+)\n`)

// run runs a statement with these arguments; the others are null.
func (o older) run(name string, args map[string]any) {
	o.Helper()
	_, text, found := strings.Cut("\n"+schema4, "\n-- "+name+"\n")
	if !found {
		o.Fatalf("there is no statement %q", name)
	}
	text, _, _ = strings.Cut(text, ";\n")
	var list []any
	for _, m := range parameterLine.FindAllStringSubmatch(text, -1) {
		list = append(list, args[m[1]])
		delete(args, m[1])
	}
	if len(args) > 0 {
		o.Errorf("%s has no parameters for %v", name, args)
	}
	rows, err := o.conn.Query(o.Context(), parameterLine.ReplaceAllString(text, ""), list...)
	if err != nil {
		o.Fatal(err)
	}
	n := 0
	for rows.Next() {
		n++
	}
	if rows.Err() != nil || n != 1 {
		o.Fatalf("%s of the older program returned %d rows, %v", name, n, rows.Err())
	}
}

// act runs the statement of an operation on a task of alice.
func (o older) act(name string, id uuid.UUID, now time.Time, args map[string]any) {
	o.Helper()
	all := map[string]any{"user_id": "alice", "id": id, "now": now}
	switch name {
	case "update":
		all["set_title"], all["set_description"], all["set_completed"] = false, false, false
	case "restore":
		all["limit"] = 100
	}
	maps.Copy(all, args)
	o.run(name, all)
}

// full returns a task of alice with all fields, completed an hour ago.
func full(t *testing.T, s *Store) docket.Task {
	t.Helper()
	draft := storetest.Draft("title")
	draft.CreatedAt = draft.CreatedAt.Add(-time.Hour)
	draft.Description, draft.Completed, draft.Priority, draft.DueDate = new("note"), true, docket.High, "2026-12-01"
	draft.Tags, draft.Metadata = []string{"a", "B"}, `{"n":1.0}`
	task, err := storetest.Create(t.Context(), s, draft)
	if err != nil {
		t.Fatal(err)
	}
	return task
}

// TestBesideAnOlderProgram has a program of schema 4 change a task between two reads.
func TestBesideAnOlderProgram(t *testing.T) {
	url := pgtest.Shared(t).Database(t)
	s, o := open(t, url), openOlder(t, url)
	now := storetest.Draft("").CreatedAt
	for name, test := range map[string]struct {
		run  func(id uuid.UUID)
		want func(t *docket.Task)
	}{
		"renames it": {
			func(id uuid.UUID) {
				o.act("update", id, now, map[string]any{"set_title": true, "title": "new", "title_folded": "NEW"})
			},
			func(t *docket.Task) { t.Title, t.Version = "new", t.Version+1 },
		},
		"reopens it": {
			func(id uuid.UUID) {
				o.act("update", id, now, map[string]any{"set_completed": true, "completed": false})
			},
			func(t *docket.Task) { t.Completed, t.CompletedAt, t.Version = false, time.Time{}, t.Version+1 },
		},
		"toggles it": {
			func(id uuid.UUID) { o.act("toggle", id, now, nil) },
			func(t *docket.Task) { t.Completed, t.CompletedAt, t.Version = false, time.Time{}, t.Version+1 },
		},
		"deletes and restores it": {
			func(id uuid.UUID) {
				o.act("delete", id, now, nil)
				o.act("restore", id, now, nil)
			},
			func(t *docket.Task) { t.Version += 2 },
		},
	} {
		t.Run(name, func(t *testing.T) {
			task := full(t, s)
			test.run(task.ID)
			got, err := s.Get(t.Context(), "alice", task.ID)
			want := task
			test.want(&want)
			want.UpdatedAt = now
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
	t.Run("creates and completes one", func(t *testing.T) {
		draft := storetest.Draft("task")
		task := map[string]any{"title": "task", "title_folded": "TASK", "completed": false, "created_at": now, "updated_at": now, "epoch": 1, "limit": 100, "id": draft.ID, "user_id": "alice"}
		o.run("create", task)
		o.act("toggle", draft.ID, now.Add(time.Second), nil)
		got, err := s.Get(t.Context(), "alice", draft.ID)
		want := docket.Task{
			ID: draft.ID, UserID: "alice", Fields: docket.Fields{Title: "task", Completed: true}, CreatedAt: now,
			UpdatedAt: now.Add(time.Second), CompletedAt: now.Add(time.Second), Version: got.Version,
		}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
	})
}

// TestCompletedAtOfAnOlderProgram changes tasks whose completed_at is missing, or left
// over, as Write.Change changes what Task.Settle makes of them.
func TestCompletedAtOfAnOlderProgram(t *testing.T) {
	url := pgtest.Shared(t).Database(t)
	s := open(t, url)
	operations := []docket.Operation{
		{Action: docket.Toggle},
		{Action: docket.Toggle, If: docket.Precondition{NoneMatch: docket.Some([]int64{})}},
		{Action: docket.Restore},
		{Action: docket.Update, Update: docket.TaskUpdate{Title: docket.Some("new")}},
		{Action: docket.Update, Update: docket.TaskUpdate{Title: docket.Some("new"), Completed: docket.Some(false)}},
		{Action: docket.Update, Update: docket.TaskUpdate{Title: docket.Some("new"), Completed: docket.Some(true)}},
	}
	for _, o := range operations {
		for _, completed := range []bool{false, true} {
			for _, missing := range []bool{false, true} {
				task := full(t, s)
				task.Completed = completed
				if missing {
					task.CompletedAt = time.Time{}
				}
				deleted := "NULL"
				if o.Action == docket.Restore {
					deleted, task.DeletedAt = "updated_at", task.UpdatedAt
				}
				pgtest.Exec(t, url, fmt.Sprintf("UPDATE docket.tasks SET completed = %t, deleted_at = %s WHERE id = '%s'", completed, deleted, task.ID))
				if missing {
					pgtest.Exec(t, url, fmt.Sprintf("UPDATE docket.tasks SET completed_at = NULL WHERE id = '%s'", task.ID))
				}
				task.Settle()
				o.ID = task.ID
				w := docket.Write{Operations: []docket.Operation{o}, Now: task.UpdatedAt.Add(time.Minute)}
				want, _, err := w.Change(task, o)
				if err != nil {
					t.Fatal(err)
				}
				written, err := s.Write(t.Context(), "alice", w)
				if err != nil {
					t.Fatal(err)
				}
				got, err := s.Get(t.Context(), "alice", task.ID)
				want.Version = got.Version
				if diff := cmp.Diff([]docket.Task{want, want}, append(written.Tasks, got)); diff != "" || err != nil {
					t.Errorf("%+v, completed %t, missing %t: %v (-want +got):\n%s", o, completed, missing, err, diff)
				}
			}
		}
	}
}

// TestFieldsMigrateBothWays takes the steps back that drop data, and again, in a database
// with tasks, and looks whether their file was written anew.
func TestFieldsMigrateBothWays(t *testing.T) {
	url := pgtest.Shared(t).Database(t)
	s, o := open(t, url), openOlder(t, url)
	task := full(t, s)
	file := func() int { return pgtest.Count(t, url, "SELECT pg_relation_filenode('docket.tasks')::bigint") }
	before := file()
	target, err := connect.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	down := func(dropData bool) error {
		return schema.Migrate(t.Context(), target, func(m migrate.Migrator) error {
			_, err := m.Down(t.Context(), dropData)
			return err
		})
	}
	if err := down(false); err == nil || !strings.Contains(err.Error(), "drops data") {
		t.Errorf("the step back that drops data returned %v", err)
	}
	const fields = 6
	for n := len(schema.Migrations); n >= fields; n-- {
		if err := down(true); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(readStatusOf(t, url).Records); n != fields-1 {
		t.Errorf("the schema is %d", n)
	}
	o.act("toggle", task.ID, task.UpdatedAt, nil)
	s = open(t, url)
	got, err := s.Get(t.Context(), "alice", task.ID)
	want := task
	want.Fields = docket.Fields{Title: task.Title, Description: task.Description}
	want.CompletedAt, want.Version = time.Time{}, 2
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if after := file(); after != before {
		t.Error("a step has rewritten the table")
	}
	if step := schema.Migrations[fields-1]; step.Compatible != 3 {
		t.Errorf("the step %s refuses programs of before schema %d", step.Name, step.Compatible)
	}
}
