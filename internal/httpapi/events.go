package httpapi

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"reflect"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"docket"
	"docket/internal/feed"
)

const (
	// heartbeat is the longest silence of a stream: proxies end what is silent.
	heartbeat = 15 * time.Second
	// eventsPage is how many changes are read at a time.
	eventsPage = 100
)

// eventsInput is the request of a stream.
type eventsInput struct {
	UserPath
	Since       string `query:"since" pattern:"^[A-Za-z0-9_-]+$" maxLength:"100" doc:"Where to begin: a sync token. Absent, and without Last-Event-ID: now." example:"AQ"`
	LastEventID string `header:"Last-Event-ID" pattern:"^[A-Za-z0-9_-]+$" maxLength:"100" doc:"Where to go on: the id of the last event that arrived. It has precedence over since." example:"AQ"`

	since *docket.SyncToken
}

// Resolve implements huma.Resolver.
func (in *eventsInput) Resolve(ctx huma.Context) []error {
	r, _ := humago.Unwrap(ctx)
	values, faults, err := parseQuery(r.URL.RawQuery, "since")
	if err != nil {
		return []error{err}
	}
	begin := func(text string, bad docket.Fault) {
		token, err := parseSyncToken(text, in.UserID)
		if err != nil {
			faults = append(faults, bad)
		}
		in.since = &token
	}
	const detail = "This is not a sync token of this user: send the id of an event or next of changes as it is, or begin without one."
	if text, given := values["since"]; given {
		begin(text[0], queryFault("since", "invalid_token", detail))
	}
	if lines := r.Header.Values("Last-Event-ID"); len(lines) > 0 && lines[0] != "" {
		begin(lines[0], docket.Fault{In: docket.InHeader, Name: "Last-Event-ID", Code: "invalid_token", Detail: detail})
	}
	return in.finish(ctx, faults, body{})
}

// eventsOperation registers the stream.
func (a *api) eventsOperation() {
	responses := success(http.StatusOK, "The stream. It ends by itself when the token expires or the server is about to stop: connect again, with the id of the last event.")
	responses["200"].Content = map[string]*huma.MediaType{"text/event-stream": {
		Schema:  &huma.Schema{Type: huma.TypeString, Description: "Events as browsers read them: each has `id` (a sync token), `event: task` and `data` (a Task or a Tombstone, on one line).", Pattern: "^[^\\x00]*$", MaxLength: new(1 << 30)},
		Example: "id: AQ\nevent: task\ndata: {\"id\":\"019a4e6f-1b2c-7d3e-8f40-516273849a5b\",\"deleted\":true,\"deleted_at\":\"2026-01-31T09:30:00.000000Z\",\"version\":2}\n\n",
	}}
	register(a, huma.Operation{
		OperationID: "streamEvents", Method: http.MethodGet, Path: "/api/{user_id}/events",
		Summary: "Stream what changes",
		Description: "Server-Sent Events: the items of changes, as they happen, whichever instance they happen on. The stream begins at Last-Event-ID, else at `since`, else now, and resumes without loss: the first thing it sends is the id of where it begins. " +
			"`event: resync`, which has no id, says that the token is too old: begin again with changes. A comment comes every 15 s. A browser reads it with fetch, because EventSource cannot send a token.",
		Responses: responses,
	}, a.events)
	schemas := a.huma.OpenAPI().Components.Schemas
	schemas.Schema(reflect.TypeFor[Tombstone](), true, "")
}

var errTooManyStreams = &docket.Error{Kind: tooManyStreams, Detail: "There are too many streams. Close some, or try again later."}

