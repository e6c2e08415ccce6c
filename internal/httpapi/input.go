package httpapi

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/google/uuid"

	"docket"
	"docket/internal/edge"
	"docket/internal/problem"
)

// input is what a request says. The row of its route names the parameters and
// the body that it is read from; the fields of the others stay zero.
type input struct {
	user   string // that the path names
	owner  docket.UserID
	id     uuid.UUID
	noTask error // of kind NotFound when the id in the path is no UUID

	match, noneMatch []string // entity tags; nil without the header
	keyText          string
	key              *docket.Key // nil when sending the request again means doing it again

	query   url.Values // as it was sent
	list    docket.ListQuery
	cursor  *string
	page    pageMark
	token   *string // since, of changes
	changes docket.ChangesQuery
	since   *docket.SyncToken

	task       docket.NewTask
	update     docket.TaskUpdate
	completed  docket.Optional[bool]
	operations []docket.Operation

	faults []docket.Fault
}

// fault notes a fault of a parameter.
func (in *input) fault(p docket.Fault) { in.faults = append(in.faults, p) }

// decode reads a request by its route's row. The error lists every fault, in
// kind Invalid; what cannot be read at all (Malformed, the media type, the size)
// comes before that. A request for a user for whom it may not act is Forbidden,
// should the edge have read the path otherwise.
func (rt *route) decode(r *http.Request) (*input, error) {
	in := &input{
		user: r.PathValue("user_id"),
		list: docket.ListQuery{Limit: docket.MaxList}, changes: docket.ChangesQuery{Limit: defaultChanges},
	}
	data, err := rt.readBody(r)
	if err != nil {
		return nil, err
	}
	if err := rt.readQuery(in, r); err != nil {
		return nil, err
	}
	if rt.ofUser() && !edge.InfoOf(r.Context()).Allows(in.user) {
		return nil, problem.ErrForeignUser
	}
	var bodyFaults []docket.Fault
	if rt.body != nil {
		if bodyFaults, err = rt.body.decode(in, data); err != nil {
			return nil, err
		}
	}
	rt.readParams(in, r)
	if in.keyText != "" {
		if rt.body == nil {
			if data, err = io.ReadAll(r.Body); err != nil {
				return nil, err
			}
		}
		in.key = &docket.Key{Text: in.keyText, Fingerprint: fingerprint(r, sha256.Sum256(data))}
	}
	if in.faults = append(in.faults, bodyFaults...); len(in.faults) > 0 {
		return nil, docket.InvalidInput(in.faults...)
	}
	return in, nil
}

// readBody returns the body of a request whose route takes one.
func (rt *route) readBody(r *http.Request) ([]byte, error) {
	if rt.body == nil {
		return nil, nil
	}
	if err := rt.body.checkMediaType(r.Header); err != nil {
		return nil, err
	}
	data, err := io.ReadAll(r.Body)
	if err == nil && len(data) == 0 && !rt.body.optional {
		err = problem.ErrEmptyBody
	}
	return data, err
}

// checkMediaType refuses a body that is not declared as one of the media types.
func (b *body) checkMediaType(h http.Header) error {
	if b.mediaTypes == nil {
		return nil
	}
	declared, encoding := h.Get("Content-Type"), h.Get("Content-Encoding")
	if declared == "application/json" && encoding == "" {
		return nil
	}
	mediaType, params, err := mime.ParseMediaType(declared)
	charset := params["charset"]
	if err != nil || !slices.Contains(b.mediaTypes, mediaType) || charset != "" && !strings.EqualFold(charset, "utf-8") || encoding != "" && encoding != "identity" {
		return problem.WrongMediaType(b.mediaTypes...)
	}
	return nil
}

// readQuery reads the query parameters: first faults of their names, then those
// of their values.
func (rt *route) readQuery(in *input, r *http.Request) error {
	var names []docket.Fault
	if r.URL.RawQuery != "" {
		var err error
		if in.query, names, err = parseQuery(r.URL.RawQuery, rt.queryNames()...); err != nil {
			return err
		}
		for _, p := range rt.params {
			if values := in.query[p.name]; p.in == inQuery && len(values) > 0 {
				p.read(in, values[:1])
			}
		}
	}
	if rt.check != nil {
		rt.check(in)
	}
	in.faults = append(names, in.faults...)
	return nil
}

