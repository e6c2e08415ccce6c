package httpapi

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"docket"
)

// UserPath is the part of an input that says whose tasks are meant. It is
// exported because Huma does not bind the fields of an unexported one.
type UserPath struct {
	UserID string `path:"user_id" minLength:"1" maxLength:"255" pattern:"^[^\\x00-\\x1f\\x7f-\\x9f]+$" doc:"The owner: an opaque string, compared byte for byte. A lone . or .. is not one." example:"alice"`

	owner docket.UserID // set by resolve
}

// TaskPath says which task is meant.
type TaskPath struct {
	UserPath
	ID string `path:"id" format:"uuid" maxLength:"36" doc:"The task. An id that is no UUID belongs to no task." example:"019a4e6f-1b2c-7d3e-8f40-516273849a5b"`
}

// resolve checks everything about a request that a handler must not see
// unchecked: its query, of which nothing is expected, its owner and its body. It
// reports all faults at once.
func (p *UserPath) resolve(ctx huma.Context, b body) []error {
	url := ctx.URL()
	_, faults, err := parseQuery(url.RawQuery)
	if err != nil {
		return []error{err}
	}
	return p.finish(ctx, faults, b)
}

// finish is resolve for a query that has been looked at.
func (p *UserPath) finish(ctx huma.Context, faults []docket.Fault, b body) []error {
	if !requestOf(ctx.Context()).allows(p.UserID) {
		return []error{errForeignUser} // authenticate has answered already, if it read the path as the router did
	}
	if err := requestOf(ctx.Context()).share.work(); err != nil {
		return []error{err}
	}
	if b.err != nil {
		return []error{b.err}
	}
	var err error
	p.owner, err = docket.ParseUserID(p.UserID)
	if e, ok := errors.AsType[*docket.Error](err); ok {
		faults = append(faults, e.Faults...)
	}
	if faults = append(faults, b.faults...); len(faults) > 0 {
		return []error{docket.InvalidInput(faults...)}
	}
	return nil
}

// Conditions are the preconditions of a request about one task.
type Conditions struct {
	IfMatch     string `header:"If-Match" pattern:"^[ \\t]*(\\*|[, \\t]*(W/)?\"[^\"\\s]*\"([ \\t]*,[ \\t]*((W/)?\"[^\"\\s]*\")?)*)[ \\t]*$" maxLength:"4000" doc:"ETags, one of which the task must have, or *: otherwise 412." example:"\"1\""`
	IfNoneMatch string `header:"If-None-Match" pattern:"^[ \\t]*(\\*|[, \\t]*(W/)?\"[^\"\\s]*\"([ \\t]*,[ \\t]*((W/)?\"[^\"\\s]*\")?)*)[ \\t]*$" maxLength:"4000" doc:"ETags, none of which the task may have: otherwise 304 to a read and 412 to a write." example:"\"1\""`

	match, noneMatch []string // the tags; nil without the field
}

// tagFaults reads the fields and returns their faults. It reads them itself: Huma binds the first of several lines.
func (c *Conditions) tagFaults(ctx huma.Context) []docket.Fault {
	r, _ := humago.Unwrap(ctx)
	var faults []docket.Fault
	for name, tags := range map[string]*[]string{"If-Match": &c.match, "If-None-Match": &c.noneMatch} {
		var err error
		if *tags, err = parseTags(r.Header.Values(name)); err != nil {
			faults = append(faults, tagsFault(name))
		}
	}
	return faults
}

// ofWrite is what a write demands: If-Match by the strong comparison of tags and
// If-None-Match by the weak one, where * is any task (RFC 9110, section 13.1).
func (c *Conditions) ofWrite() (p docket.Precondition) {
	switch {
	case slices.Contains(c.noneMatch, anyTag): // there must be no task
		return docket.Precondition{Match: docket.Some([]int64{})}
	case c.noneMatch != nil:
		p.NoneMatch = docket.Some(versionsOf(withoutWeakness(c.noneMatch)))
	}
	if c.match != nil && !slices.Contains(c.match, anyTag) {
		p.Match = docket.Some(versionsOf(c.match))
	}
	return p
}

type taskInput struct {
	TaskPath
	Conditions
}

func (in *taskInput) Resolve(ctx huma.Context) []error {
	return in.resolve(ctx, body{faults: in.tagFaults(ctx)})
}

type writeInput struct {
	TaskPath
	Conditions
	Retry
}

func (in *writeInput) Resolve(ctx huma.Context) []error {
	return in.resolve(ctx, in.read(ctx, body{}, in.tagFaults(ctx)...))
}

type createInput struct {
	UserPath
	Retry
	Body TaskCreate
}

func (in *createInput) Resolve(ctx huma.Context) []error {
	return in.resolve(ctx, in.read(ctx, in.Body.body, noMatch(ctx, "A task that is made has no version yet.")...))
}

// noMatch returns a fault when a request has If-Match where no task is named,
// so that nobody takes it for honoured.
func noMatch(ctx huma.Context, mend string) []docket.Fault {
	if ctx.Header("If-Match") == "" {
		return nil
	}
	return []docket.Fault{{In: docket.InHeader, Name: "If-Match", Code: "unexpected", Detail: "The header If-Match has no meaning here. Remove it. " + mend}}
}

type updateInput struct {
	TaskPath
	Conditions
	Retry
	Body TaskUpdate
}

