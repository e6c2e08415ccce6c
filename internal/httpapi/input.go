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
	"time"

	"github.com/google/uuid"

	"docket"
	"docket/internal/edge"
	"docket/internal/headers"
	"docket/internal/problem"
	"docket/internal/transfer"
)

// input is a decoded request. The row of its route names the parameters and the body;
// the fields of all others stay zero.
type input struct {
	user   string // that the path names
	owner  docket.UserID
	id     uuid.UUID
	noSuch error // the error of what the path names, when its id is no UUID

	match, noneMatch []string // entity tags; nil without the header
	keyText          string
	key              *docket.Key // nil when sending the request again means doing it again
	minimal          bool        // the answer is to have no body

	query   url.Values        // as it was sent
	names   map[string]string // of the parameters that set one thing: which of them was sent
	list    docket.ListQuery
	cursor  *string
	page    headers.Page
	token   *string // since, of changes
	changes docket.ChangesQuery
	since   *docket.SyncToken

	task       docket.NewTask
	update     docket.TaskUpdate
	completed  docket.Optional[bool]
	operations []docket.Operation
	apiKey     docket.NewAPIKey

	format *transfer.Format // of an export or an import
	file   file             // to import
	trash  bool             // exported too
	dryRun bool

	now     func() time.Time // the service's clock
	strict  bool             // unknown names are faults
	ignored []string
	faults  []docket.Fault
}

// fault notes a fault of a parameter.
func (in *input) fault(p docket.Fault) { in.faults = append(in.faults, p) }

// decode reads a request by its route's row, and tells in the answer's header what it
// ignored and that it was strict. The error lists every fault, in kind Invalid; what
// cannot be read at all (Malformed, the media type, the size) comes before that. It
// checks again that the request may act for the user in the path, in case the edge and
// ServeMux parse the path differently: Forbidden.
func (a *api) decode(rt *route, w http.ResponseWriter, r *http.Request) (*input, error) {
	in := &input{
		user: r.PathValue("user_id"), strict: a.strict, now: a.now,
		list: docket.ListQuery{Limit: docket.MaxList}, changes: docket.ChangesQuery{Limit: defaultChanges},
	}
	if handleStrictly(r.Header) {
		in.strict = true
		applied(w, "handling=strict")
	}
	data, err := rt.readBody(in, r)
	if err != nil {
		return nil, err
	}
	if err := rt.readQuery(in, r); err != nil {
		return nil, err
	}
	if rt.OfUser() && !edge.InfoOf(r.Context()).Allows(in.user) {
		return nil, problem.ErrForeignUser
	}
	rt.readParams(in, r)
	f := faults{strict: in.strict}
	if rt.body != nil && !rt.body.file {
		if err := rt.body.decode(in, &f, data); err != nil {
			return nil, err
		}
	}
	tellIgnored(w, append(f.ignored, in.ignored...))
	if in.keyText != "" {
		if rt.body == nil {
			if data, err = io.ReadAll(r.Body); err != nil {
				return nil, err
			}
		}
		in.key = &docket.Key{Text: in.keyText, Fingerprint: fingerprint(r, sha256.Sum256(data))}
	}
	if in.faults = append(in.faults, f.list...); len(in.faults) > 0 {
		return nil, docket.InvalidInput(in.faults...)
	}
	return in, nil
}

// readBody returns the body of a request whose route takes one. A file is taken in.
func (rt *route) readBody(in *input, r *http.Request) ([]byte, error) {
	if rt.body == nil {
		return nil, nil
	}
	if err := rt.body.checkMediaType(r.Header); err != nil {
		return nil, err
	}
	if rt.body.file {
		return nil, rt.readFileBody(in, r)
	}
	data, err := io.ReadAll(r.Body)
	if err == nil && len(data) == 0 && !rt.body.optional {
		err = problem.ErrEmptyBody
	}
	return data, err
}

// checkMediaType refuses a body that is not declared as one of the media types. Their
// parameters mean nothing: JSON is in UTF-8 (RFC 8259, section 11).
func (b *body) checkMediaType(h http.Header) error {
	if b.mediaTypes == nil {
		return nil
	}
	declared, encoding := h.Get("Content-Type"), h.Get("Content-Encoding")
	if declared == "application/json" && encoding == "" {
		return nil
	}
	mediaType, _, err := mime.ParseMediaType(declared)
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) || !slices.Contains(b.mediaTypes, mediaType) || encoding != "" && encoding != "identity" {
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
		if names, err = in.parseQuery(r.URL.RawQuery, rt.queryParams()); err != nil {
			return err
		}
		for _, p := range rt.params {
			if values := in.query[p.name]; p.in == inQuery && len(values) > 0 && in.nameOnce(p) {
				p.read(in, p.name, values)
			}
		}
	}
	if rt.check != nil {
		rt.check(in)
	}
	in.faults = append(names, in.faults...)
	return nil
}

// nameOnce notes under which name a parameter was sent. It reports false, and notes a
// fault, when another one has set the same thing.
func (in *input) nameOnce(p param) bool {
	if p.sets == "" {
		return true
	}
	if first, twice := in.names[p.sets]; twice {
		in.fault(queryFault(p.name, "two_names", fmt.Sprintf("The parameters %s and %s set the same thing. Give one of them.", first, p.name)))
		return false
	}
	if in.names == nil {
		in.names = map[string]string{}
	}
	in.names[p.sets] = p.name
	return true
}

// readParams reads the parameters in the path and in headers.
func (rt *route) readParams(in *input, r *http.Request) {
	for _, p := range rt.params {
		switch p.in {
		case inPath:
			p.read(in, p.name, []string{r.PathValue(p.name)})
		case inHeader:
			if lines := r.Header[p.name]; len(lines) > 0 {
				p.read(in, p.name, lines)
			}
		}
	}
}

// userID is the parameter that says whose tasks are meant.
var userID = param{
	in: inPath, name: "user_id", shape: text,
	tag: `minLength:"1" maxLength:"255" pattern:"^[^\\x00-\\x1f\\x7f-\\x9f]+$" doc:"The owner: an opaque string, compared byte for byte. A lone . or .. is not one." example:"alice"`,
	read: func(in *input, _ string, values []string) {
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
	read: func(in *input, _ string, values []string) { in.id, in.noSuch = docket.ParseTaskID(values[0]) },
}
