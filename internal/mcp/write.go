package mcp

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"docket"
	"docket/internal/edge"
)

// taskArguments are the fields of a task in the arguments of a tool. Those that are
// absent are nil.
type taskArguments struct {
	ID          string    `json:"id"`
	Title       *string   `json:"title"`
	Description *string   `json:"description"`
	Completed   *bool     `json:"completed"`
	Priority    *string   `json:"priority"`
	DueDate     *string   `json:"due_date"`
	Tags        *[]string `json:"tags"`
	IfVersion   *int64    `json:"if_version"`
}

// update returns the fields that are given. A text of "" clears.
func (in *taskArguments) update() docket.TaskUpdate {
	u := docket.TaskUpdate{Title: given(in.Title), Completed: given(in.Completed), Tags: given(in.Tags)}
	if in.Description != nil {
		u.Description = docket.Some(optional(*in.Description))
	}
	if in.Priority != nil {
		p, _ := docket.ParsePriority(*in.Priority) // the schema names them
		u.Priority = docket.Some(p)
	}
	if in.DueDate != nil {
		due, _ := docket.ParseDueDate(*in.DueDate) // checked
		u.DueDate = docket.Some(due)
	}
	return u
}

func given[T any](v *T) docket.Optional[T] {
	if v == nil {
		return docket.Optional[T]{}
	}
	return docket.Some(*v)
}

// writeAnswer is the answer of a tool that writes.
type writeAnswer struct {
	Tasks   []jsontext.Value `json:"tasks,omitempty"`
	Deleted []uuid.UUID      `json:"deleted,omitempty"`
	Note    string           `json:"note,omitempty"`
}

func addTasks(ctx context.Context, a *Agents, owner docket.UserID, arguments jsontext.Value) (string, error) {
	var in struct {
		Tasks []taskArguments `json:"tasks"`
		Key   string          `json:"key"`
	}
	if err := json.Unmarshal(arguments, &in); err != nil {
		return "", err
	}
	operations := make([]docket.Operation, len(in.Tasks))
	for i := range in.Tasks {
		in.Tasks[i].update().Apply(&operations[i].New.Fields)
	}
	var key *docket.Key
	if in.Key != "" {
		text, err := json.Marshal(in.Tasks)
		if err != nil {
			return "", err
		}
		key = &docket.Key{Text: in.Key, Fingerprint: sha256.Sum256(append([]byte("add_tasks "), text...))}
	}
	written, err := a.write(ctx, owner, operations, key, "tasks")
	if err != nil {
		return "", err
	}
	out := writeAnswer{}
	if written.Replayed {
		out.Note = "This key was used before: these are the tasks that were added then. Nothing was added now."
	}
	return out.withTasks(written.Tasks)
}

func updateTasks(ctx context.Context, a *Agents, owner docket.UserID, arguments jsontext.Value) (string, error) {
	var in struct {
		Tasks []taskArguments `json:"tasks"`
	}
	if err := json.Unmarshal(arguments, &in); err != nil {
		return "", err
	}
	operations := make([]docket.Operation, len(in.Tasks))
	for i := range in.Tasks {
		t, o := &in.Tasks[i], &operations[i]
		o.Action, o.Update = docket.Update, t.update()
		o.ID, _ = docket.ParseTaskID(t.ID) // checked
		if t.IfVersion != nil {
			o.If.Match = docket.Some([]int64{*t.IfVersion})
		}
	}
	written, err := a.write(ctx, owner, operations, nil, "tasks")
	if err != nil {
		return "", err
	}
	return writeAnswer{}.withTasks(written.Tasks)
}

func deleteTasks(ctx context.Context, a *Agents, owner docket.UserID, arguments jsontext.Value) (string, error) {
	written, err := a.writeIDs(ctx, owner, arguments, docket.Delete)
	if err != nil {
		return "", err
	}
	out := writeAnswer{Note: fmt.Sprintf("To undo, call restore_tasks with these ids within %s.", period(a.options.Retention))}
	for i := range written.Tasks {
		out.Deleted = append(out.Deleted, written.Tasks[i].ID)
	}
	return marshal(out)
}

// period writes a duration in days, or as Go does when it has none or a part of one.
func period(d time.Duration) string {
	if day := 24 * time.Hour; d >= day && d%day == 0 {
		return fmt.Sprintf("%d days", d/day)
	}
	return d.String()
}

func restoreTasks(ctx context.Context, a *Agents, owner docket.UserID, arguments jsontext.Value) (string, error) {
	written, err := a.writeIDs(ctx, owner, arguments, docket.Restore)
	if err != nil {
		return "", err
	}
	return writeAnswer{}.withTasks(written.Tasks)
}

// writeIDs does the same to each of the tasks that the arguments name.
func (a *Agents) writeIDs(ctx context.Context, owner docket.UserID, arguments jsontext.Value, action docket.Action) (docket.Written, error) {
	var in struct {
		IDs []string `json:"ids"`
	}
	if err := json.Unmarshal(arguments, &in); err != nil {
		return docket.Written{}, err
	}
	operations := make([]docket.Operation, len(in.IDs))
	for i, id := range parseIDs(in.IDs) {
		operations[i] = docket.Operation{Action: action, ID: id}
	}
	return a.write(ctx, owner, operations, nil, "ids")
}

// write carries out the operations of a call, all or none. Arguments of this name are
// where they came from, in the same order.
func (a *Agents) write(ctx context.Context, owner docket.UserID, operations []docket.Operation, key *docket.Key, name string) (docket.Written, error) {
	written, err := edge.Admit(ctx, edge.Cost{Bytes: edge.BytesOf(len(operations))}, func() (docket.Written, error) {
		return a.service.Batch(ctx, owner, operations, key)
	})
	if err != nil {
		return written, explain(err, func(i int) place {
			return place{path: fmt.Sprintf("%s[%d]", name, i), operation: operations[i]}
		})
	}
	edge.HoldTasks(ctx, written.Tasks)
	return written, nil
}

// withTasks returns the answer with all tasks: only ids and versions when more would
// make it too long.
func (w writeAnswer) withTasks(tasks []docket.Task) (string, error) {
	shown, err := showTasks(tasks, false, maxTokens-reserved)
	if err != nil {
		return "", err
	}
	if len(shown) < len(tasks) {
		shown = shown[:0]
		for i := range tasks {
			v, err := json.Marshal(struct {
				ID      uuid.UUID `json:"id"`
				Version int64     `json:"version"`
			}{tasks[i].ID, tasks[i].Version})
			if err != nil {
				return "", err
			}
			shown = append(shown, v)
		}
	}
	w.Tasks = shown
	return marshal(w)
}