// readParams reads the parameters in the path and in headers.
func (rt *route) readParams(in *input, r *http.Request) {
	for _, p := range rt.params {
		switch p.in {
		case inPath:
			p.read(in, []string{r.PathValue(p.name)})
		case inHeader:
			if lines := r.Header[p.name]; len(lines) > 0 {
				p.read(in, lines)
			}
		}
	}
}

// userID is the parameter that says whose tasks are meant.
var userID = param{
	in: inPath, name: "user_id", shape: text,
	tag: `minLength:"1" maxLength:"255" pattern:"^[^\\x00-\\x1f\\x7f-\\x9f]+$" doc:"The owner: an opaque string, compared byte for byte. A lone . or .. is not one." example:"alice"`,
	read: func(in *input, values []string) {
		var err error
		in.owner, err = docket.ParseUserID(values[0])
		if e, ok := errors.AsType[*docket.Error](err); ok {
			in.faults = append(in.faults, e.Faults...)
		}
	},
}

// taskID is the parameter that says which task is meant.
var taskID = param{
	in: inPath, name: "id", shape: text,
	tag:  `format:"uuid" maxLength:"36" doc:"The task. An id that is no UUID belongs to no task." example:"019a4e6f-1b2c-7d3e-8f40-516273849a5b"`,
	read: func(in *input, values []string) { in.id, in.noTask = docket.ParseTaskID(values[0]) },
}

const (
	tagPattern = `pattern:"^[ \\t]*(\\*|[, \\t]*(W/)?\"[^\"\\s]*\"([ \\t]*,[ \\t]*((W/)?\"[^\"\\s]*\")?)*)[ \\t]*$" maxLength:"4000" `
	ifMatchDoc = `doc:"ETags, one of which the task must have, or *: otherwise 412." example:"\"1\""`
	ifNoneDoc  = `doc:"ETags, none of which the task may have: otherwise 304 to a read and 412 to a write." example:"\"1\""`
	listDoc    = `doc:"ETags of answers at hand: 304 when one is still the answer." example:"\"AQ\""`
)

// The preconditions of a request.
var (
	ifMatch       = tagsParam("If-Match", ifMatchDoc, func(in *input) *[]string { return &in.match })
	ifNoneMatch   = tagsParam("If-None-Match", ifNoneDoc, func(in *input) *[]string { return &in.noneMatch })
	listNoneMatch = tagsParam("If-None-Match", listDoc, func(in *input) *[]string { return &in.noneMatch })
)

func tagsParam(name, doc string, to func(*input) *[]string) param {
	return param{
		in: inHeader, name: name, shape: text, tag: reflectTag(tagPattern + doc),
		read: func(in *input, lines []string) {
			tags, err := parseTags(lines)
			if err != nil {
				in.fault(docket.Fault{In: docket.InHeader, Name: name, Code: "malformed", Detail: fmt.Sprintf(`The header %s must be * or a list of entity tags, such as "1", "2".`, name)})
			}
			*to(in) = tags
		},
	}
}

// noIfMatch refuses If-Match where no task is named, so that nobody takes it for
// honoured.
func noIfMatch(mend string) param {
	return param{in: inHeader, name: "If-Match", read: func(in *input, lines []string) {
		if lines[0] != "" {
			in.fault(docket.Fault{In: docket.InHeader, Name: "If-Match", Code: "unexpected", Detail: "The header If-Match has no meaning here. Remove it. " + mend})
		}
	}}
}

// precondition is what a write demands: If-Match by the strong comparison of
// tags and If-None-Match by the weak one, where * is any task (RFC 9110, section
// 13.1).
func (in *input) precondition() (p docket.Precondition) {
	switch {
	case slices.Contains(in.noneMatch, anyTag): // there must be no task
		return docket.Precondition{Match: docket.Some([]int64{})}
	case in.noneMatch != nil:
		p.NoneMatch = docket.Some(versionsOf(withoutWeakness(in.noneMatch)))
	}
	if in.match != nil && !slices.Contains(in.match, anyTag) {
		p.Match = docket.Some(versionsOf(in.match))
	}
	return p
}
