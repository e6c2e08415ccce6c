package httpapi

import (
	"net/http"
	"reflect"
	"slices"

	"docket/internal/contract"
)

// route is one operation: a row of the table. Params and Body of its Operation stay nil:
// operations derives them from params and body.
type route struct {
	contract.Operation
	handle handler

	params []param         // faults are listed in their order
	check  func(in *input) // looks at the query parameters together; may be nil
	body   *body           // nil: none
}

// operations returns the table as the contract shows it.
func operations() []contract.Operation {
	list := make([]contract.Operation, len(routes))
	for i := range routes {
		rt := &routes[i]
		list[i] = rt.Operation
		for _, p := range rt.params {
			if p.shape != nil {
				list[i].Params = append(list[i].Params, contract.Param{In: p.in, Name: p.name, Shape: p.shape, Tag: p.tag, Schema: p.schema, Repeats: p.repeats, Deprecated: p.deprecated})
			}
		}
		if b := rt.body; b != nil {
			list[i].Body = &contract.Body{MediaTypes: b.mediaTypes, Optional: b.optional, Shape: b.shape}
			if b.mediaTypes == nil {
				list[i].Body.MediaTypes = justJSON
			}
		}
	}
	return list
}

// ContractJSON returns the OpenAPI document of the API.
func ContractJSON() ([]byte, error) { return contract.New(operations()).JSON() }

// ContractYAML returns the OpenAPI document of the API.
func ContractYAML() ([]byte, error) { return contract.New(operations()).YAML() }

// handler carries out one operation: it decodes the request, has it admitted,
// makes one call of the Service, and writes the answer. Its error is answered as
// a problem document.
type handler func(a *api, rt *route, w http.ResponseWriter, r *http.Request) error

// The places of parameters.
const (
	inPath   = contract.Path
	inQuery  = contract.Query
	inHeader = contract.Header
)

// param is a parameter: where it stands, how it is read, and what the contract
// says about it.
type param struct {
	in   contract.Place
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
