package httpapi

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"docket/internal/contract"
)

// document is the contract.
func document() contract.Document { return contract.New(operations()) }

// eachOperation visits the operations of the contract.
func eachOperation(doc contract.Document, visit func(path, method string, op *huma.Operation)) {
	for path, item := range doc.Paths {
		for method, op := range map[string]*huma.Operation{"GET": item.Get, "HEAD": item.Head, "POST": item.Post, "PUT": item.Put, "PATCH": item.Patch, "DELETE": item.Delete} {
			if op != nil {
				visit(path, method, op)
			}
		}
	}
}

// TestGeneratorsCanReadTheContract holds what generators of code stumble over.
func TestGeneratorsCanReadTheContract(t *testing.T) {
	doc := document()
	schemas := doc.Components.Schemas.Map()
	eachOperation(doc, func(path, method string, op *huma.Operation) {
		for name := range schemas {
			if strings.EqualFold(op.OperationID, name) {
				t.Errorf("%s %s has the id %s, and there is a schema %s", method, path, op.OperationID, name)
			}
		}
		for status := range op.Responses {
			if strings.Contains(status, "X") {
				t.Errorf("%s %s has the statuses %s", method, path, status)
			}
		}
		if op.Security == nil {
			t.Errorf("%s %s does not say whether it needs a token", method, path)
		}
		for status, response := range op.Responses {
			if method == "HEAD" && response.Content != nil {
				t.Errorf("HEAD %s has a body with %s", path, status)
			}
		}
		names := map[string]string{}
		for _, p := range op.Parameters {
			plain := strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(p.Name))
			if other, taken := names[plain]; taken {
				t.Errorf("%s %s has the parameters %s and %s, of one name without case and signs", method, path, other, p.Name)
			}
			names[plain] = p.Name
			for _, value := range p.Schema.Enum {
				if strings.HasPrefix(fmt.Sprint(value), "-") {
					t.Errorf("%s %s has the value %v of %s in a schema without a name", method, path, value, p.Name)
				}
			}
		}
	})
	sort := schemas["TaskSort"]
	if sort == nil {
		t.Fatal("there is no schema TaskSort")
	}
	names, _ := sort.Extensions["x-enum-varnames"].([]string)
	if slices.Sort(names); len(slices.Compact(names)) != len(sort.Enum) {
		t.Errorf("the values %v of TaskSort have the names %v", sort.Enum, names)
	}
	for path, item := range doc.Paths {
		if (item.Get == nil) != (item.Head == nil) {
			t.Errorf("%s has one of GET and HEAD", path)
		}
	}
	text, err := json.Marshal(doc.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	for _, unwanted := range []string{`"patternProperties"`, `"const"`} {
		if strings.Contains(string(text), unwanted) {
			t.Errorf("the contract has %s", unwanted)
		}
	}
	if _, closed := schemas["Tombstone"].Properties["deleted"]; !closed || schemas["Tombstone"].Properties["deleted"].Enum != nil {
		t.Error("the member deleted is no plain boolean")
	}
}

// TestRequestSchemas have no defaults, which make generated members required, nor say
// anything of members that they do not have.
func TestRequestSchemas(t *testing.T) {
	schemas := document().Components.Schemas.Map()
	for _, name := range []string{"TaskCreate", "TaskUpdate", "TaskComplete", "Batch", "BatchCreate", "BatchUpdate", "BatchComplete", "BatchDelete", "BatchRestore"} {
		s := schemas[name]
		if s == nil || s.AdditionalProperties != nil {
			t.Errorf("%s is %+v", name, s)
			continue
		}
		for field, schema := range s.Properties {
			if schema.Default != nil {
				t.Errorf("%s.%s has a default", name, field)
			}
		}
	}
	for _, name := range []string{"TaskCreate", "TaskUpdate", "TaskComplete"} {
		for _, field := range readOnly {
			if s := schemas[name].Properties[field]; s == nil || !s.ReadOnly {
				t.Errorf("%s.%s is not read-only", name, field)
			}
		}
	}
}

// TestBatchOperationsAreToldApart by op alone.
func TestBatchOperationsAreToldApart(t *testing.T) {
	schemas := document().Components.Schemas.Map()
	operation := schemas["BatchOperation"]
	if operation.Discriminator == nil || operation.Discriminator.PropertyName != "op" || len(operation.OneOf) != len(batchActions) {
		t.Fatalf("an operation is %+v", operation)
	}
	for _, op := range batchActions {
		name := "Batch" + strings.ToUpper(op[:1]) + op[1:]
		if operation.Discriminator.Mapping[op] != "#/components/schemas/"+name || !reflect.DeepEqual(schemas[name].Properties["op"].Enum, []any{op}) {
			t.Errorf("%s is %s, %+v", op, operation.Discriminator.Mapping[op], schemas[name])
		}
	}
}

// TestSecondNamesAreDeprecated and no others are, and each stands for another.
func TestSecondNamesAreDeprecated(t *testing.T) {
	sets := map[string]int{}
	for _, p := range listParams {
		if p.sets != "" {
			sets[p.sets]++
		}
	}
	for _, p := range secondNames {
		if !p.deprecated || p.in != inQuery || p.sets == "" {
			t.Errorf("%s is not told as a second name", p.name)
		}
	}
	for _, p := range document().Paths[tasksPath].Get.Parameters {
		second := false
		for _, s := range secondNames {
			second = second || s.name == p.Name
		}
		if p.Deprecated != second {
			t.Errorf("the parameter %s is deprecated: %v", p.Name, p.Deprecated)
		}
	}
	for thing, n := range sets {
		if n < 2 {
			t.Errorf("%s is set by one parameter alone", thing)
		}
	}
}
