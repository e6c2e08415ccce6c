package httpapi

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"docket"
	"docket/internal/edge"
	"docket/internal/headers"
)

// checkList checks the parameters of a list together. The cursor depends on all
// others, so it is read when they are free of faults.
func checkList(in *input) {
	for _, fault := range in.list.Check() {
		if sent := in.names[fault.Name]; sent != "" { // by another name
			fault.Name = sent
		}
		in.faultOnce(fault)
	}
	if in.cursor != nil && in.list.Offset > 0 {
		in.faultOnce(queryFault("offset", "not_with_cursor", "A cursor is a place already: leave offset out, or cursor."))
	}
	if len(in.faults) > 0 {
		return
	}
	list, behind := docket.MarkList(docket.UserID(in.user), in.list), ""
	if in.cursor != nil {
		after, err := list.Position(*in.cursor)
		if err != nil {
			in.fault(queryFault("cursor", "invalid_cursor", "The cursor is not one of this list: begin again without it, or send the parameters that it came with."))
			return
		}
		in.list.After, behind = after, *in.cursor
	}
	in.page = headers.NewPage(list, in.list.Limit, in.list.Offset, behind)
}

// faultOnce notes a fault of a parameter that has none yet.
func (in *input) faultOnce(fault docket.Fault) {
	if !slices.ContainsFunc(in.faults, func(f docket.Fault) bool { return f.Name == fault.Name }) {
		in.fault(fault)
	}
}

func (a *api) listTasks(rt *route, w http.ResponseWriter, r *http.Request) error {
	in, err := a.decode(rt, w, r)
	if err != nil {
		return err
	}
	if !in.list.Deleted {
		in.list.Known = in.page.KnownState(in.noneMatch)
	}
	page, err := edge.Admit(r.Context(), edge.Cost{Pass: in.list.Pass(), Bytes: edge.BytesOf(in.list.Limit)}, func() (docket.Page, error) {
		return a.service.Tasks(r.Context(), in.owner, in.list)
	})
	if err != nil {
		return err
	}
	edge.HoldTasks(r.Context(), page.Tasks)
	if in.list.Deleted {
		in.page = in.page.Of(page.Tasks, page.More)
	}
	tag, header := in.page.ETag(page.State), w.Header()
	header.Set("ETag", tag)
	header["Cache-Control"] = revalidate
	if in.list.Count { // also with a 304: a browser asks for one by itself
		header.Set("X-Total-Count", strconv.Itoa(page.Total))
		applied(w, "count=exact")
	}
	if page.Unchanged || headers.MatchesAny(in.noneMatch, tag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	if page.More {
		header.Set("Link", rt.nextLink(in, in.list.Sort.PositionOf(page.Tasks[len(page.Tasks)-1])))
	}
	return writeTasks(w, page.Tasks)
}

// nextLink is the Link header (RFC 8288) of the page behind a position: a reference
// relative to this request, with its filters and a cursor.
func (rt *route) nextLink(in *input, after docket.Position) string {
	link := []byte("<?cursor=" + in.page.Cursor(after))
	known := rt.queryParams()
	for _, name := range slices.Sorted(maps.Keys(in.query)) {
		if name == cursor.name || name == offset.name || !slices.ContainsFunc(known, func(p param) bool { return p.name == name }) {
			continue
		}
		for _, value := range in.query[name] {
			link = append(link, "&"+name+"="+url.QueryEscape(value)...)
		}
	}
	return string(append(link, `>; rel="next"`...))
}
