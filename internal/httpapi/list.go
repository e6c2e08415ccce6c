package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"docket"
)

// maxLimit bounds the parameter limit. Without it a list is as long as it may be.
const maxLimit = 1000

// listInput is the request of a list. Huma binds and describes its parameters;
// Resolve reads them again, for it takes nothing for granted.
type listInput struct {
	UserPath
	Limit       limitParam     `query:"limit" doc:"The most tasks to return. Absent: all, up to 10,000." example:"50"`
	Cursor      string         `query:"cursor" pattern:"^[A-Za-z0-9_-]+$" maxLength:"4000" doc:"Where to go on: taken from the Link header of the page before, with the other parameters as they were." example:"AQ"`
	Completed   completedParam `query:"completed" doc:"Only tasks with this value." example:"false"`
	Deleted     deletedParam   `query:"deleted" doc:"The trash instead of the live tasks: those that were deleted and can be restored." example:"false"`
	Sort        sortParam      `query:"sort" doc:"The order; with - in front from the last to the first. Ties are broken by id." example:"-updated_at"`
	Search      string         `query:"q" minLength:"1" maxLength:"500" pattern:"^[^\\x00]*$" doc:"Only tasks whose title or description contains this text, whatever its case (Unicode simple folding: ß does not match ss, nor i ı)." example:"milk"`
	Prefer      string         `header:"Prefer" pattern:"^[\\t -~]*$" maxLength:"1000" doc:"count=exact asks for X-Total-Count (RFC 7240)." example:"count=exact"`
	IfNoneMatch string         `header:"If-None-Match" pattern:"^[ \\t]*(\\*|[, \\t]*(W/)?\"[^\"\\s]*\"([ \\t]*,[ \\t]*((W/)?\"[^\"\\s]*\")?)*)[ \\t]*$" maxLength:"4000" doc:"ETags of answers at hand: 304 when one is still the answer." example:"\"AQ\""`

	query docket.ListQuery
	known []string // the entity tags that the client has
}

type limitParam string

// Schema implements huma.SchemaProvider.
func (limitParam) Schema(huma.Registry) *huma.Schema {
	least, most := 1.0, float64(maxLimit)
	return &huma.Schema{Type: huma.TypeInteger, Format: "int32", Minimum: &least, Maximum: &most}
}

type completedParam string

// Schema implements huma.SchemaProvider.
func (completedParam) Schema(huma.Registry) *huma.Schema { return &huma.Schema{Type: huma.TypeBoolean} }

type deletedParam string

// Schema implements huma.SchemaProvider.
func (deletedParam) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeBoolean, Default: false}
}

type sortParam string

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

// Schema implements huma.SchemaProvider.
func (sortParam) Schema(huma.Registry) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeString, Default: "created_at"}
	for _, known := range sorts {
		s.Enum = append(s.Enum, known.name)
	}
	return s
}

// Resolve implements huma.Resolver.
func (in *listInput) Resolve(ctx huma.Context) []error {
	r, _ := humago.Unwrap(ctx)
	values, faults, err := parseQuery(r.URL.RawQuery, "limit", "cursor", "completed", "deleted", "sort", "q")
	if err != nil {
		return []error{err}
	}
	query, more := listQuery(values)
	for _, fault := range query.Check() {
		if !slices.ContainsFunc(more, func(f docket.Fault) bool { return f.Name == fault.Name }) {
			more = append(more, fault)
		}
	}
	faults = append(faults, more...)
	if cursor, given := values["cursor"]; given && len(more) == 0 {
		after, err := parseCursor(cursor[0], in.UserID, query)
		if err != nil {
			faults = append(faults, queryFault("cursor", "invalid_cursor", "The cursor is not one of this list: begin again without it, or send the parameters that it came with."))
		}
		query.After = after
	}
	query.Count = prefers(r.Header.Values("Prefer"), "count", "exact")
	tags, err := parseTags(r.Header.Values("If-None-Match"))
	if err != nil {
		faults = append(faults, tagsFault("If-None-Match"))
	}
	in.query, in.known = query, tags
	return in.finish(ctx, faults, body{})
}

