package docket

// Priority says how urgent a task is. Its zero value is that of a task whose client
// says nothing, and its numbers are in the order of lists.
type Priority int8

// The priorities.
const (
	Low    Priority = -1
	Medium Priority = 0
	High   Priority = 1
)

var priorities = map[Priority]string{Low: "low", Medium: "medium", High: "high"}

// String returns the name of p.
func (p Priority) String() string { return priorities[p] }

// ParsePriority is the inverse of String. It reports false for every other name.
func ParsePriority(name string) (Priority, bool) {
	for p, known := range priorities {
		if known == name {
			return p, true
		}
	}
	return Medium, false
}

func checkPriority(p *Priority) []Fault {
	if _, known := priorities[*p]; !known {
		return []Fault{bodyFault("/priority", "unknown_priority", `The priority must be "low", "medium" or "high".`)}
	}
	return nil
}
