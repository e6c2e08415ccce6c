// Package httpapi serves a docket.Service over HTTP: it decodes a request,
// makes one call, and encodes the answer. routes.go lists every operation;
// problem.go is the only place that turns an error into a response.
//
// Huma registers the operations, binds their parameters and generates the
// contract from the types in wire.go. What it accepts too lightly for us is
// replaced: decode.go reads bodies, query.go query strings, and problem.go
// words the errors.
package httpapi
