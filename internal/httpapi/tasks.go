package httpapi

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"docket"
	"docket/internal/edge"
	"docket/internal/headers"
	"docket/internal/problem"
)

// done is a task after an operation, and whether an earlier request with the
// same key did it.
type done struct {
	task     docket.Task
	replayed bool
}

// do carries out one operation.
func (a *api) do(ctx context.Context, in *input, o docket.Operation) (done, error) {
	return edge.Admit(ctx, edge.Cost{}, func() (d done, err error) {
		d.task, d.replayed, err = a.service.Do(ctx, in.owner, o, in.key)
		return d, err
	})
}

// write carries out one operation, on the task in the path if there is one, and answers
// with the task.
func (a *api) write(rt *route, w http.ResponseWriter, r *http.Request, operation func(in *input) docket.Operation) error {
	in, err := a.decode(rt, w, r)
	if err != nil {
		return err
	}
	if in.noSuch != nil {
		return in.noSuch
	}
	o := operation(in)
	o.ID, o.If = in.id, in.precondition()
	d, err := a.do(r.Context(), in, o)
	if err != nil {
		return in.explain(err)
	}
	setReplayed(w, d.replayed)
	switch o.Action {
	case docket.Create:
		w.Header().Set("Location", location(r, d.task.ID))
		return writeTask(w, http.StatusCreated, d.task)
	case docket.Delete:
		return writeTombstone(w, d.task, in.minimal)
	default:
		return writeTask(w, http.StatusOK, d.task)
	}
}

func setReplayed(w http.ResponseWriter, replayed bool) {
	if replayed {
		w.Header().Set("Idempotent-Replayed", "true")
	}
}

// location is the reference to the task that a request has made. It is relative to the
// URL of the request as it was sent, so that it holds behind every proxy.
func location(r *http.Request, id uuid.UUID) string {
	sent, _, _ := strings.Cut(r.RequestURI, "?")
	slash, ofTask := strings.HasSuffix(sent, "/"), r.Method == http.MethodPut
	switch {
	case ofTask && slash:
		return "../" + id.String()
	case ofTask || slash:
		return id.String()
	default:
		return "tasks/" + id.String()
	}
}

func (a *api) createTask(rt *route, w http.ResponseWriter, r *http.Request) error {
	return a.write(rt, w, r, func(in *input) docket.Operation {
		return docket.Operation{Action: docket.Create, New: in.task}
	})
}

func (a *api) getTask(rt *route, w http.ResponseWriter, r *http.Request) error {
	in, err := a.decode(rt, w, r)
	if err != nil {
		return err
	}
	if in.noSuch != nil {
		return in.noSuch
	}
	task, err := edge.Admit(r.Context(), edge.Cost{}, func() (docket.Task, error) {
		return a.service.Task(r.Context(), in.owner, in.id)
	})
	if err != nil {
		return err
	}
	tag := headers.ETag(task.Version)
	switch {
	case in.match != nil && !slices.Contains(in.match, headers.AnyETag) && !slices.Contains(in.match, tag):
		return in.explain(docket.Stale())
	case headers.MatchesAny(in.noneMatch, tag):
		w.Header().Set("ETag", tag)
		w.Header()["Cache-Control"] = revalidate
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	return writeTask(w, http.StatusOK, task)
}

func (a *api) putTask(rt *route, w http.ResponseWriter, r *http.Request) error {
	return a.write(rt, w, r, func(in *input) docket.Operation {
		if in.creates() {
			return docket.Operation{Action: docket.Create, New: in.task}
		}
		return docket.Operation{Action: docket.Update, Update: in.update}
	})
}

func (a *api) updateTask(rt *route, w http.ResponseWriter, r *http.Request) error {
	return a.write(rt, w, r, func(in *input) docket.Operation {
		return docket.Operation{Action: docket.Update, Update: in.update}
	})
}

func (a *api) completeTask(rt *route, w http.ResponseWriter, r *http.Request) error {
	return a.write(rt, w, r, func(in *input) docket.Operation {
		if !in.completed.Set {
			return docket.Operation{Action: docket.Toggle}
		}
		return docket.Operation{Action: docket.Update, Update: docket.TaskUpdate{Completed: in.completed}}
	})
}

func (a *api) deleteTask(rt *route, w http.ResponseWriter, r *http.Request) error {
	return a.write(rt, w, r, func(*input) docket.Operation { return docket.Operation{Action: docket.Delete} })
}

func (a *api) restoreTask(rt *route, w http.ResponseWriter, r *http.Request) error {
	return a.write(rt, w, r, func(*input) docket.Operation { return docket.Operation{Action: docket.Restore} })
}

func (a *api) healthz(_ *route, w http.ResponseWriter, _ *http.Request) error {
	return writeHealthy(w, nil)
}

func (a *api) readyz(_ *route, w http.ResponseWriter, r *http.Request) error {
	select {
	case <-a.drain:
		return problem.ErrDraining
	default:
	}
	if err := errors.Join(a.ready(), a.service.Ready(r.Context())); err != nil {
		return err
	}
	return writeHealthy(w, a.service.Warnings())
}
