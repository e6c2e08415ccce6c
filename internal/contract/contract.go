package contract

import (
	"bytes"
	"encoding/json"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/yaml"

	"docket/internal/problem"
)

// version is that of the API, not of the program: it changes when a client can see it.
const version = "1.0.0"

// Document is the OpenAPI document of the API.
type Document struct {
	*huma.OpenAPI

	operations []Operation
}

// New returns the document of operations, which it shows in their order, each GET with
// its HEAD.
func New(operations []Operation) Document {
	doc := Document{description(), operations}
	doc.Components.Responses = map[string]*huma.Response{}
	for i := range operations {
		o := &operations[i]
		doc.AddOperation(doc.operation(o))
		if o.Method == http.MethodGet {
			doc.AddOperation(doc.headOperation(o))
		}
	}
	doc.finishSchemas()
	return doc
}

// JSON returns the document as indented JSON.
func (doc Document) JSON() ([]byte, error) {
	document, err := doc.ordered()
	if err != nil {
		return nil, err
	}
	var indented bytes.Buffer
	err = json.Indent(&indented, document, "", "  ")
	return indented.Bytes(), err
}

// YAML returns the document as YAML.
func (doc Document) YAML() ([]byte, error) {
	document, err := doc.ordered()
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	err = yaml.Convert(&text, bytes.NewReader(document))
	return text.Bytes(), err
}

// ordered is the document as JSON with its operations in the order of the table.
func (doc Document) ordered() ([]byte, error) {
	whole, err := json.Marshal(doc.OpenAPI)
	if err != nil {
		return nil, err
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(whole, &members); err != nil {
		return nil, err
	}
	var paths []string
	byPath := map[string]*orderedObject{}
	for i := range doc.operations {
		o := &doc.operations[i]
		if byPath[o.Path] == nil {
			paths = append(paths, o.Path)
			byPath[o.Path] = &orderedObject{}
		}
		item := doc.Paths[o.Path]
		byPath[o.Path].add(strings.ToLower(o.Method), operationOf(item, o.Method))
		if o.Method == http.MethodGet {
			byPath[o.Path].add("head", item.Head)
		}
	}
	var inOrder orderedObject
	for _, path := range paths {
		inOrder.add(path, byPath[path])
	}
	if members["paths"], err = json.Marshal(&inOrder); err != nil {
		return nil, err
	}
	return json.Marshal(members)
}

// orderedObject is a JSON object whose members keep the order in which they were added.
type orderedObject struct {
	names  []string
	values []any
}

func (o *orderedObject) add(name string, value any) {
	o.names, o.values = append(o.names, name), append(o.values, value)
}

// MarshalJSON implements json.Marshaler.
func (o *orderedObject) MarshalJSON() ([]byte, error) {
	text := []byte{'{'}
	for i, name := range o.names {
		if i > 0 {
			text = append(text, ',')
		}
		value, err := json.Marshal(o.values[i])
		if err != nil {
			return nil, err
		}
		text = append(append(append(text, strconv.Quote(name)...), ':'), value...)
	}
	return append(text, '}'), nil
}

func operationOf(item *huma.PathItem, method string) *huma.Operation {
	return map[string]*huma.Operation{"GET": item.Get, "POST": item.Post, "PUT": item.Put, "PATCH": item.Patch, "DELETE": item.Delete}[method]
}

// schema refers to the schema of a type.
func (doc Document) schema(t reflect.Type) *huma.Schema {
	return doc.Components.Schemas.Schema(t, true, "")
}

// schemaName names the schema of a type.
func schemaName(t reflect.Type, hint string) string {
	switch t {
	case reflect.TypeFor[problem.Document]():
		return "Problem"
	case reflect.TypeFor[problem.Fault]():
		return "ProblemFault"
	}
	return huma.DefaultSchemaNamer(t, hint)
}

// finishSchemas adds what a struct's tags cannot say.
func (doc Document) finishSchemas() {
	schemas := doc.Components.Schemas.Map()
	latestOf := &huma.Schema{OneOf: []*huma.Schema{doc.schema(reflect.TypeFor[Task]()), doc.schema(reflect.TypeFor[Tombstone]())}}
	schemas["Changes"].Properties["items"].Items = latestOf
	schemas["BatchResult"].Properties["task"] = latestOf
	delete(schemas, "Latest")

	operation := &huma.Schema{Discriminator: &huma.Discriminator{PropertyName: "op", Mapping: map[string]string{}}}
	for _, one := range batchShapes {
		ref := doc.schema(one.shape)
		operation.OneOf = append(operation.OneOf, ref)
		operation.Discriminator.Mapping[one.op] = ref.Ref
		schemas[strings.TrimPrefix(ref.Ref, "#/components/schemas/")].AdditionalProperties = nil
	}
	*schemas["BatchOperation"] = *operation
	// A request may have more members, which are ignored. Where nothing is said of them,
	// generated types do not have them.
	for _, name := range []string{"TaskCreate", "TaskUpdate", "TaskComplete", "Batch", "APIKeyCreate"} {
		schemas[name].AdditionalProperties = nil
	}
}
