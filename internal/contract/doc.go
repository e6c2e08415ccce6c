// Package contract makes the OpenAPI document of the API from the table of its
// operations, and holds the shapes of the bodies. Huma's schema registry and OpenAPI
// types are its library; they serve no request.
package contract
