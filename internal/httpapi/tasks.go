package httpapi

import (
	"context"
	"errors"

	"github.com/danielgtaylor/huma/v2"

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
// unchecked: its query against the parameters known, its owner and its body.
// It reports all faults at once.
func (p *UserPath) resolve(ctx huma.Context, b body, known ...string) []error {
	if !requestOf(ctx.Context()).allows(p.UserID) {
		return []error{errForeignUser} // authenticate has answered already, if it read the path as the router did
	}
	url := ctx.URL()
	faults, err := checkQuery(url.RawQuery, known...)
	if err = errors.Join(err, b.err); err != nil {
		return []error{err}
	}
	p.owner, err = docket.ParseUserID(p.UserID)
	if e, ok := errors.AsType[*docket.Error](err); ok {
		faults = append(faults, e.Faults...)
	}
	if faults = append(faults, b.faults...); len(faults) > 0 {
		return []error{docket.InvalidInput(faults...)}
	}
	return nil
}

type userInput struct{ UserPath }

func (in *userInput) Resolve(ctx huma.Context) []error { return in.resolve(ctx, body{}) }

type taskInput struct{ TaskPath }

func (in *taskInput) Resolve(ctx huma.Context) []error { return in.resolve(ctx, body{}) }

type createInput struct {
	UserPath
	Body TaskCreate
}

func (in *createInput) Resolve(ctx huma.Context) []error { return in.resolve(ctx, in.Body.body) }

type updateInput struct {
	TaskPath
	Body TaskUpdate
}

func (in *updateInput) Resolve(ctx huma.Context) []error { return in.resolve(ctx, in.Body.body) }

type completeInput struct {
	TaskPath
	Body *TaskComplete
}

func (in *completeInput) Resolve(ctx huma.Context) []error {
	if in.Body == nil {
		in.Body = &TaskComplete{}
	}
	return in.resolve(ctx, in.Body.body)
}

type listOutput struct {
	Body []Task `nullable:"false" maxItems:"10000"`
}

type taskOutput struct {
	ETag         string `header:"ETag"`
	CacheControl string `header:"Cache-Control"`
	Body         Task
}

const revalidate = "private, no-cache"

func answerTask(t docket.Task, err error) (*taskOutput, error) {
	if err != nil {
		return nil, err
	}
	return &taskOutput{ETag: etag(t.Version), CacheControl: revalidate, Body: wireTask(t)}, nil
}

// createdOutput repeats the fields of taskOutput: Huma finds Body and the
// headers of an embedded struct only in part.
type createdOutput struct {
	Location     string `header:"Location"`
	ETag         string `header:"ETag"`
	CacheControl string `header:"Cache-Control"`
	Body         Task
}

func (a *api) listTasks(ctx context.Context, in *userInput) (*listOutput, error) {
	tasks, err := a.service.Tasks(ctx, in.owner)
	if err != nil {
		return nil, err
	}
	return &listOutput{Body: wireTasks(tasks)}, nil
}

func (a *api) createTask(ctx context.Context, in *createInput) (*createdOutput, error) {
	t, err := a.service.CreateTask(ctx, in.owner, in.Body.task())
	if err != nil {
		return nil, err
	}
	return &createdOutput{Location: taskPath(t), ETag: etag(t.Version), CacheControl: revalidate, Body: wireTask(t)}, nil
}

func (a *api) getTask(ctx context.Context, in *taskInput) (*taskOutput, error) {
	id, err := docket.ParseTaskID(in.ID)
	if err != nil {
		return nil, err
	}
	return answerTask(a.service.Task(ctx, in.owner, id))
}

func (a *api) updateTask(ctx context.Context, in *updateInput) (*taskOutput, error) {
	id, err := docket.ParseTaskID(in.ID)
	if err != nil {
		return nil, err
	}
	return answerTask(a.service.UpdateTask(ctx, in.owner, id, in.Body.update()))
}

func (a *api) completeTask(ctx context.Context, in *completeInput) (*taskOutput, error) {
	id, err := docket.ParseTaskID(in.ID)
	if err != nil {
		return nil, err
	}
	return answerTask(a.service.CompleteTask(ctx, in.owner, id, docket.Optional[bool](in.Body.Completed)))
}

func (a *api) deleteTask(ctx context.Context, in *taskInput) (*struct{}, error) {
	id, err := docket.ParseTaskID(in.ID)
	if err != nil {
		return nil, err
	}
	return nil, a.service.DeleteTask(ctx, in.owner, id)
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

func (a *api) readyz(ctx context.Context, _ *struct{}) (*healthOutput, error) {
	if err := errors.Join(a.ready(), a.service.Ready(ctx)); err != nil {
		return nil, err
	}
	return healthy, nil
}
