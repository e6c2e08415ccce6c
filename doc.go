// Package docket is the domain of a multi-user tasks service: its types, its
// rules, and the interface that a store implements.
//
// Read task.go, service.go and store.go, in that order, and you know the
// product. The package imports nothing else of this module; every other
// package is an adapter around it, and internal/cli joins them.
//
// The module is an application, not a library: exported names may change
// between versions.
package docket
