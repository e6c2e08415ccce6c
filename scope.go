package docket

import "strings"

// Scopes is a set of things that a caller may do. The zero value is the empty set.
type Scopes uint8

// The scopes. WriteTasks includes ReadTasks.
const (
	ReadTasks  Scopes = 1 << iota // lists, changes, streams
	WriteTasks                    // every change of tasks
	EraseUser                     // removing everything about the user
	ManageKeys                    // the user's API keys

	// AllScopes is every scope: that of a caller whom nothing narrows.
	AllScopes = ReadTasks | WriteTasks | EraseUser | ManageKeys
)

// scopeNames are the names of the scopes, by the position of their bits.
var scopeNames = [...]string{"tasks:read", "tasks:write", "user:erase", "keys:manage"}

// ScopeNames returns the names of all scopes.
func ScopeNames() []string { return AllScopes.Names() }

// ParseScope returns the scope of a name, which is case-sensitive.
func ParseScope(name string) (Scopes, bool) {
	for i, known := range scopeNames {
		if name == known {
			return 1 << i, true
		}
	}
	return 0, false
}

// ParseScopes returns the scopes that text names, with white space between the names, as
// String writes them. Other names count for nothing.
func ParseScopes(text string) (s Scopes) {
	for name := range strings.FieldsSeq(text) {
		scope, _ := ParseScope(name)
		s |= scope
	}
	return s
}

// Allow reports whether a caller with the scopes s may do what needs all of want.
func (s Scopes) Allow(want Scopes) bool { return s.Lacking(want) == 0 }

// Lacking returns those of want that s does not allow.
func (s Scopes) Lacking(want Scopes) Scopes {
	if s&WriteTasks != 0 {
		s |= ReadTasks
	}
	return want &^ s
}

// Names returns the names of the scopes in s, in a fixed order.
func (s Scopes) Names() []string {
	names := make([]string, 0, len(scopeNames))
	for i, name := range scopeNames {
		if s&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// String returns the names of the scopes as OAuth writes them, with spaces between
// them (RFC 6749, section 3.3).
func (s Scopes) String() string { return strings.Join(s.Names(), " ") }
