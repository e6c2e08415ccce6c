package httpapi

import (
	"context"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/google/uuid"

	"docket"
)

// defaultChanges is the most changes in an answer unless the client says otherwise.
const defaultChanges = 100

// changesInput is the request of changes; as of a list, Resolve reads the
// parameters again.
type changesInput struct {
	UserPath
	Since string       `query:"since" pattern:"^[A-Za-z0-9_-]+$" maxLength:"100" doc:"A sync token: next of an earlier answer, or the id of an event. Absent: all live tasks, to begin with." example:"AQ"`
	Limit changesParam `query:"limit" doc:"The most changes to return." example:"50"`

	query docket.ChangesQuery
}

type changesParam string

// Schema implements huma.SchemaProvider.
func (changesParam) Schema(r huma.Registry) *huma.Schema {
	s := limitParam("").Schema(r)
	s.Default = defaultChanges
	return s
}

// Resolve implements huma.Resolver.
func (in *changesInput) Resolve(ctx huma.Context) []error {
	r, _ := humago.Unwrap(ctx)
	values, faults, err := parseQuery(r.URL.RawQuery, "since", "limit")
	if err != nil {
		return []error{err}
	}
	in.query.Limit = defaultChanges
	if text, given := values["limit"]; given {
		n, err := strconv.Atoi(text[0])
		if err != nil || n < 1 || n > docket.MaxChanges || text[0] != strconv.Itoa(n) {
			faults = append(faults, queryFault("limit", "out_of_range", fmt.Sprintf("The limit must be a whole number from 1 to %d.", docket.MaxChanges)))
		}
		in.query.Limit = n
	}
	if text, given := values["since"]; given {
		if in.query.Since, err = parseSyncToken(text[0], in.UserID); err != nil {
			faults = append(faults, queryFault("since", "invalid_token", "This is not a sync token of this user: send next of an earlier answer as it is, or begin again without since."))
		}
	}
	return in.finish(ctx, faults, body{})
}

// Tombstone is a deleted task in a list of changes.
type Tombstone struct {
	ID        uuid.UUID `json:"id" format:"uuid" minLength:"36" maxLength:"36" doc:"The task's." example:"019a4e6f-1b2c-7d3e-8f40-516273849a5b"`
	Deleted   bool      `json:"deleted" enum:"true" doc:"Always true: the task is deleted."`
	DeletedAt timestamp `json:"deleted_at" doc:"When the task was deleted." example:"2026-01-31T09:30:00.000000Z"`
	Version   int64     `json:"version" minimum:"1" maximum:"9007199254740991" doc:"The owner's change number at the deletion." example:"2"`
}

// Change is the latest state of a task that changed: a Task or a Tombstone.
type Change docket.Task

// Schema implements huma.SchemaProvider.
func (Change) Schema(r huma.Registry) *huma.Schema {
	return &huma.Schema{OneOf: []*huma.Schema{r.Schema(reflect.TypeFor[Task](), true, ""), r.Schema(reflect.TypeFor[Tombstone](), true, "")}}
}

// Changes is the body that tells what changed.
type Changes struct {
	Items   []Change `json:"items" nullable:"false" maxItems:"1000" doc:"The latest state of each task that changed, in the order of their versions."`
	Next    string   `json:"next" pattern:"^[A-Za-z0-9_-]+$" maxLength:"100" doc:"The sync token to send as since the next time." example:"AQ"`
	HasMore bool     `json:"has_more" doc:"Whether there are more changes already: ask again at once." example:"false"`
}

type changesOutput struct {
	Body Changes
}

func (a *api) changes(ctx context.Context, in *changesInput) (*changesOutput, error) {
	c, err := a.service.Changes(ctx, in.owner, in.query)
	if err != nil {
		return nil, err
	}
	out := &changesOutput{Body: Changes{Items: make([]Change, len(c.Items)), Next: formatSyncToken(c.Next, in.UserID), HasMore: c.More}}
	for i, t := range c.Items {
		out.Body.Items[i] = Change(t)
	}
	return out, nil
}

// appendChange appends a task as changes and events show it, on one line.
func appendChange(b []byte, t docket.Task) ([]byte, error) {
	if t.DeletedAt.IsZero() {
		w := wireTask(t)
		return appendTask(b, &w)
	}
	b = append(b, `{"id":"`...)
	b = appendUUID(b, t.ID)
	b = append(b, `","deleted":true,"deleted_at":"`...)
	b = appendTimestamp(b, t.DeletedAt)
	b = append(b, `","version":`...)
	b = strconv.AppendInt(b, t.Version, 10)
	return append(b, '}'), nil
}

func encodeChanges(w io.Writer, c Changes) (err error) {
	o := newOutput(w)
	defer o.close()
	o.bytes = append(o.bytes, `{"items":[`...)
	for i, t := range c.Items {
		if i > 0 {
			o.bytes = append(o.bytes, ',')
		}
		if o.bytes, err = appendChange(o.bytes, docket.Task(t)); err != nil {
			return err
		}
		if err := o.next(); err != nil {
			return err
		}
	}
	o.bytes = append(append(append(o.bytes, `],"next":"`...), c.Next...), `","has_more":`...)
	o.bytes = append(strconv.AppendBool(o.bytes, c.HasMore), '}')
	return o.end()
}

type eraseInput struct {
	UserPath
	Retry
}

func (in *eraseInput) Resolve(ctx huma.Context) []error {
	return in.resolve(ctx, in.read(ctx, body{}, noMatch(ctx, "A user has no version.")...))
}

// eraseTimeout bounds an erasure, which goes on when its client has left.
const eraseTimeout = 5 * time.Minute

func (a *api) eraseUser(ctx context.Context, in *eraseInput) (*struct{}, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), eraseTimeout)
	defer cancel()
	return nil, a.service.Erase(ctx, in.owner)
}
