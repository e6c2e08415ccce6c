package httpapi

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/yaml"

	"docket"
	"docket/internal/problem"
	"docket/internal/transfer"
)

// contractVersion is the version of the API, not of the program: it changes
// when a client can see it.
const contractVersion = "1.0.0"

// ContractJSON returns the OpenAPI document of the API.
func ContractJSON() ([]byte, error) {
	document, err := contract().ordered()
	if err != nil {
		return nil, err
	}
	var indented bytes.Buffer
	err = json.Indent(&indented, document, "", "  ")
	return indented.Bytes(), err
}

// ContractYAML returns the OpenAPI document of the API.
func ContractYAML() ([]byte, error) {
	document, err := contract().ordered()
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	err = yaml.Convert(&text, bytes.NewReader(document))
	return text.Bytes(), err
}

// openAPI is the OpenAPI document of the API.
type openAPI struct {
	*huma.OpenAPI
}

func contract() openAPI {
	doc := openAPI{description()}
	doc.Components.Responses = map[string]*huma.Response{}
	for i := range routes {
		rt := &routes[i]
		doc.AddOperation(doc.operation(rt))
		if rt.method == http.MethodGet {
			doc.AddOperation(doc.headOperation(rt))
		}
	}
	doc.finishSchemas()
	return doc
}

