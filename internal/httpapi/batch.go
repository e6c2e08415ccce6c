package httpapi

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"docket"
)

// maxBatchBody is the largest body of a batch, in bytes.
const maxBatchBody = 4 << 20

// Batch is the body of a batch: operations that are carried out together.
type Batch struct {
	body
	Operations []BatchOperation `json:"operations" nullable:"false" minItems:"1" maxItems:"100" doc:"What to do, in this order." example:"[{\"op\":\"create\",\"task\":{\"title\":\"Buy milk\"}}]"`

	operations []docket.Operation
}

// BatchOperation is one operation of a batch.
type BatchOperation struct {
	Op        string     `json:"op" enum:"create,update,complete,delete,restore" doc:"What to do." example:"update"`
	ID        uuid.UUID  `json:"id,omitzero" format:"uuid" minLength:"36" maxLength:"36" doc:"The task. Required, but for create, which takes none." example:"019a4e6f-1b2c-7d3e-8f40-516273849a5b"`
	IfVersion int64      `json:"if_version,omitzero" minimum:"1" maximum:"9007199254740991" doc:"The version that the task must have: otherwise 412, as with If-Match. Not for create." example:"1"`
	Task      TaskUpdate `json:"task,omitzero" doc:"Of create and update, which require it, the fields as in their own routes; create needs a title. Of complete, completed, which is true when absent; complete never toggles. Delete and restore take none."`
}

// batchActions are the values of op.
var batchActions = []string{"create", "update", "complete", "delete", "restore"}

func (b *Batch) decode(data []byte) {
	var list jsontext.Value
	b.read(data, []field{{name: "operations", want: "an array of operations", required: true, kind: []jsontext.Kind{'['}, set: func(v jsontext.Value) { list = v.Clone() }}})
	if b.err != nil || list == nil {
		return
	}
	d := jsontext.NewDecoder(bytes.NewReader(list))
	_, _ = d.ReadToken() // read has found the array to be valid
	for i := 0; d.PeekKind() != ']'; i++ {
		if i == docket.MaxBatch {
			b.add(bodyFault("/operations", "out_of_range", fmt.Sprintf("A batch has at most %d operations. Send the others in another batch.", docket.MaxBatch)))
			return
		}
		v, _ := d.ReadValue()
		var one batchOperation
		one.decode(v)
		for _, f := range one.faults {
			f.Name = fmt.Sprintf("/operations/%d%s", i, f.Name)
			b.add(f)
		}
		b.operations = append(b.operations, one.operation)
	}
	if len(b.operations) == 0 {
		b.add(bodyFault("/operations", "out_of_range", "The batch has no operations. Give it at least one."))
	}
}

// batchOperation reads one operation of a batch.
type batchOperation struct {
	body
	operation docket.Operation
}

func (o *batchOperation) decode(data []byte) {
	var op string
	var id, version, task jsontext.Value
	name := stringField("op", &op)
	name.required = true
	keep := func(to *jsontext.Value) func(jsontext.Value) {
		return func(v jsontext.Value) { *to = v.Clone() }
	}
	if jsontext.Value(data).Kind() != '{' {
		o.add(bodyFault("", "wrong_type", "Each operation must be a JSON object."))
		return
	}
	o.read(data, []field{
		name,
		{name: "id", want: "a string", kind: []jsontext.Kind{'"'}, set: keep(&id)},
		{name: "if_version", want: "a whole number", kind: []jsontext.Kind{'0'}, set: keep(&version)},
		{name: "task", want: "an object with the fields of the task", kind: []jsontext.Kind{'{'}, set: keep(&task)},
	})
	if o.places["/op"] || o.places[""] {
		return
	}
	if !slices.Contains(batchActions, op) {
		o.add(bodyFault("/op", "unknown_operation", "The operation must be one of "+strings.Join(batchActions, ", ")+"."))
		return
	}
	o.expect("id", id != nil, op != "create", op != "create", op)
	o.expect("if_version", version != nil, false, op != "create", op)
	o.expect("task", task != nil, op == "create" || op == "update", op != "delete" && op != "restore", op)
	if id != nil {
		o.decodeID(text(id))
	}
	if version != nil {
		o.decodeVersion(string(version))
	}
	o.decodeTask(op, task)
}

