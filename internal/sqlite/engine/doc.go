// Package engine is a thin interface to SQLite: a file, its connections and their
// prepared statements. It knows nothing of tasks.
//
// A statement can be interrupted at a deadline or when a context ends, a panic of
// SQLite is an error, and an error has SQLite's result code.
package engine
