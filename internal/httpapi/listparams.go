package httpapi

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"docket"
)

// maxLimit is the largest value of the parameter limit. Without it a list holds
// up to docket.MaxList tasks.
const maxLimit = 1000

// The parameters of a list.
var (
	limit = param{
		in: inQuery, name: "limit", shape: number,
		tag: `minimum:"1" maximum:"1000" doc:"The most tasks to return. Absent: all, up to 10,000." example:"50"`,
		read: func(in *input, name string, values []string) {
			in.list.Limit = readNumber(in, name, values[0], 1, maxLimit)
		},
	}
	cursor = param{
		in: inQuery, name: "cursor", shape: text,
		tag:  `pattern:"^[A-Za-z0-9_-]+$" maxLength:"4000" doc:"Where to go on: taken from the Link header of the page before, with the other parameters as they were." example:"AQ"`,
		read: func(in *input, _ string, values []string) { in.cursor = &values[0] },
	}
	offset = param{
		in: inQuery, name: "offset", shape: number,
		tag: `minimum:"0" maximum:"10000" doc:"How many tasks to skip, for pages by number. Not with cursor, which costs less and misses nothing." example:"50"`,
		read: func(in *input, name string, values []string) {
			in.list.Offset = readNumber(in, name, values[0], 0, docket.MaxOffset)
		},
	}
	completed = param{
		in: inQuery, name: "completed", sets: "status", shape: boolean, tag: `doc:"Only tasks with this value. Not with status." example:"false"`,
		read: func(in *input, name string, values []string) {
			in.list.Completed = docket.Some(readBool(in, name, values[0]))
		},
	}
	status = param{
		in: inQuery, name: "status", sets: "status", shape: text, deprecated: true,
		tag:  `enum:"all,pending,completed" doc:"The same as completed, by name." example:"pending"`,
		read: readStatus,
	}
	priority = param{
		in: inQuery, name: "priority", repeats: true, shape: texts,
		tag:  `nullable:"false" enum:"low,medium,high" minItems:"1" maxItems:"3" doc:"Only tasks with one of these: repeated, or separated by commas." example:"high"`,
		read: readPriorities,
	}
	tag = param{
		in: inQuery, name: "tag", sets: "tag", repeats: true, shape: texts,
		tag:  `nullable:"false" minLength:"1" maxLength:"50" pattern:"^[^\\x00]+$" minItems:"1" maxItems:"20" doc:"Only tasks with all of these, whatever their case: repeated, or separated by commas." example:"home"`,
		read: readTags,
	}
	dueBefore = param{
		in: inQuery, name: "due_before", sets: "due_before", shape: text,
		tag: dueTag + `doc:"Only tasks that are due before: a due date in any of its forms, which counts from its first moment, in UTC where it says nothing else." example:"2026-12-01"`,
		read: func(in *input, name string, values []string) {
			in.list.DueBefore = readDue(in, name, values[0], docket.DueDate.Moment)
		},
	}
	dueDateTo = param{
		in: inQuery, name: "due_date_to", sets: "due_before", shape: text, deprecated: true,
		tag: dueTag + `doc:"As due_before, with this day or moment included." example:"2026-12-01"`,
		read: func(in *input, name string, values []string) {
			in.list.DueBefore = readDue(in, name, values[0], docket.DueDate.End)
		},
	}
	dueAfter = param{
		in: inQuery, name: "due_after", sets: "due_after", shape: text,
		tag: dueTag + `doc:"Only tasks that are due then or later: a due date in any of its forms." example:"2026-12-01"`,
		read: func(in *input, name string, values []string) {
			in.list.DueFrom = readDue(in, name, values[0], docket.DueDate.Moment)
		},
	}
	deleted = param{
		in: inQuery, name: "deleted", shape: boolean,
		tag:  `default:"false" doc:"The trash instead of the live tasks: those that were deleted and can be restored." example:"false"`,
		read: func(in *input, name string, values []string) { in.list.Deleted = readBool(in, name, values[0]) },
	}
	search = param{
		in: inQuery, name: "q", sets: "q", shape: text,
		tag: `minLength:"1" maxLength:"100" pattern:"^[^\\x00]*$" doc:"Only tasks whose title, description or a tag contains this text, whatever its case (Unicode simple folding: ß does not match ss, nor i ı)." example:"milk"`,
		read: func(in *input, name string, values []string) {
			if in.list.Search = values[0]; values[0] == "" {
				in.fault(queryFault(name, "too_short", "The text to search for is empty: leave "+name+" out to list everything."))
			}
		},
	}
	sort = param{
		in: inQuery, name: "sort", sets: "sort", shape: text, schema: "TaskSort",
		tag:  `enum:"created_at,-created_at,updated_at,-updated_at,title,-title,due_date,-due_date,priority,-priority" default:"created_at" doc:"The order; with - in front from the last to the first. Ties are broken by id; tasks without a due date come last in both directions; of priorities low is the first." example:"-updated_at"`,
		read: readSort,
	}
	sortOrder = param{
		in: inQuery, name: "sort_order", sets: "sort_order", shape: text, deprecated: true,
		tag:  `enum:"asc,desc" doc:"The direction of sort, instead of - in front of it." example:"desc"`,
		read: readSortOrder,
	}
)

// secondNames are further names of parameters, which front-ends of the Python version
// send.
var secondNames = []param{
	status,
	secondName("status_filter", status),
	secondName("tags", tag),
	secondName("due_date_from", dueAfter),
	dueDateTo,
	secondName("search", search),
	secondName("sort_by", sort),
	sortOrder,
	secondName("order", sortOrder),
}

