// Package httpapi serves a docket.Service over HTTP, behind package edge.
//
// routes.go is the table of all operations. The mux, the decoding of requests
// and the OpenAPI document come from its rows. A handler decodes a request, has
// it admitted, makes one call of the Service, and writes the answer.
package httpapi
