package httpapi

import (
	"net/http"
	"reflect"
	"slices"
	"strings"

	"docket"
)

// route is one operation: a row of the table.
type route struct {
	method, path string
	handle       handler
	basic        bool          // it takes an API key as a password too
	scope        docket.Scopes // what the caller of a route of a user needs

	// The request. Faults are listed in the order of params.
	params []param
	check  func(in *input) // looks at the query parameters together; may be nil
	body   *body           // nil: none

	// The answer.
	status   int
	means    string       // the description of that status
	shape    reflect.Type // nil: no body
	files    []string     // the media types of a file, instead of a body of that shape
	none     string       // the description of a 204 instead; "": there is none
	creates  bool         // it may be 201, with Location
	headers  []string     // besides those of every answer
	cached   bool         // it may be 304
	statuses []int        // of errors, besides those of every route

	// The contract.
	id, summary, description string
}

// handler carries out one operation: it decodes the request, has it admitted,
// makes one call of the Service, and writes the answer. Its error is answered as
// a problem document.
type handler func(a *api, rt *route, w http.ResponseWriter, r *http.Request) error

// ofUser reports whether the route belongs to a user and needs that user's token.
func (rt *route) ofUser() bool { return strings.HasPrefix(rt.path, "/api/") }

// place is the part of a request that a parameter is in.
type place string

const (
	inPath   place = "path"
	inQuery  place = "query"
	inHeader place = "header"
)

// param is a parameter: where it stands, how it is read, and what the contract
// says about it.
type param struct {
	in   place
	name string // a header's in its canonical form
	// read takes the values in, and notes their faults under the name. Path parameters
	// are read always, others when they are given. A query parameter has one value
	// unless it repeats.
	read func(in *input, name string, values []string)

	shape  reflect.Type      // of the value; nil: the contract does not have the parameter
	tag    reflect.StructTag // the constraints of the value, as package huma reads them
	schema string            // the name of the value's schema, which then has one type in generated code; "": none

	// Of query parameters:
	sets       string // what it sets, where several parameters set it: a request has one of them
	repeats    bool   // it may be given several times
	deprecated bool
}

// body is the kind of body that a route takes.
type body struct {
	mediaTypes []string // nil: any
	optional   bool
	file       bool // a file in the format of its media type, which is not decoded
	shape      reflect.Type
	// decode takes the body in and notes its faults. The error is of kind Malformed:
	// the body is not JSON, or not strictly so.
	decode func(in *input, f *faults, data []byte) error
}

// queryParams returns the query parameters, in their order.
func (rt *route) queryParams() []param {
	return slices.DeleteFunc(slices.Clone(rt.params), func(p param) bool { return p.in != inQuery })
}
