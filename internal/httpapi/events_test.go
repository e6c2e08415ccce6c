package httpapi_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"docket/internal/auth"
	"docket/internal/edge"
	"docket/internal/feed"
	"docket/internal/httpapi"
)

// stream is an open stream of events as a client reads it.
type stream struct {
	*client
	response *http.Response
	lines    *bufio.Scanner
	end      context.CancelFunc
}

// event is a block of a stream: what its lines say, by field.
type event map[string]string

// listen opens a stream, which is closed when the test ends.
func (c *client) listen(query string, headers ...string) *stream {
	c.Helper()
	ctx, cancel := context.WithTimeout(c.Context(), 20*time.Second)
	c.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+"/api/alice/events"+query, nil)
	if err != nil {
		c.Fatal(err)
	}
	setHeaders(r, headers)
	response, err := transport.RoundTrip(r)
	if err != nil {
		c.Fatal(err)
	}
	c.Cleanup(func() { _ = response.Body.Close() }) // it may be closed already
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "text/event-stream" ||
		response.Header.Get("Cache-Control") != "no-store, no-transform" || response.Header.Get("X-Accel-Buffering") != "no" {
		text, _ := io.ReadAll(response.Body)
		c.Fatalf("the stream is answered with %d %v %s", response.StatusCode, response.Header, text)
	}
	return &stream{client: c, response: response, lines: bufio.NewScanner(response.Body), end: cancel}
}

// next reads a block; nil at the end of the stream.
func (s *stream) next() event {
	s.Helper()
	e := event{}
	for s.lines.Scan() {
		name, value, _ := strings.Cut(s.lines.Text(), ":")
		if s.lines.Text() == "" {
			return e
		}
		if _, twice := e[name]; twice {
			s.Fatalf("a block has %s twice", name)
		}
		e[name] = strings.TrimPrefix(value, " ")
	}
	return nil
}

// begins reads the first block, which says where the stream begins.
func (s *stream) begins() (id string) {
	s.Helper()
	e := s.next()
	if e["id"] == "" || e["retry"] == "" || len(e) != 2 {
		s.Fatalf("the stream begins with %v", e)
	}
	return e["id"]
}

// task reads an event that tells of a task.
func (s *stream) task() (id string, t task) {
	s.Helper()
	e := s.next()
	if e["event"] != "task" || e["id"] == "" || len(e) != 3 || json.Unmarshal([]byte(e["data"]), &t) != nil {
		s.Fatalf("an event is %v", e)
	}
	return e["id"], t
}

func testEvents(c *client) {
	old := c.create("alice", "old")
	s := c.listen("")
	begin := s.begins()
	c.create("bob", "not hers")
	made := c.create("alice", "line\nand \u2028")
	first, got := s.task()
	c.equal(got, made)
	c.do("DELETE", "/api/alice/tasks/"+old.ID, "").is(200)
	second, gone := s.task()
	if gone.ID != old.ID || !gone.Deleted || gone.Version != 3 {
		c.Errorf("the deletion is told as %+v", gone)
	}
	batch := c.do("POST", "/api/alice/tasks/batch", `{"operations":[{"op":"create","task":{"title":"x"}},{"op":"create","task":{"title":"y"}}]}`).is(200)
	if batch.status == http.StatusOK {
		third, _ := s.task()
		_, y := s.task()
		c.equal(y.Title, "y")
		c.equal(c.changes("?since="+third).Items, []task{y}) // within what was written at once
	}
	s.end()

	// An id is a sync token, and the other way round.
	c.equal(len(c.changes("?since="+begin).Items), 4)
	c.equal(len(c.changes("?since="+second).Items), 2)
	resumed := c.listen("?since="+begin, "Last-Event-ID: "+first)
	c.equal(resumed.begins(), first)
	_, again := resumed.task()
	c.equal(again, gone)
	resumed.end()
	whole := c.listen("?since=" + c.changes("?limit=1").Next) // in the middle of a snapshot
	whole.begins()
	_, x := whole.task()
	_, y := whole.task()
	c.equal([]string{x.Title, y.Title}, []string{"x", "y"})
	whole.end()

	c.equal(c.do("HEAD", "/api/alice/events", "").is(200).body, "")
	c.do("GET", "/api/alice/events?since=x", "").faults("?since invalid_token")
	for _, name := range []string{"lastEventId", "last_event_id"} {
		c.do("GET", "/api/alice/events?"+name+"=x", "").faults("?" + name + " invalid_token")
		byQuery := c.listen("?since=" + begin + "&" + name + "=" + first)
		c.equal(byQuery.begins(), first)
		byQuery.end()
		byHeader := c.listen("?"+name+"="+begin, "Last-Event-ID: "+first)
		c.equal(byHeader.begins(), first)
		byHeader.end()
		unset := c.listen("?since=" + first + "&" + name + "=")
		c.equal(unset.begins(), first)
		unset.end()
	}
	c.do("GET", "/api/alice/events?last_event_id="+first+"&lastEventId="+first, "").faults("?last_event_id two_names")
	c.do("GET", "/api/alice/events?from=x", "", "Last-Event-ID: y", strictly).faults("?from unknown_parameter", "Last-Event-ID: invalid_token")
	c.do("GET", "/api/bob/events?since="+first, "").faults("?since invalid_token")
}

func testEventsOfNobody(c *client) {
	s := c.listen("")
	s.begins()
	made := c.create("alice", "the first of all")
	_, got := s.task()
	c.equal(got, made)
}

func testEventsOfTheErased(c *client) {
	c.create("alice", "task")
	s := c.listen("")
	token := s.begins()
	c.do("DELETE", "/api/alice", "").is(204)
	c.equal(s.next(), event{"event": "resync", "data": "{}"})
	c.equal(s.next(), event(nil)) // the end
	late := c.listen("?since=" + token)
	late.begins()
	c.equal(late.next(), event{"event": "resync", "data": "{}"})
}

func TestStreamsEndOnDrain(t *testing.T) {
	draining := make(chan struct{})
	c := serve(t, backends["sqlite"](t), httpapi.Options{Edge: edge.Options{Draining: draining}})
	s := c.listen("")
	s.begins()
	close(draining)
	if e := s.next(); len(e) != 1 || e["retry"] == "" {
		t.Errorf("the stream ends with %v", e)
	}
	c.equal(s.next(), event(nil))
}

// TestStreamsEndWithTheToken shows that nobody reads on when their token has
// expired. The time in a token is in whole seconds.
func TestStreamsEndWithTheToken(t *testing.T) {
	c, _ := serveClosed(t)
	token, err := auth.Sign(shared, "alice", 2*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	s := c.listen("", "Authorization: Bearer "+token)
	s.begins()
	if e := s.next(); len(e) != 1 || e["retry"] == "" {
		t.Errorf("the stream ends with %v", e)
	}
	c.equal(s.next(), event(nil))
}

func TestStreamsAreBounded(t *testing.T) {
	c := serveSQLite(t)
	for range feed.MaxPerOwner {
		c.listen("").begins()
	}
	refused := c.do("GET", "/api/alice/events", "").is(429)
	refused.problem("too-many-streams")
	if refused.header.Get("Retry-After") == "" {
		t.Error("it does not say when to try again")
	}
	c.do("GET", "/api/alice/tasks", "").is(200) // streams are no load
}
