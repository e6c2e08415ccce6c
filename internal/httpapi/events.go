package httpapi

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"docket"
	"docket/internal/edge"
	"docket/internal/feed"
	"docket/internal/headers"
	"docket/internal/problem"
)

const (
	// heartbeat is the longest silence of a stream: proxies close idle connections.
	heartbeat = 15 * time.Second
	// eventsPage is how many changes are read at a time. A client that does not read
	// makes the server hold so many.
	eventsPage = 25
)

const badStart = "This is not a sync token of this user: send the id of an event or next of changes as it is, or begin without one."

// The parameters of a stream, in the order of their precedence: each is read after the
// one that it overrides.
var (
	eventsSince = param{
		in: inQuery, name: "since", shape: text,
		tag: syncTag + `doc:"Where to begin: a sync token. Absent, and without Last-Event-ID: now." example:"AQ"`,
		read: func(in *input, name string, values []string) {
			in.begin(values[0], queryFault(name, "invalid_token", badStart))
		},
	}
	// The contract has the header alone: in generated code the three would have one name.
	lastEventIDQuery = param{in: inQuery, name: "lastEventId", sets: "last_event_id", read: readLastEventID}
	lastEventIDSnake = secondName("last_event_id", lastEventIDQuery)
	lastEventID      = param{
		in: inHeader, name: "Last-Event-Id", shape: text,
		tag: syncTag + `doc:"Where to go on: the id of the last event that arrived. It has precedence over since." example:"AQ"`,
		read: func(in *input, _ string, lines []string) {
			if lines[0] != "" {
				in.begin(lines[0], docket.Fault{In: docket.InHeader, Name: "Last-Event-ID", Code: "invalid_token", Detail: badStart})
			}
		},
	}
)

const syncTag = `pattern:"^[A-Za-z0-9_-]*$" maxLength:"100" `

// readLastEventID takes an empty value for none: it is that of a client that has seen no
// event yet.
func readLastEventID(in *input, name string, values []string) {
	if values[0] != "" {
		in.begin(values[0], queryFault(name, "invalid_token", badStart))
	}
}

// begin sets where a stream begins, or notes the fault.
func (in *input) begin(text string, bad docket.Fault) {
	token, err := headers.ParseSyncToken(text, in.user)
	if err != nil {
		in.fault(bad)
	}
	in.since = &token
}

func (a *api) events(rt *route, w http.ResponseWriter, r *http.Request) error {
	in, err := a.decode(rt, w, r)
	if err != nil {
		return err
	}
	sub := a.feed.Subscribe(in.owner)
	if sub == nil {
		return problem.ErrTooManyStreams
	}
	defer sub.Close()
	s := &stream{api: a, owner: in.owner, user: in.user, sub: sub}
	s.token, err = edge.Admit(r.Context(), edge.Cost{}, func() (docket.SyncToken, error) {
		if in.since != nil {
			return *in.since, nil
		}
		return a.service.Now(r.Context(), in.owner)
	})
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store, no-transform") // a proxy that compresses holds the stream back
	w.Header().Set("X-Accel-Buffering", "no")                 // otherwise nginx buffers the stream
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil
	}
	return s.run(r.Context(), w)
}

// stream sends one client what changes of one owner. It holds nothing but the
// token of what it has sent: a client that reads slowly holds up itself alone.
type stream struct {
	api   *api
	owner docket.UserID
	user  string
	sub   *feed.Subscription
	token docket.SyncToken
	event []byte // the one that was sent last, for its memory
}

// run sends until the client leaves, its token or API key ends, the server is about to
// stop, or the history has to be begun again. Its error is for the log.
func (s *stream) run(ctx context.Context, w http.ResponseWriter) error {
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	text := "retry: " + retryAfter() + "\nid: " + headers.FormatSyncToken(s.token, s.user) + "\n\n"
	for send(w, []byte(text)) == nil {
		left, err := edge.Reverify(ctx)
		ended := false
		if err == nil {
			ended, err = s.catchUp(ctx, w)
		}
		wait := time.After(left)
		switch {
		case docket.KindOf(err) == problem.Unauthorized:
			s.leave(w)
			return nil
		case isBusy(err):
			wait = time.After(time.Second + rand.N(2*time.Second)) //nolint:gosec // no secret: the streams do not all come back at once
		case ended || err != nil:
			return err
		}
		select {
		case <-s.sub.Wake:
			text = ""
		case <-wait:
			text = ""
		case <-beat.C:
			text = ": heartbeat\n\n"
		case <-s.api.drain:
			s.leave(w)
			return nil
		case <-ctx.Done():
			return nil
		}
	}
	return nil
}

// leave tells the client when to connect again. It may be gone.
func (s *stream) leave(w http.ResponseWriter) { _ = send(w, []byte("retry: "+retryAfter()+"\n\n")) }

// catchUp sends what has changed since the token. It reports whether the stream
// has ended: the client has to begin again, or is gone.
func (s *stream) catchUp(ctx context.Context, w http.ResponseWriter) (ended bool, err error) {
	for more := true; more; {
		c, err := edge.Admit(ctx, edge.Cost{Bytes: edge.BytesOf(eventsPage)}, func() (docket.Changes, error) {
			return s.api.service.Changes(ctx, s.owner, docket.ChangesQuery{Since: s.token, Limit: eventsPage})
		})
		switch {
		case docket.KindOf(err) == docket.SyncTokenExpired:
			_ = send(w, []byte("event: resync\ndata: {}\n\n")) // the client may be gone
			return true, nil
		case errors.Is(err, context.Canceled):
			return true, nil
		case err != nil:
			return false, err
		}
		edge.HoldTasks(ctx, c.Items)
		if ended, err := s.push(w, c); ended || err != nil {
			return ended, err
		}
		edge.Hold(ctx, 0)
		if s.token, more = c.Next, c.More; !more {
			s.sub.Saw(s.token.Epoch, s.token.After)
		}
	}
	return false, nil
}

// push sends changes, one at a time. It reports whether the client is gone.
func (s *stream) push(w http.ResponseWriter, c docket.Changes) (gone bool, err error) {
	for i := range c.Items {
		b := append(append(s.event[:0], "id: "...), headers.FormatSyncToken(c.TokenAfter(i), s.user)...)
		b = append(b, "\nevent: task\ndata: "...)
		if b, err = appendChange(b, &c.Items[i]); err != nil {
			return false, err
		}
		b = append(b, "\n\n"...)
		s.event = b
		if _, err := w.Write(s.event); err != nil {
			return true, nil //nolint:nilerr // there is nobody to tell
		}
	}
	if len(c.Items) == 0 {
		return false, nil
	}
	return http.NewResponseController(w).Flush() != nil, nil
}

// isBusy reports whether an error will pass, so that the stream asks again later.
func isBusy(err error) bool {
	if err == nil {
		return false
	}
	kind := docket.KindOf(err)
	return kind == docket.Unavailable || kind == problem.UserBusy
}

// send writes and flushes.
func send(w http.ResponseWriter, b []byte) error {
	if len(b) == 0 {
		return nil
	}
	if _, err := w.Write(b); err != nil {
		return err
	}
	return http.NewResponseController(w).Flush()
}

// retryAfter is the time in milliseconds after which to connect again. It is
// different for each stream.
func retryAfter() string { return strconv.Itoa(1000 + rand.IntN(4000)) } //nolint:gosec // no secret
