// Package headers reads and writes the values of header fields: what clients get and
// send back, such as entity tags and sync tokens, and what they ask for. It reads no
// request and writes no answer.
package headers