func (in *updateInput) Resolve(ctx huma.Context) []error {
	return in.resolve(ctx, in.read(ctx, in.Body.body, in.tagFaults(ctx)...))
}

type completeInput struct {
	TaskPath
	Conditions
	Retry
	Body *TaskComplete
}

func (in *completeInput) Resolve(ctx huma.Context) []error {
	if in.Body == nil {
		in.Body = &TaskComplete{}
	}
	return in.resolve(ctx, in.read(ctx, in.Body.body, in.tagFaults(ctx)...))
}

type taskOutput struct {
	Status       int
	ETag         string `header:"ETag"`
	CacheControl string `header:"Cache-Control"`
	Body         Task
}

// writtenOutput repeats the fields of taskOutput, as createdOutput does: Huma
// finds Body and the headers of an embedded struct only in part.
type writtenOutput struct {
	ETag         string `header:"ETag"`
	CacheControl string `header:"Cache-Control"`
	Replayed     string `header:"Idempotent-Replayed"`
	Body         Task
}

type createdOutput struct {
	Location     string `header:"Location"`
	ETag         string `header:"ETag"`
	CacheControl string `header:"Cache-Control"`
	Replayed     string `header:"Idempotent-Replayed"`
	Body         Task
}

type deletedOutput struct {
	Replayed string `header:"Idempotent-Replayed"`
}

const revalidate = "private, no-cache"

func answerTask(t docket.Task, err error) (*taskOutput, error) {
	if err != nil {
		return nil, err
	}
	return &taskOutput{Status: http.StatusOK, ETag: etag(t.Version), CacheControl: revalidate, Body: wireTask(t)}, nil
}

func (a *api) createTask(ctx context.Context, in *createInput) (*createdOutput, error) {
	t, replayed, err := a.service.Do(ctx, in.owner, docket.Operation{Action: docket.Create, New: in.Body.task()}, in.key)
	if err != nil {
		return nil, err
	}
	return &createdOutput{Location: taskPath(t), ETag: etag(t.Version), CacheControl: revalidate, Replayed: replayMark(replayed), Body: wireTask(t)}, nil
}

func (a *api) getTask(ctx context.Context, in *taskInput) (*taskOutput, error) {
	id, err := docket.ParseTaskID(in.ID)
	if err != nil {
		return nil, err
	}
	t, err := a.service.Task(ctx, in.owner, id)
	if err == nil && in.match != nil && !slices.Contains(in.match, anyTag) && !slices.Contains(in.match, etag(t.Version)) {
		err = docket.Stale()
	}
	out, err := answerTask(t, err)
	if err == nil && matchesAny(in.noneMatch, out.ETag) {
		out.Status = http.StatusNotModified
	}
	return out, err
}

// write carries out an operation on the task with the id that a path names.
func (a *api) write(ctx context.Context, path TaskPath, o docket.Operation, key *docket.Key) (t docket.Task, replayed bool, err error) {
	if o.ID, err = docket.ParseTaskID(path.ID); err != nil {
		return t, false, err
	}
	return a.service.Do(ctx, path.owner, o, key)
}

func answerWritten(t docket.Task, replayed bool, err error) (*writtenOutput, error) {
	if err != nil {
		return nil, err
	}
	return &writtenOutput{ETag: etag(t.Version), CacheControl: revalidate, Replayed: replayMark(replayed), Body: wireTask(t)}, nil
}

func (a *api) updateTask(ctx context.Context, in *updateInput) (*writtenOutput, error) {
	return answerWritten(a.write(ctx, in.TaskPath, docket.Operation{Action: docket.Update, Update: in.Body.update(), If: in.ofWrite()}, in.key))
}

func (a *api) completeTask(ctx context.Context, in *completeInput) (*writtenOutput, error) {
	o := docket.Operation{Action: docket.Toggle, If: in.ofWrite()}
	if in.Body.Completed.Set {
		o.Action, o.Update.Completed = docket.Update, docket.Optional[bool](in.Body.Completed)
	}
	return answerWritten(a.write(ctx, in.TaskPath, o, in.key))
}

func (a *api) deleteTask(ctx context.Context, in *writeInput) (*deletedOutput, error) {
	_, replayed, err := a.write(ctx, in.TaskPath, docket.Operation{Action: docket.Delete, If: in.ofWrite()}, in.key)
	return &deletedOutput{Replayed: replayMark(replayed)}, err
}

func (a *api) restoreTask(ctx context.Context, in *writeInput) (*writtenOutput, error) {
	return answerWritten(a.write(ctx, in.TaskPath, docket.Operation{Action: docket.Restore, If: in.ofWrite()}, in.key))
}

// Health is the body of the health routes.
type Health struct {
	Status string `json:"status" enum:"ok" doc:"Always ok; anything else is a problem document."`
}

type healthOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         Health
}

var healthy = &healthOutput{CacheControl: "no-store", Body: Health{Status: "ok"}}

func (a *api) healthz(context.Context, *struct{}) (*healthOutput, error) { return healthy, nil }

var errDraining = &docket.Error{Kind: docket.Unavailable, Detail: "The server is about to stop. Send requests to another instance."}

func (a *api) readyz(ctx context.Context, _ *struct{}) (*healthOutput, error) {
	select {
	case <-a.drain:
		return nil, errDraining
	default:
	}
	if err := errors.Join(a.ready(), a.service.Ready(ctx)); err != nil {
		return nil, err
	}
	return healthy, nil
}
