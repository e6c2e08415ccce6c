package httpapi

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"docket"
	"docket/internal/headers"
)

const (
	tagPattern = `pattern:"^[ \\t]*(\\*|[, \\t]*(W/)?\"[^\"\\s]*\"([ \\t]*,[ \\t]*((W/)?\"[^\"\\s]*\")?)*)[ \\t]*$" maxLength:"4000" `
	ifMatchDoc = `doc:"ETags, one of which the task must have, or *: otherwise 412." example:"\"1\""`
	ifNoneDoc  = `doc:"ETags, none of which the task may have: otherwise 304 to a read and 412 to a write." example:"\"1\""`
	putDoc     = `doc:"*: there must be no task of this id, and it is created. ETags: none of which the task may have, otherwise 412." example:"*"`
	listDoc    = `doc:"ETags of answers at hand: 304 when one is still the answer." example:"\"AQ\""`
)

// The preconditions of a request.
var (
	ifMatch       = tagsParam("If-Match", ifMatchDoc, func(in *input) *[]string { return &in.match })
	ifNoneMatch   = tagsParam("If-None-Match", ifNoneDoc, func(in *input) *[]string { return &in.noneMatch })
	putNoneMatch  = tagsParam("If-None-Match", putDoc, func(in *input) *[]string { return &in.noneMatch })
	listNoneMatch = tagsParam("If-None-Match", listDoc, func(in *input) *[]string { return &in.noneMatch })
)

func tagsParam(name, doc string, to func(*input) *[]string) param {
	return param{
		in: inHeader, name: name, shape: text, tag: reflectTag(tagPattern + doc),
		read: func(in *input, name string, lines []string) {
			tags, err := headers.ParseETags(lines)
			if err != nil {
				in.fault(docket.Fault{In: docket.InHeader, Name: name, Code: "malformed", Detail: fmt.Sprintf(`The header %s must be * or a list of entity tags, such as "1", "2".`, name)})
			}
			*to(in) = tags
		},
	}
}

// noIfMatch refuses If-Match on routes without a task, where it would be ignored.
func noIfMatch(mend string) param {
	return param{in: inHeader, name: "If-Match", read: func(in *input, _ string, lines []string) {
		if lines[0] != "" {
			in.fault(docket.Fault{In: docket.InHeader, Name: "If-Match", Code: "unexpected", Detail: "The header If-Match has no meaning here. Remove it. " + mend})
		}
	}}
}

// creates reports whether a PUT makes its task.
func (in *input) creates() bool { return slices.Contains(in.noneMatch, headers.AnyETag) }

// precondition is what a write demands: If-Match by the strong comparison of
// tags and If-None-Match by the weak one, where * is any task (RFC 9110, section
// 13.1).
func (in *input) precondition() (p docket.Precondition) {
	switch {
	case slices.Contains(in.noneMatch, headers.AnyETag): // there must be no task
		return docket.Precondition{Match: docket.Some([]int64{})}
	case in.noneMatch != nil:
		p.NoneMatch = docket.Some(headers.Versions(headers.Strong(in.noneMatch)))
	}
	if in.match != nil && !slices.Contains(in.match, headers.AnyETag) {
		p.Match = docket.Some(headers.Versions(in.match))
	}
	return p
}

const badNewID = "The id of a task that the client names must be a UUID of version 7 (RFC 9562)."

// checkNewID checks a PUT that creates its task.
func (in *input) checkNewID() {
	if in.noSuch != nil || !docket.ValidNewID(in.id) {
		in.fault(queryFault("id", "not_uuid_v7", badNewID))
	}
	if in.match != nil {
		in.fault(docket.Fault{In: docket.InHeader, Name: "If-Match", Code: "unexpected", Detail: "With If-None-Match: * there is to be no task, so there is no version to match. Remove If-Match."})
	}
}

// alteredTag matches an entity tag of a version that something on its way has made weak,
// or has given a suffix, as proxies do that compress answers.
var alteredTag = regexp.MustCompile(`^(?:W/)?"([1-9]\d{0,18})(?:[^0-9"][^"]*)?"$`)

// explain returns err; of kind PreconditionFailed it says so when a tag of If-Match was
// altered and therefore never matches.
func (in *input) explain(err error) error {
	if docket.KindOf(err) != docket.PreconditionFailed {
		return err
	}
	for _, tag := range in.match {
		part := alteredTag.FindStringSubmatch(tag)
		if part == nil {
			continue
		}
		if version, err := strconv.ParseInt(part[1], 10, 64); err == nil && headers.ETag(version) != tag {
			return &docket.Error{Kind: docket.PreconditionFailed, Detail: fmt.Sprintf(
				"The ETag in If-Match was altered on its way, as proxies that compress answers do, and so it matches no version. Nothing was written. Send the version alone: If-Match: %s.", headers.ETag(version))}
		}
	}
	return err
}
