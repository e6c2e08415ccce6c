package httpapi

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"docket"
	"docket/internal/edge"
)

// batchActions are the values of op.
var batchActions = []string{"create", "update", "complete", "delete", "restore"}

var batchFields = []field[jsontext.Value]{
	{"operations", "an array of operations", "[", always(func(list *jsontext.Value, v jsontext.Value) { *list = v.Clone() })},
}

// batchOperation is one operation of a batch as it was sent. Members that are
// absent are nil.
type batchOperation struct {
	op                string
	id, version, task jsontext.Value
}

var operationFields = []field[batchOperation]{
	{"op", "a string", `"`, always(func(o *batchOperation, v jsontext.Value) { o.op = unquote(v) })},
	{"id", "a string", `"`, always(func(o *batchOperation, v jsontext.Value) { o.id = v.Clone() })},
	{"if_version", "a whole number", "0", always(func(o *batchOperation, v jsontext.Value) { o.version = v.Clone() })},
	{"task", "an object with the fields of the task", "{", always(func(o *batchOperation, v jsontext.Value) { o.task = v.Clone() })},
}

func decodeBatch(in *input, f *faults, data []byte) error {
	var list jsontext.Value
	if err := readObject(f, data, batchFields, &list, object{required: "operations"}); err != nil || list == nil {
		return err
	}
	const least = len(`{"op":"create","task":{"title":"x"}}`) // of most operations
	in.operations = make([]docket.Operation, 0, min(docket.MaxBatch, 1+len(list)/least))
	for i, v := range elements(list) {
		if i == docket.MaxBatch {
			f.add(bodyFault("/operations", "out_of_range", fmt.Sprintf("A batch has at most %d operations. Send the others in another batch.", docket.MaxBatch)))
			return nil
		}
		part := faults{strict: f.strict}
		in.operations = append(in.operations, readOperation(&part, v))
		f.within(fmt.Sprintf("/operations/%d", i), part)
	}
	if len(in.operations) == 0 {
		f.add(bodyFault("/operations", "out_of_range", "The batch has no operations. Give it at least one."))
	}
	return nil
}

// readOperation reads one operation of a batch, which is valid JSON.
func readOperation(f *faults, data jsontext.Value) (o docket.Operation) {
	var sent batchOperation
	if data.Kind() != '{' {
		f.add(bodyFault("", "wrong_type", "Each operation must be a JSON object."))
		return o
	}
	_ = readObject(f, data, operationFields, &sent, object{required: "op"})
	if f.places["/op"] || f.places[""] {
		return o
	}
	if !slices.Contains(batchActions, sent.op) {
		f.add(bodyFault("/op", "unknown_operation", "The operation must be one of "+strings.Join(batchActions, ", ")+"."))
		return o
	}
	sent.checkMembers(f)
	if sent.id != nil {
		id, err := docket.ParseTaskID(unquote(sent.id))
		switch {
		case sent.op == "create" && (err != nil || !docket.ValidNewID(id)):
			f.add(bodyFault("/id", "not_uuid_v7", badNewID))
		case err != nil:
			f.add(bodyFault("/id", "invalid_uuid", "The id must be a UUID, as the task has it."))
		}
		o.ID = id
	}
	if sent.version != nil {
		version, err := strconv.ParseInt(string(sent.version), 10, 64)
		if err != nil || version < 1 {
			f.add(bodyFault("/if_version", "out_of_range", "The member if_version must be a whole number, 1 or more: the version of the task."))
		}
		o.If.Match = docket.Some([]int64{version})
	}
	part := faults{strict: f.strict}
	sent.readTask(&part, &o)
	f.within("/task", part)
	return o
}

// checkMembers adds a fault for each missing and each unexpected member.
func (o *batchOperation) checkMembers(f *faults) {
	create, update := o.op == "create", o.op == "update"
	for _, m := range []struct {
		name                     string
		given, required, allowed bool
	}{
		{"id", o.id != nil, !create, true},
		{"if_version", o.version != nil, false, !create},
		{"task", o.task != nil, create || update, create || update || o.op == "complete"},
	} {
		switch {
		case m.required && !m.given:
			f.add(bodyFault("/"+m.name, "required", fmt.Sprintf("The operation %s needs the member %s.", o.op, m.name)))
		case m.given && !m.allowed:
			f.add(bodyFault("/"+m.name, "unexpected", fmt.Sprintf("The operation %s takes no member %s. Remove it.", o.op, m.name)))
		}
	}
}

// readTask sets the action of an operation, and what it says about its task. The
// task is valid JSON.
func (o *batchOperation) readTask(f *faults, to *docket.Operation) {
	switch o.op {
	case "create":
		if o.task != nil {
			to.New, _ = readCreate(f, o.task)
		}
	case "update":
		to.Action = docket.Update
		if o.task != nil {
			to.Update, _ = readUpdate(f, o.task)
			f.add(to.Update.Normalize()...)
		}
	case "complete":
		to.Action, to.Update.Completed = docket.Update, docket.Some(true)
		if o.task != nil {
			if completed, _ := readComplete(f, o.task); completed.Set {
				to.Update.Completed = completed
			}
		}
	case "delete":
		to.Action = docket.Delete
	case "restore":
		to.Action = docket.Restore
	}
}

func (a *api) batch(rt *route, w http.ResponseWriter, r *http.Request) error {
	in, err := a.decode(rt, w, r)
	if err != nil {
		return err
	}
	written, err := edge.Admit(r.Context(), edge.Cost{Bytes: edge.BytesOf(len(in.operations))}, func() (docket.Written, error) {
		return a.service.Batch(r.Context(), in.owner, in.operations, in.key)
	})
	if err != nil {
		return err
	}
	edge.HoldTasks(r.Context(), written.Tasks)
	setReplayed(w, written.Replayed)
	return writeResults(w, in.operations, written.Tasks)
}

// writeResults answers with the result of each operation.
func writeResults(w http.ResponseWriter, operations []docket.Operation, tasks []docket.Task) (err error) {
	a := newAnswer(w, http.StatusOK)
	defer a.close()
	a.bytes = append(a.bytes, `{"results":[`...)
	for i := range tasks {
		if i > 0 {
			a.bytes = append(a.bytes, ',')
		}
		status := http.StatusOK
		switch {
		case operations[i].Action == docket.Create:
			status = http.StatusCreated
		case keptWithoutTombstone(&tasks[i]):
			status = http.StatusNoContent
		}
		a.bytes = append(a.bytes, `{"status":`...)
		a.bytes = strconv.AppendInt(a.bytes, int64(status), 10)
		if status != http.StatusNoContent {
			a.bytes = append(a.bytes, `,"task":`...)
			if a.bytes, err = appendChange(a.bytes, &tasks[i]); err != nil {
				return err
			}
		}
		a.bytes = append(a.bytes, '}')
		if err := a.flush(); err != nil {
			return err
		}
	}
	a.bytes = append(a.bytes, `]}`...)
	return a.end()
}