// ordered is the document as JSON with its operations in the order of the table.
func (doc openAPI) ordered() ([]byte, error) {
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
	for i := range routes {
		rt := &routes[i]
		if byPath[rt.path] == nil {
			paths = append(paths, rt.path)
			byPath[rt.path] = &orderedObject{}
		}
		item := doc.Paths[rt.path]
		byPath[rt.path].add(strings.ToLower(rt.method), operationOf(item, rt.method))
		if rt.method == http.MethodGet {
			byPath[rt.path].add("head", item.Head)
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

// operation describes a route.
func (doc openAPI) operation(rt *route) *huma.Operation {
	op := &huma.Operation{
		OperationID: rt.id, Method: rt.method, Path: rt.path, Summary: rt.summary, Description: rt.description,
		Tags: []string{"Service"}, Security: []map[string][]string{}, // no authentication
		Responses: map[string]*huma.Response{strconv.Itoa(rt.status): doc.success(rt)},
	}
	statuses := append([]int{413, 500, 503}, rt.statuses...) // 413: for a body that nobody wants
	if rt.ofUser() {
		op.Tags, op.Security = []string{"Tasks"}, []map[string][]string{{"bearer": {}}}
		if rt.basic {
			op.Security = append(op.Security, map[string][]string{"password": {}})
		}
		statuses = append(statuses, 400, 401, 403, 422, 429)
		if strings.HasPrefix(rt.path, keysPath) {
			op.Tags = []string{"API keys"}
		}
		op.Description += " Scope: `" + rt.scope.String() + "`."
	}
	for _, status := range statuses {
		op.Responses[strconv.Itoa(status)] = doc.failure(status)
	}
	if rt.creates {
		made := doc.success(rt)
		made.Description = madeTask
		maps.Copy(made.Headers, headerRefs("Location"))
		op.Responses["201"] = made
	}
	if rt.none != "" {
		op.Responses["204"] = &huma.Response{Description: rt.none, Headers: doc.success(rt).Headers}
	}
	if rt.cached {
		op.Responses["304"] = &huma.Response{
			Description: "What the client has, by If-None-Match, is still the answer. There is no body.",
			Headers:     headerRefs("ETag", "Cache-Control", "Preference-Applied"),
		}
	}
	op.Parameters = doc.parameters(rt)
	if rt.body != nil {
		op.RequestBody = &huma.RequestBody{Required: !rt.body.optional, Content: map[string]*huma.MediaType{}}
		media := rt.body.mediaTypes
		if media == nil {
			media = justJSON
		}
		for _, name := range media {
			op.RequestBody.Content[name] = doc.media(name, rt.body.shape)
		}
	}
	return op
}

// headOperation describes HEAD of a route that is a GET.
func (doc openAPI) headOperation(rt *route) *huma.Operation {
	op := doc.operation(rt)
	op.Method, op.OperationID, op.Summary = http.MethodHead, "head"+strings.ToUpper(rt.id[:1])+rt.id[1:], rt.summary+", headers only"
	op.Description = "The headers that GET answers with, without the body."
	ok := *op.Responses[strconv.Itoa(rt.status)]
	ok.Content = nil
	op.Responses[strconv.Itoa(rt.status)] = &ok
	return op
}

// parameters describes the parameters of a route: those in the path, then the
// others in the order of its row.
func (doc openAPI) parameters(rt *route) []*huma.Param {
	var list []*huma.Param
	for _, ofPath := range []bool{true, false} {
		for _, p := range rt.params {
			if p.shape == nil || (p.in == inPath) != ofPath {
				continue
			}
			schema := huma.SchemaFromField(doc.Components.Schemas, reflect.StructField{Name: p.name, Type: p.shape, Tag: p.tag}, "")
			described := &huma.Param{Name: headerName(p.name), In: string(p.in), Description: schema.Description, Required: ofPath, Deprecated: p.deprecated, Schema: schema}
			if p.in == inQuery {
				described.Explode = new(p.repeats)
			}
			nameValues(schema)
			if p.schema != "" {
				doc.Components.Schemas.Map()[p.schema] = schema
				described.Schema = &huma.Schema{Ref: "#/components/schemas/" + p.schema}
			}
			list = append(list, described)
		}
	}
	return list
}

// nameValues names the values of an enumeration in which some differ by a sign alone,
// which generators of code leave out of names.
func nameValues(schema *huma.Schema) {
	var names []string
	signed := false
	for _, value := range schema.Enum {
		text, _ := value.(string)
		plain, descending := strings.CutPrefix(text, "-")
		var name strings.Builder
		for word := range strings.SplitSeq(plain, "_") {
			name.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
		if descending {
			name.WriteString("Desc")
			signed = true
		}
		names = append(names, name.String())
	}
	if signed {
		schema.Extensions = map[string]any{"x-enum-varnames": names}
	}
}

// headerName is the name of a header as its standard writes it.
func headerName(canonical string) string {
	if canonical == "Last-Event-Id" {
		return "Last-Event-ID"
	}
	return canonical
}

// success describes the answer of a route that did what was asked.
func (doc openAPI) success(rt *route) *huma.Response {
	names := rt.headers
	if rt.ofUser() {
		names = append([]string{"Cache-Control", "Preference-Applied"}, names...)
	}
	response := &huma.Response{Description: rt.means, Headers: headerRefs(names...)}
	if rt.files != nil {
		response.Content = map[string]*huma.MediaType{}
		for _, name := range rt.files {
			response.Content[name] = doc.media(name, rt.shape)
		}
		return response
	}
	switch rt.shape {
	case nil:
	case reflect.TypeFor[eventStream]():
		response.Content = map[string]*huma.MediaType{"text/event-stream": {
			Schema:  &huma.Schema{Type: huma.TypeString, Description: "Events as browsers read them: each has `id` (a sync token), `event: task` and `data` (a Task or a Tombstone, on one line).", Pattern: "^[^\\x00]*$", MaxLength: new(1 << 30)},
			Example: "id: AQ\nevent: task\ndata: {\"id\":\"019a4e6f-1b2c-7d3e-8f40-516273849a5b\",\"deleted\":true,\"deleted_at\":\"2026-01-31T09:30:00.000000Z\",\"version\":2}\n\n",
		}}
	case reflect.TypeFor[[]Task]():
		response.Content = jsonOf(&huma.Schema{Type: huma.TypeArray, Items: doc.schema(reflect.TypeFor[Task]()), MaxItems: new(10_000)})
	case reflect.TypeFor[[]APIKey]():
		response.Content = jsonOf(&huma.Schema{Type: huma.TypeArray, Items: doc.schema(reflect.TypeFor[APIKey]()), MaxItems: new(docket.MaxAPIKeys)})
	default:
		response.Content = jsonOf(doc.schema(rt.shape))
	}
	return response
}

// media describes a body of a media type: of a shape where that is JSON, else a text.
func (doc openAPI) media(name string, shape reflect.Type) *huma.MediaType {
	if strings.HasSuffix(name, "json") {
		return &huma.MediaType{Schema: doc.schema(shape)}
	}
	for _, f := range transfer.Formats {
		if f.MediaType == name {
			return &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Description: fileDescriptions[f], MaxLength: new(1 << 30), Pattern: "^[^\\x00]*$"}}
		}
	}
	return &huma.MediaType{Schema: doc.schema(shape)}
}

// fileDescriptions say what texts of the formats are.
var fileDescriptions = map[*transfer.Format]string{
	transfer.CSV:      "A header row, and a row for each task: id, title, description, completed, completed_at, priority, due_date, tags, metadata, created_at, updated_at. An import needs the title alone, and takes the columns of Todoist and TickTick.",
	transfer.Calendar: "An iCalendar object (RFC 5545) with a VTODO for each task.",
	transfer.TodoTxt:  "A line for each task, as todo.txt has it.",
}

func jsonOf(s *huma.Schema) map[string]*huma.MediaType {
	return map[string]*huma.MediaType{"application/json": {Schema: s}}
}

// failure refers to the answer that all routes share for the errors with a
// status, and describes it on first use.
func (doc openAPI) failure(status int) *huma.Response {
	name := strings.ReplaceAll(http.StatusText(status), " ", "")
	ref := &huma.Response{Ref: "#/components/responses/" + name}
	if doc.Components.Responses[name] != nil {
		return ref
	}
	var meanings []string
	examples := map[string]*huma.Example{}
	at := problem.Place{Instance: "/api/alice/tasks/019a4e6f-1b2c-7d3e-8f40-516273849a5b", RequestID: "NQ6F2ZVJ4XK7M3WBT5CRYAHDLE"}
	for _, t := range problem.Types {
		if t.Status != status || t.Kind == problem.RouteNotFound { // no operation returns it
			continue
		}
		meanings = append(meanings, "`"+string(t.Kind)+"`: "+t.Meaning+" "+t.Remedy)
		examples[string(t.Kind)] = &huma.Example{Summary: t.Title, Value: problem.New(at, t.Example)}
	}
	var fields []string
	switch status {
	case http.StatusServiceUnavailable, http.StatusConflict, http.StatusTooManyRequests:
		fields = []string{"Retry-After"}
	case http.StatusUnauthorized, http.StatusForbidden:
		fields = []string{"WWW-Authenticate"}
	case http.StatusUnprocessableEntity:
		fields = []string{"Preference-Applied"}
	}
	doc.Components.Responses[name] = &huma.Response{
		Description: strings.Join(meanings, "\n\n"),
		Headers:     headerRefs(fields...),
		Content: map[string]*huma.MediaType{problem.ContentType: {
			Schema:   doc.schema(reflect.TypeFor[problem.Document]()),
			Examples: examples,
		}},
	}
	return ref
}

// schema refers to the schema of a type.
func (doc openAPI) schema(t reflect.Type) *huma.Schema {
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
func (doc openAPI) finishSchemas() {
	schemas := doc.Components.Schemas.Map()
	latestOf := &huma.Schema{OneOf: []*huma.Schema{doc.schema(reflect.TypeFor[Task]()), doc.schema(reflect.TypeFor[Tombstone]())}}
	schemas["Changes"].Properties["items"].Items = latestOf
	schemas["BatchResult"].Properties["task"] = latestOf
	delete(schemas, "Latest")

	operation := &huma.Schema{Discriminator: &huma.Discriminator{PropertyName: "op", Mapping: map[string]string{}}}
	for _, op := range batchActions {
		ref := doc.schema(batchTypes[op])
		operation.OneOf = append(operation.OneOf, ref)
		operation.Discriminator.Mapping[op] = ref.Ref
		schemas[strings.TrimPrefix(ref.Ref, "#/components/schemas/")].AdditionalProperties = nil
	}
	*schemas["BatchOperation"] = *operation
	// A request may have more members, which are ignored. Where nothing is said of them,
	// generated types do not have them.
	for _, name := range []string{"TaskCreate", "TaskUpdate", "TaskComplete", "Batch", "APIKeyCreate"} {
		schemas[name].AdditionalProperties = nil
	}
}
