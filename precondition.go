package docket

import "slices"

// Precondition is what a client requires of the version of a task that it reads
// or changes. The zero Precondition always holds.
type Precondition struct {
	Match     Optional[[]int64] // the version must be one of these
	NoneMatch Optional[[]int64] // the version must be none of these
}

// Holds reports whether a task at this version may be read or changed.
func (p Precondition) Holds(version int64) bool {
	return (!p.Match.Set || slices.Contains(p.Match.Value, version)) &&
		(!p.NoneMatch.Set || !slices.Contains(p.NoneMatch.Value, version))
}

var errStale = &Error{Kind: PreconditionFailed, Detail: "The task is not at a version that the request allows: it may have been changed since. Read it again."}

// Stale returns the error of kind PreconditionFailed.
func Stale() error { return errStale }
