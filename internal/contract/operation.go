package contract

import (
	"maps"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"docket"
)

// Operation is what the document says of one operation.
type Operation struct {
	Method, Path             string // the path as a ServeMux pattern has it
	ID, Summary, Description string
	Scope                    docket.Scopes // what the caller of an operation of a user needs
	Basic                    bool          // it takes an API key as a password too

	// The request.
	Params []Param
	Body   *Body // nil: none

	// The answer.
	Status   int
	Means    string       // the description of that status
	Shape    reflect.Type // nil: no body
	Files    []string     // the media types of a file, instead of a body of that shape
	None     string       // the description of a 204 instead; "": there is none
	Created  string       // the description of a 201 instead, with Location; "": there is none
	Headers  []string     // besides those of every answer
	Cached   bool         // it may be 304
	Statuses []int        // of errors, besides those of every operation
}

// OfUser reports whether the operation belongs to a user and needs that user's token.
func (o *Operation) OfUser() bool { return strings.HasPrefix(o.Path, "/api/") }

// Place is the part of a request that a parameter is in.
type Place string

// The places of parameters.
const (
	Path   Place = "path"
	Query  Place = "query"
	Header Place = "header"
)

// Param is a parameter.
type Param struct {
	In         Place
	Name       string            // a header's in its canonical form
	Shape      reflect.Type      // of the value
	Tag        reflect.StructTag // the constraints of the value, as package huma reads them
	Schema     string            // the name of the value's schema, which then has one type in generated code; "": none
	Repeats    bool              // it may be given several times
	Deprecated bool
}

// Body is the body of a request.
type Body struct {
	MediaTypes []string
	Optional   bool
	Shape      reflect.Type
}

// operation describes an operation.
func (doc Document) operation(o *Operation) *huma.Operation {
	op := &huma.Operation{
		OperationID: o.ID, Method: o.Method, Path: o.Path, Summary: o.Summary, Description: o.Description,
		Tags: []string{"Service"}, Security: []map[string][]string{}, // no authentication
		Responses: map[string]*huma.Response{strconv.Itoa(o.Status): doc.success(o)},
	}
	statuses := append([]int{413, 500, 503}, o.Statuses...) // 413: for a body that nobody wants
	if o.OfUser() {
		op.Tags, op.Security = []string{"Tasks"}, []map[string][]string{{"bearer": {}}}
		if o.Basic {
			op.Security = append(op.Security, map[string][]string{"password": {}})
		}
		statuses = append(statuses, 400, 401, 403, 422, 429)
		if o.Scope == docket.ManageKeys {
			op.Tags = []string{"API keys"}
		}
		op.Description += " Scope: `" + o.Scope.String() + "`."
	}
	for _, status := range statuses {
		op.Responses[strconv.Itoa(status)] = doc.failure(status)
	}
	if o.Created != "" {
		made := doc.success(o)
		made.Description = o.Created
		maps.Copy(made.Headers, headerRefs("Location"))
		op.Responses["201"] = made
	}
	if o.None != "" {
		op.Responses["204"] = &huma.Response{Description: o.None, Headers: doc.success(o).Headers}
	}
	if o.Cached {
		op.Responses["304"] = &huma.Response{
			Description: "What the client has, by If-None-Match, is still the answer. There is no body.",
			Headers:     headerRefs("ETag", "Cache-Control", "Preference-Applied"),
		}
	}
	op.Parameters = doc.parameters(o)
	if o.Body != nil {
		op.RequestBody = &huma.RequestBody{Required: !o.Body.Optional, Content: map[string]*huma.MediaType{}}
		for _, name := range o.Body.MediaTypes {
			op.RequestBody.Content[name] = doc.media(name, o.Body.Shape)
		}
	}
	return op
}

// headOperation describes the HEAD of a GET.
func (doc Document) headOperation(o *Operation) *huma.Operation {
	op := doc.operation(o)
	op.Method, op.OperationID, op.Summary = http.MethodHead, "head"+strings.ToUpper(o.ID[:1])+o.ID[1:], o.Summary+", headers only"
	op.Description = "The headers that GET answers with, without the body."
	ok := *op.Responses[strconv.Itoa(o.Status)]
	ok.Content = nil
	op.Responses[strconv.Itoa(o.Status)] = &ok
	return op
}

// parameters describes the parameters of an operation: those in the path, then the
// others in their order.
func (doc Document) parameters(o *Operation) []*huma.Param {
	var list []*huma.Param
	for _, ofPath := range []bool{true, false} {
		for _, p := range o.Params {
			if (p.In == Path) == ofPath {
				list = append(list, doc.parameter(p))
			}
		}
	}
	return list
}

func (doc Document) parameter(p Param) *huma.Param {
	schema := huma.SchemaFromField(doc.Components.Schemas, reflect.StructField{Name: p.Name, Type: p.Shape, Tag: p.Tag}, "")
	described := &huma.Param{Name: headerName(p.Name), In: string(p.In), Description: schema.Description, Required: p.In == Path, Deprecated: p.Deprecated, Schema: schema}
	if p.In == Query {
		described.Explode = new(p.Repeats)
	}
	nameValues(schema)
	if p.Schema != "" {
		doc.Components.Schemas.Map()[p.Schema] = schema
		described.Schema = &huma.Schema{Ref: "#/components/schemas/" + p.Schema}
	}
	return described
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