// expect adds a fault when a member is missing that op requires, or given and
// not allowed.
func (o *batchOperation) expect(member string, given, required, allowed bool, op string) {
	switch pointer := "/" + member; {
	case required && !given:
		o.add(bodyFault(pointer, "required", fmt.Sprintf("The operation %s needs the member %s.", op, member)))
	case given && !allowed:
		o.add(bodyFault(pointer, "unexpected", fmt.Sprintf("The operation %s takes no member %s. Remove it.", op, member)))
	}
}

func (o *batchOperation) decodeID(text string) {
	id, err := docket.ParseTaskID(text)
	if err != nil {
		o.add(bodyFault("/id", "invalid_uuid", "The id must be a UUID, as the task has it."))
	}
	o.operation.ID = id
}

func (o *batchOperation) decodeVersion(number string) {
	version, err := strconv.ParseInt(number, 10, 64)
	if err != nil || version < 1 {
		o.add(bodyFault("/if_version", "out_of_range", "The member if_version must be a whole number, 1 or more: the version of the task."))
	}
	o.operation.If.Match = docket.Some([]int64{version})
}

// decodeTask reads what the operation op says of its task.
func (o *batchOperation) decodeTask(op string, task jsontext.Value) {
	var faults []docket.Fault
	switch op {
	case "create":
		var create TaskCreate
		if task != nil {
			create.decode(task)
		}
		o.operation.New, faults = create.task(), create.faults
	case "update":
		var update TaskUpdate
		if task != nil {
			update.decode(task)
		}
		o.operation.Action, o.operation.Update, faults = docket.Update, update.update(), update.faults
	case "complete":
		complete := TaskComplete{Completed: optional[bool]{Set: true, Value: true}}
		if task != nil {
			complete.decode(task)
		}
		o.operation.Action, faults = docket.Update, complete.faults
		o.operation.Update.Completed = docket.Optional[bool](complete.Completed)
	case "delete":
		o.operation.Action = docket.Delete
	case "restore":
		o.operation.Action = docket.Restore
	}
	for _, f := range faults {
		f.Name = "/task" + f.Name
		o.add(f)
	}
}

type batchInput struct {
	UserPath
	Retry
	Body Batch
}

func (in *batchInput) Resolve(ctx huma.Context) []error {
	return in.resolve(ctx, in.read(ctx, in.Body.body, noMatch(ctx, "Give operations an if_version instead.")...))
}

// BatchResults is the answer to a batch.
type BatchResults struct {
	Results []BatchResult `json:"results" nullable:"false" minItems:"1" maxItems:"100" doc:"What became of each operation, in their order."`
}

// BatchResult is what became of one operation.
type BatchResult struct {
	Status int   `json:"status" enum:"200,201,204" minimum:"200" maximum:"204" format:"int32" doc:"The status that the operation's own route answers with." example:"200"`
	Task   *Task `json:"task,omitempty" doc:"The task as it is after the operation; absent after a delete."`
}

type batchOutput struct {
	Replayed string `header:"Idempotent-Replayed"`
	Body     BatchResults
}

func (a *api) batch(ctx context.Context, in *batchInput) (*batchOutput, error) {
	written, err := a.service.Batch(ctx, in.owner, in.Body.operations, in.key)
	if err != nil {
		return nil, err
	}
	out := &batchOutput{Replayed: replayMark(written.Replayed)}
	for i, t := range written.Tasks {
		action, result := in.Body.operations[i].Action, BatchResult{Status: http.StatusOK}
		switch action {
		case docket.Create:
			result.Status = http.StatusCreated
		case docket.Delete:
			result.Status = http.StatusNoContent
		}
		if action != docket.Delete {
			task := wireTask(t)
			result.Task = &task
		}
		out.Body.Results = append(out.Body.Results, result)
	}
	return out, nil
}
