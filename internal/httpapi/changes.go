package httpapi

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"docket"
	"docket/internal/edge"
	"docket/internal/headers"
)

// defaultChanges is the default of the parameter limit.
const defaultChanges = 100

// The parameters of changes.
var (
	changesSince = param{
		in: inQuery, name: "since", shape: text,
		tag:  `pattern:"^[A-Za-z0-9_-]+$" maxLength:"100" doc:"A sync token: next of an earlier answer, or the id of an event. Absent: all live tasks, to begin with." example:"AQ"`,
		read: func(in *input, _ string, values []string) { in.token = &values[0] },
	}
	changesLimit = param{
		in: inQuery, name: "limit", shape: number,
		tag: `minimum:"1" maximum:"1000" default:"100" doc:"The most changes to return." example:"50"`,
		read: func(in *input, name string, values []string) {
			in.changes.Limit = readNumber(in, name, values[0], 1, docket.MaxChanges)
		},
	}
)

// checkChanges reads the sync token. Its fault comes behind that of the limit.
func checkChanges(in *input) {
	if in.token == nil {
		return
	}
	var err error
	if in.changes.Since, err = headers.ParseSyncToken(*in.token, in.user); err != nil {
		in.fault(queryFault("since", "invalid_token", "This is not a sync token of this user: send next of an earlier answer as it is, or begin again without since."))
	}
}

func (a *api) changes(rt *route, w http.ResponseWriter, r *http.Request) error {
	in, err := a.decode(rt, w, r)
	if err != nil {
		return err
	}
	changes, err := edge.Admit(r.Context(), edge.Cost{Bytes: edge.BytesOf(in.changes.Limit)}, func() (docket.Changes, error) {
		return a.service.Changes(r.Context(), in.owner, in.changes)
	})
	if err != nil {
		return err
	}
	edge.HoldTasks(r.Context(), changes.Items)
	return writeChanges(w, changes, in.user)
}

func writeChanges(w http.ResponseWriter, c docket.Changes, user string) (err error) {
	a := newAnswer(w, http.StatusOK)
	defer a.close()
	a.bytes = append(a.bytes, `{"items":[`...)
	for i := range c.Items {
		if i > 0 {
			a.bytes = append(a.bytes, ',')
		}
		if a.bytes, err = appendChange(a.bytes, &c.Items[i]); err != nil {
			return err
		}
		if err := a.flush(); err != nil {
			return err
		}
	}
	a.bytes = append(append(append(a.bytes, `],"next":"`...), headers.FormatSyncToken(c.Next, user)...), `","has_more":`...)
	a.bytes = append(strconv.AppendBool(a.bytes, c.More), '}')
	return a.end()
}

// eraseTimeout bounds an erasure, which continues after the client disconnects.
const eraseTimeout = 5 * time.Minute

func (a *api) eraseUser(rt *route, w http.ResponseWriter, r *http.Request) error {
	in, err := a.decode(rt, w, r)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), eraseTimeout)
	defer cancel()
	if _, err := edge.Admit(ctx, edge.Cost{}, func() (struct{}, error) { return struct{}{}, a.service.Erase(ctx, in.owner) }); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
