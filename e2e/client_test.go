package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// task is a task as clients see it. Tasks are compared with ==.
type task struct {
	ID          string   `json:"id"`
	UserID      string   `json:"user_id"`
	Title       string   `json:"title"`
	Description nullable `json:"description"`
	Completed   bool     `json:"completed"`
	CompletedAt nullable `json:"completed_at"`
	Priority    string   `json:"priority"`
	DueDate     nullable `json:"due_date"`
	Tags        verbatim `json:"tags"`
	Metadata    verbatim `json:"metadata"`
	CreatedAt   string   `json:"created_at"` // of fixed width, so that times sort as texts
	UpdatedAt   string   `json:"updated_at"`
	Version     int64    `json:"version"`
}

// freshTask is a task of a user as the server makes it of a title alone, apart from
// what the server alone decides: ids, times and versions.
func freshTask(user, title string) task {
	return task{UserID: user, Title: title, Priority: "medium", Tags: "[]", Metadata: "{}"}
}

// tombstone is what is left of a task that was deleted.
type tombstone struct {
	ID        string `json:"id"`
	Deleted   bool   `json:"deleted"`
	DeletedAt string `json:"deleted_at"`
	Version   int64  `json:"version"`
}

// verbatim is the text of an array or object, as it was sent.
type verbatim string

func (v *verbatim) UnmarshalJSON(b []byte) error {
	*v = verbatim(b)
	return nil
}

// nullable is a string or null.
type nullable struct {
	Set  bool
	Text string
}

func (n *nullable) UnmarshalJSON(b []byte) error {
	n.Set = string(b) != "null"
	return json.Unmarshal(b, &n.Text)
}

// answer is an HTTP response, read to its end.
type answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// decode reads an answer's body. An unknown field is an error.
func (a answer) decode(v any) error {
	d := json.NewDecoder(bytes.NewReader(a.Body))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("%d %s: %w", a.Status, a.Body, err)
	}
	return nil
}

// decodeLoosely reads the fields of an answer's body that v has.
func (a answer) decodeLoosely(v any) error { return json.Unmarshal(a.Body, v) }

// client sends requests to one server. It does not follow redirects.
type client struct {
	url  string
	http *http.Client
}

// newClient returns a client that keeps up to conns idle connections.
func newClient(t testing.TB, url string, conns int) client {
	transport := &http.Transport{MaxIdleConnsPerHost: conns, MaxIdleConns: conns}
	t.Cleanup(transport.CloseIdleConnections)
	return client{url: url, http: &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// do sends one request. A body that is not empty is JSON unless a header says
// otherwise; headers are lines such as "Origin: http://localhost:3000".
func (c client) do(ctx context.Context, method, path, body string, headers ...string) (answer, error) {
	var content io.Reader
	if body != "" {
		content = strings.NewReader(body)
	}
	r, err := http.NewRequestWithContext(ctx, method, c.url+path, content)
	if err != nil {
		return answer{}, err
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ":")
		r.Header.Set(name, strings.TrimSpace(value))
	}
	response, err := c.http.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	received, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, received}, err
}

// get reads path into v and fails the test unless it is a 200.
func (c client) get(t testing.TB, path string, v any) {
	t.Helper()
	a, err := c.do(t.Context(), http.MethodGet, path, "")
	if err == nil && a.Status != http.StatusOK {
		err = fmt.Errorf("%d %s", a.Status, a.Body)
	}
	if err == nil {
		err = a.decode(v)
	}
	if err != nil {
		t.Fatalf("GET %s: %v", path, err)
	}
}

func tasksPath(user string) string    { return "/api/" + user + "/tasks" }
func taskPath(user, id string) string { return tasksPath(user) + "/" + id }
