package httpapi

import (
	"bytes"
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
	{"operations", "an array of operations", "[", func(list *jsontext.Value, v jsontext.Value) { *list = v.Clone() }},
}

// batchOperation is one operation of a batch as it was sent. Members that are
// absent are nil.
type batchOperation struct {
	op                string
	id, version, task jsontext.Value
}

var operationFields = []field[batchOperation]{
	{"op", "a string", `"`, func(o *batchOperation, v jsontext.Value) { o.op = unquote(v) }},
	{"id", "a string", `"`, func(o *batchOperation, v jsontext.Value) { o.id = v.Clone() }},
	{"if_version", "a whole number", "0", func(o *batchOperation, v jsontext.Value) { o.version = v.Clone() }},
	{"task", "an object with the fields of the task", "{", func(o *batchOperation, v jsontext.Value) { o.task = v.Clone() }},
}

func decodeBatch(in *input, data []byte) ([]docket.Fault, error) {
	var f faults
	var list jsontext.Value
	if err := readObject(&f, data, batchFields, &list, object{required: "operations"}); err != nil || list == nil {
		return f.list, err
	}
	d := jsontext.NewDecoder(bytes.NewReader(list))
	_, _ = d.ReadToken() // readObject has found the array to be valid
	for i := 0; d.PeekKind() != ']'; i++ {
		if i == docket.MaxBatch {
			f.add(bodyFault("/operations", "out_of_range", fmt.Sprintf("A batch has at most %d operations. Send the others in another batch.", docket.MaxBatch)))
			return f.list, nil
		}
		v, _ := d.ReadValue()
		operation, list := readOperation(v)
		for _, fault := range list {
			fault.Name = fmt.Sprintf("/operations/%d%s", i, fault.Name)
			f.add(fault)
		}
		in.operations = append(in.operations, operation)
	}
	if len(in.operations) == 0 {
		f.add(bodyFault("/operations", "out_of_range", "The batch has no operations. Give it at least one."))
	}
	return f.list, nil
}

// readOperation reads one operation of a batch, which is valid JSON.
func readOperation(data jsontext.Value) (docket.Operation, []docket.Fault) {
	var f faults
	var sent batchOperation
	if data.Kind() != '{' {
		f.add(bodyFault("", "wrong_type", "Each operation must be a JSON object."))
		return docket.Operation{}, f.list
	}
	_ = readObject(&f, data, operationFields, &sent, object{required: "op"})
	if f.places["/op"] || f.places[""] {
		return docket.Operation{}, f.list
	}
	if !slices.Contains(batchActions, sent.op) {
		f.add(bodyFault("/op", "unknown_operation", "The operation must be one of "+strings.Join(batchActions, ", ")+"."))
		return docket.Operation{}, f.list
	}
	sent.checkMembers(&f)
	var o docket.Operation
	if sent.id != nil {
		var err error
		if o.ID, err = docket.ParseTaskID(unquote(sent.id)); err != nil {
			f.add(bodyFault("/id", "invalid_uuid", "The id must be a UUID, as the task has it."))
		}
	}
	if sent.version != nil {
		version, err := strconv.ParseInt(string(sent.version), 10, 64)
		if err != nil || version < 1 {
			f.add(bodyFault("/if_version", "out_of_range", "The member if_version must be a whole number, 1 or more: the version of the task."))
		}
		o.If.Match = docket.Some([]int64{version})
	}
	sent.readTask(&f, &o)
	return o, f.list
}

// checkMembers finds the members that are missing although the operation
// requires them, and those that it does not take.
func (o *batchOperation) checkMembers(f *faults) {
	create, update := o.op == "create", o.op == "update"
	for _, m := range []struct {
		name                     string
		given, required, allowed bool
	}{
		{"id", o.id != nil, !create, !create},
		{"if_version", o.version != nil, false, !create},
		{"task", o.task != nil, create || update, create || update || o.op == "complete"},
	} {
		switch pointer := "/" + m.name; {
		case m.required && !m.given:
			f.add(bodyFault(pointer, "required", fmt.Sprintf("The operation %s needs the member %s.", o.op, m.name)))
		case m.given && !m.allowed:
			f.add(bodyFault(pointer, "unexpected", fmt.Sprintf("The operation %s takes no member %s. Remove it.", o.op, m.name)))
		}
	}
}

// readTask sets the action of an operation, and what it says about its task. The
// task is valid JSON.
func (o *batchOperation) readTask(f *faults, to *docket.Operation) {
	var list faults
	switch o.op {
	case "create":
		if o.task != nil {
			to.New, _ = readCreate(&list, o.task)
		}
	case "update":
		to.Action = docket.Update
		if o.task != nil {
			to.Update, _ = readUpdate(&list, o.task)
		}
	case "complete":
		to.Action, to.Update.Completed = docket.Update, docket.Some(true)
		if o.task != nil {
			if completed, _ := readComplete(&list, o.task); completed.Set {
				to.Update.Completed = completed
			}
		}
	case "delete":
		to.Action = docket.Delete
	case "restore":
		to.Action = docket.Restore
	}
	for _, fault := range list.list {
		fault.Name = "/task" + fault.Name
		f.add(fault)
	}
}

func (a *api) batch(rt *route, w http.ResponseWriter, r *http.Request) error {
	in, err := rt.decode(r)
	if err != nil {
		return err
	}
	written, err := edge.Admit(r.Context(), edge.Cost{Bytes: costOfTasks(len(in.operations))}, func() (docket.Written, error) {
		return a.service.Batch(r.Context(), in.owner, in.operations, in.key)
	})
	if err != nil {
		return err
	}
	edge.Hold(r.Context(), heldBy(written.Tasks))
	setReplayed(w, written.Replayed)
	return writeResults(w, in.operations, written.Tasks)
}

// writeResults answers with what became of each operation.
func writeResults(w http.ResponseWriter, operations []docket.Operation, tasks []docket.Task) (err error) {
	a := newAnswer(w, http.StatusOK)
	defer a.close()
	a.bytes = append(a.bytes, `{"results":[`...)
	for i := range tasks {
		if i > 0 {
			a.bytes = append(a.bytes, ',')
		}
		status := http.StatusOK
		switch operations[i].Action {
		case docket.Create:
			status = http.StatusCreated
		case docket.Delete:
			status = http.StatusNoContent
		}
		a.bytes = append(a.bytes, `{"status":`...)
		a.bytes = strconv.AppendInt(a.bytes, int64(status), 10)
		if status != http.StatusNoContent {
			a.bytes = append(a.bytes, `,"task":`...)
			if a.bytes, err = appendTask(a.bytes, &tasks[i]); err != nil {
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
