package contract

import (
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"docket"
)

// TestOperationsKeepTheirOrder, each GET with its HEAD, in both forms of the document.
func TestOperationsKeepTheirOrder(t *testing.T) {
	doc := New([]Operation{
		{Method: http.MethodGet, Path: "/zebra", ID: "zebra", Status: 200, Shape: reflect.TypeFor[Health]()},
		{Method: http.MethodPost, Path: "/api/{user_id}/apes", ID: "makeApe", Status: 201, Scope: docket.WriteTasks, Shape: reflect.TypeFor[Task](), Body: &Body{MediaTypes: []string{"application/json"}, Shape: reflect.TypeFor[TaskCreate]()}},
		{Method: http.MethodPatch, Path: "/zebra", ID: "patchZebra", Status: 200},
		// What finishSchemas completes.
		{Method: http.MethodPost, Path: "/batch", ID: "b", Status: 200, Shape: reflect.TypeFor[BatchResults](), Body: &Body{MediaTypes: []string{"application/json"}, Shape: reflect.TypeFor[Batch]()}},
		{Method: http.MethodPost, Path: "/keys", ID: "k", Status: 200, Shape: reflect.TypeFor[Changes](), Body: &Body{MediaTypes: []string{"application/json"}, Shape: reflect.TypeFor[APIKeyCreate]()}},
	})
	asJSON, err := doc.JSON()
	if err != nil || !json.Valid(asJSON) {
		t.Fatal(err)
	}
	asYAML, err := doc.YAML()
	if err != nil {
		t.Fatal(err)
	}
	for form, text := range map[string][]byte{"JSON": asJSON, "YAML": asYAML} {
		var places []int
		for _, id := range []string{"zebra", "headZebra", "patchZebra", "makeApe"} {
			places = append(places, max(strings.Index(string(text), `"operationId": "`+id+`"`), strings.Index(string(text), "operationId: "+id+"\n")))
		}
		if !slices.IsSorted(places) || places[0] < 0 {
			t.Errorf("in %s the operations are at %d", form, places)
		}
	}
	if op := doc.Paths["/zebra"].Head; op.Responses["200"].Content != nil || doc.Paths["/zebra"].Get.Responses["200"].Content == nil {
		t.Error("HEAD has a body, or GET has none")
	}
	if op := doc.Paths["/api/{user_id}/apes"].Post; len(op.Security) != 1 || op.Responses["401"] == nil || op.RequestBody == nil {
		t.Errorf("an operation of a user is %+v", op)
	}
	if op := doc.Paths["/zebra"].Patch; op.Security == nil || len(op.Security) > 0 || op.Responses["401"] != nil {
		t.Errorf("an operation of nobody is %+v", op)
	}
}

func TestNamesOfValues(t *testing.T) {
	for _, test := range []struct{ values, names []any }{
		{[]any{"created_at", "-created_at"}, []any{"CreatedAt", "CreatedAtDesc"}},
		{[]any{"low", "high"}, nil},
		{nil, nil},
	} {
		schema := &huma.Schema{Enum: test.values}
		nameValues(schema)
		var names []any
		given, _ := schema.Extensions["x-enum-varnames"].([]string)
		for _, name := range given {
			names = append(names, name)
		}
		if !slices.Equal(names, test.names) {
			t.Errorf("%v have the names %v", test.values, names)
		}
	}
}
