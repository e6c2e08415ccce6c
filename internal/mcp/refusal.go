package mcp

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"docket"
	"docket/internal/problem"
)

// refusal is an error that an agent can mend: sentences that say what to send instead.
type refusal []string

func refuse(sentences ...string) error { return refusal(sentences) }

func (r refusal) Error() string {
	if len(r) == 1 {
		return "Nothing was done. " + r[0]
	}
	return "Nothing was done. Mend all of these and call again:\n- " + strings.Join(r, "\n- ")
}

// place is an operation of a call that writes, and where its arguments are.
type place struct {
	path      string
	operation docket.Operation
}

// explain returns an error of the service as a refusal, where the agent can do
// something about it. Failures of the server, and refusals for want of room, it returns
// as they are: they are answered as those of the API are.
func explain(err error, operation func(index int) place) error {
	e, ok := errors.AsType[*docket.Error](err)
	if status := problem.StatusOf(err); !ok || status >= http.StatusInternalServerError || status == http.StatusTooManyRequests {
		return err
	}
	switch e.Kind {
	case docket.KeptFull:
		return refuse("There is no more room to remember keys for this user. Send the call without key, or wait: a key is remembered for a day.")
	case docket.KeyInFlight:
		return refuse("A call with this key is still being carried out. Send the same call again shortly to get its answer.")
	}
	var sentences []string
	for _, f := range e.Faults {
		sentences = append(sentences, explainFault(e, f, operation))
	}
	if len(sentences) == 0 {
		sentences = []string{e.Detail}
	}
	return refuse(sentences...)
}

func explainFault(e *docket.Error, f docket.Fault, operation func(index int) place) string {
	if f.In == docket.InHeader {
		return "key was sent with other tasks before. Use a new key for each call that is not a repetition."
	}
	parts := strings.Split(f.Name, "/") // "", "operations", index, member …
	if len(parts) < 3 || parts[1] != "operations" || operation == nil {
		return f.Detail
	}
	index, err := strconv.Atoi(parts[2])
	if err != nil {
		return f.Detail
	}
	at := operation(index)
	where := fmt.Sprintf("%s (%s)", at.path, at.operation.ID)
	switch {
	case e.Kind == docket.NotFound && at.operation.Action == docket.Restore:
		return where + ": the user has no such task, in the trash or out of it. Call list_tasks with status deleted to see which can be restored."
	case e.Kind == docket.NotFound:
		return where + ": the user has no such task. Call list_tasks to see which there are."
	case e.Kind == docket.NotDeleted:
		return where + " is not deleted. Leave it out."
	case e.Kind == docket.PreconditionFailed:
		return where + " has changed since if_version. Call list_tasks with its id to see it as it is now, and send that version."
	}
	return at.path + ": " + f.Detail
}
