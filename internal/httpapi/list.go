package httpapi

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"docket"
	"docket/internal/edge"
)

// maxLimit is the largest value of the parameter limit. Without it a list holds
// up to docket.MaxList tasks.
const maxLimit = 1000

// The parameters of a list.
var (
	limit = param{
		in: inQuery, name: "limit", shape: number,
		tag:  `minimum:"1" maximum:"1000" doc:"The most tasks to return. Absent: all, up to 10,000." example:"50"`,
		read: func(in *input, values []string) { in.list.Limit = readLimit(in, values[0], maxLimit) },
	}
	cursor = param{
		in: inQuery, name: "cursor", shape: text,
		tag:  `pattern:"^[A-Za-z0-9_-]+$" maxLength:"4000" doc:"Where to go on: taken from the Link header of the page before, with the other parameters as they were." example:"AQ"`,
		read: func(in *input, values []string) { in.cursor = &values[0] },
	}
	completed = param{
		in: inQuery, name: "completed", shape: boolean, tag: `doc:"Only tasks with this value." example:"false"`,
		read: func(in *input, values []string) {
			in.list.Completed = docket.Some(readBool(in, "completed", values[0]))
		},
	}
	deleted = param{
		in: inQuery, name: "deleted", shape: boolean,
		tag:  `default:"false" doc:"The trash instead of the live tasks: those that were deleted and can be restored." example:"false"`,
		read: func(in *input, values []string) { in.list.Deleted = readBool(in, "deleted", values[0]) },
	}
	sort = param{
		in: inQuery, name: "sort", shape: text,
		tag: `enum:"created_at,-created_at,updated_at,-updated_at,title,-title" default:"created_at" doc:"The order; with - in front from the last to the first. Ties are broken by id." example:"-updated_at"`,
		read: func(in *input, values []string) {
			i := slices.IndexFunc(sorts, func(s sortName) bool { return s.name == values[0] })
			if i < 0 {
				in.fault(queryFault("sort", "unknown_sort", "The parameter sort must be one of "+sortNames()+"."))
				return
			}
			in.list.Sort = sorts[i].sort
		},
	}
	search = param{
		in: inQuery, name: "q", shape: text,
		tag: `minLength:"1" maxLength:"100" pattern:"^[^\\x00]*$" doc:"Only tasks whose title or description contains this text, whatever its case (Unicode simple folding: ß does not match ss, nor i ı)." example:"milk"`,
		read: func(in *input, values []string) {
			if in.list.Search = values[0]; values[0] == "" {
				in.fault(queryFault("q", "too_short", "The text to search for is empty: leave q out to list everything."))
			}
		},
	}
	prefer = param{
		in: inHeader, name: "Prefer", shape: text,
		tag:  `pattern:"^[\\t -~]*$" maxLength:"1000" doc:"count=exact asks for X-Total-Count (RFC 7240)." example:"count=exact"`,
		read: func(in *input, lines []string) { in.list.Count = prefers(lines, "count", "exact") },
	}
)

// sortName is a value of the parameter sort.
type sortName struct {
	name string
	sort docket.Sort
}

// sorts are the values of the parameter sort.
var sorts = []sortName{
	{"created_at", docket.Sort{}},
	{"-created_at", docket.Sort{Descending: true}},
	{"updated_at", docket.Sort{Key: docket.ByUpdate}},
	{"-updated_at", docket.Sort{Key: docket.ByUpdate, Descending: true}},
	{"title", docket.Sort{Key: docket.ByTitle}},
	{"-title", docket.Sort{Key: docket.ByTitle, Descending: true}},
}

func sortNames() string {
	var names []string
	for _, known := range sorts {
		names = append(names, known.name)
	}
	return strings.Join(names, ", ")
}

// checkList checks the parameters of a list together. The cursor depends on all
// others, so it is read when they are free of faults.
func checkList(in *input) {
	for _, fault := range in.list.Check() {
		if !slices.ContainsFunc(in.faults, func(f docket.Fault) bool { return f.Name == fault.Name }) {
			in.fault(fault)
		}
	}
	if len(in.faults) > 0 {
		return
	}
	list, behind := markList(in.user, in.list), ""
	if in.cursor != nil {
		after, err := list.position(*in.cursor)
		if err != nil {
			in.fault(queryFault("cursor", "invalid_cursor", "The cursor is not one of this list: begin again without it, or send the parameters that it came with."))
			return
		}
		in.list.After, behind = after, *in.cursor
	}
	in.page = markPage(list, in.list.Limit, behind)
}

func (a *api) listTasks(rt *route, w http.ResponseWriter, r *http.Request) error {
	in, err := rt.decode(r)
	if err != nil {
		return err
	}
	in.list.Known = in.page.knownState(in.noneMatch)
	page, err := edge.Admit(r.Context(), costOfList(in.list), func() (docket.Page, error) {
		return a.service.Tasks(r.Context(), in.owner, in.list)
	})
	if err != nil {
		return err
	}
	edge.Hold(r.Context(), heldBy(page.Tasks))
	tag, header := in.page.tag(page.State), w.Header()
	header.Set("ETag", tag)
	header["Cache-Control"] = revalidate
	if in.list.Count { // also with a 304: a browser asks for one by itself
		header.Set("X-Total-Count", strconv.Itoa(page.Total))
		header.Set("Preference-Applied", "count=exact")
	}
	if page.Unchanged || matchesAny(in.noneMatch, tag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	if page.More {
		header.Set("Link", rt.nextLink(in, in.list.Sort.PositionOf(page.Tasks[len(page.Tasks)-1])))
	}
	return writeTasks(w, page.Tasks)
}

// nextLink is the Link header (RFC 8288) of the page behind a position: this
// request's path and parameters, and a cursor.
func (rt *route) nextLink(in *input, after docket.Position) string {
	link := []byte("</api/" + url.PathEscape(in.user) + "/tasks?cursor=" + in.page.list.cursor(after))
	for _, name := range slices.Sorted(slices.Values(rt.queryNames())) {
		if value := in.query.Get(name); value != "" && name != cursor.name {
			link = append(link, "&"+name+"="+url.QueryEscape(value)...)
		}
	}
	return string(append(link, `>; rel="next"`...))
}
