package mcp

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"docket"
	"docket/internal/edge"
)

const defaultLimit = 25

// listArguments are the arguments of list_tasks.
type listArguments struct {
	Query     string   `json:"query"`
	Status    string   `json:"status"`
	Tag       string   `json:"tag"`
	Priority  string   `json:"priority"`
	DueBefore string   `json:"due_before"`
	DueAfter  string   `json:"due_after"`
	IDs       []string `json:"ids"`
	Sort      string   `json:"sort"`
	Limit     int      `json:"limit"`
	Cursor    string   `json:"cursor"`
	Details   bool     `json:"details"`
}

// listAnswer is the answer of list_tasks.
type listAnswer struct {
	Tasks   []jsontext.Value `json:"tasks"`
	Missing []string         `json:"missing,omitempty"` // ids of no task
	Cursor  string           `json:"cursor,omitempty"`  // where the tasks that follow begin
	Note    string           `json:"note,omitempty"`
}

func listTasks(ctx context.Context, a *Agents, owner docket.UserID, arguments jsontext.Value) (string, error) {
	var in listArguments
	if err := json.Unmarshal(arguments, &in); err != nil {
		return "", err
	}
	if len(in.IDs) > 0 {
		return getTasks(ctx, a, owner, in, arguments)
	}
	q, mark, err := in.query(owner)
	if err != nil {
		return "", err
	}
	page, err := edge.Admit(ctx, edge.Cost{Pass: q.Pass(), Bytes: edge.BytesOf(q.Limit)}, func() (docket.Page, error) {
		return a.service.Tasks(ctx, owner, q)
	})
	if err != nil {
		return "", explain(err, nil)
	}
	edge.HoldTasks(ctx, page.Tasks)
	shown, err := showTasks(page.Tasks, in.Details, maxTokens-reserved)
	if err != nil {
		return "", err
	}
	out := listAnswer{Tasks: shown}
	switch n := len(shown); {
	case n < len(page.Tasks):
		out.Note = "The rest would make this answer too long: call again with cursor, and the same arguments, to get it."
		out.Cursor = mark.Cursor(q.Sort.PositionOf(page.Tasks[n-1]))
	case page.More:
		out.Note = "More follow: call again with cursor and the same arguments."
		out.Cursor = mark.Cursor(q.Sort.PositionOf(page.Tasks[n-1]))
	}
	return marshal(out)
}

// query returns what to list, and the mark of the list's cursors.
func (in *listArguments) query(owner docket.UserID) (q docket.ListQuery, mark docket.ListMark, err error) {
	q = docket.ListQuery{Limit: in.Limit, Search: in.Query, DueBefore: moment(in.DueBefore), DueFrom: moment(in.DueAfter)}
	if q.Limit == 0 {
		q.Limit = defaultLimit
	}
	switch in.Status {
	case "", "pending":
		q.Completed = docket.Some(false)
	case "completed":
		q.Completed = docket.Some(true)
	case "deleted":
		q.Deleted = true
	}
	if in.Tag != "" {
		q.Tags = []string{strings.TrimSpace(in.Tag)}
	}
	if in.Priority != "" {
		p, _ := docket.ParsePriority(in.Priority) // the schema names them
		q.Priorities = []docket.Priority{p}
	}
	key, descending := strings.CutPrefix(in.Sort, "-")
	q.Sort = docket.Sort{Descending: descending, Key: map[string]docket.SortKey{
		"updated_at": docket.ByUpdate, "due_date": docket.ByDueDate, "priority": docket.ByPriority,
	}[key]}
	mark = docket.MarkList(owner, q)
	if in.Cursor != "" {
		if q.After, err = mark.Position(in.Cursor); err != nil {
			return q, mark, refuse("cursor is not one of this list. Send it with the arguments of the call that it came from, or leave it out.")
		}
	}
	return q, mark, nil
}

// moment returns the moment of a due date that was checked; zero for none.
func moment(text string) time.Time {
	due, _ := docket.ParseDueDate(text)
	t, _ := due.Moment()
	return t
}

// getTasks answers with the tasks of some ids.
func getTasks(ctx context.Context, a *Agents, owner docket.UserID, in listArguments, arguments jsontext.Value) (string, error) {
	var given map[string]jsontext.Value
	if err := json.Unmarshal(arguments, &given); err != nil {
		return "", err
	}
	var faults []string
	for _, name := range []string{"query", "status", "tag", "priority", "due_before", "due_after", "sort", "limit", "cursor"} {
		if given[name] != nil {
			faults = append(faults, name+" cannot be sent with ids, which are the tasks to get. Leave out one of the two.")
		}
	}
	if len(faults) > 0 {
		return "", refuse(faults...)
	}
	out := listAnswer{}
	tasks, err := edge.Admit(ctx, edge.Cost{Bytes: edge.BytesOf(len(in.IDs))}, func() ([]docket.Task, error) {
		var found []docket.Task
		for _, id := range parseIDs(in.IDs) {
			t, err := a.service.Task(ctx, owner, id)
			switch {
			case docket.KindOf(err) == docket.NotFound:
				out.Missing = append(out.Missing, id.String())
			case err != nil:
				return nil, err
			default:
				found = append(found, t)
			}
		}
		return found, nil
	})
	if err != nil {
		return "", explain(err, nil)
	}
	edge.HoldTasks(ctx, tasks)
	missing, err := json.Marshal(out.Missing)
	if err != nil {
		return "", err
	}
	if out.Tasks, err = showTasks(tasks, in.Details, maxTokens-reserved-tokens(missing)); err != nil {
		return "", err
	}
	var notes []string
	if n := len(tasks) - len(out.Tasks); n > 0 {
		notes = append(notes, fmt.Sprintf("The last %d tasks would make this answer too long: call again with their ids alone.", n))
	}
	if len(out.Missing) > 0 {
		notes = append(notes, "The user has no tasks with the missing ids: call list_tasks without ids to see which there are, and with status deleted for the trash.")
	}
	out.Note = strings.Join(notes, " ")
	return marshal(out)
}

// parseIDs returns ids that were checked.
func parseIDs(texts []string) []uuid.UUID {
	ids := make([]uuid.UUID, len(texts))
	for i, text := range texts {
		ids[i], _ = docket.ParseTaskID(text)
	}
	return slices.Clip(ids)
}
