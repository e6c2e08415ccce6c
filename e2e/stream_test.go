package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"docket/internal/pgtest"
)

// event is one event of a stream.
type event struct {
	id      string
	task    task
	arrived time.Time
}

// listen reads a user's stream from the event with an id, or from now if that is
// "", until ctx or the stream ends. It returns when the stream has begun, with the
// id at which it begins. The channel is closed when the stream ends.
func listen(ctx context.Context, t testing.TB, url, user, from string) (begin string, events <-chan event) {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/api/"+user+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Last-Event-ID", from)
	response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(response.Body)
	read := func() (block map[string]string, ok bool) {
		for block = map[string]string{}; ; {
			line, err := lines.ReadString('\n')
			if err != nil || line == "\n" {
				return block, err == nil
			}
			name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
			block[name] = value
		}
	}
	first, ok := read()
	if !ok || response.StatusCode != http.StatusOK || first["id"] == "" {
		t.Fatalf("%d: the stream begins with %v", response.StatusCode, first)
	}
	arrived := make(chan event, 1000)
	go func() {
		defer close(arrived)
		defer func() { _ = response.Body.Close() }() // an error changes nothing: no one reads on
		for {
			block, ok := read()
			if !ok {
				return
			}
			e := event{id: block["id"], arrived: time.Now()}
			if block["event"] == "task" && json.Unmarshal([]byte(block["data"]), &e.task) == nil {
				arrived <- e
			}
		}
	}()
	return first["id"], arrived
}

// receive returns the next event.
func receive(t testing.TB, events <-chan event) event {
	t.Helper()
	select {
	case e, ok := <-events:
		if !ok {
			t.Fatal("the stream has ended")
		}
		return e
	case <-time.After(patience):
		t.Fatal("no event arrives")
	}
	return event{}
}

// TestStreamOfAnotherInstance writes on one instance and listens on another, both
// behind a pooler in transaction mode.
func TestStreamOfAnotherInstance(t *testing.T) {
	alongside(t)
	database := pooledURL(pgtest.Shared(t).DefaultPooler(t), pgtest.Shared(t).Database(t))
	a, b := newServer(t, t.TempDir(), database), newServer(t, t.TempDir(), database)
	a.Start(t)
	b.Start(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, events := listen(ctx, t, b.URL, "u", "")
	c := newClient(t, a.URL, 1)
	var took []time.Duration
	for i := range long(10, 200) {
		title := fmt.Sprint("task ", i)
		answer, err := c.do(t.Context(), http.MethodPost, tasksPath("u"), `{"title": "`+title+`"}`)
		written := time.Now()
		if err != nil || answer.Status != http.StatusCreated {
			t.Fatalf("%d, %v", answer.Status, err)
		}
		e := receive(t, events)
		if e.task.Title != title {
			t.Fatalf("%q arrived instead of %q", e.task.Title, title)
		}
		took = append(took, e.arrived.Sub(written))
	}
	showf(t, "A change on one instance, a stream on another", "p99 < 1 s behind pgbouncer", "median %s, p99 %s of %d changes",
		percentile(took, 50).Round(time.Millisecond), percentile(took, 99).Round(time.Millisecond), len(took))
	cancel()
	for range events {
	}
	a.Stop(t)
	b.Stop(t)
}

// TestStreamIsResumed ends a stream again and again while tasks are written, and
// resumes it each time after the last event that arrived.
func TestStreamIsResumed(t *testing.T) {
	t.Parallel()
	s := newServer(t, t.TempDir(), pgtest.Shared(t).Database(t))
	s.Start(t)
	c := newClient(t, s.URL, 2)
	kills := long(20, 200)
	begin, first := listen(t.Context(), t, s.URL, "u", "")
	var writer sync.WaitGroup
	stop := make(chan struct{})
	written := 0
	writer.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if a, err := c.do(t.Context(), http.MethodPost, tasksPath("u"), fmt.Sprintf(`{"title": "%d"}`, written)); err != nil || a.Status != http.StatusCreated {
				t.Errorf("%d, %v", a.Status, err)
				return
			}
			written++
		}
	})
	receive(t, first) // so that the writer has begun
	last, seen := begin, 0
	ids := map[string]bool{}
	take := func(e event) {
		if e.task.Title != strconv.Itoa(seen) || ids[e.id] {
			t.Errorf("task %q arrived after %d others", e.task.Title, seen)
		}
		last, ids[e.id] = e.id, true
		seen++
	}
	for kill := range kills {
		ctx, cancel := context.WithCancel(t.Context())
		_, events := listen(ctx, t, s.URL, "u", last)
		for range 1 + kill%5 {
			take(receive(t, events))
		}
		cancel()
		for range events { // these arrive again on the next stream
		}
	}
	close(stop)
	writer.Wait()
	ctx, cancel := context.WithCancel(t.Context())
	_, events := listen(ctx, t, s.URL, "u", last)
	for seen < written {
		take(receive(t, events))
	}
	cancel()
	showf(t, fmt.Sprintf("A stream is ended and resumed %d times during writes", kills), "no event lost, none twice", "%d of %d tasks arrived, each once", seen, written)
	s.Stop(t)
}

// TestManyStreams keeps many streams open on one instance. Each receives its own
// user's event. Torture measures what the streams cost while nothing is written.
func TestManyStreams(t *testing.T) {
	alongside(t)
	streams := long(100, 1000)
	s := startPlain(t)
	before := s.Memory(t)["VmRSS"]
	ctx, cancel := context.WithCancel(t.Context())
	var all []<-chan event
	for i := range streams {
		_, events := listen(ctx, t, s.URL, fmt.Sprint("user-", i%(streams/10)), "")
		all = append(all, events)
	}
	after := s.Memory(t)["VmRSS"]
	used := s.cpu(t, long(10*time.Millisecond, 10*time.Second))

	c := newClient(t, s.URL, 1)
	if a, err := c.do(t.Context(), http.MethodPost, tasksPath("user-0"), `{"title": "for ten"}`); err != nil || a.Status != http.StatusCreated {
		t.Fatalf("%d, %v", a.Status, err)
	}
	for i, events := range all {
		if i%(streams/10) == 0 {
			if e := receive(t, events); e.task.Title != "for ten" {
				t.Errorf("%+v arrived", e)
			}
		}
	}
	showf(t, fmt.Sprintf("%d open streams on one instance", streams), "CPU idle near 0", "%d kB of memory for each, %.1f %% of a CPU while nothing is written", (after-before)/streams, 100*used)
	cancel()
	for _, events := range all {
		for range events {
		}
	}
	s.Stop(t)
}

// cpu returns how many CPUs the server uses during this time.
func (s *server) cpu(t testing.TB, during time.Duration) float64 {
	t.Helper()
	const perSecond = 100 // clock ticks: USER_HZ
	began, ticks := time.Now(), s.ticks(t)
	time.Sleep(during)
	return float64(s.ticks(t)-ticks) / perSecond / time.Since(began).Seconds()
}

// ticks returns the CPU time that the server has used, in clock ticks.
func (s *server) ticks(t testing.TB) (n int) {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	for _, field := range fields[11:13] { // utime and stime; see proc_pid_stat(5)
		ticks, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		n += ticks
	}
	return n
}