func (a *api) events(ctx context.Context, in *eventsInput) (*huma.StreamResponse, error) {
	sub := a.feed.Subscribe(in.owner)
	if sub == nil {
		return nil, errTooManyStreams
	}
	s := &stream{api: a, owner: in.owner, user: in.UserID, sub: sub}
	if in.since != nil {
		s.token = *in.since
	} else {
		var err error
		if s.token, err = a.service.Now(ctx, in.owner); err != nil {
			sub.Close()
			return nil, err
		}
	}
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		defer sub.Close()
		r, w := humago.Unwrap(ctx)
		requestOf(r.Context()).streams = true
		w.Header().Set("Content-Type", "text/event-stream")
		w.Header().Set("X-Accel-Buffering", "no") // or nginx collects what we send
		w.WriteHeader(http.StatusOK)
		if r.Method != http.MethodHead {
			requestOf(r.Context()).err = s.run(r.Context(), w)
		}
	}}, nil
}

// stream sends one client what changes of one owner. It holds nothing but the
// token of what it has sent: a client that reads slowly holds up itself alone.
type stream struct {
	api   *api
	owner docket.UserID
	user  string
	sub   *feed.Subscription
	token docket.SyncToken
}

// run sends until the client leaves, its token expires, the server is to stop, or
// nothing more can be said. It returns the error of which the log should know.
func (s *stream) run(ctx context.Context, w http.ResponseWriter) error {
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	var expired <-chan time.Time
	if expires := requestOf(ctx).identity.Expires; !expires.IsZero() {
		timer := time.NewTimer(time.Until(expires)) //nolint:forbidigo // a timer knows no other clock
		defer timer.Stop()
		expired = timer.C
	}
	text := "retry: " + spread() + "\nid: " + formatSyncToken(s.token, s.user) + "\n\n"
	for send(w, []byte(text)) == nil {
		var again <-chan time.Time
		switch ended, err := s.catchUp(ctx, w); {
		case docket.KindOf(err) == docket.Unavailable && err != nil:
			again = time.After(time.Second + rand.N(2*time.Second)) //nolint:gosec // no secret: the streams do not all come back at once
		case ended || err != nil:
			return err
		}
		select {
		case <-s.sub.Wake:
			text = ""
		case <-again:
			text = ""
		case <-beat.C:
			text = ": heartbeat\n\n"
		case <-expired:
			return send(w, []byte("retry: "+spread()+"\n\n"))
		case <-s.api.drain:
			return send(w, []byte("retry: "+spread()+"\n\n"))
		case <-ctx.Done():
			return nil
		}
	}
	return nil
}

// catchUp sends what has changed since the token. It reports whether the stream
// has ended: the client has to begin again, or is gone.
func (s *stream) catchUp(ctx context.Context, w http.ResponseWriter) (ended bool, err error) {
	for more := true; more; {
		c, err := s.api.service.Changes(ctx, s.owner, docket.ChangesQuery{Since: s.token, Limit: eventsPage})
		switch {
		case docket.KindOf(err) == docket.SyncTokenExpired:
			return true, send(w, []byte("event: resync\ndata: {}\n\n"))
		case errors.Is(err, context.Canceled):
			return true, nil
		case err != nil:
			return false, err
		}
		var b []byte
		for i, t := range c.Items {
			b = append(append(b, "id: "...), formatSyncToken(c.TokenAfter(i), s.user)...)
			b = append(b, "\nevent: task\ndata: "...)
			if b, err = appendChange(b, t); err != nil {
				return true, err
			}
			b = append(b, "\n\n"...)
		}
		if err := send(w, b); err != nil {
			return true, nil //nolint:nilerr // the client is gone
		}
		s.token, more = c.Next, c.More
	}
	return false, nil
}

// send writes and flushes. The client has writeTimeout to take it.
func send(w http.ResponseWriter, b []byte) error {
	if len(b) == 0 {
		return nil
	}
	if _, err := w.Write(b); err != nil {
		return err
	}
	return http.NewResponseController(w).Flush()
}

// spread is a time in milliseconds after which to connect again, another for each.
func spread() string { return strconv.Itoa(1000 + rand.IntN(4000)) } //nolint:gosec // no secret
