// Package problem turns errors into problem documents (RFC 9457), and holds the
// table of what each kind of error means.
package problem

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json"

	"docket"
)

// ContentType is the media type of a Document.
const ContentType = "application/problem+json"

// Document is the body of every error answer.
type Document struct {
	Type      string  `json:"type" format:"uri-reference" maxLength:"100" doc:"A page that explains this kind of error and how to mend it." example:"/problems/task-not-found"`
	Title     string  `json:"title" maxLength:"100" pattern:"^[^\\x00-\\x1f\\x7f]+$" doc:"The kind of error, in words." example:"No such task"`
	Status    int     `json:"status" minimum:"400" maximum:"599" format:"int32" doc:"The HTTP status." example:"404"`
	Detail    string  `json:"detail" maxLength:"1000" pattern:"^[^\\x00-\\x1f\\x7f]+$" doc:"What went wrong, as a sentence that can be shown to a user." example:"This user has no such task."`
	Instance  string  `json:"instance" format:"uri-reference" maxLength:"1024" doc:"The path of the request." example:"/api/alice/tasks/019a4e6f-1b2c-7d3e-8f40-516273849a5b"`
	RequestID string  `json:"request_id" maxLength:"64" pattern:"^[A-Za-z0-9._-]+$" doc:"Finds this request in the server's log." example:"NQ6F2ZVJ4XK7M3WBT5CRYAHDLE"`
	Limit     int64   `json:"limit,omitzero" minimum:"1" maximum:"9007199254740991" doc:"Of task-quota-exceeded: how many tasks a user may have; of quota-exceeded, how many bytes or API keys." example:"1000"`
	Errors    []Fault `json:"errors,omitempty" nullable:"false" maxItems:"100" doc:"Every fault of invalid input; of a batch, the operation because of which nothing was changed."`
}

// Fault is one thing wrong with the input. It has exactly one of Pointer,
// Parameter and Header.
type Fault struct {
	Pointer   *string `json:"pointer,omitzero" nullable:"false" format:"json-pointer" maxLength:"200" doc:"Where in the body: a JSON pointer (RFC 6901); empty for the whole body." example:"/title"`
	Parameter *string `json:"parameter,omitzero" nullable:"false" maxLength:"100" pattern:"^[^\\x00-\\x1f\\x7f]*$" doc:"The path or query parameter." example:"user_id"`
	Header    string  `json:"header,omitempty" maxLength:"100" pattern:"^[A-Za-z0-9-]+$" doc:"The request header." example:"Content-Type"`
	Code      string  `json:"code" maxLength:"50" pattern:"^[a-z0-9_]+$" doc:"The kind of fault, for programs." example:"too_long"`
	Detail    string  `json:"detail" maxLength:"1000" pattern:"^[^\\x00-\\x1f\\x7f]+$" doc:"The fault and its mend, as a sentence." example:"The title has 501 characters. Shorten it to at most 500."`
}

// Place is the request that an error answers.
type Place struct {
	Instance  string // its path, as a URI reference
	RequestID string
}

// New describes err to a client. The end of a context becomes Unavailable, and every
// other error without a docket.Kind a 500 that does not name the cause.
func New(at Place, err error) Document {
	e := known(err)
	t := TypeOf(e.Kind)
	return Document{
		Type: "/problems/" + string(e.Kind), Title: t.Title, Status: t.Status, Detail: e.Detail,
		Instance: at.Instance, RequestID: at.RequestID, Limit: e.Limit, Errors: faults(e.Faults),
	}
}

// Write answers with err. It sets Retry-After on Unavailable, KeyInFlight, UserBusy
// and TooManyStreams, WWW-Authenticate on Unauthorized and InsufficientScope, and
// Connection: close where the rest of the body is not read.
func Write(w http.ResponseWriter, at Place, err error) {
	header := w.Header()
	switch known(err).Kind {
	case docket.Unavailable, docket.KeyInFlight, UserBusy, TooManyStreams:
		header.Set("Retry-After", strconv.Itoa(1+rand.IntN(3))) // spread, so that clients do not return at once
	case Unauthorized, InsufficientScope:
		challenge, _ := errors.AsType[*Challenge](err)
		if challenge == nil {
			challenge = &Challenge{}
		}
		header.Add("WWW-Authenticate", challenge.String()) // the edge may have offered another scheme
	case BodyTimeout, BodyTooLarge:
		header.Set("Connection", "close")
	}
	document := New(at, err)
	header.Set("Content-Type", ContentType)
	w.WriteHeader(document.Status)
	_ = json.MarshalWrite(w, document) // the client may have gone
}

// StatusOf returns the status that err is answered with.
func StatusOf(err error) int { return TypeOf(known(err).Kind).Status }

// known returns err as a client may see it.
func known(err error) *docket.Error {
	if e, ok := errors.AsType[*docket.Error](err); ok {
		return e
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return &docket.Error{Kind: docket.Unavailable, Detail: "The request ended before it could be served. Nothing was written."}
	}
	return &docket.Error{Kind: docket.Internal, Detail: "Something went wrong on our side. Give the request id when you report it."}
}

func faults(list []docket.Fault) []Fault {
	var out []Fault
	for _, f := range list[:min(len(list), docket.MaxFaults)] {
		p := Fault{Code: f.Code, Detail: f.Detail}
		switch f.In {
		case docket.InBody:
			p.Pointer = &f.Name
		case docket.InParameter:
			p.Parameter = &f.Name
		case docket.InHeader:
			p.Header = f.Name
		}
		out = append(out, p)
	}
	return out
}
