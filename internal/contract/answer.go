package contract

import (
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"docket"
	"docket/internal/problem"
	"docket/internal/transfer"
)

// success describes the answer of an operation that did what was asked.
func (doc Document) success(o *Operation) *huma.Response {
	names := o.Headers
	if o.OfUser() {
		names = append([]string{"Cache-Control", "Preference-Applied"}, names...)
	}
	response := &huma.Response{Description: o.Means, Headers: headerRefs(names...)}
	if o.Files != nil {
		response.Content = map[string]*huma.MediaType{}
		for _, name := range o.Files {
			response.Content[name] = doc.media(name, o.Shape)
		}
		return response
	}
	switch o.Shape {
	case nil:
	case reflect.TypeFor[EventStream]():
		response.Content = map[string]*huma.MediaType{"text/event-stream": {
			Schema:  &huma.Schema{Type: huma.TypeString, Description: "Events as browsers read them: each has `id` (a sync token), `event: task` and `data` (a Task or a Tombstone, on one line).", Pattern: "^[^\\x00]*$", MaxLength: new(1 << 30)},
			Example: "id: AQ\nevent: task\ndata: {\"id\":\"019a4e6f-1b2c-7d3e-8f40-516273849a5b\",\"deleted\":true,\"deleted_at\":\"2026-01-31T09:30:00.000000Z\",\"version\":2}\n\n",
		}}
	case reflect.TypeFor[[]Task]():
		response.Content = jsonOf(&huma.Schema{Type: huma.TypeArray, Items: doc.schema(reflect.TypeFor[Task]()), MaxItems: new(10_000)})
	case reflect.TypeFor[[]APIKey]():
		response.Content = jsonOf(&huma.Schema{Type: huma.TypeArray, Items: doc.schema(reflect.TypeFor[APIKey]()), MaxItems: new(docket.MaxAPIKeys)})
	default:
		response.Content = jsonOf(doc.schema(o.Shape))
	}
	return response
}

// media describes a body of a media type: of a shape where that is JSON, else a text.
func (doc Document) media(name string, shape reflect.Type) *huma.MediaType {
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

// failure refers to the answer that all operations share for the errors with a
// status, and describes it on first use.
func (doc Document) failure(status int) *huma.Response {
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