// withoutDefault matches a default: a client that sends it would send both names.
var withoutDefault = regexp.MustCompile(` ?default:"[^"]*"`)

// secondName returns p under another name. A request has one of the two.
func secondName(name string, p param) param {
	p.name, p.deprecated = name, true
	p.tag = reflectTag(withoutDefault.ReplaceAllString(string(p.tag), ""))
	return p
}

// listParams are the parameters of a list, in the order in which they are read.
var listParams = slices.Concat(
	[]param{limit, cursor, offset, completed, priority, tag, dueBefore, dueAfter, deleted, sort, search}, secondNames,
	[]param{preferCount, listNoneMatch, userID},
)

const dueTag = `pattern:"^\\d{4}-\\d{2}-\\d{2}([Tt]\\d{2}:\\d{2}(:\\d{2}(\\.\\d+)?)?([Zz]|[+-]\\d{2}:\\d{2})?)?$" maxLength:"50" `

// sortName is a value of the parameter sort.
type sortName struct {
	name   string
	sort   docket.Sort
	second bool // taken, and not in the contract
}

// sorts are the values of the parameter sort.
var sorts = []sortName{
	{name: "created_at", sort: docket.Sort{}},
	{name: "-created_at", sort: docket.Sort{Descending: true}},
	{name: "updated_at", sort: docket.Sort{Key: docket.ByUpdate}},
	{name: "-updated_at", sort: docket.Sort{Key: docket.ByUpdate, Descending: true}},
	{name: "title", sort: docket.Sort{Key: docket.ByTitle}},
	{name: "-title", sort: docket.Sort{Key: docket.ByTitle, Descending: true}},
	{name: "due_date", sort: docket.Sort{Key: docket.ByDueDate}},
	{name: "-due_date", sort: docket.Sort{Key: docket.ByDueDate, Descending: true}},
	{name: "priority", sort: docket.Sort{Key: docket.ByPriority}},
	{name: "-priority", sort: docket.Sort{Key: docket.ByPriority, Descending: true}},
	{name: "created", sort: docket.Sort{}, second: true},
	{name: "-created", sort: docket.Sort{Descending: true}, second: true},
	{name: "updated", sort: docket.Sort{Key: docket.ByUpdate}, second: true},
	{name: "-updated", sort: docket.Sort{Key: docket.ByUpdate, Descending: true}, second: true},
}

// sortNames returns the values of sort that the contract has.
func sortNames() string {
	var names []string
	for _, known := range sorts {
		if !known.second {
			names = append(names, known.name)
		}
	}
	return strings.Join(names, ", ")
}

func readSort(in *input, name string, values []string) {
	i := slices.IndexFunc(sorts, func(s sortName) bool { return s.name == values[0] })
	if i < 0 {
		in.fault(queryFault(name, "unknown_sort", "The parameter "+name+" must be one of "+sortNames()+"."))
		return
	}
	in.list.Sort = sorts[i].sort
}

// readSortOrder comes after readSort.
func readSortOrder(in *input, name string, values []string) {
	switch {
	case values[0] != "asc" && values[0] != "desc":
		in.fault(queryFault(name, "unknown_order", "The parameter "+name+" must be asc or desc."))
	case in.list.Sort.Descending:
		in.fault(queryFault(name, "two_names", "The parameter "+in.names[sort.sets]+" says the direction already, with - in front. Leave the - or "+name+" out."))
	default:
		in.list.Sort.Descending = values[0] == "desc"
	}
}

func readStatus(in *input, name string, values []string) {
	switch values[0] {
	case "all":
	case "pending", "completed":
		in.list.Completed = docket.Some(values[0] == "completed")
	default:
		in.fault(queryFault(name, "unknown_status", "The parameter "+name+" must be all, pending or completed."))
	}
}

// eachPart calls read for each of several values, which are repeated or separated by
// commas.
func eachPart(values []string, read func(part string)) {
	for _, value := range values {
		for part := range strings.SplitSeq(value, ",") {
			read(strings.TrimSpace(part))
		}
	}
}

func readPriorities(in *input, name string, values []string) {
	eachPart(values, func(part string) {
		p, known := docket.ParsePriority(part)
		if !known {
			in.faultOnce(queryFault(name, "unknown_priority", "The parameter "+name+" must be low, medium or high, or several of them."))
		} else if !slices.Contains(in.list.Priorities, p) {
			in.list.Priorities = append(in.list.Priorities, p)
		}
	})
}

func readTags(in *input, name string, values []string) {
	eachPart(values, func(part string) {
		if part == "" {
			in.faultOnce(queryFault(name, "too_short", "A tag to look for is empty: leave it out."))
		} else if !slices.Contains(in.list.Tags, part) {
			in.list.Tags = append(in.list.Tags, part)
		}
	})
}

// readDue returns a moment of a due date.
func readDue(in *input, name, value string, moment func(docket.DueDate) (time.Time, bool)) time.Time {
	due, ok := docket.ParseDueDate(value)
	if !ok {
		bad := docket.BadDueDate()
		in.fault(queryFault(name, bad.Code, bad.Detail))
		return time.Time{}
	}
	t, _ := moment(due)
	if t.IsZero() { // the first moment of the year 1, which would be no bound
		t = t.Add(time.Microsecond)
	}
	return t
}