// listQuery reads the parameters but the cursor, which depends on the others.
func listQuery(values url.Values) (docket.ListQuery, []docket.Fault) {
	q := docket.ListQuery{Limit: docket.MaxList}
	var faults []docket.Fault
	fault := func(name, code, detail string) { faults = append(faults, queryFault(name, code, detail)) }
	if text, given := values["limit"]; given {
		n, err := strconv.Atoi(text[0])
		if err != nil || n < 1 || n > maxLimit || text[0] != strconv.Itoa(n) {
			fault("limit", "out_of_range", fmt.Sprintf("The limit must be a whole number from 1 to %d.", maxLimit))
		}
		q.Limit = n
	}
	for _, name := range []string{"completed", "deleted"} {
		if text, given := values[name]; given && text[0] != "true" && text[0] != "false" {
			fault(name, "wrong_type", "The parameter "+name+" must be true or false.")
		}
	}
	q.Deleted = values.Get("deleted") == "true"
	if values.Has("completed") {
		q.Completed = docket.Some(values.Get("completed") == "true")
	}
	if values.Has("sort") {
		i := slices.IndexFunc(sorts, func(s sortName) bool { return s.name == values.Get("sort") })
		if i < 0 {
			fault("sort", "unknown_sort", "The parameter sort must be one of "+sortNames()+".")
		} else {
			q.Sort = sorts[i].sort
		}
	}
	if text, given := values["q"]; given {
		q.Search = text[0]
		if text[0] == "" {
			fault("q", "too_short", "The text to search for is empty: leave q out to list everything.")
		}
	}
	return q, faults
}

func sortNames() string {
	var names []string
	for _, known := range sorts {
		names = append(names, known.name)
	}
	return strings.Join(names, ", ")
}

type listOutput struct {
	Status            int
	ETag              string `header:"ETag"`
	CacheControl      string `header:"Cache-Control"`
	Link              string `header:"Link"`
	TotalCount        string `header:"X-Total-Count"`
	PreferenceApplied string `header:"Preference-Applied"`
	Body              []Task `nullable:"false" maxItems:"10000"`
}

func (a *api) listTasks(ctx context.Context, in *listInput) (*listOutput, error) {
	in.query.Known = knownState(in.known, in.UserID, in.query)
	page, err := a.service.Tasks(ctx, in.owner, in.query)
	if err != nil {
		return nil, err
	}
	tag := listTag(page.State, in.UserID, in.query)
	out := &listOutput{Status: http.StatusOK, ETag: tag, CacheControl: revalidate, Body: wireTasks(page.Tasks)}
	if in.query.Count { // also with a 304: a browser asks for one by itself
		out.TotalCount, out.PreferenceApplied = strconv.Itoa(page.Total), "count=exact"
	}
	if page.Unchanged || matchesAny(in.known, tag) {
		out.Status = http.StatusNotModified
		return out, nil
	}
	if page.More {
		last := in.query.Sort.PositionOf(page.Tasks[len(page.Tasks)-1])
		out.Link = nextLink(in, last)
	}
	return out, nil
}

// nextLink is the Link header (RFC 8288) of the page behind a position: this
// request's path and parameters, and a cursor.
func nextLink(in *listInput, after docket.Position) string {
	link := []byte("</api/" + url.PathEscape(in.UserID) + "/tasks?cursor=" + formatCursor(after, in.UserID, in.query))
	for _, p := range [...]struct{ name, value string }{
		{"completed", string(in.Completed)}, {"deleted", string(in.Deleted)}, {"limit", string(in.Limit)}, {"q", in.Search}, {"sort", string(in.Sort)},
	} {
		if p.value != "" {
			link = append(link, "&"+p.name+"="+url.QueryEscape(p.value)...)
		}
	}
	return string(append(link, `>; rel="next"`...))
}

func tagsFault(name string) docket.Fault {
	return docket.Fault{In: docket.InHeader, Name: name, Code: "malformed", Detail: fmt.Sprintf(`The header %s must be * or a list of entity tags, such as "1", "2".`, name)}
}
